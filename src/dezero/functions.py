"""The functions and `Function` classes that users know, made from the rows.

Each function takes boxes, arrays and numbers and returns a box (its NumPy namesake returns a
box only where it is given one). Each class is what `creator` of a result is an instance of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .core import ROWS, Box, as_array, as_variable
from .rows import TABLE, RowNode


def _function(key: Any, name: str) -> Callable[..., Any]:
    row = ROWS[key]

    def function(*operands: Any) -> Any:
        if not any(isinstance(x, Box) for x in operands):
            operands = (as_variable(operands[0]), *operands[1:])
        return row(*(x if isinstance(x, Box) else _constant(x) for x in operands))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The same as `numpy.{key.__name__}`, on Variables: returns a box."
    return function


def _constant(x: Any) -> Any:
    """Numbers stay numbers, which take the dtype of what they meet; lists become arrays."""
    return x if isinstance(x, (bool, int, float, complex)) else as_array(x)


add, sub = _function(np.add, "add"), _function(np.subtract, "sub")
mul, div = _function(np.multiply, "mul"), _function(np.divide, "div")
neg, pow = _function(np.negative, "neg"), _function(np.power, "pow")
square, sqrt, exp = _function(np.square, "square"), _function(np.sqrt, "sqrt"), _function(np.exp, "exp")
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


Add: type[RowNode] = TABLE["add"].Function
Sub: type[RowNode] = TABLE["subtract"].Function
Mul: type[RowNode] = TABLE["multiply"].Function
Div: type[RowNode] = TABLE["divide"].Function
Neg: type[RowNode] = TABLE["negative"].Function
Pow: type[RowNode] = TABLE["power"].Function
Square: type[RowNode] = TABLE["square"].Function
Sqrt: type[RowNode] = TABLE["sqrt"].Function
Exp: type[RowNode] = TABLE["exp"].Function
Log: type[RowNode] = TABLE["log"].Function
Sin: type[RowNode] = TABLE["sin"].Function
Cos: type[RowNode] = TABLE["cos"].Function
Tan: type[RowNode] = TABLE["tan"].Function
Tanh: type[RowNode] = TABLE["tanh"].Function
MatMul: type[RowNode] = TABLE["matmul"].Function
