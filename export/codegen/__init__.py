"""From any full-integer TFLite file to C99 that gives the reference's bytes: import, normalize, plan, emit.

- `graph`: the bytes of a file become an `ir.Graph`; then shapes are known, constants folded (the shape
  arithmetic of dynamic batches too), dense layers read bytes without a sign in place of a QUANTIZE, and what
  scales raw pixels is a table.
- `operators`: one module an operator: its shapes, checks and lowering to `ir.Step`s, calls of kernels.
  `lowering` and `arithmetic` have what several share.
- `planning`: a place in one arena for every activation, which way each kernel walks, and the proof of it.
- `variants`: kernels for processors that have more than plain C.
- `emitting`: the text: kernels, tables, one function for each kind of layer, the calls (`emit`); the kernels
  for all microcontrollers in one file, weights once (`merging`, `sharing`); the library for this machine
  (`host`); the files, with the self-test's answers (`writing`).
- `proving`: what the runtime that is matched gives, and C made again of what lies in a folder.
- `sizing`: flash and RAM, before any C is written.
- `artifact`, `compiler`: the C as the rest of edgemnist handles it, and what makes a library of it.

Kernels
-------
A kernel is the function `<kernel>` in `kernels/<kernel>.c`, whole C that an editor can open:

    KERNEL void conv_2d(const struct conv_2d s, const int8_t *input, int8_t *output, const int8_t *weights,
        const int32_t *bias, const int32_t *multiplier, const int8_t *exponent, int32_t offset,
        const struct range range)

- Its first parameter is a struct of integers, `Step.shape`: what is known when the C is compiled. `KERNEL` is
  always inlined into a `LAYER` function, one for each kernel and set of constants, where the struct is a
  constant, so that loops over `s.height` have a known end, and `if (s.depth % 4 == 0)` costs nothing. Layers
  of the same constants share the function.
- Then follow the inputs and outputs (`Step.inputs`, `Step.outputs`), the tables (`Step.tables`, in their
  order), and what differs between layers of the same shape (`Step.values`, found by the parameter's name):
  zero points, the multiplier of ADD. The generator reads types and names from the declaration.
- A file may `#include` other files of `kernels` by name; each is written once. No libc, no state.
- Elements have 8 bits, or 16 in a kernel whose name ends in `_int16`. A kernel that differs in nothing else
  is one file, `max_pool_2d.c`, with elements of type `element_t` (`kernel_files`); those of sums of products
  have 64-bit sums and other multipliers (`wide.c`), and a file each. For 16 bits there is plain C only.
- Multipliers are TensorFlow Lite's: `value * 2**(exponent - 31)`, the exponent as there (negative is a right
  shift). `s.rounding` is how the operator rounds (`requantize.c`, `fixed_point.Rounding`): with ROUND_TWICE
  all exponents are below 0. Between layers, elements are as the file has them: int8, not plus 128.
- Taps outside the input are left out, which is the same as an input that is its zero point there: a zero
  point may be folded into the bias only where such taps are computed with the zero point.
- `Step.rows` promises how a kernel walks, and the planner lets the output overlap the input accordingly
  (`ir.Rows`). A window kernel writes whole rows of the output in order, the last first if `s.backward`;
  before it writes row r it has done with all rows of the input above the first (below the last, backward)
  that row r or a later one needs. Within a row it may read and write in any order. Elementwise kernels read
  element i before they write it.

Variants
--------
`variants/<variant>.py` has `VARIANT = Variant(name, guard, {kernel: Implementation()})`; the kernels are
in files `kernels/<kernel>_<variant>.c`, in functions `<kernel>_<variant>`. They take the struct and
the parameters of the plain kernel, but for the tables, which `Implementation.tables` lays out anew from the
step (types, order, padding, folded biases: as the kernel likes; the plain tables are in `Step.tables`, the
file's own constants in `Step.node`), and a last parameter `uint8_t *scratch` if
`Implementation.scratch_bytes` asks for memory of the arena. `Implementation.supports` says which steps a
kernel can do. `mve` and `dsp` go into `<name>.int8.c`, under `guard`, with plain C at the end
(`-D<NAME>_PLAIN_C` forces it): only what differs is written twice. `vnni`, `avxvnni`, `avx2` and `neon` go
into `<name>.int8_host.c`, compiled for `Variant.target` and chosen when the library is loaded by
`Variant.check`; steps that a variant does not support are those of the variant it falls to, at last plain C
compiled for that target. All give the same bytes.

A new operator is one module in `operators`, its kernel if no other will do, and its test.
"""

from .arithmetic.fixed_point import Match
from .emitting.writing import Sources, generate

__all__ = ["Match", "Sources", "generate"]
