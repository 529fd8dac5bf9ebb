"""NumPy itself: DeZero's boxes bring its functions to DeZero.

Where NumPy's protocols do not reach (arrays made of lists of boxes, types called as functions),
`dezero.numpy` stands in.
"""

import operator

import numpy as _np  # noqa: ICN001  # a mirror must not show a name that NumPy lacks

import dezero as _dz
from autograd.numpy import fft, linalg, random
from dezero.box import Box as _Box
from dezero.box import plain as _plain

__all__ = [
    "append", "array", "c_", "fft", "int64", "linalg", "make_diagonal", "mean", "r_", "random",
    "std", "var", "where",
]  # fmt: skip


def __getattr__(name):
    return getattr(_np, name)


def _boxes_in(x):
    return isinstance(x, (list, tuple)) and any(isinstance(e, _Box) or _boxes_in(e) for e in x)


def array(x, dtype=None, **kwargs):
    """An array, or a box of a list of boxes."""
    if isinstance(x, _Box) or _boxes_in(x):
        return _dz.numpy.array(x, dtype)
    return _np.array(x, dtype, **kwargs)


def _of_lists(function):
    def call(*args, **kwargs):
        return function(*[array(a) if _boxes_in(a) else a for a in args], **kwargs)

    return call


mean, std, var, append = map(_of_lists, (_np.mean, _np.std, _np.var, _np.append))
linalg.norm = _of_lists(_np.linalg.norm)


class _Pieces:
    def __init__(self, name):
        self.name = name

    def __getitem__(self, key):
        boxed = isinstance(key, _Box) or _boxes_in(key)
        return getattr(_dz.numpy if boxed else _np, self.name)[key]


r_, c_ = _Pieces("r_"), _Pieces("c_")


class int64(_np.int64):  # noqa: N801  # NumPy's name
    """The type; called on a box, of its plain numbers."""

    def __new__(cls, x=0):
        """Not of this class: NumPy's."""
        return _np.int64(_plain(x))


def where(condition, *args, **kwargs):
    """Of Python numbers and lists, a Python number or list."""
    given = (condition, *args, *kwargs.values())
    found = _np.where(*given)
    kept = any(isinstance(x, (_Box, _np.ndarray, _np.generic)) for x in given) or len(given) < 3
    return found if kept or not isinstance(found, _np.ndarray) else found.tolist()


def make_diagonal(x, offset=0, axis1=0, axis2=1):
    """The transpose of `diagonal` for the last two axes."""
    if operator.index(offset) or (axis1, axis2) != (-1, -2):
        raise NotImplementedError("the last two axes only")
    return x[..., None] * _np.eye(x.shape[-1])
