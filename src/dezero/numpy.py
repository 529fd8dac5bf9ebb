"""Arrays that are boxes from the start: the place for code that fills arrays.

Each function is its NumPy namesake and returns a Variable; `array` also takes Variables, numbers
and arrays in nested lists, and keeps their graph.

Examples
--------
>>> import dezero as dz
>>> v = dz.Variable(_np.array(2.0))
>>> a = dz.numpy.zeros(3)
>>> a[1] = v * v
>>> print(a)
variable([0. 4. 0.])
>>> print(dz.numpy.array([v, 1.0]))
variable([2. 1.])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as _np  # noqa: ICN001  # a mirror must not show a name that NumPy lacks

from .box import Box as _Box
from .core import as_variable as _as_variable

__all__ = [
    "arange",
    "array",
    "asarray",
    "c_",
    "empty",
    "eye",
    "full",
    "linspace",
    "ones",
    "r_",
    "zeros",
]


def array(x: Any, dtype: Any = None) -> Any:
    """A box of whatever nesting of boxes, arrays and numbers, in the graph of those in it."""
    made = _as_variable(_gathered(x))
    return made if dtype is None else _as_variable(made.astype(dtype))


asarray = array


def _gathered(x: Any) -> Any:
    if isinstance(x, (list, tuple)) and _has_box(x):
        return _np.stack([_gathered(each) for each in x])
    return x if isinstance(x, _Box) else _np.asarray(x)


def _has_box(x: Any) -> bool:
    return isinstance(x, _Box) or (isinstance(x, (list, tuple)) and any(map(_has_box, x)))


def _creation(function: Callable[..., Any]) -> Callable[..., Any]:
    def create(*args: Any, **kwargs: Any) -> Any:
        return _as_variable(function(*args, **kwargs))

    create.__name__ = create.__qualname__ = function.__name__
    create.__doc__ = f"The same as `numpy.{function.__name__}`, as a Variable."
    return create


zeros, ones = _creation(_np.zeros), _creation(_np.ones)
empty, full = _creation(_np.empty), _creation(_np.full)
arange, linspace, eye = _creation(_np.arange), _creation(_np.linspace), _creation(_np.eye)


_WEAK = (bool, int, float, complex)


class _Pieces:
    """``np.r_[…]`` or ``np.c_[…]``, which NumPy's protocols do not bring to boxes.

    What NumPy makes of the pieces' positions says where each number goes.
    """

    def __init__(self, of: Any) -> None:
        self._of = of

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        parts = [_np.r_[x] if isinstance(x, slice) else x for x in items]
        numbers = [x for x in parts if not isinstance(x, str)]  # a string says how to join them
        dtype = _np.result_type(*(x if isinstance(x, _WEAK) else array(x).dtype for x in numbers))
        joined = _np.concatenate([array(x, dtype).ravel() for x in numbers])
        places: list[Any] = []
        n = 0
        for x in parts:
            if isinstance(x, str):
                places.append(x)
            else:
                shape = array(x).shape
                size = math.prod(shape)
                places.append(_np.arange(n, n + size).reshape(shape))
                n += size
        return joined[self._of[tuple(places)]]


r_, c_ = _Pieces(_np.r_), _Pieces(_np.c_)
