"""Exports of what anyone's TFLite file allows: C or WebAssembly of it, or its proof against a float twin."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..data.datasets import load_test_split
from ..runtime.errors import OptionError, unknown
from ..runtime.signature import SignatureOptions
from .console import literal, print_json, print_message, print_result
from .guidance.interruption import an_export
from .outcomes import first_impression, show_outcomes
from .progress import progress

if TYPE_CHECKING:
    from ..export.tflite_source import Made


def prove_twins(
    model: Path,
    reference: Path,
    data: Path | None,
    resize: bool,
    wanted: SignatureOptions,
    limits: dict[str, float | None],
    artifacts: Path,
    overwrite: bool,
    json: bool,
) -> None:
    """Prove a quantized file of anyone's against its float twin; neither is converted."""
    with an_export(artifacts), progress("loading the models and the data") as doing:
        from ..export.opening import DataOptions
        from ..export.twin import export_twins, open_twins

        twins = open_twins(model, reference, DataOptions(data, resize), wanted)
        for line in first_impression(twins.reference, twins.dataset):
            print_message(line)
        outcomes = export_twins(
            twins,
            artifacts,
            limits=limits,
            overwrite=overwrite,
            report=lambda name: doing.left(f"proving {name}", None),
        )
    show_outcomes(outcomes, twins.dataset, artifacts, json=json)


def export_tflite(
    model: Path,
    formats: list[str],
    artifacts: Path,
    data: Path | None,
    match: str,
    compile_library: bool,
    npm: bool,
    overwrite: bool,
    json: bool,
) -> None:
    """Make C or WebAssembly of a TFLite file of anyone's, without a data set and the Keras model."""
    from ..export.codegen import Match
    from ..export.tflite_source import KINDS, export_kinds

    kinds = dict.fromkeys(name.removeprefix("int8.").removeprefix("int16x8.") for name in formats)
    others = [name for name in kinds if name not in KINDS]
    if others or not formats:
        raise OptionError(
            "of a TFLite file only C and WebAssembly are made",
            received=", ".join(others) or "no format",
            expected=", ".join(f"--format {kind}" for kind in KINDS),
            fix="Other formats are made of a .keras file.",
        )
    matches = {each.value: each for each in Match}
    if match not in matches:
        raise unknown("runtime to match", match, matches)
    with an_export(artifacts), progress("reading the model") as doing:
        made = export_kinds(
            model,
            artifacts,
            load_test_split(data).array,
            tuple(kinds),
            match=matches[match],
            compile_library=compile_library,
            overwrite=overwrite,
            report=lambda step: doing.left(f"{model.name}: {step}", None),
        )
    if json and len(made) == 1:
        print_json(_made_document(made[0]))
    elif json:
        print_json([_made_document(one) for one in made])
    else:
        for one in made:
            memory = (
                "" if one.arena_bytes is None else f"; {one.arena_bytes:,} bytes of RAM between the layers"
            )
            print_result(f"{literal(one.record.file)}  [green]passed[/]  {one.exactness.sentence}{memory}")
    names = ", ".join(one.record.file for one in made)
    print_message(f"wrote {literal(names)} and manifest.json to {literal(artifacts)}")
    if npm:
        write_npm_package(artifacts / f"{model.stem.removesuffix('.int8')}.int8.wasm")


def write_npm_package(artifact: Path) -> None:
    """Make an npm package of WebAssembly, and say where it is."""
    from ..export.web.package import write_package

    print_message(f"wrote the package {literal(write_package(artifact))}")


def _made_document(made: "Made") -> dict[str, object]:
    return {"artifact": msgspec.to_builtins(made.record), "arena_bytes": made.arena_bytes}
