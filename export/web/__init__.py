"""A model for the web: its integers as WebAssembly, a JavaScript module around it, and a page with all of it.

| module | what it does |
|---|---|
| `source` | the C of a TFLite file, by the kernels of `export.codegen.variants.wasm` |
| `compiler` | the compiler of C to WebAssembly that is found here |
| `modules` | that C compiled twice: with vectors (SIMD128), and for engines without them |
| `facts` | what JavaScript has to know of a model: its signature and labels |
| `javascript` | `<model>.int8.mjs` and its types |
| `page` | `<model>.int8.html`, of the files in `page/` |
| `proving` | every output byte compared, in Node and in wasmtime |
| `package` | a folder that `npm pack` accepts |
| `regenerate` | the same again from what lies in a folder, to prove it |
| `sandbox` | C of another version of the generator, run as WebAssembly |
"""
