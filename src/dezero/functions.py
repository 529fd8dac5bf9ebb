"""The functions and `Function` classes that users know, made from the rows.

Each function takes boxes, arrays and numbers and returns a box (its NumPy namesake returns a
box only where it is given one). Each class is what `creator` of a result is an instance of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .box import ROWS, Box
from .core import as_variable
from .rows import TABLE, RowFunction


def _function(key: Any, name: str) -> Callable[..., Any]:
    row = ROWS[key]

    def function(x: Any, *others: Any) -> Any:
        if not isinstance(x, Box) and not any(isinstance(y, Box) for y in others):
            x = as_variable(x)
        return row(x, *others)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The same as `numpy.{key.__name__}`, on Variables: returns a box."
    return function


add, sub = _function(np.add, "add"), _function(np.subtract, "sub")
mul, div = _function(np.multiply, "mul"), _function(np.divide, "div")
neg, pow = _function(np.negative, "neg"), _function(np.power, "pow")
square, sqrt, exp = (
    _function(np.square, "square"),
    _function(np.sqrt, "sqrt"),
    _function(np.exp, "exp"),
)
log, sin, cos = _function(np.log, "log"), _function(np.sin, "sin"), _function(np.cos, "cos")
tan, tanh = _function(np.tan, "tan"), _function(np.tanh, "tanh")
matmul = _function(np.matmul, "matmul")
maximum, minimum = _function(np.maximum, "maximum"), _function(np.minimum, "minimum")


def rsub(x: Any, y: Any) -> Any:
    """``y - x``: what ``x.__rsub__(y)`` means."""
    return sub(y, x)


def rdiv(x: Any, y: Any) -> Any:
    """``y / x``: what ``x.__rtruediv__(y)`` means."""
    return div(y, x)


Add: type[RowFunction] = TABLE["add"].Function
Sub: type[RowFunction] = TABLE["subtract"].Function
Mul: type[RowFunction] = TABLE["multiply"].Function
Div: type[RowFunction] = TABLE["divide"].Function
Neg: type[RowFunction] = TABLE["negative"].Function
Pow: type[RowFunction] = TABLE["power"].Function
Square: type[RowFunction] = TABLE["square"].Function
Sqrt: type[RowFunction] = TABLE["sqrt"].Function
Exp: type[RowFunction] = TABLE["exp"].Function
Log: type[RowFunction] = TABLE["log"].Function
Sin: type[RowFunction] = TABLE["sin"].Function
Cos: type[RowFunction] = TABLE["cos"].Function
Tan: type[RowFunction] = TABLE["tan"].Function
Tanh: type[RowFunction] = TABLE["tanh"].Function
MatMul: type[RowFunction] = TABLE["matmul"].Function
