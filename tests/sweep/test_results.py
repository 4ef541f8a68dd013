import pytest

from edgemnist.runtime.errors import IntegrityError, OptionError
from edgemnist.sweep.results import PointRecord, Results, TrainedRecord, open_storage

CONTENT = {"mnist.int8.c": b"code", "mnist.int8.h": b"header"}


@pytest.fixture(params=["folder", "url"])
def place(request, tmp_path):
    if request.param == "url":
        pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'edgemnist[cluster]'")
        return f"memory://{tmp_path.name}/sweep"
    return str(tmp_path / "sweep")


def record_of(results):
    return PointRecord(results.keep_files(CONTENT), (), 4, None)


def test_what_is_kept_is_found_again_by_whoever_opens_the_place_next(place):
    results = Results(open_storage(place))
    record = record_of(results)
    results.keep("points", "a" * 64, record)
    again = Results(open_storage(place))
    assert again.find("points", "a" * 64, PointRecord) == record
    assert {name: again.read_file(name, sha256) for name, sha256 in record.files.items()} == CONTENT
    assert again.find("points", "b" * 64, PointRecord) is None


def test_a_record_whose_file_is_gone_counts_as_not_there(place):
    results = Results(open_storage(place))
    results.keep("points", "a" * 64, PointRecord({"mnist.int8.c": "0" * 64}, (), 4, None))
    results.keep("trained", "a" * 64, TrainedRecord("1" * 64, 10, 0.5))
    again = Results(open_storage(place))
    assert again.find("points", "a" * 64, PointRecord) is None
    assert again.find("trained", "a" * 64, TrainedRecord) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"files": {"../out": "x"}}', b"\xff", b"[" * 5000])
def test_a_damaged_record_counts_as_not_there(place, content):
    results = Results(open_storage(place))
    results.write(f"points/{'a' * 64}.json", content)
    assert results.find("points", "a" * 64, PointRecord) is None


def test_names_that_lead_out_of_a_folder_are_no_record(place):
    results = Results(open_storage(place))
    sha256 = next(iter(results.keep_files({"x.c": b"code"}).values()))
    text = '{"files": {"../x.c": "SHA"}, "failures": [], "size_bytes": 4, "parity": null}'
    results.write(f"points/{'a' * 64}.json", text.replace("SHA", sha256).encode())
    assert results.find("points", "a" * 64, PointRecord) is None


def test_a_file_that_was_changed_is_not_used(place):
    results = Results(open_storage(place))
    record = record_of(results)
    sha256 = record.files["mnist.int8.c"]
    results.write(f"files/{sha256}.int8.c", b"another")
    with pytest.raises(IntegrityError, match="another file by now"):
        results.read_file("mnist.int8.c", sha256)


def test_half_a_file_that_a_killed_writer_left_is_written_again(place):
    results = Results(open_storage(place))
    record = record_of(results)
    results.write(f"files/{record.files['mnist.int8.c']}.int8.c", b"co")
    again = Results(open_storage(place))
    assert again.keep_files(CONTENT) == record.files
    assert again.read_file("mnist.int8.c", record.files["mnist.int8.c"]) == b"code"


def test_a_folder_has_the_files_of_its_latest_set_alone(place):
    results = Results(open_storage(place))
    results.replace_folder("best", CONTENT)
    results.replace_folder("best", {"mnist.keras": b"model"})
    storage = open_storage(place)
    assert {name for name in storage.names() if name.startswith("best/")} == {"best/mnist.keras"}


def test_a_url_of_no_known_kind_is_an_error_of_the_option():
    pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'edgemnist[cluster]'")
    with pytest.raises(OptionError, match="no place for results"):
        open_storage("nothing-knows-this://x")
