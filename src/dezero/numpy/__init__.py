"""NumPy, name for name; what makes arrays makes boxes.

The functions of NumPy take boxes by themselves, so they are here as they are. Those that make an
array of shapes, ranges, numbers and lists return Variables: the place for code that fills arrays.
``import dezero.numpy as np`` serves a whole program.

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
>>> dz.numpy.exp is _np.exp
True
"""

import importlib as _importlib
from typing import Any as _Any

import numpy as _np  # noqa: ICN001  # a mirror must not show a name that NumPy lacks

from ._creation import (
    arange,
    array,
    asanyarray,
    asarray,
    asarray_chkfinite,
    ascontiguousarray,
    c_,
    empty,
    empty_like,
    eye,
    fromfunction,
    fromiter,
    full,
    full_like,
    geomspace,
    identity,
    kaiser,
    linspace,
    logspace,
    ones,
    ones_like,
    r_,
    tri,
    zeros,
    zeros_like,
)

__all__ = list(_np.__all__)

_SUBMODULES = ("fft", "linalg", "random", "testing")


def __dir__() -> list[str]:
    return dir(_np)


def __getattr__(name: str) -> _Any:
    if name in _SUBMODULES:
        return _importlib.import_module(f"{__name__}.{name}")
    value = getattr(_np, name)
    globals()[name] = value  # found at once the next time
    return value
