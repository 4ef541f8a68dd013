"""`edgemnist size`: flash and RAM of a network on a microcontroller, and whether it fits."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from ...benchmarks.emulation.boards import DEVICES
from ...runtime.errors import ArtifactError, OptionError, ProofError
from ...runtime.files import read_model
from ..console import literal, messages, print_json, print_message, print_result, print_table
from ..options import Json, byte_count

if TYPE_CHECKING:
    from ...export.codegen.sizing.size import LayerSize, ModelSize

EXAMPLES = """
**Examples**

- `edgemnist size artifacts/mnist.int8.tflite --flash 256k --ram 16k`
- `edgemnist size my.keras --target cortex-m4 --map memory.png` before any training, if one likes
"""
_MODEL_HELP = "A .keras, .h5 or full-integer .tflite file."
_FLASH_HELP = "What there is for weights and code, such as 256k."
_RAM_HELP = "What there is for activations, input and output, such as 64k."
_TARGET_HELP = "The processor that code is compiled for: cortex-m0 to -m55."
_MAP_HELP = "Draw what lies where in the arena."


def size(
    model: Annotated[Path, Argument(metavar="MODEL", help=_MODEL_HELP)],
    flash: Annotated[str | None, Option(metavar="BYTES", help=_FLASH_HELP)] = None,
    ram: Annotated[str | None, Option(metavar="BYTES", help=_RAM_HELP)] = None,
    target: Annotated[str, Option(metavar="NAME", help=_TARGET_HELP)] = "cortex-m4",
    picture: Annotated[Path | None, Option("--map", metavar="FILE.png", help=_MAP_HELP)] = None,
    json: Json = False,
) -> None:
    """Show the flash and RAM that a network needs as C on a microcontroller, layer by layer.

    Of a Keras file the weights do not matter, so it need not be trained. Code is counted where the target's
    compiler is installed. Exits with 3, and names the layer that takes most, if it does not fit.
    """
    limits = byte_count("--flash", flash), byte_count("--ram", ram)
    with messages.status(f"measuring {literal(model.name)}"):
        measured, missing = _measure(model, target)
    if picture is not None:
        from ...export.codegen.sizing.size_map import draw_map  # needs matplotlib

        draw_map(measured, model.name, picture)
        print_message(f"wrote {literal(picture)}")
    excess = measured.excess(*limits)
    if json:
        facts = {
            "model": model.name,
            "target": target,
            "flash_bytes": measured.flash_bytes,
            "ram_bytes": measured.ram_bytes,
            "flash_limit_bytes": limits[0],
            "ram_limit_bytes": limits[1],
            "fits": not excess,
            "excess": excess,
        }
        print_json(facts | asdict(measured))
    else:
        _show(measured, model, target)
    if missing:
        print_message(literal(f"the code is not counted: {missing}"))
    if excess:
        raise ProofError(f"{model.name} does not fit: {'; '.join(excess)}")


def _measure(model: Path, target: str) -> "tuple[ModelSize, str]":
    from ...export.codegen.sizing.size import measure  # needs LiteRT

    device = DEVICES.get(target)
    if device is None or device.memory is None:
        boards = [name for name, one in DEVICES.items() if one.memory is not None]
        raise OptionError("unknown target", received=repr(target), expected=f"one of {', '.join(boards)}")
    if model.suffix in {".keras", ".h5"}:
        from ...export.convert.tflite import untrained_int8

        content = untrained_int8(model)
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


def _show(measured: "ModelSize", model: Path, target: str) -> None:
    print_table(("layer", "output", ">weights", ">code", ">arena in use"), map(_cells, measured.layers))
    code = "code not counted" if measured.code_bytes is None else f"code {measured.code_bytes:,} on {target}"
    print_result(
        f"{literal(model.name)}: flash {measured.flash_bytes:,} bytes (weights {measured.weight_bytes:,},"
        f" {code}), RAM {measured.ram_bytes:,} bytes (arena {measured.arena_bytes:,}, input and output"
        f" {measured.end_bytes:,}), and some stack"
    )


def _cells(layer: "LayerSize") -> tuple[str, ...]:
    name, shape = f"{layer.number} {layer.operator}", "x".join(map(str, layer.output))
    code = "" if layer.code_bytes is None else f"{layer.code_bytes:,}"
    return name, shape, f"{layer.weight_bytes:,}", code, f"{layer.ram_bytes:,}"
