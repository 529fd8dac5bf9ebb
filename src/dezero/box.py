"""The box: what every interpreter of NumPy programs shares.

A `Box` holds an array, or another box, and has the manners of a NumPy array. NumPy's own protocols
and Python's operators bring every call on a box to one table, `ROWS`: function → row. What the
call means is the affair of the box with the highest level among the operands (`Box.process`).
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import itertools
import operator
import sys
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ClassVar, NoReturn

import numpy as np

from .errors import (
    BoundsError,
    ConversionError,
    DataError,
    DeZeroError,
    LinAlgError,
    OperandError,
    ShapeError,
    UnsupportedError,
)
from .methods import PLAIN_ERRORS, Methods, from_out_on
from .methods import ROWS as ROWS  # noqa: PLC0414  # its modules know it from here

EXTENSIONS = {"scipy.special": "dezero.scipy.special"}
"""Libraries whose functions are ufuncs, and the module that has rows for them."""


def extend() -> None:
    """Load the rows for the libraries that the program has imported."""
    for library, module in EXTENSIONS.items():
        if library in sys.modules:
            importlib.import_module(module)


TESTERS = ("numpy.testing", "_pytest.")
"""Modules that only compare: they may see the plain numbers (`assert_allclose`, `approx`)."""

new_level: Callable[[], int] = itertools.count(1).__next__
"""Opens a level. Numbers only grow, over all threads, so an inner transform's is always higher."""


_watched: ContextVar[list[str] | None] = ContextVar("watched", default=None)


@contextlib.contextmanager
def watch() -> Iterator[list[str]]:
    """Inside, whoever takes plain numbers out of a box is noted down."""
    deeds: list[str] = []
    token = _watched.set(deeds)
    try:
        yield deeds
    finally:
        _watched.reset(token)


def note(deed: str) -> None:
    """Someone takes plain numbers out of a box."""
    deeds = _watched.get()
    if deeds is not None:
        deeds.append(deed)


def as_array(x: Any) -> Any:
    """Arrays and boxes as they are; numbers, NumPy scalars and lists as arrays.

    Examples
    --------
    >>> as_array(np.float64(2.0))
    array(2.)
    """
    if type(x) is np.ndarray or isinstance(x, Box):
        return x
    if isinstance(x, (np.generic, int, float, complex)):
        return np.asarray(x)
    if foreign(x):
        raise DataError(f"{type(x)} is not supported: its own arithmetic would be lost")
    try:
        return np.asarray(x)
    except ValueError as error:  # lists of different lengths
        raise DataError(f"no array can be made of this: {error}") from error


def arrayed(x: Any) -> Any:
    """A number of Python as an array, and anything else as it is.

    A Tracer may hold one, so that it decides no dtype; a row that calls methods needs the array.
    """
    return np.asarray(x) if isinstance(x, (bool, int, float, complex)) else x


def foreign(x: Any) -> bool:
    """Whether an array has an arithmetic of its own that NumPy's plain one would drop."""
    return any(kind.__name__ in ("MaskedArray", "matrix") for kind in type(x).__mro__)


def layers(x: Any) -> Iterator[Box]:
    """A box and those inside of it, from the outside in."""
    while isinstance(x, Box):
        yield x
        x = x._value


def plain(x: Any) -> Any:
    """What is left when every box around it is taken off."""
    while isinstance(x, Box):
        x = x._value
    return x


def sample(x: Any) -> Any:
    """The plain numbers that a value stands for; of the members of a batch, one's."""
    return x._sample() if isinstance(x, Box) else x


def deciding(x: Any) -> Any:
    """The numbers inside, for a decision by them; a box that notes decisions down stays on."""
    while isinstance(x, Box) and x._settled:
        x = x._value
    return x


def describe(x: Any) -> str:
    """An operand in a message: type and shape of arrays, the value of anything short."""
    x = plain(x)
    if isinstance(x, (np.ndarray, np.generic)):
        return f"{x.dtype}{list(x.shape)}"
    text = repr(x)
    return text if len(text) < 40 else f"<{type(x).__name__}>"


def explained(error: Exception, name: str, operands: tuple[Any, ...]) -> DeZeroError:
    """NumPy's complaint in the library's words: the operation and the shapes."""
    given = ", ".join(describe(x) for x in operands)
    kind: type[DeZeroError] = OperandError
    if isinstance(error, IndexError):
        kind = BoundsError
    elif isinstance(error, np.linalg.LinAlgError) and "dimensional" not in str(error):
        kind = LinAlgError
    elif isinstance(error, ValueError):
        kind = ShapeError
    return kind(f"{name}({given}): {error}")


class Box(Methods):
    """What all boxes share: an array inside, a level, and the manners of a NumPy array.

    A subclass says what a primitive means on it in `process`, which gets all operands of a call
    in which one of its boxes has the highest level.
    """

    __slots__ = ("__weakref__", "_level", "_root", "_value", "_views", "_window")
    __array_priority__ = 200
    __hash__ = object.__hash__

    _parts: ClassVar[tuple[str, ...]] = ("_value",)
    """The arrays, or boxes, that a box of this kind holds, …"""
    _marks: ClassVar[tuple[str, ...]] = ("_level",)
    """… and what else belongs to it."""
    _settled: ClassVar[bool] = True
    """Whether the numbers that it holds are all that it stands for."""

    _value: Any
    _level: int
    _root: weakref.ref[Box]  # of a view: the box whose memory it shows
    _views: weakref.WeakValueDictionary[int, Box]  # the views of this one, by identity
    _window: Any  # of a view: the basic index that takes it from its root

    @staticmethod
    def process(p: Any, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
        raise NotImplementedError

    @property
    def _mark(self) -> Any:
        """What the innermost box calls the value, if it is one that writes a graph."""
        return self._value._mark if isinstance(self._value, Box) else None

    def _twin(self) -> Box:
        """Another box of the same parts."""
        twin: Box = object.__new__(type(self))
        for name in (*self._marks, *self._parts):
            setattr(twin, name, getattr(self, name))
        return twin

    def _resting(self, value: Any) -> Box | None:
        """A box of this kind and a new level around a value that does not move; None if there is
        none.
        """
        return None

    def _sample(self) -> Any:
        return sample(self._value)

    @property
    def _unasked(self) -> bool:
        """Whether nothing may be decided by its numbers."""
        return False

    def _around(self, fact: Any) -> Any:
        """Something found out about the value, as it is for whom this box is one value."""
        return fact

    # NumPy's two protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            row = ROWS.get(ufunc)
            if row is not None:
                return row(args[0]) if len(args) == 1 else row(*args)
        row = ROWS.get((ufunc, method))
        if row is not None:
            return row(*args, **kwargs)
        if ufunc not in ROWS:
            extend()
            if ufunc in ROWS:
                return self.__array_ufunc__(ufunc, method, *args, **kwargs)
        general = ROWS.get("ufunc." + method)
        if ufunc not in ROWS or general is None:
            raise unsupported(ufunc, method, kwargs)
        try:
            return general(ufunc, *args, **kwargs)
        except PLAIN_ERRORS as error:
            self._in_words(error, ufunc, args)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        row = ROWS.get(function)
        if row is None:
            raise unsupported(function)
        place, names = from_out_on(function)
        if len(args) > place and args[place] is not None:
            given = dict(zip(names, args[place:], strict=False))
            args, kwargs = args[:place], {**given, **kwargs}
        try:
            if kwargs and kwargs.get("out") is not None:
                return ROWS["out="](kwargs.pop("out"), row(*args, **kwargs), function)
            return row(*args, **kwargs)
        except PLAIN_ERRORS as error:
            self._in_words(error, function, args)

    def _in_words(self, error: Exception, function: Any, args: tuple[Any, ...]) -> NoReturn:
        """Raise NumPy's complaint in the library's words, and a user's own as it is."""
        own = type(error).__module__.partition(".")[0] not in ("builtins", "numpy")
        if own or isinstance(error, DeZeroError):
            raise error
        raise explained(error, shown(name_of(function)), args) from error

    # places where only plain numbers can live

    def _refuse(self, what: str) -> ConversionError:
        kind = type(self).__name__
        return ConversionError(
            f"{what} would cut the {kind} from its graph without a word. For the plain numbers "
            f"write `v.data`; to collect boxes in an array, `dz.numpy.array([v, w])`; to "
            "fill an array with them, make it with `a = dz.numpy.zeros(shape)` and then `a[i] = v`"
        )

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        asking = sys._getframe(1).f_globals.get("__name__", "")
        if asking.startswith(TESTERS):
            return self._numbers("compared in a test")
        how = (
            "np.asarray(v), np.array([v]), a[i] = v; also a.dot(v) of an ndarray a, which is "
            "`a @ v` or `np.dot(a, v)`"
        )
        if "scipy" in sys.modules:
            how += "; in SciPy: `dezero.scipy` has functions that take boxes"
        raise self._refuse(f"Making a plain ndarray ({how})")

    def __float__(self) -> float:
        raise self._refuse("float(v)")

    def __complex__(self) -> complex:
        raise self._refuse("complex(v)")

    def __int__(self) -> int:
        if self.dtype.kind in "fc":
            raise self._refuse("int(v)")
        return int(self._value)

    def __index__(self) -> int:
        return operator.index(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def _numbers(self, deed: str) -> Any:
        """The plain array inside, for what leaves the graph and says so."""
        note(deed)
        inside = self._value
        return inside._numbers(deed) if isinstance(inside, Box) else inside

    @property
    def data(self) -> Any:
        """The plain value inside, cut from the graph."""
        note("read `.data`")
        return self._value

    # an array's manners

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape  # type: ignore[no-any-return]  # any array's shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        self._set("shape", "reshape(shape)")

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._value.dtype  # type: ignore[no-any-return]  # any array's dtype

    @dtype.setter
    def dtype(self, dtype: Any) -> None:
        self._set("dtype", "astype(dtype)")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool(ROWS[np.any](self == value))

    def __getitem__(self, index: Any) -> Any:
        return ROWS[operator.getitem](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        ROWS[operator.setitem](self, index, value)

    def __round__(self, digits: int = 0) -> Any:
        return self.round(digits)

    def __format__(self, spec: str) -> str:
        return format(self._value, spec) if spec else str(self)

    # operators

    def __add__(self, other: Any) -> Any:
        return ROWS[np.add](self, other)

    def __radd__(self, other: Any) -> Any:
        return ROWS[np.add](other, self)

    def __sub__(self, other: Any) -> Any:
        return ROWS[np.subtract](self, other)

    def __rsub__(self, other: Any) -> Any:
        return ROWS[np.subtract](other, self)

    def __mul__(self, other: Any) -> Any:
        return ROWS[np.multiply](self, other)

    def __rmul__(self, other: Any) -> Any:
        return ROWS[np.multiply](other, self)

    def __truediv__(self, other: Any) -> Any:
        return ROWS[np.divide](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ROWS[np.divide](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return ROWS[np.floor_divide](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return ROWS[np.floor_divide](other, self)

    def __mod__(self, other: Any) -> Any:
        return ROWS[np.remainder](self, other)

    def __rmod__(self, other: Any) -> Any:
        return ROWS[np.remainder](other, self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        return ROWS[np.power](self, other)

    def __rpow__(self, other: Any) -> Any:
        return ROWS[np.power](other, self)

    def __matmul__(self, other: Any) -> Any:
        return ROWS[np.matmul](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return ROWS[np.matmul](other, self)

    def __neg__(self) -> Any:
        return ROWS[np.negative](self)

    def __pos__(self) -> Any:
        return ROWS[np.positive](self)

    def __abs__(self) -> Any:
        return ROWS[np.absolute](self)

    def _compared(self, ufunc: Any, other: Any, otherwise: bool) -> Any:
        if getattr(other, "__array_ufunc__", ufunc) is None:
            return NotImplemented  # NumPy's sign for "I compare myself"
        if isinstance(other, (str, bytes)):
            return np.full(self.shape, otherwise)
        return ROWS[ufunc](self, other)

    def __eq__(self, other: object) -> Any:
        return self._compared(np.equal, other, False)

    def __ne__(self, other: object) -> Any:
        return self._compared(np.not_equal, other, True)

    def __lt__(self, other: Any) -> Any:
        return ROWS[np.less](self, other)

    def __le__(self, other: Any) -> Any:
        return ROWS[np.less_equal](self, other)

    def __gt__(self, other: Any) -> Any:
        return ROWS[np.greater](self, other)

    def __ge__(self, other: Any) -> Any:
        return ROWS[np.greater_equal](self, other)

    def __and__(self, other: Any) -> Any:
        return ROWS[np.bitwise_and](self, other)

    def __rand__(self, other: Any) -> Any:
        return ROWS[np.bitwise_and](other, self)

    def __or__(self, other: Any) -> Any:
        return ROWS[np.bitwise_or](self, other)

    def __ror__(self, other: Any) -> Any:
        return ROWS[np.bitwise_or](other, self)

    def __xor__(self, other: Any) -> Any:
        return ROWS[np.bitwise_xor](self, other)

    def __rxor__(self, other: Any) -> Any:
        return ROWS[np.bitwise_xor](other, self)

    def __lshift__(self, other: Any) -> Any:
        return ROWS[np.left_shift](self, other)

    def __rlshift__(self, other: Any) -> Any:
        return ROWS[np.left_shift](other, self)

    def __rshift__(self, other: Any) -> Any:
        return ROWS[np.right_shift](self, other)

    def __rrshift__(self, other: Any) -> Any:
        return ROWS[np.right_shift](other, self)

    def __invert__(self) -> Any:
        return ROWS[np.invert](self)


class Kept(np.ndarray[Any, Any]):
    """A plain array where a `backward` may expect a Variable: it has `.data` too."""

    @property
    def data(self) -> Any:
        return self.view(np.ndarray)


def check_data(data: Any, what: str = "") -> None:
    """Refuse what a box cannot hold, naming its type."""
    if type(data) in (np.ndarray, Kept):
        if data.dtype.kind not in "fciub":
            raise DataError(f"{what}an array of {data.dtype} is not supported: numbers only")
        return
    hint = ""
    if isinstance(data, np.ndarray):
        hint = "; its own arithmetic would be lost, pass np.asarray(data)"
    elif isinstance(data, Box):
        hint = "; it is a box already (dz.as_variable leaves boxes as they are)"
    elif isinstance(data, (int, float, complex, list, tuple, np.generic)):
        hint = "; make it an array with np.array(data), or call dz.as_variable(data)"
    elif hasattr(data, "__array_function__") and hasattr(data, "dtype"):
        return
    raise DataError(f"{what}{type(data)} is not supported{hint}")


def parts_of(x: Box) -> list[Any]:
    """What a box holds: the value, and what moves with it."""
    parts: list[Any] = []
    for name in x._parts:
        part = getattr(x, name)
        parts += part if isinstance(part, list) else [part]
    return [part for part in parts if part is not None]


INSTEAD = {
    "dtype=": "cast first, v.astype(dtype)",
    "where=": "np.where(mask, v, 0) before it",
}
"""What to write instead of a keyword that is not taken."""


def shown(name: str) -> str:
    """A function's name with ``np.`` before it, unless it is another library's."""
    return f"np.{name}" if hasattr(np, name.split(".", maxsplit=1)[0]) else name


def name_of(function: Any) -> str:
    """A function's name with its module before it, but for NumPy's."""
    module = getattr(function, "__module__", None) or "numpy"
    prefix = module.removeprefix("numpy").removeprefix(".")
    return ".".join(filter(None, (prefix, getattr(function, "__name__", str(function)))))


def unsupported(function: Any, method: str = "__call__", kwargs: Any = ()) -> UnsupportedError:
    """The error for a NumPy call that has no row, naming the nearest that has one."""
    name = name_of(function)
    if "out" in kwargs:
        return UnsupportedError(
            f"{shown(name)}: a box cannot be written into an existing array (`out=`, or `a += v` "
            "and `a[i] += v` on a plain ndarray). Write `a = a + v`, or fill an array made with "
            "`a = dz.numpy.zeros(shape)`"
        )
    if method != "__call__":
        return UnsupportedError(f"{shown(name)}.{method} of a box is not supported")
    if kwargs:
        keywords = ", ".join(f"{key}=" for key in kwargs)
        instead = "; ".join(INSTEAD[f"{key}="] for key in kwargs if f"{key}=" in INSTEAD)
        hint = f"; instead: {instead}" if instead else ""
        return UnsupportedError(f"{shown(name)} of a box does not take {keywords}{hint}")
    known = {getattr(key, "__name__", ""): key for key in ROWS}
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    instead = shown(near[0]) if near else ""
    hint = f"; the nearest that is: {instead}" if instead else ""
    return UnsupportedError(
        f"{shown(name)} has no derivative here and is not supported on boxes{hint}. "
        "For a value without a gradient pass `v.data`"
    )
