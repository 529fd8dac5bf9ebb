"""Graphs as machine code: fused loops of explicit vectors, through LLVM.

The files, from the ground up: each imports only what stands before it. To see how a program
becomes code, read `lowering` and `writing` first, then `program` and `paths`.

LLVM
    `disk` keeps code, `runtime` is LLVM itself, `assembly` writes its language; `kinds` has types
    and constants, `lanes` vectors in registers.
numbers
    `vectors` has the elementary functions, `instructions` what each elementwise row is.
loops
    `places` tells where numbers lie, `nests` what loops do there, `reductions` what is gathered on
    the way; `writing` makes text of it, `threads` has it done in parts.
linear algebra
    `arrays` has addresses; `products` are cut by `plans` and written by `tiles`; `elimination`
    and `determinants` are for small matrices, `fortran` calls BLAS and LAPACK for large ones;
    `dense` chooses.
graphs
    `again` says what is computed twice, `rules` which equations can be machine code; `lowering`
    makes stages of them, by the rules of `folds` (reductions), `moves` (views and copies),
    `lookups` (places that are computed), `matrices` and `looping`; `program` is the whole text,
    `kernel` the code in memory; `regions` finds what is in one.
calls
    `layouts` knows Python's objects, `caller` is machine code that reads them; `tables` tell it of
    arguments, `watches` of what a function captured; `entry` is what Python calls, and `hanging`
    hangs it on functions.
the backend
    `explaining` tells what became of a program; `paths` is the backend.
"""
