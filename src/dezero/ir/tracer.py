"""Tracing: a `Tracer` computes like the array it holds, and writes each call into a graph."""

from __future__ import annotations

import enum
import inspect
import itertools
import operator
import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
import optree

from ..box import Box, as_array, check_data, layers, new_level, note, plain, sample
from ..config import records
from ..core import new, opened, sweep
from ..debugging import is_ours
from ..errors import GraphError, ShapeError
from ..memory import note_views, related
from ..rules.nondiff import refused, stopped
from ..trees import NAMESPACE, derived, flatten, is_numbers, leaves_of, peeled, unflatten
from .graph import Graph
from .steps import Equation, Guard, Step, Value
from .weak import NUMBERS, Weak, narrowed


class Recording:
    """A graph that is being written.

    Attributes
    ----------
    steps : list of Equation and Guard
    thread : int
        Where.
    asks : bool
        Whether the program may ask for numbers.
    """

    asks: ClassVar[bool] = True

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.thread = threading.get_ident()

    def given(self, x: Any) -> Any:
        """An operand from outside: a constant, as it is now."""
        if any(each._level for each in layers(x)):
            raise GraphError(
                "a function that is traced inside of a derivative, a vmap or another trace uses a "
                f"value of that one: pass it as an argument ({place().line})"
            )
        return constant(x)

    def value(self, x: Any, name: str = "") -> Value:
        """A name for an array of this kind."""
        return Value(np.shape(x), np.asarray(x).dtype, name)

    def equation(self, p: Any, operands: tuple[Any, ...], params: Any, outs: Any) -> Any:
        """Write a call down, and name its results."""
        where = place()
        results = tuple([Value(y.shape, y.dtype, "", *where) for y in outs])
        self.steps.append(Equation(p, operands, params, results, where.line))
        return results

    def ask(self, question: str, value: Value, answer: Any) -> Any:
        """Note down what the program asked, and what it was told."""
        self.steps.append(Guard(value, question, answer, place().line))
        return answer


FACTS = (str, bytes, bool, type(None), np.dtype, type, enum.Enum, range)
"""What is no number and holds none: handed through."""

recordings: dict[int, Recording] = {}
"""The graphs that are being written, by the level of their Tracers."""


class Place(NamedTuple):
    """Where something is computed.

    Attributes
    ----------
    line : str
        Of the user's, as ``file:line``. The backward pass is at the line of the call that it goes
        back through, and a graph that runs in a trace at those of its steps.
    derived : bool
        Whether a rule of a derivative computes it.
    of : tuple of Value
        What it is the gradient by, if it is a sum of cotangents.
    """

    line: str = ""
    derived: bool = False
    of: tuple[Value, ...] = ()


def place() -> Place:
    """Where the call comes from that is being written down."""
    derived, frame, inner = False, sys._getframe().f_back, None
    while frame is not None:
        code = frame.f_code
        if not is_ours(code.co_filename):
            return Place(f"{code.co_filename}:{frame.f_lineno}", derived)
        if code is RUN:
            return Place(frame.f_locals["self"].line, derived)
        if code is SWEEP:
            found = swept(frame.f_locals, inner)
            if found is not None:
                return found
        derived = derived or code is SWEEP or code.co_name == "push"
        frame, inner = frame.f_back, code
    return Place(derived=derived)


RUN, SWEEP = Equation.run.__code__, sweep.__code__
SUMS = [Box.__add__.__code__, Weak.__add__.__code__]


def swept(at: dict[str, Any], inner: Any) -> Place | None:
    """Where a sweep is, from its variables; it notes by what the cotangent is that it has."""
    value, g = getattr(at["node"], "mark", None), at.get("g")
    if value is None:
        return None
    mine = g._mark if isinstance(g, Box) else None
    if mine is not None and mine.derived and value not in mine.of:
        mine.of += (value,)
    whole = getattr(at.get("edge"), "mark", None) if inner in SUMS else None
    return Place(value.line, True, () if whole is None else (whole,))


def in_place(function: Any) -> Callable[[Tracer, Any], Any]:
    """An operator such as ``x += y``."""

    def changed(self: Tracer, other: Any) -> Any:
        out = function(self, other)
        if not self.shape:
            return out
        if out.shape != self.shape or not np.can_cast(out.dtype, self.dtype, "same_kind"):
            raise ShapeError(
                f"{function.__name__} in place: the result, {out.dtype}{list(out.shape)}, does "
                f"not fit into {self.dtype}{list(self.shape)}"
            )
        if type(out) is not Tracer or out._level != self._level or len(related(self)) > 1:
            self[...] = out
            return self
        out = out.astype(self.dtype, copy=False)
        self._value, self._slot = out._value, out._slot
        return self

    return changed


class Tracer(Weak):
    """An array of a program that is being written down: it stands for that of any other run.

    Where the program asks for a number (``if``, ``int``, ``range``, a mask as an index), the answer
    is that of the array at hand, and becomes a `Guard` of the graph.
    """

    __slots__ = ("_slot",)
    _marks = ("_level", "_slot")
    _settled = False
    _slot: Value

    @property
    def shape(self) -> tuple[int, ...]:
        return self._slot.shape

    @shape.setter
    def shape(self, _shape: Any) -> None:
        self._set("shape", "reshape(shape)")

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._slot.dtype

    @dtype.setter
    def dtype(self, _dtype: Any) -> None:
        self._set("dtype", "astype(dtype)")

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def strides(self) -> tuple[int, ...]:
        return as_array(self._value).strides  # type: ignore[no-any-return]  # any array's strides

    @strides.setter
    def strides(self, _strides: Any) -> None:
        self._set("strides", "transpose(axes)")

    @property
    def flags(self) -> Any:
        return as_array(self._value).flags

    @property
    def _mark(self) -> Value:
        return self._slot

    @property
    def data(self) -> Any:
        """The same value, cut from all derivatives."""
        return stopped(self)

    @property
    def _unasked(self) -> bool:
        return not recording_of(self._level, "isnan").asks

    def _ask(self, question: str, answer: Any) -> Any:
        return recording_of(self._level, question).ask(question, self._slot, answer)

    def __bool__(self) -> bool:
        return bool(self._ask("bool", bool(self._value)))

    def __int__(self) -> int:
        return int(self._ask("int", int(self._value)))

    def __float__(self) -> float:
        return float(self._ask("float", float(self._value)))

    def __complex__(self) -> complex:
        return complex(self._ask("complex", complex(self._value)))

    def __index__(self) -> int:
        return int(self._ask("int", operator.index(self._value)))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        if self.dtype.kind not in "iub":
            return super().__array__(*args, **kwargs)
        return self._numbers("became an ndarray")

    def _numbers(self, deed: str) -> Any:
        note(deed)
        return self._ask("array", np.array(self._value))

    def item(self, *args: Any) -> Any:
        """One element as a plain Python number."""
        if len(args) == 1 and np.ndim(args[0]) == 0:
            args = np.unravel_index(args[0], self.shape)
        return self[args]._numbers("called `.item()`").item()

    def __reduce__(self) -> Any:
        raise GraphError("a Tracer inside a running trace cannot be pickled or copied")

    # What is shown may decide something: whoever looks at the text has asked for the numbers.

    def __repr__(self) -> str:
        if self._level in recordings:
            self._numbers("was shown")
        return f"traced({plain(self)})"

    def __str__(self) -> str:
        return str(self._numbers("was shown")) if self._level in recordings else repr(self)

    def __format__(self, spec: str) -> str:
        return format(self._numbers("was shown")[()], spec) if spec else str(self)

    # An array is written into, as NumPy does; a number is another one afterwards.

    __iadd__, __isub__, __imul__ = map(in_place, (np.add, np.subtract, np.multiply))
    __itruediv__, __ifloordiv__ = map(in_place, (np.divide, np.floor_divide))
    __imod__, __ipow__, __imatmul__ = map(in_place, (np.remainder, np.power, np.matmul))
    __iand__, __ior__, __ixor__ = map(in_place, (np.bitwise_and, np.bitwise_or, np.bitwise_xor))
    __ilshift__, __irshift__ = map(in_place, (np.left_shift, np.right_shift))

    @staticmethod
    def process(p: Any, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
        """Compute below this level, and write the call down."""
        recording = recording_of(level, p.title)
        if p.pointwise:
            operands = narrowed(operands)
        mine = [type(x) is Tracer and x._level == level for x in operands]
        pairs = list(zip(operands, mine, strict=True))
        if params:
            params = {key: settled(value) for key, value in params.items()}
        out = p(*[x._value if m else sample(x) for x, m in pairs], **params)
        if isinstance(out, str):
            for x, m in pairs:
                _ = m and x._numbers("was shown")
            return out
        several = isinstance(out, tuple)
        outs = list(map(as_array, out)) if several else [as_array(out)]
        names = tuple([x._slot if m else recording.given(x) for x, m in pairs])
        results = recording.equation(p, names, params, outs)
        made = tuple([tracer(y, slot, level) for y, slot in zip(outs, results, strict=True)])
        if p.batching is refused:  # the shape depends on the numbers
            answers = tuple(v._numbers("asked where") for v in made)
            return answers if several else answers[0]
        if not (p.nondifferentiable or records(level)):  # inside no_grad
            made = tuple(map(stopped, made))
        for v in () if p.pointwise else made:
            note_views(v, operands)
        return made if several else made[0]


def settled(x: Any) -> Any:
    """A parameter, which is the same in every run: with answers in place of Tracers."""
    if isinstance(x, (tuple, list)) and not hasattr(x, "_fields"):
        return type(x)(map(settled, x))
    if isinstance(x, slice):
        return slice(settled(x.start), settled(x.stop), settled(x.step))
    if not isinstance(x, Box) or not any(isinstance(each, Tracer) for each in layers(x)):
        return x
    if not x.shape and x.dtype.kind in "iu":
        return operator.index(x)
    return x._numbers("became a parameter")


def tracer(value: Any, slot: Value, level: int) -> Tracer:
    """A Tracer of a level."""
    t: Tracer = new(Tracer)
    t._value, t._slot, t._level = value, slot, level
    return t


def recording_of(level: int, what: str) -> Recording:
    """The graph that Tracers of a level write into."""
    if level not in recordings:
        raise GraphError(
            f"{what}: a value of a traced program came out of its trace another way than by "
            f"return ({place().line})"
        )
    return recordings[level]


def constant(x: Any) -> Any:
    """An operand that does not depend on the arguments, as it is now."""
    if isinstance(x, Box):
        return constant(plain(x))
    if not isinstance(x, np.ndarray):
        return x
    # In the order of memory, and spread out as it was: NumPy adds up in that order.
    if 0 not in x.strides:
        return x.copy("K")
    parts = tuple(slice(None) if stride else slice(1) for stride in x.strides)
    return np.broadcast_to(x[parts].copy("K"), x.shape)


# ---------------------------------------------------------------------------- the transform


def trace(f: Callable[..., Any]) -> Callable[..., Graph]:
    """The function that runs `f` and returns what it did, as a `Graph`.

    Parameters
    ----------
    f : callable
        Any function of arrays written with NumPy; derivatives of functions are such functions too.

    Returns
    -------
    callable
        Takes the arguments of `f`, and returns a `Graph`, which can be called like `f`.

    Examples
    --------
    >>> graph = trace(lambda x, y: np.log(x) + x * y - np.sin(y))(2.0, 5.0)
    >>> print(graph)
    v1 = log(x)
    v2 = x * y
    v3 = v1 + v2
    v4 = sin(y)
    v5 = v3 - v4
    >>> print(graph(2.0, 5.0))
    11.652071455223084
    """
    return derived(_trace, f)


def _trace(f: Any, /, *args: Any, **kwargs: Any) -> Graph:
    leaves, spec = leaves_of(args, kwargs)
    recording, level = Recording(), new_level()
    names = names_of(f, args, kwargs)
    slots, boxes = [], []
    for x, name in zip(leaves, names, strict=True):
        x = sample(as_array(x) if isinstance(x, list) else x)
        if not isinstance(x, (bool, int, float, complex)):
            x = as_array(x)
            check_data(x, "trace: ")
        slots.append(recording.value(x, name))
        slots[-1].weak = type(x) in NUMBERS
        boxes.append(tracer(x, slots[-1], level))
    recordings[level] = recording
    try:
        with opened(level):
            given, named = unflatten(spec, boxes)
            results, out_spec = flatten(f(*given, **named))
    finally:
        del recordings[level]
    outputs = tuple(output(y, level, recording) for y in results)
    title = getattr(f, "__name__", type(f).__name__)
    example = tuple(map(constant, (box._value for box in boxes)))
    return Graph(title, tuple(slots), recording.steps, outputs, (spec, out_spec), example)


def output(y: Any, level: int, recording: Recording) -> Any:
    """A result as the graph knows it."""
    y = peeled(y, level)
    if isinstance(y, Tracer) and y._level == level:
        return y._slot
    if not isinstance(y, (Box, np.ndarray, np.generic, complex, int, float, *FACTS)):
        raise GraphError(
            f"a program that is traced returns arrays, numbers and containers of them, not {y!r}"
        )
    return recording.given(y)


def names_of(f: Any, args: Any, kwargs: Any) -> list[str]:
    """What the user calls each leaf of the arguments."""
    while hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    try:
        parameters = [p.name for p in inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):
        parameters = []
    spare = (f"x{k}" for k in range(len(args)))
    named = [*zip(itertools.chain(parameters[: len(args)], spare), args, strict=False)]
    return [
        "_".join([name, *map(str, path)])
        for name, value in (*named, *sorted(kwargs.items()))
        for path in optree.tree_paths(value, is_numbers, namespace=NAMESPACE)
    ]
