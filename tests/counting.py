"""How much arithmetic a graph does, by the sizes of arrays."""

import math

from dezero.ir import Guard

MOVES = frozenset({
    "getitem", "gather", "scatter", "deposit", "reshape", "transpose", "swapaxes", "moveaxis",
    "expand_dims", "squeeze", "broadcast_to", "concatenate", "stack", "copy", "astype",
    "stop_gradient", "real", "diagonal", "setitem", "zeros_like",
})  # fmt: skip
"""Rows that compute nothing."""

FOLDS = frozenset({"sum", "mean", "prod", "max", "min", "any", "all", "var", "std", "length"})


def shape(x):
    return getattr(x, "shape", ())


def cost(step):
    """Operations on numbers: one for each of a result, or of what is folded; two in products."""
    title, sizes = step.p.title, [math.prod(y.shape) for y in step.results]
    if title in MOVES:
        return 0
    if title in FOLDS:
        return math.prod(shape(step.operands[0]))
    if title in ("matmul", "dot"):
        return 2 * sizes[0] * (shape(step.operands[0]) or (1,))[-1]
    return sum(sizes)


def arithmetic(graph):
    """The cost of all equations; what is scattered is added in place, where it belongs."""
    return sum(
        min([cost(step), *(math.prod(x.operands[0].shape) for x in scattered(step, graph))])
        for step in graph.steps
        if not isinstance(step, Guard)
    )


def scattered(step, graph):
    """The scatters that a sum adds up."""
    made = [graph.made.get(x) for x in step.reads] if step.p.title in ("add", "subtract") else []
    return [each for each in made if each is not None and each.p.title == "scatter"]
