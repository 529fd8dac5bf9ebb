"""Fourier transforms: linear, with a transform of the same cost as transpose.

The matrix of a full transform is symmetric, and padding is the transpose of cropping. The half
spectrum of a real transform stands for its mirror image too, so bins that have one count twice in
`irfft`, and half in the way back of `rfft`. What has several axes is a program over these four.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..axes import every, shift
from ..box import as_array
from ..dispatch import implements
from ..errors import OperandError, ShapeError
from ..rows import linear

Norm = Literal["backward", "ortho", "forward"] | None

OTHER_WAY: dict[Norm, Norm] = {
    None: "forward",
    "backward": "forward",
    "forward": "backward",
    "ortho": "ortho",
}
"""The `norm` with which the transform in the other direction has the same factor."""


def by_axis(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """The batching rule of functions along one axis, the last if none is given."""
    (x,) = xs
    axis = normalize_axis_index(params.get("axis", -1), x.ndim - 1) + 1
    return p(x, **{**params, "axis": axis})


def by_axes(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    """The batching rule of functions along several ``axes``, None for all."""
    (x,) = xs
    axes = params.get("axes")
    return p(x, axes=every(x) if axes is None else shift(axes, x.ndim - 1))


def resized(x: Any, length: int, axis: int) -> Any:
    """Cropped at the end of an axis, or padded with zeros."""
    have = x.shape[axis]
    if have >= length:
        front = (slice(None),) * (axis % x.ndim)
        return x if have == length else x[(*front, slice(length))]
    shape = list(x.shape)
    shape[axis] = length - have
    return np.concatenate([x, np.zeros(shape, x.dtype)], axis=axis)


def per_bin(x: Any, n: int, axis: int, several: float) -> Any:
    """A half spectrum times `several` at the bins that stand for two of the `n`."""
    shape = [1] * x.ndim
    shape[axis] = n // 2 + 1
    factor = np.full(n // 2 + 1, several, np.finfo(x.dtype).dtype)
    factor[[0] if n % 2 else [0, -1]] = 1
    return x * factor.reshape(shape)


def fft_back(g: Any, x: Any, *, n: Any = None, axis: int = -1, norm: Norm = None) -> Any:
    """The transpose of `fft`: itself, and padding for cropping."""
    return resized(np.fft.fft(g, axis=axis, norm=norm), x.shape[axis], axis)


def ifft_back(g: Any, x: Any, *, n: Any = None, axis: int = -1, norm: Norm = None) -> Any:
    """The transpose of `ifft`, likewise."""
    return resized(np.fft.ifft(g, axis=axis, norm=norm), x.shape[axis], axis)


def rfft_back(g: Any, x: Any, *, n: Any = None, axis: int = -1, norm: Norm = None) -> Any:
    """The adjoint of `rfft`: Re Σ g_k exp(2πi jk / n) over the half spectrum."""
    n = x.shape[axis] if n is None else n
    signal = np.fft.irfft(per_bin(g, n, axis, 0.5), n, axis, OTHER_WAY[norm])
    return resized(signal, x.shape[axis], axis)


def irfft_back(g: Any, x: Any, *, n: Any = None, axis: int = -1, norm: Norm = None) -> Any:
    """The adjoint of `irfft`; it reads the real parts only of bins that are their own image."""
    spectrum = np.fft.rfft(g, axis=axis, norm=OTHER_WAY[norm])
    return resized(per_bin(spectrum, g.shape[axis], axis, 2.0), x.shape[axis], axis)


linear(np.fft.fft, fft_back, batching=by_axis)
linear(np.fft.ifft, ifft_back, batching=by_axis)
linear(np.fft.rfft, rfft_back, holomorphic=False, batching=by_axis)
linear(np.fft.irfft, irfft_back, batching=by_axis)
linear(np.fft.fftshift, lambda g, *, axes=None: np.fft.ifftshift(g, axes), batching=by_axes)
linear(np.fft.ifftshift, lambda g, *, axes=None: np.fft.fftshift(g, axes), batching=by_axes)


# Hermitian signals, whose spectrum is real


def other_way(norm: Norm) -> Norm:
    """The `norm` of the transform in the other direction."""
    if norm not in OTHER_WAY:
        raise OperandError(f"np.fft: norm={norm!r} is none of 'backward', 'ortho' and 'forward'")
    return OTHER_WAY[norm]


@implements(np.fft.hfft)
def np_hfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    """The same as `numpy.fft.hfft`."""
    return np.fft.irfft(np.conjugate(a), n, axis, other_way(norm))


@implements(np.fft.ihfft)
def np_ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    """The same as `numpy.fft.ihfft`."""
    return np.conjugate(np.fft.rfft(a, n, axis, other_way(norm)))


# several axes, one after the other: the steps of NumPy's own


def steps(name: str, a: Any, s: Any, axes: Any, *, halves: bool = False) -> list[tuple[Any, int]]:
    """The length and the axis of each transform; what NumPy calls deprecated warns as there.

    With `halves`, of `a` a half spectrum along the last of the axes.
    """
    shape, given = as_array(a).shape, s is not None
    if axes is None:
        if given:
            warnings.warn(f"{name}: give `axes` with `s`", DeprecationWarning, stacklevel=3)
        axes = range(-len(s if given else shape), 0)
    axes = [normalize_axis_index(k, len(shape)) for k in axes]
    lengths = list(s) if given else [shape[k] for k in axes]
    if len(lengths) != len(axes):
        raise ShapeError(f"np.fft.{name}: {len(lengths)} lengths in s, and {len(axes)} axes")
    if "r" in name and not lengths:
        raise ShapeError(f"np.fft.{name}: no axis to transform")
    if None in lengths:
        warnings.warn(f"{name}: -1, not None, in `s`", DeprecationWarning, stacklevel=3)
    if halves and not given:
        lengths[-1] = 2 * (lengths[-1] - 1)
    return [(shape[k] if n == -1 else n, k) for n, k in zip(lengths, axes, strict=True)]


def full(name: str, one: Callable[..., Any], default: Any) -> Callable[..., Any]:
    """A transform over several axes, by that over one; the last axis is the first."""

    def transform(a: Any, s: Any = None, axes: Any = default, norm: Norm = None) -> Any:
        for n, axis in reversed(steps(name, a, s, axes)):
            a = one(a, n, axis, norm)
        return a

    return transform


def of_real(name: str, default: Any) -> Callable[..., Any]:
    """A transform of real numbers: by `rfft` over the last axis, by `fft` over the others."""

    def transform(a: Any, s: Any = None, axes: Any = default, norm: Norm = None) -> Any:
        *others, (n, axis) = steps(name, a, s, axes)
        a = np.fft.rfft(a, n, axis, norm)
        for n, axis in reversed(others):
            a = np.fft.fft(a, n, axis, norm)
        return a

    return transform


def to_real(name: str, default: Any) -> Callable[..., Any]:
    """The inverse, from the first axis to the last."""

    def transform(a: Any, s: Any = None, axes: Any = default, norm: Norm = None) -> Any:
        *others, (n, axis) = steps(name, a, s, axes, halves=True)
        for m, k in others:
            a = np.fft.ifft(a, m, k, norm)
        return np.fft.irfft(a, n, axis, norm)

    return transform


implements(np.fft.fftn)(full("fftn", np.fft.fft, None))
implements(np.fft.fft2)(full("fft2", np.fft.fft, (-2, -1)))
implements(np.fft.ifftn)(full("ifftn", np.fft.ifft, None))
implements(np.fft.ifft2)(full("ifft2", np.fft.ifft, (-2, -1)))
implements(np.fft.rfftn)(of_real("rfftn", None))
implements(np.fft.rfft2)(of_real("rfft2", (-2, -1)))
implements(np.fft.irfftn)(to_real("irfftn", None))
implements(np.fft.irfft2)(to_real("irfft2", (-2, -1)))
