"""The backward pass of a graph, in the graph: what each value does to the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..box import as_array, new_level
from ..core import Variable, attach, node_of, opened, sweep
from ..errors import DifferentiationError
from ..trees import unflatten
from .graph import Graph
from .steps import Value
from .tracer import trace


def adjoints(graph: Graph) -> Graph:
    """A graph that gives the result and the derivatives by all values, by name."""

    def run(*leaves: Any) -> tuple[Any, dict[str, Any]]:
        level = new_level()
        env: dict[Value, Any] = {}
        for value, x in zip(graph.inputs, leaves, strict=True):
            moves = value.dtype.kind in "fc"
            env[value] = attach(as_array(x), None, level) if moves else x
        with opened(level):
            for step in graph.steps:
                step.run(env)
            (y,) = [env[out] if isinstance(out, Value) else out for out in graph.outputs]
            if not isinstance(y, Variable) or y._level != level:
                raise DifferentiationError(
                    f"{graph.name}: the result does not depend on the inputs"
                )
            kept: dict[Any, Any] = {}
            found = sweep({node_of(y): np.ones(y.shape, y.dtype)}, kept)
        named = {}
        for value, v in env.items():
            if isinstance(v, Variable) and v._level == level:
                g = (kept | found).get(v._node)
                named[graph.names[value]] = np.zeros(value.shape, value.dtype) if g is None else g
        return y._value, named

    tape = trace(run)(*graph.example)
    for value, like in zip(tape.inputs, graph.inputs, strict=True):
        value.name = graph.names[like]
    _, named = unflatten(tape.out_spec, tape.outputs)
    for name, g in named.items():
        if isinstance(g, Value) and not g.name:
            g.name = f"d_{name}"
    return tape
