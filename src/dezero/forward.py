"""Forward mode: a `Dual` holds a value and its tangent, and every call moves both along."""

from __future__ import annotations

from typing import Any

import numpy as np

from .box import Box, as_array, check_data, deciding, new_level
from .config import records
from .core import new
from .errors import DataError, GraphError, ShapeError
from .memory import note_views
from .methods import method


class Dual(Box):
    """A value and how it moves: ``f(Dual(x, 1.0))`` carries f(x) and f'(x) together.

    Parameters
    ----------
    value : number or array
        The primal.
    tangent : number or array
        Its rate of change, of the same shape; kept in the value's dtype.

    Raises
    ------
    ShapeError
        If the two shapes differ.

    Examples
    --------
    >>> x = Dual(2.0, 1.0)
    >>> y = x * x + 3.0
    >>> print(y.value, y.tangent)
    7.0 4.0
    >>> print(x.log().tangent, np.log(x).tangent)
    0.5 0.5
    """

    __slots__ = ("_tangent",)
    _parts = ("_value", "_tangent")
    _tangent: Any

    def __init__(self, value: Any, tangent: Any) -> None:
        value, tangent = as_array(value), as_array(tangent)
        check_data(value)
        check_data(tangent, "the tangent, ")
        if value.dtype.kind in "iub":
            value = value.astype(np.float64)
        if value.shape != tangent.shape:
            raise ShapeError(f"Dual: value of shape {value.shape}, tangent of {tangent.shape}")
        if tangent.dtype.kind == "c" != value.dtype.kind:
            raise DataError(f"the tangent, {tangent.dtype}, of a value of {value.dtype}")
        self._value, self._level = value, 0
        self._tangent = tangent.astype(value.dtype)

    @property
    def value(self) -> Any:
        """The primal."""
        return self._value

    @property
    def tangent(self) -> Any:
        """The rate of change."""
        return self._tangent

    exp, log, sqrt, square = map(method, (np.exp, np.log, np.sqrt, np.square))
    sin, cos, tan = map(method, (np.sin, np.cos, np.tan))
    sinh, cosh, tanh = map(method, (np.sinh, np.cosh, np.tanh))
    arcsin, arccos, arctan = map(method, (np.arcsin, np.arccos, np.arctan))

    def _resting(self, value: Any) -> Dual:
        return dual(value, still(value), new_level())

    def __reduce__(self) -> Any:
        if self._level:
            raise GraphError("a Dual inside a running transform cannot be pickled or copied")
        return Dual, (self._value, self._tangent)

    def __repr__(self) -> str:
        return f"dual({deciding(self)}, tangent {deciding(self._tangent)})"

    @staticmethod
    def process(p: Any, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
        """Compute below this level, and push the tangents along."""
        xs, txs = [], []
        for x in operands:
            mine = isinstance(x, Dual) and x._level == level
            xs.append(x._value if mine else x)
            txs.append(x._tangent if mine else None)
        out = p(*xs, **params)
        if p.nondifferentiable:
            return out
        moving = records(level)  # inside no_grad nothing moves, as nothing is recorded
        if isinstance(out, tuple):
            outs = tuple(map(as_array, out))
            if p.settle and moving:
                outs = p.settle(outs, *txs, **params)
            tys = p.push(outs, tuple(xs), tuple(txs), params) if moving else map(still, outs)
            return tuple(dual(y, ty, level) for y, ty in zip(outs, tys, strict=True))
        out = as_array(out)
        ty = p.push(out, tuple(xs), tuple(txs), params) if moving else still(out)
        d = dual(out, ty, level)
        if not p.pointwise:
            note_views(d, operands)
        return d


def still(out: Any) -> Any:
    """The tangent of what does not move; of whole numbers too it is floating."""
    return np.zeros(out.shape, out.dtype if out.dtype.kind in "fc" else float)


def dual(out: Any, tangent: Any, level: int) -> Dual:
    """A Dual of a level; the tangent takes the value's dtype."""
    d: Dual = new(Dual)
    d._value, d._tangent, d._level = out, in_dtype(as_array(tangent), out.dtype), level
    return d


def in_dtype(tangent: Any, dtype: np.dtype[Any]) -> Any:
    """A tangent in the dtype of its value."""
    if tangent.dtype == dtype:
        return tangent
    real = dtype.kind == "f" and tangent.dtype.kind == "c"
    return (tangent.real if real else tangent).astype(dtype)
