"""`edgemnist export --model FILE.tflite`: C of a full-integer TFLite file of anyone's."""

from pathlib import Path

from .console import literal, messages, print_json, print_message, print_result

_C = ("c", "int8.c")


def export_tflite_file(
    model: Path,
    formats: list[str],
    artifacts: Path,
    *,
    data: Path | None,
    match: str,
    compile_library: bool,
    overwrite: bool,
    json: bool,
) -> None:
    """Make C of a TFLite file; this needs neither a data set nor the Keras model.

    Raises:
        OptionError: Another format than C is asked for, or there is no such runtime to match.
    """
    import msgspec

    from ..data.datasets import load_test_split
    from ..export.codegen import Match
    from ..export.tflite_source import export_tflite
    from ..proof.exactness import sentence
    from ..runtime.errors import OptionError

    others = [name for name in formats if name not in _C]
    if others or not formats:
        raise OptionError(
            "of a TFLite file only C is made",
            received=", ".join(others) or "no format",
            expected="--format c",
            fix="Other formats are made of a .keras file.",
        )
    matches = {each.value: each for each in Match}
    if match not in matches:
        raise OptionError("unknown runtime to match", received=repr(match), expected=" or ".join(matches))
    with messages.status("reading the model") as status:
        made = export_tflite(
            model,
            artifacts,
            load_test_split(data).inputs,
            match=matches[match],
            compile_library=compile_library,
            overwrite=overwrite,
            report=lambda step: status.update(f"{literal(model.name)}: {literal(step)}"),
        )
    if json:
        print_json({"artifact": msgspec.to_builtins(made.record), "arena_bytes": made.arena_bytes})
    else:
        print_result(
            f"{literal(made.record.file)}  [green]passed[/]  {sentence(made.exactness)};"
            f" {made.arena_bytes:,} bytes of RAM between the layers"
        )
    print_message(f"wrote {literal(made.record.file)} and manifest.json to {literal(artifacts)}")
