"""What makes arrays, as boxes: NumPy's functions of these names, whose results are Variables."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..box import Box, as_array, foreign, plain, unsupported
from ..core import Constant, Variable
from ..dispatch import implements
from ..errors import DataError, ShapeError, UnsupportedError
from ..rules.joining import gathered, has_box, numbers

LAYOUTS = {"order": ("C", "K", "A"), "device": ("cpu",), "subok": (True,)}
"""Keywords about memory, and the values, beside none, at which they are nothing to a box."""


def holder(made: Any) -> Any:
    """A box of an array; texts, dates and records, which no box holds, as they are."""
    made = numbers(made)
    if isinstance(made, Box) or made.dtype.kind in "SUTMmV":
        return made
    return Variable(made) if made.dtype.kind in "fc" else Constant(made)


def boxed(function: Any) -> Callable[..., Any]:
    """The same function, whose result is a box."""

    @functools.wraps(function)
    def create(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        if isinstance(made, tuple):  # linspace(…, retstep=True)
            return (holder(made[0]), *made[1:])
        return holder(made)

    create.__doc__ = f"The same as `numpy.{function.__name__}`, as a Variable."
    return create


def check_layout(function: Any, keywords: dict[str, Any]) -> None:
    """Refuse keywords that a box does not honour."""
    refused = [k for k, value in keywords.items() if value and value not in LAYOUTS.get(k, ())]
    if refused:
        raise unsupported(function, kwargs=refused)


@implements(np.array)
def array(
    object: Any, dtype: Any = None, *, copy: bool | None = True, ndmin: int = 0, **layout: Any
) -> Any:
    """A box of whatever nesting of boxes, arrays and numbers, in the graph of those in it.

    The same as `numpy.array`: what is no list of boxes is copied, or not, as NumPy does.

    Raises
    ------
    ShapeError
        If the parts of a list differ in shape.
    DataError
        If they are no numbers.
    """
    if layout.get("like") is not None:
        return np.array(object, dtype, copy=copy, ndmin=ndmin, **layout)
    if foreign(object):
        raise DataError(f"{type(object)} is not supported: its own arithmetic would be lost")
    if not has_box(object):
        return holder(np.array(object, dtype, copy=copy, ndmin=ndmin, **layout))
    check_layout(np.array, layout)
    made = gathered(object)
    if dtype is not None and np.dtype(dtype) != made.dtype:
        made = holder(made.astype(dtype))
    if copy is False and made is not object:
        raise DataError("array: this is made by copying, which copy=False forbids")
    if copy and made is object:
        made = np.copy(made)
    missing = ndmin - made.ndim
    return made.reshape((1,) * missing + made.shape) if missing > 0 else made


@implements(np.asarray)
def asarray(a: Any, dtype: Any = None, order: Any = None, **layout: Any) -> Any:
    """The same as `numpy.asarray`, as a box: boxes as they are, `array` of anything else."""
    return array(a, dtype, copy=layout.pop("copy", None), order=order or "K", **layout)


@implements(np.asanyarray)
def asanyarray(a: Any, dtype: Any = None, order: Any = None, **layout: Any) -> Any:
    """The same as `asarray`: a box holds no subclasses."""
    return asarray(a, dtype, order, **layout)


@implements(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None, **layout: Any) -> Any:
    """The same as `asarray`, in C order and of one axis at least."""
    return array(a, dtype, copy=None, order="C", ndmin=1, **layout)


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """The same as `asarray`, of finite numbers only.

    Raises
    ------
    ValueError
        If there is a NaN or an infinity.
    """
    made = asarray(a, dtype, order)
    np.asarray_chkfinite(plain(made))
    return made


@implements(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **layout: Any) -> Any:
    """The same as `numpy.full`, as a box, and filled with boxes if they are given."""
    if not has_box(fill_value):
        return holder(np.full(shape, fill_value, dtype, order, **layout))
    check_layout(np.full, {"order": order, **layout})
    return np.copy(np.broadcast_to(asarray(fill_value, dtype), shape))


def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    **layout: Any,
) -> Any:
    """The same as `numpy.full_like`, as a box, and filled with boxes if they are given."""
    if not has_box((a, fill_value)):
        return holder(np.full_like(a, fill_value, dtype, order, subok, shape, **layout))
    model = as_array(a)
    shape = model.shape if shape is None else shape
    check_layout(np.full_like, {"order": order})
    return full(shape, fill_value, model.dtype if dtype is None else dtype, **layout)


@implements(np.fromiter)
def fromiter(iter: Any, dtype: Any, count: int = -1, **layout: Any) -> Any:
    """The same as `numpy.fromiter`, as a box, also of boxes."""
    found = list(itertools.islice(iter, None if count < 0 else count))
    if not has_box(found):
        return holder(np.fromiter(found, dtype, count, **layout))
    if count > len(found):
        raise ShapeError(f"fromiter: {len(found)} elements, and count={count}")
    return array(found, dtype)


def kaiser(M: Any, beta: Any) -> Any:
    """The same as `numpy.kaiser`; of a box for `beta` its derivative is known.

    The window is ``i0(beta * sqrt(1 - u**2)) / i0(beta)`` for u from -1 to 1.
    """
    if not isinstance(beta, Box):
        return np.kaiser(M, beta)
    beta = beta.astype(np.result_type(np.float64, beta.dtype))
    if M == 1:
        return np.ones(1) + 0 * beta
    middle = (M - 1) / 2.0
    u = (np.arange(0.0, M) - middle) / middle
    return np.i0(beta * np.sqrt(1 - u**2.0)) / np.i0(beta)


class Joining:
    """`numpy.r_` or `numpy.c_`, also of boxes."""

    def __init__(self, numpys: Any) -> None:
        self.numpys = numpys

    def __getitem__(self, key: Any) -> Any:
        """NumPy joins the places of the elements, and these tell how the elements are joined."""
        if not has_box(key):
            return self.numpys[key]
        key = key if isinstance(key, tuple) else (key,)
        parts: list[Any] = [np.r_[part] if isinstance(part, slice) else part for part in key]
        words = [part for part in parts if isinstance(part, str)]
        if set(words) & {"r", "c"}:
            raise UnsupportedError("np.r_ and np.c_ make no matrices of boxes")
        parts = [part for part in parts if not isinstance(part, str)]
        arrays = [gathered(part) for part in parts]
        weak = (int, float, complex)  # whose precision does not count
        dtype = np.result_type(
            *(
                part if type(part) in weak else x.dtype
                for part, x in zip(parts, arrays, strict=True)
            )
        )
        pool = np.concatenate([np.ravel(x) for x in arrays]).astype(dtype)
        starts = np.cumsum([0, *(x.size for x in arrays[:-1])])
        places = [
            np.arange(x.size).reshape(x.shape) + start
            for x, start in zip(arrays, starts, strict=True)
        ]
        return pool[self.numpys[(*words, *places)]]

    def __len__(self) -> int:
        return 0


r_, c_ = Joining(np.r_), Joining(np.c_)


def liked(function: Any) -> Callable[..., Any]:
    """The same function, whose result is a box; NumPy's own does as much for ``like=v``."""
    return implements(function)(boxed(function))


zeros, ones, empty = liked(np.zeros), liked(np.ones), liked(np.empty)
arange, fromfunction = liked(np.arange), liked(np.fromfunction)
eye, identity, tri = liked(np.eye), liked(np.identity), liked(np.tri)
linspace, logspace, geomspace = boxed(np.linspace), boxed(np.logspace), boxed(np.geomspace)
zeros_like, ones_like = boxed(np.zeros_like), boxed(np.ones_like)
empty_like = boxed(np.empty_like)
