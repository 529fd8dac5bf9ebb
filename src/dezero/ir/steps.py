"""What a graph is made of: values, equations, and the guards of the path that was taken."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..box import Box, as_array
from ..errors import GuardError


class Value:
    """Something that a graph names: an input, or a result of an equation.

    Attributes
    ----------
    shape, dtype
    name : str
        What it is called, if the user or the tape has a name for it.
    line : str
        Where in the user's program it was computed, as ``file:line``.
    derived : bool
        Whether a rule of a derivative computed it, and not the program itself.
    of : tuple of Value
        What it is the gradient by, in a backward pass.
    weak : bool
        Whether it is a number of Python's, while it is traced.
    """

    __slots__ = ("derived", "dtype", "line", "name", "of", "shape", "weak")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        name: str = "",
        line: str = "",
        derived: bool = False,
        of: tuple[Value, ...] = (),
    ) -> None:
        self.shape, self.dtype, self.name = shape, dtype, name
        self.line, self.derived, self.of = line, derived, of
        self.weak = False

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def kind(self) -> str:
        """Its dtype and shape, as ``float64[2, 3]``."""
        return f"{self.dtype}{list(self.shape)}"

    def __repr__(self) -> str:
        return f"<{self.name or 'value'}: {self.kind}>"


@dataclass(frozen=True)
class Equation:
    """``results = p(*operands, **params)``.

    Attributes
    ----------
    p : Primitive
    operands : tuple of Value and constants
    params : dict
        What is the same in every run.
    results : tuple of Value
        One, but for primitives that return a tuple.
    line : str
        Where in the user's program, as ``file:line``.
    reads : tuple of Value
        The values among the operands.
    parts : dict
        The graphs that the primitive calls, if it is a loop or a branch.
    """

    p: Any
    operands: tuple[Any, ...]
    params: dict[str, Any]
    results: tuple[Value, ...]
    line: str = ""
    reads: tuple[Value, ...] = field(init=False, repr=False, compare=False)
    parts: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = self.__dict__  # passes ask again and again
        own["reads"] = tuple([x for x in self.operands if isinstance(x, Value)])
        own["parts"] = {key: x for key, x in self.params.items() if hasattr(x, "steps")}

    def run(self, env: dict[Value, Any]) -> None:
        """Call the primitive, and name its results."""
        out = self.p(*(look_up(env, x) for x in self.operands), **self.params)
        outs = out if isinstance(out, tuple) else (out,)
        env.update(zip(self.results, map(as_array, outs), strict=True))

    def __str__(self) -> str:
        return f"in {self.p.title} ({self.line})"


@dataclass(frozen=True)
class Guard:
    """A question that the program asked while it was traced, and the answer that it got.

    The rest of the graph is the path that the program takes after that answer.
    """

    operand: Any
    question: str
    answer: Any
    line: str = ""

    results = ()
    parts: ClassVar[dict[str, Any]] = {}

    def run(self, env: dict[Value, Any]) -> None:
        """Raise unless the answer is the same again."""
        found = asked(self.question, env[self.operand])
        if not agree(found, self.answer):
            raise GuardError(
                f"the program asked for a number ({self.question}) that was {self.answer} when it "
                f"was traced and is {found} now: trace it for these arguments"
                + (f" ({self.line})" if self.line else "")
            )

    def __str__(self) -> str:
        return f"in a guard ({self.line})"

    @property
    def reads(self) -> tuple[Value, ...]:
        return (self.operand,) if isinstance(self.operand, Value) else ()


NUMBERS = {"bool": bool, "int": int, "float": float, "complex": complex}


def asked(question: str, x: Any) -> Any:
    """The answer that a value gives to a question."""
    if question in NUMBERS:
        return NUMBERS[question](x)  # refused where it would cut a derivative
    return np.asarray(x.tolist()) if isinstance(x, Box) else x


def agree(found: Any, answer: Any) -> bool:
    """Whether two answers are the same to the bit: NaN is NaN, and 0.0 is not -0.0."""
    answer = np.asarray(answer)
    return bool(np.asarray(found, answer.dtype).tobytes() == answer.tobytes())


Step = Equation | Guard


def look_up(env: dict[Value, Any], x: Any) -> Any:
    """An operand's value in a run."""
    return env[x] if isinstance(x, Value) else x


def frozen(x: Any) -> Any:
    """Something static in a form that compares and hashes by its value."""
    if isinstance(x, np.ndarray):
        return "array", x.shape, x.dtype.str, hashlib.blake2b(x.tobytes(), digest_size=16).digest()
    if isinstance(x, dict):
        return tuple(sorted((key, frozen(value)) for key, value in x.items()))
    if isinstance(x, (tuple, list)):
        return type(x).__name__, tuple(map(frozen, x))
    if isinstance(x, slice):
        return "slice", x.start, x.stop, x.step
    return (type(x).__name__, repr(x)) if isinstance(x, float) else (type(x).__name__, x)
