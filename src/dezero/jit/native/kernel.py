"""A kernel: a graph as one function of machine code."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...ir.graph import Graph
from ...ir.steps import Value
from ..replay import OtherPath
from .assembly import imports
from .program import Program
from .runtime import Code, assembly, compiled, vector_bytes

LONG = 1 << 16
"""Bytes that a kernel touches from which on other threads of Python may run meanwhile."""


class Kernel:
    """A graph as one function of machine code: arrays in, a tuple of arrays out.

    Attributes
    ----------
    text : str
        In LLVM's language.
    stages : list of Stage
    between : int
        Bytes of memory that it needs besides its inputs and outputs.
    long : bool
        Whether it takes so long that other threads should not wait.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        program = Program(graph, vector_bytes())
        self.text, self.constants = program.text(), program.constants
        self.stages, self.between = program.stages, program.size
        touched = {place.buffer for stage in self.stages for place in stage.touched}
        self.long = sum(buffer.bytes for buffer in touched) > LONG
        self.code = Code(compiled(self.text), ["kernel"], imports(self.text))
        self.function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(self.code["kernel"])

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """The results, by way of `ctypes`.

        Raises
        ------
        OtherPath
            If a guard does not hold, or NumPy must do it.
        """
        outs = self.outputs()
        if self.bound(arrays, outs)():
            raise OtherPath
        return tuple(outs)

    def assembly(self) -> str:
        """In the processor's language."""
        return assembly(self.text)

    def outputs(self) -> list[Any]:
        """Memory for the results."""
        return [np.empty(y.shape, y.dtype) for y in self.graph.outputs]

    def bound(self, arrays: Sequence[Any], outs: list[Any] | None = None) -> Callable[[], int]:
        """A call on given arrays that writes into others."""
        pairs = zip(arrays, self.graph.inputs, strict=True)
        given = [x if fits(x, v) else np.require(x, v.dtype, ("C", "A")) for x, v in pairs]
        everything = (*given, *(self.outputs() if outs is None else outs), *self.constants)
        starts = [x.__array_interface__["data"][0] for x in everything]  # sooner than `.ctypes`
        addresses = (ctypes.c_void_p * len(everything))(*starts)

        def call() -> int:
            status: int = self.function(addresses)
            return status if everything else 0  # which keeps them alive

        return call


def fits(x: Any, value: Value) -> bool:
    """Whether an array lies as a kernel takes it, so that NumPy need not be asked for a copy."""
    return type(x) is np.ndarray and x.dtype is value.dtype and x.flags.carray
