"""Passes: small functions from a graph to a graph that does the same with less.

None changes a bit of a result: nothing is reassociated, and a rewrite must hold for infinities, NaN
and negative zeros too. `PASSES` lists them in the order in which `simplified` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..config import no_grad
from ..rows import TABLE
from .graph import Graph
from .steps import Equation, Guard, Step, Value, frozen

Env = dict[Value, Any]
Rewrite = Callable[[Equation], Any]


def rebuilt(graph: Graph, steps: Iterable[Step], env: Env | None = None) -> Graph:
    """The graph with other steps, and with what `env` says in place of values."""
    env = env or {}
    outputs = tuple(env.get(y, y) if isinstance(y, Value) else y for y in graph.outputs)
    return Graph(graph.name, graph.inputs, steps, outputs, graph.specs, graph.example)


def with_operands(step: Step, env: Env) -> Step:
    """A step that reads what `env` has in place of its operands."""
    if isinstance(step, Guard):
        found = env.get(step.operand, step.operand)
        return (
            step if found is step.operand else Guard(found, step.question, step.answer, step.line)
        )
    if not any(x in env for x in step.reads):
        return step
    operands = tuple(env.get(x, x) if isinstance(x, Value) else x for x in step.operands)
    return Equation(step.p, operands, step.params, step.results, step.line)


# ---- what nobody reads ----


def dead_code(graph: Graph) -> Graph:
    """Leave out equations whose results nobody reads. Guards stay, and what they ask about."""
    alive = {y for y in graph.outputs if isinstance(y, Value)}
    kept: list[Step] = []
    for step in reversed(graph.steps):
        if isinstance(step, Guard) or alive & set(step.results):
            alive |= set(step.reads)
            kept.append(step)
    return rebuilt(graph, kept[::-1])


# ---- what was computed before ----


def common_subexpressions(graph: Graph) -> Graph:
    """Compute the same once: equal primitives of equal operands, and guards of one answer."""
    env: Env = {}
    known: dict[Any, tuple[Value, ...]] = {}
    steps: list[Step] = []
    for step in graph.steps:
        step = with_operands(step, env)
        key = identity(step)
        if key in known:
            env.update(zip(step.results, known[key], strict=True))
        else:
            known[key] = step.results
            steps.append(step)
    return rebuilt(graph, steps, env)


def identity(step: Step) -> Any:
    """Equal for two steps that give the same."""
    if isinstance(step, Guard):
        return step.question, step.operand
    operands = tuple(x if isinstance(x, Value) else frozen(x) for x in step.operands)
    return step.p, operands, frozen(step.params)


# ---- what is known now ----


def constants(graph: Graph) -> Graph:
    """Compute now what depends on no input."""
    env: Env = {}
    steps: list[Step] = []
    for step in graph.steps:
        step = with_operands(step, env)
        if isinstance(step, Guard):
            if isinstance(step.operand, Value):
                steps.append(step)
        elif any(step.reads):
            steps.append(step)
        else:
            with no_grad(), np.errstate(all="ignore"):
                step.run(env)
    return rebuilt(graph, steps, env)


# ---- what an equation says in a simpler way ----


def algebra(graph: Graph) -> Graph:
    """Rewrite single equations by the rules in `RULES`, as long as one applies."""
    env: Env = {}
    made: dict[Value, Equation] = {}
    steps: list[Step] = []
    for step in graph.steps:
        step = with_operands(step, env)
        found: Any = step
        while isinstance(found, Equation) and found.p.title in RULES:
            before, found = found, RULES[found.p.title](found, made)
            if found is None:
                found = before
                break
        if isinstance(found, (Equation, Guard)):
            steps.append(found)
            if isinstance(found, Equation):
                made.update(dict.fromkeys(found.results, found))
        else:
            env[step.results[0]] = found
    return rebuilt(graph, steps, env)


def same_kind(x: Any, step: Equation) -> bool:
    """Whether an operand could stand for the result: the same shape and dtype."""
    (y,) = step.results
    return isinstance(x, Value) and x.shape == y.shape and x.dtype == y.dtype


def same_real(x: Any, step: Equation) -> bool:
    """The same, of real numbers: 1 * z is not z for a complex infinity."""
    return same_kind(x, step) and x.dtype.kind in "fiu"


def filled_with(x: Any) -> Any:
    """The number that an array constant is full of; None if it is no constant, or not full."""
    if isinstance(x, (bool, int, float, complex, np.generic)):
        return x
    if not isinstance(x, np.ndarray) or not x.size:
        return None
    first = x.flat[0]
    one_sign = first != 0 or np.all(np.signbit(x.real) == np.signbit(first.real))
    full = one_sign and np.all(x == first)
    return first if full else None


def replaced(step: Equation, title: str, *operands: Any, **params: Any) -> Equation:
    """Another primitive in the place of an equation."""
    return Equation(TABLE[title], operands, params, step.results, step.line)


def _multiply(step: Equation, _made: Any) -> Any:
    for k, constant in enumerate(step.operands):
        number, other = filled_with(constant), step.operands[1 - k]
        if number is None or not same_real(other, step):
            continue
        if number == 1:
            return other
        if number == -1:
            return replaced(step, "negative", other)
        if isinstance(constant, np.ndarray):
            pair = [constant.dtype.type(number), other]
            return replaced(step, "multiply", *(pair if k == 0 else pair[::-1]))
    return None


def _divide(step: Equation, _made: Any) -> Any:
    x, y = step.operands
    return x if filled_with(y) == 1 and same_real(x, step) else None


def _subtract(step: Equation, _made: Any) -> Any:
    x, y = step.operands
    number = filled_with(y)
    zero = number is not None and number == 0 and not np.signbit(np.real(number))
    return x if zero and same_real(x, step) else None  # -0.0 - 0.0 is -0.0


def _power(step: Equation, _made: Any) -> Any:
    x, y = step.operands
    if isinstance(y, (int, float)) and same_real(x, step):
        if y == 1:
            return x
        if y == 2:
            return replaced(step, "square", x)
    return None


def _undone(title: str) -> Any:
    def rule(step: Equation, made: dict[Value, Equation]) -> Any:
        before = made.get(step.operands[0])
        if before is not None and before.p.title == title and not step.params and not before.params:
            return before.operands[0]
        return None

    return rule


def _unchanged(step: Equation, _made: Any) -> Any:
    (x,) = step.operands
    return x if same_kind(x, step) else None


def _reshape(step: Equation, made: dict[Value, Equation]) -> Any:
    (x,) = step.operands
    if step.params.get("order", "C") != "C":
        return None
    if same_kind(x, step):
        return x
    before = made.get(x) if isinstance(x, Value) else None
    if (
        before is not None
        and before.p.title == "reshape"
        and before.params.get("order", "C") == "C"
    ):
        return replaced(step, "reshape", *before.operands, shape=step.results[0].shape)
    return None


RULES: dict[str, Callable[[Equation, dict[Value, Equation]], Any]] = {
    "multiply": _multiply,
    "divide": _divide,
    "subtract": _subtract,
    "power": _power,
    "negative": _undone("negative"),
    "conjugate": _undone("conjugate"),
    "transpose": _undone("transpose"),
    "positive": _unchanged,
    "broadcast_to": _unchanged,
    "astype": _unchanged,
    "reshape": _reshape,
}
"""What an equation may be instead: ``rule(step, made)`` gives an operand, an equation, or None."""


# ---- broadcasting ----


def late_broadcasts(graph: Graph) -> Graph:
    """Give elementwise primitives the small array where they would broadcast it themselves."""
    made: dict[Value, Equation] = {}
    steps: list[Step] = []
    for step in graph.steps:
        if isinstance(step, Equation):
            if step.p.pointwise and len(step.operands) > 1:
                step = _with_small(step, made)
            made.update(dict.fromkeys(step.results, step))
        steps.append(step)
    return rebuilt(graph, steps)


def _with_small(step: Equation, made: dict[Value, Equation]) -> Equation:
    """An elementwise equation on what its operands were before they were broadcast."""
    operands = list(step.operands)
    for k, x in enumerate(operands):
        before = made.get(x) if isinstance(x, Value) else None
        if before is None or before.p.title != "broadcast_to":
            continue
        small = before.operands[0]
        others = [
            y.shape if isinstance(y, Value) else np.shape(y)
            for y in operands[:k] + operands[k + 1 :]
        ]
        if np.broadcast_shapes(small.shape, *others) == step.results[0].shape:
            operands[k] = small
    return Equation(step.p, tuple(operands), step.params, step.results, step.line)


# ---- loops and branches ----


def parts(graph: Graph) -> Graph:
    """Simplify the graphs that loops and branches call."""
    steps: list[Step] = []
    for step in graph.steps:
        if isinstance(step, Equation) and step.parts:
            params = step.params | {key: simplified(each) for key, each in step.parts.items()}
            step = Equation(step.p, step.operands, params, step.results, step.line)
        steps.append(step)
    return rebuilt(graph, steps)


PASSES: tuple[Callable[[Graph], Graph], ...] = (
    constants,
    algebra,
    late_broadcasts,
    common_subexpressions,
    parts,
    dead_code,
)


def simplified(graph: Graph) -> Graph:
    """The graph after all passes, again and again until they change nothing."""
    while True:
        before = len(graph.steps), graph.key
        for each in PASSES:
            graph = each(graph).verify()
        if before == (len(graph.steps), graph.key):
            return graph
