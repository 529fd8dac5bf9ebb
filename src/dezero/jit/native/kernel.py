"""A kernel: a graph as one function of machine code."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from ...ir.graph import Graph
from ..replay import OtherPath
from .program import Program
from .runtime import Code, compiled, vector_bytes


class Kernel:
    """A graph as one function of machine code: arrays in, a tuple of arrays out."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        program = Program(graph, vector_bytes())
        self.text, self.constants = program.text(), program.constants
        self.code = Code(compiled(self.text), ["kernel"], program.calls)
        self.function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(self.code["kernel"])

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        """The results, by way of `ctypes`.

        Raises
        ------
        OtherPath
            If a guard does not hold, or NumPy must do it.
        """
        pairs = zip(arrays, self.graph.inputs, strict=True)
        given = [np.require(x, v.dtype, ("C", "A")) for x, v in pairs]
        outs = [np.empty(y.shape, y.dtype) for y in self.graph.outputs]
        everything = (*given, *outs, *self.constants)
        addresses = (ctypes.c_void_p * len(everything))(*(x.ctypes.data for x in everything))
        if self.function(addresses):
            raise OtherPath
        return tuple(outs)
