"""`edgemnist size`: flash and RAM of a network on a microcontroller, and whether it fits."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...runtime.errors import ArtifactError, OptionError, ProofError
from ..console import literal, messages, plain_table, print_json, print_message, print_result, results
from ..options import Json

if TYPE_CHECKING:
    from ...export.codegen.size import ModelSize

EXAMPLES = """
**Examples**

- `edgemnist size artifacts/mnist.int8.tflite --flash 256k --ram 16k`
- `edgemnist size my.keras --target cortex-m4 --map memory.png` before any training, if one likes
"""
_AMOUNT = re.compile(r"(\d+)\s*([kKmM]?)(?:i?[bB])?")
_FACTORS = {"": 1, "k": 1024, "m": 1024 * 1024}


def size(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A .keras, .h5 or full-integer .tflite file.")
    ],
    flash: Annotated[
        str | None, typer.Option(metavar="BYTES", help="What there is for weights and code, such as 256k.")
    ] = None,
    ram: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help="What there is for activations, input and output, such as 64k."),
    ] = None,
    target: Annotated[
        str, typer.Option(metavar="NAME", help="The processor that code is compiled for: cortex-m0 to -m55.")
    ] = "cortex-m4",
    picture: Annotated[
        Path | None, typer.Option("--map", metavar="FILE.png", help="Draw what lies where in the arena.")
    ] = None,
    json: Json = False,
) -> None:
    """Show the flash and RAM that a network needs as C on a microcontroller, layer by layer.

    Of a Keras file the weights do not matter, so it need not be trained. Code is counted where the target's
    compiler is installed. Exits with 3, and names the layer that takes most, if it does not fit.
    """
    limits = _bytes(flash, "--flash"), _bytes(ram, "--ram")
    with messages.status(f"measuring {literal(model.name)}"):
        measured, missing = _measure(model, target)
    if picture is not None:
        from ...export.codegen.size_map import draw_map

        draw_map(measured, model.name, picture)
        print_message(f"wrote {literal(picture)}")
    excess = measured.excess(*limits)
    if json:
        print_json(_document(model, target, measured, limits, excess))
    else:
        _show(measured, model, target)
    if missing:
        print_message(literal(f"the code is not counted: {missing}"))
    if excess:
        raise ProofError(f"{model.name} does not fit: {'; '.join(excess)}")


def _measure(model: Path, target: str) -> "tuple[ModelSize, str]":
    from ...benchmarks.emulation.boards import DEVICES
    from ...export.codegen.size import measure
    from ...runtime.files import read_model

    device = DEVICES.get(target)
    if device is None or device.memory is None:
        boards = [name for name, one in DEVICES.items() if one.memory is not None]
        raise OptionError("unknown target", received=repr(target), expected=f"one of {', '.join(boards)}")
    if model.suffix in {".keras", ".h5"}:
        from ...export.convert.untrained import to_int8

        content = to_int8(model)
    elif model.suffix == ".tflite":
        content = read_model(model)
    else:
        raise ArtifactError(
            f"cannot tell the size of {model.name}",
            received=f"the suffix {model.suffix!r}",
            expected=".keras, .h5 or .tflite",
        )
    if device.missing:
        return measure(content), device.missing
    return measure(content, (device.compiler, *device.flags), f"{device.binutils}nm"), ""


def _bytes(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise OptionError(
            f"{option} is no number of bytes", received=repr(text), expected="such as 256k or 64000"
        )
    return int(found[1]) * _FACTORS[found[2].lower()]


def _show(measured: "ModelSize", model: Path, target: str) -> None:
    table = plain_table("layer", "output", ">weights", ">code", ">arena in use")
    for layer in measured.layers:
        table.add_row(
            f"{layer.number} {layer.operator}",
            "x".join(map(str, layer.output)),
            f"{layer.weight_bytes:,}",
            "" if layer.code_bytes is None else f"{layer.code_bytes:,}",
            f"{layer.ram_bytes:,}",
        )
    results.print(table)
    code = "code not counted" if measured.code_bytes is None else f"code {measured.code_bytes:,} on {target}"
    print_result(
        f"{literal(model.name)}: flash {measured.flash_bytes:,} bytes (weights {measured.weight_bytes:,},"
        f" {code}), RAM {measured.ram_bytes:,} bytes (arena {measured.arena_bytes:,}, input and output"
        f" {measured.end_bytes:,}), and some stack"
    )


def _document(
    model: Path,
    target: str,
    measured: "ModelSize",
    limits: tuple[int | None, int | None],
    excess: list[str],
) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "model": model.name,
        "target": target,
        "flash_bytes": measured.flash_bytes,
        "ram_bytes": measured.ram_bytes,
        "flash_limit_bytes": limits[0],
        "ram_limit_bytes": limits[1],
        "fits": not excess,
        "excess": excess,
        **asdict(measured),
    }
