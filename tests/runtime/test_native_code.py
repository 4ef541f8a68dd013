"""Which native code may run here, and the private copy by which it is loaded."""

import functools
import json
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edgemnist.runtime import load_predictor
from edgemnist.runtime.errors import EngineError, IntegrityError
from edgemnist.runtime.isolation import native_code
from edgemnist.runtime.isolation.native_code import is_built_here, is_recorded, private_copy, remember_build

SHA256 = "ab" * 32
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


@pytest.fixture
def builds(tmp_path, monkeypatch):
    """A data directory of this test's own, and a process that remembers nothing."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(native_code, "_session", set())
    return tmp_path / "data" / "edgemnist" / "libraries"


def forget_session(monkeypatch):
    monkeypatch.setattr(native_code, "_session", set())


def test_nothing_is_built_here_at_first(builds):
    assert not is_built_here(SHA256)
    assert not builds.exists()


@posix
def test_a_build_is_remembered_in_files_that_only_this_user_reads(builds, monkeypatch):
    assert remember_build(SHA256)
    forget_session(monkeypatch)
    assert is_built_here(SHA256)
    assert not is_built_here("cd" * 32)
    assert stat.S_IMODE(builds.stat().st_mode) == 0o700
    assert stat.S_IMODE((builds / SHA256).stat().st_mode) == 0o600


@posix
def test_a_lax_umask_and_an_existing_folder_change_no_permissions(builds):
    builds.mkdir(parents=True)
    builds.chmod(0o777)
    before = os.umask(0)
    try:
        assert remember_build(SHA256)
    finally:
        os.umask(before)
    assert stat.S_IMODE(builds.stat().st_mode) == 0o700
    assert stat.S_IMODE((builds / SHA256).stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("lax", ["folder", "record", "link to the folder", "link to the record"])
def test_a_record_that_others_can_have_written_does_not_count(builds, monkeypatch, lax):
    remember_build(SHA256)
    forget_session(monkeypatch)
    match lax:
        case "folder":
            builds.chmod(0o770)
        case "record":
            (builds / SHA256).chmod(0o622)
        case "link to the folder":
            builds.rename(builds.with_name("elsewhere"))
            builds.symlink_to(builds.with_name("elsewhere"))
        case _:
            (builds / SHA256).rename(builds / "other")
            (builds / SHA256).symlink_to(builds / "other")
    assert not is_built_here(SHA256)


@posix
@pytest.mark.usefixtures("builds")
def test_a_record_of_another_user_does_not_count(monkeypatch):
    remember_build(SHA256)
    forget_session(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not is_built_here(SHA256)


def _remember(sha256):
    remember_build(sha256)


@pytest.mark.slow
def test_processes_that_build_at_once_lose_no_record(builds):
    context = multiprocessing.get_context("spawn")
    hashes = [f"{number:064x}" for number in range(3)] + [SHA256] * 2
    children = [context.Process(target=_remember, args=(sha256,)) for sha256 in hashes]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert all(is_recorded(sha256) for sha256 in hashes)
    assert len(list(builds.iterdir())) == len(set(hashes))


@pytest.mark.usefixtures("builds")
@pytest.mark.parametrize("data_home", ["a file", "no home"])
def test_where_nothing_can_be_recorded_this_process_still_knows(tmp_path, monkeypatch, data_home):
    if data_home == "a file":
        (tmp_path / "data").write_text("")
    else:
        monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: Path("~/.local/share/edgemnist"))
    assert not remember_build(SHA256)
    assert is_built_here(SHA256)
    assert not is_recorded(SHA256)


@posix
def test_a_copy_is_private():
    before = os.umask(0)
    try:
        with private_copy(b"content", ".so") as copy:
            assert copy.read_bytes() == b"content"
            assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert not copy.parent.exists()


def test_a_copy_avoids_a_file_system_that_runs_nothing(tmp_path, monkeypatch):
    temporary, cache = tmp_path / "temporary", tmp_path / "cache"
    temporary.mkdir()
    cache.mkdir()
    noexec = {temporary}
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(native_code, "_OTHER_PLACES", (str(cache),))
    monkeypatch.setattr(native_code, "_allows_execution", lambda folder: folder.parent not in noexec)
    with private_copy(b"code", ".so") as copy:
        assert copy.is_relative_to(cache)
        assert copy.read_bytes() == b"code"
    assert list(cache.iterdir()) == list(temporary.iterdir()) == []
    noexec.add(cache)
    with pytest.raises(EngineError, match=r"noexec.*TMPDIR"), private_copy(b"", ".so"):
        pass


def test_a_library_loads_where_temporary_files_are_on_a_real_noexec_mount(artifacts, tmp_path):
    code = "import sys, edgemnist.runtime as r; r.load_predictor(sys.argv[1]); print('ok')"
    temporary, library = tmp_path / "temporary", artifacts / "mnist.int8.so"
    temporary.mkdir()
    mounted = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o noexec tmpfs "$TMPDIR" && exec "$@"',
        "sh",
    ]
    environment = os.environ | {"TMPDIR": str(temporary), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    run = functools.partial(subprocess.run, env=environment, capture_output=True, text=True, check=False)
    if shutil.which("unshare") is None or run([*mounted, "true"]).returncode:
        pytest.skip("this user cannot mount a file system")
    by_itself = f"import ctypes, shutil; ctypes.CDLL(shutil.copy({str(library)!r}, {str(temporary)!r}))"
    refused = run([*mounted, sys.executable, "-c", by_itself])
    assert "failed to map segment" in refused.stderr
    done = run([*mounted, sys.executable, "-c", code, library])
    assert done.stdout == "ok\n", done.stderr


def test_a_library_that_changes_between_hash_and_load_is_loaded_as_it_was_hashed(
    artifacts_copy, digit, monkeypatch
):
    library = artifacts_copy / "mnist.int8.so"
    real = native_code.is_built_here

    def replaced_meanwhile(sha256):
        library.write_bytes(b"another program")
        return real(sha256)

    monkeypatch.setattr("edgemnist.runtime.loading.is_built_here", replaced_meanwhile)
    with load_predictor(library) as predictor:
        assert predictor.predict(digit).indices[0] == 7


@pytest.mark.usefixtures("builds")
def test_a_manifest_that_fits_makes_no_library_trusted(artifacts_copy):
    """`builds` makes this process somebody's who has built nothing."""
    document = json.loads((artifacts_copy / "manifest.json").read_text())
    assert any("mnist.int8.so" in record["companions"] for record in document["artifacts"])
    with pytest.raises(IntegrityError, match="this user has not built it on this machine"):
        load_predictor(artifacts_copy / "mnist.int8.c")
