"""An ndarray's methods and attributes on boxes: each is its NumPy function, or says what to write.

`ROWS` is the narrow waist of the library; `Methods` is the part of a `Box` that only spells calls
of it in an array's own words.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from operator import setitem
from typing import Any

import numpy as np

from .errors import OperandError, UnsupportedError

ROWS: dict[Any, Callable[..., Any]] = {}
"""The narrow waist: NumPy function (or Python operator) → what it does on boxes."""


PLAIN_ERRORS = (ValueError, TypeError, IndexError)
"""What Python and NumPy raise of operands that do not fit."""


@functools.cache
def from_out_on(function: Any) -> tuple[int, tuple[str, ...]]:
    """Where `out` stands among a function's positional parameters, and the names from it on."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # before NumPy 2.4 its C functions did not tell
        return sys.maxsize, ()
    names = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    place = names.index("out") if "out" in names else sys.maxsize
    return place, tuple(names[place:])


def method(function: Any) -> Callable[..., Any]:
    """An array method that is its NumPy function."""

    def called(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        row = ROWS.get(function)
        if row is None or "out" in kwargs or len(args) >= from_out_on(function)[0]:
            return function(self, *args, **kwargs)  # the box's protocols know what this means
        try:
            return row(self, *args, **kwargs)
        except PLAIN_ERRORS as error:
            self._in_words(error, function, (self, *args))

    called.__name__ = function.__name__
    called.__doc__ = f"The same as `numpy.{function.__name__}` of this array."
    return called


def refused(name: str, instead: str) -> Callable[..., Any]:
    """A method, or a setter, that boxes do not have, and what to write instead."""

    def called(_self: Any, *_args: Any, **_kwargs: Any) -> Any:
        raise UnsupportedError(f"{name} is not for boxes: {instead}")

    called.__name__ = called.__qualname__ = name
    called.__doc__ = f"Refused: {instead}."
    return called


def check_order(order: Any) -> None:
    """A box has no order in memory: what would ask for one is refused."""
    if order not in (None, "C", "K", "A"):
        raise UnsupportedError(f"order={order!r} is not for boxes: their order in memory is free")


class Flat:
    """The elements of a box in one row, as ``v.flat``: read and written through the box."""

    __slots__ = ("base",)
    __hash__ = None  # type: ignore[assignment]  # like NumPy's: it compares elements

    def __init__(self, box: Any) -> None:
        self.base = box

    def __len__(self) -> int:
        return self.base.size  # type: ignore[no-any-return]  # a box's size

    def __iter__(self) -> Iterator[Any]:
        return iter(self.copy())

    def __getitem__(self, index: Any) -> Any:
        return self.copy()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        """Values are taken in turn, and again from the first when they are too few."""
        chosen = np.arange(len(self))[index]
        if np.ndim(value):
            row = np.reshape(value, -1)
            turns = np.arange(np.size(chosen)) % max(np.size(row), 1)
            value = np.reshape(row[turns], np.shape(chosen))
        self.base[np.unravel_index(chosen, self.base.shape)] = value

    def __eq__(self, other: object) -> Any:
        return self.copy() == other

    def __ne__(self, other: object) -> Any:
        return self.copy() != other

    def __array__(self, *_args: Any, **_kwargs: Any) -> Any:
        return self.base.__array__()

    def copy(self) -> Any:
        """The elements as a box of one dimension."""
        return self.base.flatten()


class Methods:
    """What all boxes can do in the words of an ndarray."""

    __slots__ = ()

    sum, mean, prod = method(np.sum), method(np.mean), method(np.prod)
    max, min, clip = method(np.max), method(np.min), method(np.clip)
    var, std, cumsum, cumprod = (method(f) for f in (np.var, np.std, np.cumsum, np.cumprod))
    dot, trace, diagonal = method(np.dot), method(np.trace), method(np.diagonal)
    ravel, squeeze, swapaxes = method(np.ravel), method(np.squeeze), method(np.swapaxes)
    repeat, take, choose, put = (method(f) for f in (np.repeat, np.take, np.choose, np.put))
    conj, conjugate, round = method(np.conjugate), method(np.conjugate), method(np.round)
    argmax, argmin, argsort = method(np.argmax), method(np.argmin), method(np.argsort)
    argpartition, searchsorted = method(np.argpartition), method(np.searchsorted)
    all, any, nonzero = method(np.all), method(np.any), method(np.nonzero)

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """The same as `numpy.reshape`; the shape as one tuple or as several numbers."""
        return ROWS[np.reshape](self, shape[0] if len(shape) == 1 else shape, **kwargs)

    def transpose(self, *axes: Any) -> Any:
        """The same as `numpy.transpose`; the axes as one tuple or as several numbers."""
        return ROWS[np.transpose](self, axes[0] if len(axes) == 1 else axes or None)

    def flatten(self, order: str = "C") -> Any:
        """A copy in one dimension."""
        return self.ravel(order).copy()

    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Any:
        """The same as `numpy.compress`."""
        return np.compress(condition, self, axis, out)  # type: ignore[call-overload]  # boxes

    def copy(self, order: Any = "C") -> Any:
        """The same as `numpy.copy`."""
        check_order(order)
        return ROWS[np.copy](self)

    def astype(
        self: Any,
        dtype: Any,
        order: Any = "K",
        casting: Any = "unsafe",
        subok: bool = True,  # noqa: ARG002  # a box has no subclasses of arrays in it
        copy: bool = True,
    ) -> Any:
        """The same array in another dtype; its gradient comes back in this one's."""
        check_order(order)
        dtype = np.dtype(dtype)
        if not np.can_cast(self.dtype, dtype, casting):
            raise OperandError(f"astype: {self.dtype} to {dtype} is not {casting!r} casting")
        return self if not copy and dtype == self.dtype else ROWS["astype"](self, dtype=dtype)

    def view(self: Any, dtype: Any = None, type: Any = None) -> Any:
        """The same array; its bytes as other numbers have no derivative."""
        if type is not None or (dtype is not None and np.dtype(dtype) != self.dtype):
            raise UnsupportedError(
                "v.view(…) as another type is not for boxes: v.astype(dtype) converts the "
                "numbers; v.real and v.imag are the parts of complex ones"
            )
        return self[...]

    # in place

    def fill(self, value: Any) -> None:
        """The same as ``v[...] = value``."""
        ROWS[setitem](self, ..., value)

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, **kwargs: Any) -> None:
        """The same as ``v[...] = numpy.sort(v)``."""
        self.fill(np.sort(self, axis, kind, order, **kwargs))  # type: ignore[call-overload]  # boxes

    def partition(self, kth: Any, axis: int = -1, kind: Any = "introselect") -> None:
        """The same as ``v[...] = numpy.partition(v, kth)``."""
        self.fill(np.partition(self, kth, axis, kind))  # type: ignore[call-overload]  # boxes

    # plain numbers, for whom the graph ends

    def item(self: Any, *args: Any) -> Any:
        """One element as a plain Python number, cut from the graph."""
        return self._numbers("called `.item()`").item(*args)

    def tolist(self: Any) -> Any:
        """The elements as plain Python numbers in lists, cut from the graph."""
        return self._numbers("called `.tolist()`").tolist()

    def tobytes(self: Any, order: Any = "C") -> bytes:
        """The numbers as bytes, cut from the graph."""
        return self._numbers("called `.tobytes()`").tobytes(order)  # type: ignore[no-any-return]  # plain

    def tofile(self: Any, fid: Any, sep: str = "", format: str = "%s") -> None:
        """Write the numbers into a file, cut from the graph."""
        self._numbers("called `.tofile()`").tofile(fid, sep, format)

    def dump(self: Any, file: Any) -> None:
        """Write a pickle of the plain array into a file."""
        self._numbers("called `.dump()`").dump(file)

    def dumps(self: Any) -> bytes:
        """A pickle of the plain array."""
        return self._numbers("called `.dumps()`").dumps()  # type: ignore[no-any-return]  # plain

    # attributes

    @property
    def ndim(self: Any) -> int:
        return len(self.shape)

    @property
    def size(self: Any) -> int:
        return self._value.size  # type: ignore[no-any-return]  # any array's size

    @property
    def itemsize(self: Any) -> int:
        return self.dtype.itemsize  # type: ignore[no-any-return]  # any array's dtype

    @property
    def nbytes(self: Any) -> int:
        return self.size * self.itemsize  # type: ignore[no-any-return]  # integers

    @property
    def strides(self: Any) -> tuple[int, ...]:
        return self._value.strides[self._value.ndim - self.ndim :]  # type: ignore[no-any-return]  # of a member

    @strides.setter
    def strides(self, _strides: Any) -> None:
        self._set("strides", "transpose(axes)")

    @property
    def flags(self: Any) -> Any:
        return self._value.flags

    @property
    def base(self: Any) -> Any:
        """Of a view, the box whose memory it shows; None of one with its own."""
        return self._root() if hasattr(self, "_root") else None

    @property
    def device(self) -> str:
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """The box itself: there is no other device than NumPy's."""
        if device != "cpu" or stream is not None:
            raise UnsupportedError(f"to_device({device!r}): NumPy's arrays live on the 'cpu'")
        return self

    def __array_namespace__(self, *, api_version: Any = None) -> Any:
        """Where programs for any array library find functions for boxes: `dezero.numpy`."""
        np.empty(0).__array_namespace__(api_version=api_version)  # which knows the versions
        return sys.modules[f"{__package__}.numpy"]

    @property
    def T(self) -> Any:
        return ROWS[np.transpose](self)

    @property
    def mT(self: Any) -> Any:
        if self.ndim < 2:
            raise OperandError("v.mT: a matrix has two axes or more")
        return ROWS[np.swapaxes](self, -1, -2)

    @property
    def real(self: Any) -> Any:
        return ROWS[np.real](self)

    @real.setter
    def real(self: Any, value: Any) -> None:
        if np.iscomplexobj(value):
            raise OperandError("v.real = w: w is complex")
        self.fill(value + 1j * self.imag if self.dtype.kind == "c" else value)

    @property
    def imag(self: Any) -> Any:
        return ROWS[np.imag](self)

    @imag.setter
    def imag(self: Any, value: Any) -> None:
        if np.iscomplexobj(value) or self.dtype.kind != "c":
            raise OperandError("v.imag = w: v must be complex, and w real")
        self.fill(self.real + 1j * value)

    @property
    def flat(self) -> Flat:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    @staticmethod
    def _set(name: str, instead: str) -> None:
        raise UnsupportedError(f"v.{name} = … is not for boxes: write v = v.{instead}")

    resize = refused("v.resize(…)", "write v = np.resize(v, shape), or np.pad for zeros at the end")
    byteswap = refused("v.byteswap()", "bytes have no derivative; v.data.byteswap()")
    getfield = refused("v.getfield(…)", "a box holds numbers only; v.real, v.imag")
    setfield = refused("v.setfield(…)", "a box holds numbers only; v[...] = w, v.real = w")
    setflags = refused("v.setflags(…)", "what may be written is kept track of; v.data.setflags(…)")
    ctypes = property(refused("v.ctypes", "C code sees plain numbers only; v.data.ctypes"))
