"""Documents are read, checked, written and described by their types."""

import json
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
import pytest

from edgemnist.runtime.artifact.documents import DocumentType, encode, schema
from edgemnist.runtime.errors import ArtifactError, ManifestError


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    parts: tuple[Part, ...]
    schema_version: Literal[1] = 1

    def __post_init__(self) -> None:
        if len(self.parts) > 2:
            raise ValueError("more than two parts")


NOTE = DocumentType("a note", Note, 1, "Write it again.", ManifestError)


def test_what_is_written_is_what_is_read(tmp_path):
    note = Note((Part(0.5),))
    NOTE.write(tmp_path / "note.json", note, indent=2)
    assert NOTE.read(tmp_path / "note.json") == note


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"parts": [{"share": 2}]}', r"Expected `float` <= 1.*\$\.parts\[0\]\.share"),
        ('{"parts": [{"share": "2"}]}', r"Expected `float`, got `str`.*\$\.parts\[0\]\.share"),
        ('{"parts": [{"share": true}]}', r"got `bool`"),
        ('{"parts": [{"share": 1, "more": 1}]}', r"unknown field `more`.*\$\.parts\[0\]"),
        ('{"parts": [{"share": 1}, {"share": 1}, {"share": 1}]}', "more than two parts"),
        ('{"parts": [], "more": 1}', "unknown field `more`"),
        ("{}", "missing required field `parts`"),
        ("[]", "Expected `object`"),
        ('{"parts": [], "schema_version": 2}', "newer edgemnist"),
        ('{"parts": [], "new": 1, "schema_version": 2}', "newer edgemnist"),
        ('{"parts": [], "schema_version": "1"}', "schema_version"),
        ('{"parts": [{"share": NaN}]}', "cannot be read as JSON"),
        ('{"parts": ', "cannot be read as JSON"),
        ('{"parts": [{"share": 1e999}]}', r"Expected `float` <= 1.0 - at `\$.parts\[0\].share`"),
        ('{"new": ' + "[" * 100_000, "note.json"),
    ],
)
def test_another_document_is_refused_with_the_place(tmp_path, content, complaint):
    path = tmp_path / "note.json"
    path.write_text(content)
    with pytest.raises(ManifestError, match=complaint) as caught:
        NOTE.read(path)
    assert "note.json" in str(caught.value)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ManifestError, match="cannot be read as JSON"):
        NOTE.decode(b'{"\xff": 1}', Path("note.json"))


def test_nothing_is_written_that_could_not_be_read(tmp_path):
    with pytest.raises(ManifestError, match="share"):
        NOTE.write(tmp_path / "note.json", Note((Part(7),)))
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_another_class_can_be_asked_for():
    with pytest.raises(ArtifactError, match="not a part"):
        DocumentType("a part", Part, 1, "").decode(b"{}", Path("x"))


def test_numbers_of_numpy_become_pythons():
    assert json.loads(encode({"a": np.float64(1), "b": np.int64(2), "c": (np.uint8(3),)})) == {
        "a": 1, "b": 2, "c": [3],
    }  # fmt: skip


def test_a_schema_has_what_the_type_has():
    found = json.loads(schema(NOTE))
    assert found["$defs"]["Part"]["properties"]["share"] == {"type": "number", "minimum": 0, "maximum": 1}
    assert found["$defs"]["Note"]["additionalProperties"] is False
