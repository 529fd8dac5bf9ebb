"""Variables that a function reads besides its arguments: inputs of its graph that it does not see.

While the function runs for a trace, each call on such a Variable is made on what stands in for it.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..box import watch
from ..config import Observer, floor_beneath, recording_floor
from ..core import Node, Variable, node_of
from ..errors import GraphError
from ..trees import tree_map

UNSEEN = frozenset({
    "grad", "clear_grad", "cleargrad", "backward", "register_hook", "creator", "set_creator",
    "generation",
})  # fmt: skip
"""What a program may do with a Variable that is no call."""


def can_stand(x: Any) -> bool:
    """Whether something can be an input that is not seen."""
    if not isinstance(x, Variable) or x._level:
        return False
    return type(x._value) is np.ndarray and x._value.dtype.kind in "fc"


def truth(v: Variable) -> bool | None:
    """What ``if v:`` would find, which no call tells."""
    return bool(v._value) if v.size == 1 else None


class Standing(Observer):
    """What leads calls on some Variables to others in their place."""

    looks = False
    others: dict[Node | None, Any]

    @classmethod
    def at(cls, under: int, others: dict[Node | None, Any]) -> Standing:
        """The one over a floor, by the nodes of Variables."""
        made = cls(under)
        assert isinstance(made, Standing)
        made.others = others
        return made

    def over(self, under: int) -> Standing:
        return self.at(under, self.others)

    def call(
        self,
        p: Any,
        operands: tuple[Any, ...],
        params: dict[str, Any] | None,
        process: Callable[[], Any],
    ) -> Any:
        given = tuple(map(self.of, operands))
        if all(map(operator.is_, given, operands)):
            return process()
        if params is None:
            raise GraphError("it is assigned into, or from")
        return p(*given, **params)

    def of(self, x: Any) -> Any:
        """What stands for a value."""
        return self.others.get(x._node, x) if isinstance(x, Variable) and not x._level else x


@contextlib.contextmanager
def standing(variables: Sequence[Variable], others: Sequence[Any]) -> Iterator[Standing]:
    """Inside, calls on Variables are made on others.

    Raises
    ------
    GraphError
        If something was done with them, or with their numbers, that is no call.
    """
    nodes = list(map(node_of, variables))
    observer = Standing.at(floor_beneath(), dict(zip(nodes, others, strict=True)))
    before = [(v, v._value, v._node) for v in variables]
    token = recording_floor.set(observer)
    try:
        with watch() as deeds:
            yield observer
    finally:
        recording_floor.reset(token)
        changed = [known for known in before if known[0]._value is not known[1]]
        for v, value, node in changed:
            v._value, v._node = value, node
    if changed or deeds:
        raise GraphError("its data is assigned" if changed else f"it {deeds[0]}")


def in_place_of(variables: Sequence[Variable], program: Callable[..., Any]) -> Callable[..., Any]:
    """The program as one of these Variables too, after its own arguments."""
    if not variables:
        return program

    def run(*numbers: Any) -> Any:
        n = len(numbers) - len(variables)
        with standing(variables, numbers[n:]) as observer:
            return tree_map(observer.of, program(*numbers[:n]))

    run.__name__ = program.__name__
    run.__wrapped__ = program  # type: ignore[attr-defined]  # for the names of its arguments
    return run
