"""A session on a device through the system's `ssh` and `scp`, so that users' configuration and keys work."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...runtime.errors import EngineError, OptionError

_LOST = 255  # ssh's own exit code
_SHOWN_LINES = 3
# Removes the folder when this session ends, however it ends: what reads its input sees the connection break.
_KEEPER = """
folder=$(mktemp -d "${TMPDIR:-/tmp}/edgemnist-XXXXXXXX") || exit 1
trap 'kill $(cat "$folder/pid" 2>/dev/null) 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
echo "$folder"
cat > /dev/null
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A device, and a temporary folder there that is gone when the session ends.

    Attributes:
        device: As its user named it.
        folder: The folder, absolute.
    """

    device: str
    folder: PurePosixPath
    _host: str
    _options: tuple[str, ...]
    _port: str
    _keeper: "subprocess.Popen[str]"

    def run(self, command: str, what: str) -> str:
        """Run a shell command in the folder and return what it prints.

        Args:
            command: For the device's `sh`.
            what: What it does, for messages, such as "set up an environment".

        Raises:
            EngineError: It failed, or the connection was lost.
        """
        there = f"cd {self.folder} && {{ {command}\n}}"
        return self._run([*self._ssh(), "--", self._host, there], what)

    def send(self, paths: Iterable[Path], folder: str) -> None:
        """Copy files and folders into a new folder beneath the session's.

        Raises:
            EngineError: They cannot be copied.
        """
        self.run(f"mkdir -p {folder}", "make a folder")
        sources = [_local(path) for path in paths]
        target = f"{self._host}:{self.folder}/{folder}/"
        self._run([*self._scp(), "-r", "-q", "--", *sources, target], "copy the files to it")

    def fetch(self, name: str, target: Path) -> None:
        """Copy a file of the session's folder here.

        Raises:
            EngineError: It cannot be copied.
        """
        source = f"{self._host}:{self.folder}/{name}"
        self._run([*self._scp(), "-q", "--", source, _local(target)], "copy the result back")

    def _run(self, command: Sequence[str], what: str) -> str:
        done = subprocess.run(  # noqa: S603 - the user's own ssh, to where they say
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            # ssh connects again by itself, but the folder is gone with the first connection
            code = done.returncode if self._keeper.poll() is None else _LOST
            raise _refusal(self.device, what, code, done.stderr or done.stdout)
        return done.stdout

    def _ssh(self) -> list[str]:
        return ["ssh", *self._options, *(("-p", self._port) if self._port else ())]

    def _scp(self) -> list[str]:
        return ["scp", *self._options, *(("-P", self._port) if self._port else ())]


@contextmanager
def session(device: str) -> Iterator[Session]:
    """Connect to a device, and yield a session with a temporary folder, which is removed at the end.

    Args:
        device: What `ssh` takes, such as pi@host or a name of its configuration; `:port` may follow.

    Raises:
        EngineError: The device cannot be reached.
        OptionError: It is no name of a device, or there is no `ssh` here.
    """
    host, port = _parsed(device)
    for tool in ("ssh", "scp"):
        if shutil.which(tool) is None:
            raise OptionError(f"there is no {tool} here", fix="On Debian: apt-get install openssh-client")
    with tempfile.TemporaryDirectory(prefix="em-", ignore_cleanup_errors=True) as sockets:
        options = (
            *("-o", "ControlMaster=auto", "-o", f"ControlPath={sockets}/%C", "-o", "ControlPersist=no"),
            *("-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"),
        )
        command = ["ssh", *options, *(("-p", port) if port else ()), "--", host, _KEEPER]
        keeper = subprocess.Popen(  # noqa: S603 - the user's own ssh, to where they say
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace",
        )  # fmt: skip
        with keeper:
            assert keeper.stdin and keeper.stdout and keeper.stderr  # noqa: S101, PT018 - all three are pipes
            try:
                folder = keeper.stdout.readline().strip()
                if not folder.startswith("/") or not set(folder) <= _PLAIN:
                    keeper.stdin.close()
                    raise _refusal(device, "connect", keeper.wait(), keeper.stderr.read() or folder)
                yield Session(device, PurePosixPath(folder), host, options, port, keeper)
            finally:
                keeper.stdin.close()  # by which the folder goes
                keeper.wait()


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+")


def _parsed(device: str) -> tuple[str, str]:
    host, colon, port = device.removeprefix("ssh://").rpartition(":")
    if not colon:
        host, port = port, ""
    if (
        not host
        or host.startswith("-")
        or any(sign.isspace() for sign in host)
        or (colon and not port.isdigit())
    ):
        raise OptionError(
            "no name of a device", received=repr(device), expected="such as pi@host, pi@host:2222, or a name"
            " of ~/.ssh/config",
        )  # fmt: skip
    return host, port


def _local(path: Path) -> str:
    """Return a path that scp takes for none of another host: it has a slash before any colon."""
    return str(path.resolve())


def _refusal(device: str, what: str, code: int, errors: str) -> EngineError:
    lines = [line.strip() for line in errors.strip().splitlines() if line.strip()]
    reason = " / ".join(lines[-_SHOWN_LINES:]) or f"exit code {code}"
    if code == _LOST:
        return EngineError(
            f"{device}: no connection, or it was lost",
            received=reason,
            fix=f"Check that `ssh {device}` works.",
        )
    return EngineError(f"{device}: could not {what}", received=reason)
