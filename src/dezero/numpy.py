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

from collections.abc import Callable
from typing import Any

import numpy as _np  # noqa: ICN001  # a mirror must not show a name that NumPy lacks

from .box import Box as _Box
from .core import as_variable as _as_variable

__all__ = [
    "arange",
    "array",
    "asarray",
    "empty",
    "eye",
    "full",
    "linspace",
    "ones",
    "zeros",
]


def array(x: Any, dtype: Any = None) -> Any:
    """A box of whatever nesting of boxes, arrays and numbers, in the graph of those in it."""
    made = _gathered(x)
    return _as_variable(made) if dtype is None else _as_variable(made).astype(dtype)


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
