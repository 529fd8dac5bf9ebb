"""The backward pass of a graph, in the graph: what each value does to the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..box import as_array, new_level
from ..core import Variable, attach, node_of, opened, sweep
from ..errors import DifferentiationError
from ..trees import unflatten
from .graph import Graph
from .passes import simplified
from .steps import Value, look_up
from .tracer import Tracer, trace


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
            ends = [look_up(env, out) for out in graph.outputs]
            y = ends[0] if len(ends) == 1 else None
            if not isinstance(y, Variable) or y._level != level:
                raise DifferentiationError(
                    f"{graph.name}: the result does not depend on the inputs"
                )
            kept: dict[Any, Any] = {}
            found = sweep({node_of(y): np.ones(y.shape, y.dtype)}, kept)
        by_node, named = kept | found, {}
        for value, v in env.items():
            if isinstance(v, Variable) and v._level == level:
                name = named_as(v._value, graph.names[value])
                g = by_node.get(v._node)
                named[name] = np.zeros(value.shape, value.dtype) if g is None else g
        return y._value, named

    tape = simplified(trace(run)(*graph.example))
    _, named = unflatten(tape.specs[1], tape.outputs)
    for name, g in named.items():
        if isinstance(g, Value) and not g.name:
            g.name = f"d_{name}"
    return tape


def named_as(x: Any, name: str) -> str:
    """The name, which a traced value has from now on."""
    if isinstance(x, Tracer):
        x._slot.name = name
    return name
