"""Loops and branches in a graph: one equation each, with graphs for what they call.

The graphs are static parameters of the equation; what they read of the program around them are
operands. Run on arrays, the equation does what the loop does. On boxes around Tracers it is another
loop, which `RULES` know, and on other boxes the turns one by one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..box import Box, as_array, parts_of
from ..config import observing
from ..core import apart
from ..errors import DeZeroError
from ..loops import answered, either, steps, truth, turns
from ..primitives import Primitive
from .bodies import Unrolled
from .graph import Graph, own
from .tracer import Tracer

RULES: dict[type[Box], Callable[..., list[Any] | None]] = {}
"""What a loop is to boxes of a kind: ``rule(p, operands, params, level)``, None if its turns are
to be taken one by one (`turning.py`, `returning.py`)."""


class Loop(Primitive):
    """A loop, or a branch, whose steps are graphs."""

    def __call__(self, *operands: Any, **params: Any) -> Any:
        operands = tuple(map(apart, operands))
        observer = observing()
        if observer is None or observer.looks or not any(isinstance(x, Box) for x in operands):
            return self.on(operands, params)
        return observer.call(self, operands, params, lambda: self.on(operands, params))

    def on(self, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The results for arrays or boxes."""
        top = max((x for x in operands if isinstance(x, Box)), key=_level, default=None)
        if isinstance(top, Tracer):
            return top.process(self, operands, params, top._level)
        outs = None
        if top is not None and any(map(traced, operands)):
            outs = self.otherwise(top, operands, params)
        return tuple(map(as_array, self.fn(*operands, **params) if outs is None else outs))

    def otherwise(self, top: Box, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The results by another loop; None if the turns must be taken one by one."""
        for kind, rule in RULES.items():
            if isinstance(top, kind):
                try:
                    return rule(self, operands, params, top._level)
                except (Unrolled, DeZeroError):  # the loop meets its errors again
                    return None
        return None

    def __reduce__(self) -> Any:
        return loop_named, (self.title,)


def traced(x: Any) -> bool:
    """Whether there is a Tracer in a value."""
    return isinstance(x, Box) and (isinstance(x, Tracer) or any(map(traced, parts_of(x))))


def loop_named(title: str) -> Loop:
    """A loop's primitive, for one that was pickled."""
    return LOOPS[title]


def _level(x: Box) -> int:
    return x._level


MANY = 8
"""Turns after which the graph of a turn is compiled for those that follow."""

COMPILERS: list[Callable[[Graph], Callable[..., tuple[Any, ...]]]] = []
"""What makes a function of arrays out of a graph (`jit/replay.py`)."""


def runner(graph: Any, more: tuple[Any, ...]) -> Callable[..., list[Any]]:
    """What a graph, or a function compiled from one, gives for leaves, and these after them."""
    if not isinstance(graph, Graph):
        return lambda *leaves: list(graph(*leaves, *more))
    left = MANY
    fast: Callable[..., tuple[Any, ...]] | None = None

    def run(*leaves: Any) -> list[Any]:
        nonlocal left, fast
        if fast is not None:
            with np.errstate(all="ignore"):
                return [*map(own, fast(*leaves, *more), graph.outputs)]
        left -= 1
        if left == 0 and COMPILERS and not any(isinstance(x, Box) for x in (*leaves, *more)):
            fast = COMPILERS[0](graph)
        return graph.run((*leaves, *more))

    return run


def run_fori(lo: Any, hi: Any, *rest: Any, body: Any, carries: int) -> list[Any]:
    """``for i in range(lo, hi)``."""
    values, step = list(rest[:carries]), runner(body, rest[carries:])
    for i in range(operator.index(lo), operator.index(hi)):
        values = step(i, *values)
    return values


def run_while(*rest: Any, cond: Any, body: Any, carries: int) -> list[Any]:
    """``while``."""
    more = rest[carries:]
    return turns(runner(cond, more), runner(body, more), list(rest[:carries]))


def run_cond(pred: Any, *rest: Any, yes: Any, no: Any) -> list[Any]:
    """``if``."""
    chosen = answered(truth(pred, "cond"))
    if isinstance(chosen, Box):
        return either(chosen, runner(yes, ()), runner(no, ()), list(rest))
    return runner(yes if chosen else no, ())(*rest)


def run_scan(
    *rest: Any, body: Any, carries: int, sequences: int, length: int, checkpoint: Any
) -> list[Any]:
    """A loop over the first axes of sequences, which collects what its steps put out."""
    end = carries + sequences
    xs, step = rest[carries:end], runner(body, rest[end:])

    def once(values: list[Any], k: int) -> tuple[list[Any], list[Any]]:
        outs = step(*values, *(x[k] for x in xs))
        return outs[:carries], outs[carries:]

    values, ys = steps(once, list(rest[:carries]), length, checkpoint)
    return [*values, *(np.stack([*map(as_array, each)]) for each in zip(*ys, strict=True))]


LOOPS = {
    "scan": Loop(run_scan, "scan"),
    "fori_loop": Loop(run_fori, "fori_loop"),
    "while_loop": Loop(run_while, "while_loop"),
    "cond": Loop(run_cond, "cond"),
}
