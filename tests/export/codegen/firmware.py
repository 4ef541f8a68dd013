"""Many generated models in one program for a microcontroller, run in its emulator."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgemnist.benchmarks.emulation.boards import DEVICES
from edgemnist.benchmarks.emulation.building import FIRMWARE, STANDARD
from edgemnist.export.codegen import generate
from edgemnist.export.codegen.proving.reference import random_inputs, run_reference

_SLACK = 16
_MAIN = """
#include <stdint.h>
#include "files.h"
{includes}

enum {{ LARGEST = {largest}, MODELS = {models} }};
static uint8_t inputs[LARGEST], outputs[LARGEST];
static uint32_t arena[{arena} / 4 + 2 * {slack}];

static const struct {{
    uint32_t count, input_bytes, output_bytes, arena_bytes;
    void (*run)(const void *, void *, void *);
}} models[MODELS] = {{
{rows}
}};

static int spoilt(uint32_t arena_bytes)
{{
    uint32_t i;
    for (i = 0; i < {slack}; ++i) {{
        if (arena[i] != 0xA5A5A5A5u || arena[{slack} + (arena_bytes + 3) / 4 + i] != 0xA5A5A5A5u)
            return 1;
    }}
    return 0;
}}

int main(void)
{{
    int32_t from = file_open("inputs.bin", READING), to = file_open("outputs.bin", WRITING);
    uint32_t model, number, i;
    for (model = 0; model < MODELS; ++model) {{
        for (number = 0; number < models[model].count; ++number) {{
            for (i = 0; i < sizeof arena / sizeof arena[0]; ++i)
                arena[i] = 0xA5A5A5A5u;
            if (file_read(from, inputs, models[model].input_bytes) != models[model].input_bytes)
                return 2;
            models[model].run(inputs, outputs, arena + {slack});
            if (spoilt(models[model].arena_bytes))
                return 3;
            if (file_write(to, outputs, models[model].output_bytes))
                return 4;
        }}
    }}
    return file_close(to);
}}
"""
_CALL = """
static void run_{name}(const void *input, void *output, void *arena)
{{
    {name}_run({arguments}, arena);
}}
"""

# The M3's board for both: the M0's has 16 kB, and every Cortex-M runs its instructions.
BOARDS = {
    "cortex-m0": replace(
        DEVICES["cortex-m0"], emulator=DEVICES["cortex-m3"].emulator, memory=DEVICES["cortex-m3"].memory
    ),
    "cortex-m4": DEVICES["cortex-m4"],
    "cortex-m55": DEVICES["cortex-m55"],
}


class Firmware:
    """Models in C and what they have to answer.

    Args:
        folder: Where the files go.
        cases: TFLite files of one operator, and whose bytes are expected.
        count: How many random inputs each model gets.
    """

    def __init__(self, folder: Path, cases, count=3):
        self.folder, self.expected, self.names = folder, [], []
        includes, rows, given, largest, arena = [], [], [], 1, 0
        for number, (content, match) in enumerate(cases):
            name = f"m{number}"
            sources = generate(content, name, match=match)
            (folder / f"{name}.int8.c").write_bytes(sources.model)
            (folder / f"{name}.int8.h").write_bytes(sources.companions[".h"])
            graph = sources.plan.graph
            arrays = random_inputs(graph, count, seed=number)
            golden = run_reference(content, arrays, match)
            self.names.append(
                f"{name}: {sources.plan.steps[0].node.layer} {dict(sources.plan.steps[0].shape)}"
            )
            self.expected.append(golden.outputs[0].reshape(count, -1).view(np.uint8))
            given += [array[one].tobytes() for one in range(count) for array in arrays]
            offsets = np.cumsum([0, *(tensor.size_bytes for tensor in graph.inputs)])
            places = [f"(const void *)((const char *)input + {offset})" for offset in offsets[:-1]]
            includes.append(f'#include "{name}.int8.h"')
            includes.append(_CALL.format(name=name, arguments=", ".join([*places, "(void *)output"])))
            answer = graph.outputs[0].size_bytes
            sizes = f"{count}, {offsets[-1]}, {answer}, {sources.plan.arena_bytes}"
            rows.append(f"    {{ {sizes}, run_{name} }},")
            largest, arena = max(largest, offsets[-1], answer), max(arena, sources.plan.arena_bytes)
        (folder / "inputs.bin").write_bytes(b"".join(given))
        facts = {"largest": largest, "arena": arena, "slack": _SLACK, "models": len(rows)}
        text = _MAIN.format(includes="\n".join(includes), rows="\n".join(rows), **facts)
        (folder / "main.c").write_text(text)

    def run(self, board, *flags):
        """Return the models whose bytes are not those expected."""
        path = self.folder / f"{board.name}.elf"
        memory = board.memory
        places = {
            "FLASH_START": memory.flash_start,
            "FLASH_SIZE": memory.flash_bytes,
            "RAM_START": memory.ram_start,
            "RAM_SIZE": memory.ram_bytes,
        }
        self._call(
            board.compiler,
            *(
                *board.flags,
                *flags,
                *STANDARD,
                "-Wconversion",
                "-ffreestanding",
                "-nostdlib",
                f"-I{FIRMWARE}",
            ),
            *(f"-Wl,--defsym={name}={value:#x}" for name, value in places.items()),
            *("-T", FIRMWARE / "cortex_m.ld", "-Wno-cast-function-type", FIRMWARE / "startup.c"),
            *(FIRMWARE / "files_semihosting.c", "main.c"),
            *(f"m{number}.int8.c" for number in range(len(self.expected))),
            *("-lgcc", "-o", path),
        )
        self._call(
            *board.emulator,
            *("-display", "none", "-monitor", "none", "-serial", "none"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", path),
        )
        found = np.fromfile(self.folder / "outputs.bin", np.uint8)
        sizes = [expected.size for expected in self.expected]
        assert found.size == sum(sizes)
        parts = np.split(found, np.cumsum(sizes)[:-1])
        return [
            name
            for name, part, expected in zip(self.names, parts, self.expected, strict=True)
            if not np.array_equal(part, expected.ravel())
        ]

    def _call(self, *command):
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command[0]}: {done.returncode}\n{done.stderr[:3000]}"
