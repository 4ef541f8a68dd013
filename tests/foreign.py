"""Folders as a stranger might send them: code that leaves a trace when it runs, and a manifest that fits."""

import json
import shutil
import subprocess
from pathlib import Path

from edgemnist.runtime.files import sha256_of

STEM = "mnist.int8"
SOURCE, LIBRARY = f"{STEM}.c", f"{STEM}.so"
_PAYLOAD = """
#include <stdio.h>
__attribute__((constructor)) static void leave_a_trace(void)
{{
    fclose(fopen("{trace}", "w"));
}}
"""


def keep_only_c(artifacts: Path, folder: Path) -> Path:
    """Copy the model in C, the TFLite file it was made of, and a manifest of these two."""
    folder.mkdir()
    for path in (*artifacts.glob(f"{STEM}*"), artifacts / "mnist.keras", artifacts / "reference.npz"):
        if path.suffix in {".c", ".h", ".so", ".tflite", ".keras", ".npz"}:
            shutil.copy(path, folder)
    document = json.loads((artifacts / "manifest.json").read_text())
    wanted = (SOURCE, f"{STEM}.tflite")
    document["artifacts"] = [record for record in document["artifacts"] if record["file"] in wanted]
    (folder / "manifest.json").write_text(json.dumps(document))
    return folder


def forge_manifest(folder: Path) -> None:
    """Let the manifest record the files as they are."""
    document = json.loads((folder / "manifest.json").read_text())
    for record in document["artifacts"]:
        record["sha256"] = sha256_of(folder / record["file"])
        record["size_bytes"] = (folder / record["file"]).stat().st_size
        for name in record["companions"]:
            record["companions"][name] = sha256_of(folder / name)
            record["companion_bytes"][name] = (folder / name).stat().st_size
    (folder / "manifest.json").write_text(json.dumps(document))


def forget_library(folder: Path) -> None:
    """Take the library out of the manifest, and leave it where it is."""
    document = json.loads((folder / "manifest.json").read_text())
    for record in document["artifacts"]:
        record["companions"].pop(LIBRARY, None)
        record["companion_bytes"].pop(LIBRARY, None)
    (folder / "manifest.json").write_text(json.dumps(document))


def add_payload(file: Path, trace: Path) -> None:
    with file.open("a") as text:
        text.write(_PAYLOAD.format(trace=trace))


def replace_library(folder: Path, trace: Path) -> None:
    """Build the model's library with a payload, outside of edgemnist: it answers as the right one does."""
    source = folder / "payload_host.c"
    shutil.copy(folder / f"{STEM}_host.c", source)
    add_payload(source, trace)
    command = ["gcc", "-std=c99", "-O1", "-shared", "-fPIC", "-o", folder / LIBRARY, source]
    subprocess.run(command, check=True)
    source.unlink()


def swapped_library(folder: Path, trace: Path) -> None:
    replace_library(folder, trace)
    forge_manifest(folder)


def unrecorded_library(folder: Path, trace: Path) -> None:
    replace_library(folder, trace)
    forget_library(folder)


def swapped_library_source(folder: Path, trace: Path) -> None:
    add_payload(folder / f"{STEM}_host.c", trace)
    forge_manifest(folder)


def swapped_c(folder: Path, trace: Path) -> None:
    add_payload(folder / SOURCE, trace)
    forge_manifest(folder)


def swapped_header_without_library(folder: Path, trace: Path) -> None:
    add_payload(folder / f"{STEM}.h", trace)
    (folder / LIBRARY).unlink()
    forget_library(folder)
    forge_manifest(folder)


def everything_swapped(folder: Path, trace: Path) -> None:
    """Replace the library, its source and the manifest, and leave no TFLite file to prove the source with."""
    replace_library(folder, trace)
    add_payload(folder / f"{STEM}_host.c", trace)
    forge_manifest(folder)
    document = json.loads((folder / "manifest.json").read_text())
    document["artifacts"] = [record for record in document["artifacts"] if record["format"] == "c"]
    (folder / "manifest.json").write_text(json.dumps(document))
    (folder / f"{STEM}.tflite").unlink()


ATTACKS = (
    swapped_library,
    unrecorded_library,
    swapped_library_source,
    swapped_c,
    swapped_header_without_library,
    everything_swapped,
)
