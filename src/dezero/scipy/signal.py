"""Convolutions and their kin, by SciPy's names: boxes or arrays in, and the same out.

What is convolved directly goes through the row of `numpy.convolve`; where SciPy would take a
Fourier transform, so does the row here, and so do its ways back.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.signal
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from scipy import fft

from ..box import as_array
from ..errors import OperandError, ShapeError, UnsupportedError
from ..rules.convolution import MODES, convolution, turned
from ..rules.convolution import convolve as direct

__all__ = [
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "detrend",
    "fftconvolve",
]

BOUNDARIES = ("fill", "wrap", "symm")


def _by_transform(x: Any, y: Any, *, dims: int, mode: str) -> Any:
    """By the product of transforms.

    Those of ``"valid"`` are as long as `x` only: what goes round the end does not come out.
    """
    axes, n, m = range(-dims, 0), x.shape[-dims:], y.shape[-dims:]
    starts = [k - 1 if mode == "valid" else 0 for k in m]
    stops = n if mode == "valid" else [a + b - 1 for a, b in zip(n, m, strict=True)]
    real = np.result_type(x, y).kind != "c"
    there, back = (fft.rfftn, fft.irfftn) if real else (fft.fftn, fft.ifftn)
    sizes = [fft.next_fast_len(k, real) for k in stops]
    out = back(there(x, sizes, axes) * there(y, sizes, axes), sizes, axes)
    return out[(..., *(slice(a, b) for a, b in zip(starts, stops, strict=True)))]


transformed = convolution(_by_transform, "fftconvolve")


def _conjugated(x: Any) -> Any:
    return np.conjugate(x) if x.dtype.kind == "c" else x


def _pair(name: str, in1: Any, in2: Any, mode: str) -> tuple[Any, Any]:
    """Two operands of as many axes."""
    if mode not in MODES:
        raise OperandError(f"{name}: mode={mode!r} is none of {', '.join(MODES)}")
    x, y = as_array(in1), as_array(in2)
    if x.ndim != y.ndim:
        raise ShapeError(f"{name}: shapes {x.shape} and {y.shape} have different numbers of axes")
    return x, y


def _convolved(row: Any, x: Any, y: Any, mode: str, dims: int, later: int = 0) -> Any:
    """The convolution of the last axes in a mode, with the larger operand first.

    Where no place is the middle one, ``"same"`` starts at the earlier, or `later`.
    """
    shape, n, m = x.shape, x.shape[-dims:], y.shape[-dims:]
    if mode == "valid":
        if not _holds(n, m):
            x, y, n, m = y, x, m, n
        if row is direct:
            return row(x, y, dims=dims, mode="valid")
    out = row(x, y, dims=dims, mode="full")
    if mode == "full":
        return out
    valid = [a - b + 1 for a, b in zip(n, m, strict=True)]
    return _middle(out, valid if mode == "valid" else shape, later)


def _holds(n: tuple[int, ...], m: tuple[int, ...]) -> bool:
    """Whether the second shape lies within the first; the other way round is the other answer."""
    if all(a >= b for a, b in zip(n, m, strict=True)):
        return True
    if any(a > b for a, b in zip(n, m, strict=True)):
        raise ShapeError(f"mode='valid': of the shapes {n} and {m} neither lies within the other")
    return False


def _middle(x: Any, shape: Sequence[int], later: int) -> Any:
    starts = [(a - b + later) // 2 for a, b in zip(x.shape[-len(shape) :], shape, strict=True)]
    return x[(..., *(slice(k, k + n) for k, n in zip(starts, shape, strict=True)))]


def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """The same as `scipy.signal.convolve`, on boxes too.

    Examples
    --------
    >>> import dezero as dz
    >>> dz.grad(lambda y: np.sum(convolve(np.eye(3), y)))(np.ones((2, 2)))
    array([[3., 3.],
           [3., 3.]])
    """
    x, y = _pair("convolve", in1, in2, mode)
    if x.ndim == 0:
        return np.multiply(x, y)
    if method == "auto":
        stand_ins = [np.broadcast_to(np.ones((), a.dtype), a.shape) for a in (x, y)]
        method = scipy.signal.choose_conv_method(*stand_ins, mode=mode)
    if method not in ("direct", "fft"):
        raise OperandError(f"convolve: method={method!r} is none of auto, direct, fft")
    if 0 in x.shape + y.shape:
        raise ShapeError(f"convolve: an operand is empty, {x.shape} and {y.shape}")
    whole = np.result_type(x.dtype, y.dtype).kind in "iub"  # then SciPy rounds
    row = direct if method == "direct" or whole else transformed
    return _convolved(row, x, y, mode, x.ndim)


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """The same as `scipy.signal.correlate`, on boxes too: `in2` is conjugated."""
    x, y = _pair("correlate", in1, in2, mode)
    y = _conjugated(y)
    return convolve(x, turned(y, y.ndim) if y.ndim else y, mode, method)


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """The same as `scipy.signal.fftconvolve`, on boxes too."""
    x, y = _pair("fftconvolve", in1, in2, mode)
    if x.ndim == 0:
        return np.multiply(x, y)
    if 0 in x.shape + y.shape:
        raise ShapeError(f"fftconvolve: an operand is empty, {x.shape} and {y.shape}")
    chosen = normalize_axis_tuple(range(x.ndim) if axes is None else axes, x.ndim)
    if not chosen:
        raise OperandError("fftconvolve: axes=() leaves nothing to convolve")
    chosen = tuple(k for k in chosen if x.shape[k] != 1 != y.shape[k])  # the others broadcast
    if not chosen:
        out = np.multiply(x, y)
        return _middle(out, x.shape, 0) if mode == "same" else out
    last = range(-len(chosen), 0)
    x, y = (np.moveaxis(a, chosen, last) for a in (x, y))
    out = _convolved(transformed, x, y, mode, len(chosen))
    return np.moveaxis(out, last, chosen)


# ---- of images, with boundaries ----


def _extended(x: Any, by: tuple[int, ...], boundary: str, fillvalue: Any) -> Any:
    """An image with a margin on each side, as its boundary has it."""
    places, inside = [], []
    for n, margin in zip(x.shape, by, strict=True):
        k = np.arange(-margin, n + margin)
        inside.append((k >= 0) & (k < n))
        if boundary == "wrap":
            k = k % n
        elif boundary == "symm":
            k = np.minimum(k % (2 * n), 2 * n - 1 - k % (2 * n))
        places.append(np.clip(k, 0, n - 1))
    out = x[np.ix_(*places)]
    return np.where(np.logical_and.outer(*inside), out, fillvalue) if boundary == "fill" else out


def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """The same as `scipy.signal.convolve2d`, on boxes too; `fillvalue` may be one."""
    return _image(*_images("convolve2d", in1, in2, mode, boundary), mode, boundary, fillvalue, 0)


def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """The same as `scipy.signal.correlate2d`, on boxes too: `in2` is conjugated.

    With ``mode="valid"`` and the larger image second, SciPy conjugates `in1`, and so does this.
    """
    x, y = _images("correlate2d", in1, in2, mode, boundary)
    swapped = mode == "valid" and not _holds(x.shape, y.shape)
    if swapped:
        x, y = y, x
    out = _image(x, turned(_conjugated(y), 2), mode, boundary, fillvalue, 1)
    return turned(out, 2) if swapped else out


def _images(name: str, in1: Any, in2: Any, mode: str, boundary: str) -> tuple[Any, Any]:
    x, y = _pair(name, in1, in2, mode)
    if x.ndim != 2 or 0 in x.shape + y.shape:
        raise ShapeError(f"{name}: images, not arrays of shape {x.shape} and {y.shape}")
    if boundary not in BOUNDARIES:
        raise OperandError(f"{name}: boundary={boundary!r} is none of {', '.join(BOUNDARIES)}")
    return x, y


def _image(x: Any, y: Any, mode: str, boundary: str, fillvalue: Any, later: int) -> Any:
    zeros = boundary == "fill" and type(fillvalue) in (int, float) and fillvalue == 0
    if mode == "valid" or zeros:
        return _convolved(direct, x, y, mode, 2, later)
    if not isinstance(fillvalue, (int, float, complex)):
        fillvalue = as_array(fillvalue).astype(np.result_type(x.dtype, y.dtype))
    wide = _extended(x, tuple(n - 1 for n in y.shape), boundary, fillvalue)
    out = direct(wide, y, dims=2, mode="valid")
    return out if mode == "full" else _middle(out, x.shape, later)


# ---- trends ----


def detrend(
    data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Any:
    """The same as `scipy.signal.detrend`, on boxes too: what is left beside lines, or the mean."""
    if overwrite_data:
        raise UnsupportedError("detrend of a box does not take overwrite_data=True")
    x = as_array(data)
    if type in ("constant", "c"):
        return x - np.mean(x, axis=axis, keepdims=True)
    if type not in ("linear", "l"):
        raise OperandError(f"detrend: type={type!r} is neither linear nor constant")
    axis = normalize_axis_index(axis, x.ndim)
    n = x.shape[axis]
    cuts = np.unique(np.concatenate([np.ravel(bp), [0, n]])).astype(int)
    if cuts[-1] > n or cuts[0] < 0:
        raise ShapeError(f"detrend: the breaks {bp} are not within the {n} points of axis {axis}")
    last = np.moveaxis(x, axis, -1)
    parts = [_beside_a_line(last[..., a:b]) for a, b in itertools.pairwise(cuts)]
    out = np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
    return np.moveaxis(out, -1, axis)


def _beside_a_line(x: Any) -> Any:
    """What the line nearest to points leaves of them: a projection, by an orthonormal basis."""
    n = x.shape[-1]
    basis = np.ones((n, 1)) / np.sqrt(n)
    if n > 1:
        slope = np.arange(n) - (n - 1) / 2
        basis = np.column_stack([basis, slope / np.sqrt(np.sum(slope**2))])
    basis = basis.astype(x.dtype if x.dtype.kind in "fc" else float)
    return x - np.matmul(np.matmul(x, basis), basis.T)
