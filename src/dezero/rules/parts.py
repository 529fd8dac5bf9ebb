"""Parts of numbers: fraction and whole, mantissa and exponent, angle, and what is finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import pointwise
from ..box import as_array, numbers, unsupported
from ..dispatch import implements
from ..errors import OperandError
from ..rows import Elementwise, Nondifferentiable, several
from .elementwise import flat
from .nondiff import stopped

several(
    np.modf,
    lambda gs: gs[0],
    pushes=(lambda t: (t, np.zeros_like(t)),),
    batching=pointwise,
)

_exponent = Nondifferentiable(lambda x: np.frexp(x)[1], "exponent", batching=pointwise)
_mantissa_slope = (lambda t, x: np.ldexp(t, -_exponent(x)),)
_mantissa = Elementwise(lambda x: np.frexp(x)[0], "frexp", None, _mantissa_slope, _mantissa_slope)
_scaled_slopes = (lambda t, _x, y: np.ldexp(t, y), lambda t, _x, _y: flat(t))
_scaled = Elementwise(np.ldexp, "ldexp", None, _scaled_slopes, _scaled_slopes)


@implements(np.frexp)
def np_frexp(x: Any) -> tuple[Any, Any]:
    """The mantissa, which has a derivative, and the exponent, which is plain."""
    return _mantissa(x), _exponent(x)


@implements(np.ldexp)
def np_ldexp(x1: Any, x2: Any) -> Any:
    """Times a power of 2, whose exponent is a whole number."""
    short = type(x2) is int and abs(x2) < 2**31  # five times as fast as with int64
    exponents = stopped(as_array(np.intc(x2) if short else x2))
    if exponents.dtype.kind not in "iub":
        raise OperandError(f"ldexp: the exponents are whole numbers, not {exponents.dtype}")
    return _scaled(x1, exponents)


@implements(np.angle)
def np_angle(z: Any, deg: bool = False) -> Any:
    """The argument of complex numbers."""
    z = as_array(z)
    angle = np.arctan2(np.imag(z) if z.dtype.kind == "c" else 0, np.real(z))
    return angle * (180 / np.pi) if deg else angle


@implements(np.fix)
def np_fix(x: Any) -> Any:
    """The same as `numpy.trunc`."""
    return np.trunc(x)


@implements(np.nan_to_num)
def np_nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Numbers in place of NaN and infinities, whose derivative is 0 there."""
    if not copy:
        raise unsupported(np.nan_to_num, kwargs=["copy"])
    x = as_array(x)
    if x.dtype.kind == "c":
        real, imag = (np_nan_to_num(part, True, nan, posinf, neginf) for part in (x.real, x.imag))
        return real + imag * x.dtype.type(1j)
    if x.dtype.kind != "f":
        return x
    ends = np.finfo(x.dtype)
    for found, value in (
        (np.isnan(x), nan),
        (x == np.inf, ends.max if posinf is None else posinf),
        (x == -np.inf, ends.min if neginf is None else neginf),
    ):
        x = np.where(found, np.asarray(value, x.dtype), x)
    return x


@implements(np.real_if_close)
def np_real_if_close(a: Any, tol: float = 100) -> Any:
    """The real part, if the imaginary parts (of all members of a batch) are mere rounding."""
    a = as_array(a)
    if a.dtype.kind != "c":
        return a
    bound = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return a.real if np.all(np.absolute(numbers(a.imag)) < bound) else a
