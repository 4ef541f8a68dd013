"""A real sshd on loopback, with a port and keys of the tests' own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")


@dataclass
class Device:
    """A device on loopback: what `--device` takes, its folder for temporary files, and its daemon."""

    name: str
    temporary: Path
    daemon: "subprocess.Popen[bytes]"

    def left(self) -> list[Path]:
        return sorted(self.temporary.iterdir())


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    if SSHD is None or shutil.which("ssh") is None:
        pytest.skip(
            "sshd not found. On Debian: apt-get install --no-install-recommends openssh-server openssh-client"
        )
    folder, temporary = tmp_path / "sshd", tmp_path / "device-tmp"
    folder.mkdir()
    temporary.mkdir()
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = (
        f"ListenAddress 127.0.0.1:{port}",
        f"HostKey {folder}/host",
        f"AuthorizedKeysFile {folder}/authorized",
        f"PidFile {folder}/pid",
        "StrictModes no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "PermitRootLogin yes",
        # No test installs from a network, and the device's Python is one that makes environments.
        f"SetEnv TMPDIR={temporary} PIP_NO_INDEX=1 PATH={Path(sys.executable).parent}:/usr/bin:/bin",
        "Subsystem sftp internal-sftp",
    )
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    key = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
    (folder / "known").write_text(f"[127.0.0.1]:{port} {key}\n")
    settings = (
        "Host board",
        "HostName 127.0.0.1",
        f"Port {port}",
        f"IdentityFile {folder}/user",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {folder}/known",
        "BatchMode yes",
    )
    (folder / "ssh_config").write_text("\n  ".join(settings) + "\n")
    _use_configuration(folder, monkeypatch)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    daemon = subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL
    )
    _wait_for(port, daemon)
    yield Device("board", temporary, daemon)
    daemon.terminate()
    daemon.wait()


def cut_connections(device: Device) -> None:
    """Kill what serves the connections of a device, as where its network is gone."""
    for process in _descendants(device.daemon.pid):
        if "sshd" in Path(f"/proc/{process}/comm").read_text():
            os.kill(process, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (thread / "children").read_text().split()):
            found += [*_descendants(child), child]
    return found


def _use_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `ssh` and `scp` read the tests' configuration: OpenSSH looks for its user's in no other place."""
    programs = folder / "bin"
    programs.mkdir()
    for tool in ("ssh", "scp"):
        (programs / tool).write_text(f'#!/bin/sh\nexec {shutil.which(tool)} -F "{folder}/ssh_config" "$@"\n')
        (programs / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def _wait_for(port: int, daemon: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert daemon.poll() is None, "sshd ended"
        time.sleep(0.05)
    raise AssertionError("sshd does not answer")
