"""The committed schema is what the manifest's types generate."""

import json
from pathlib import Path

import msgspec
import pytest

from edgemnist.runtime.artifact import manifest
from edgemnist.runtime.artifact.documents import schema
from edgemnist.runtime.errors import ManifestError

WRITE = (
    "write it with: python -c 'from edgemnist.runtime.artifact import documents, manifest;"
    ' print(documents.schema(manifest.MANIFEST), end="")\' > runtime/artifact/manifest.schema.json'
)


def test_the_committed_schema_is_the_generated_one():
    committed = Path(manifest.__file__).with_name("manifest.schema.json")
    assert committed.read_text(encoding="utf-8") == schema(manifest.MANIFEST), WRITE


def test_the_schema_and_the_types_agree_on_names_of_files():
    jsonschema = pytest.importorskip("jsonschema")
    definition = json.loads(schema(manifest.MANIFEST))["$defs"]["ReferenceRecord"]
    good = {"file": "reference.npz", "sha256": "0" * 64}
    jsonschema.validate(good, definition)
    for bad in ("../x", "/etc/passwd", "a/b", ".hidden", "c:\\x", "a\n", "a\x00", ""):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(good | {"file": bad}, definition)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(good | {"file": bad}, manifest.ReferenceRecord)
    for bad in ("0" * 63, "0" * 64 + "\n", "G" * 64):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(good | {"sha256": bad}, manifest.ReferenceRecord)


def test_names_that_differ_only_in_case_are_one_file_on_some_systems(artifacts: Path, tmp_path: Path):
    document = json.loads((artifacts / manifest.MANIFEST_NAME).read_text("utf-8"))
    record = document["artifacts"][0]
    document["artifacts"].append(record | {"file": record["file"].upper(), "companions": {}})
    (tmp_path / manifest.MANIFEST_NAME).write_text(json.dumps(document), "utf-8")
    with pytest.raises(ManifestError, match="more than once") as refused:
        manifest.read_manifest(tmp_path)
    assert record["file"].upper() in str(refused.value)
