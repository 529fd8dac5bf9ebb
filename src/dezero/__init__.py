"""DeZero differentiates NumPy programs: write NumPy, get exact derivatives.

Examples
--------
>>> import numpy as np
>>> import dezero as dz
>>> dz.grad(lambda x: np.sum(np.sin(x) ** 2))(np.array([0.0, 1.0]))
array([0.        , 0.90929743])
"""

from . import errors, numpy, rules, testing
from . import slices as slices  # for its entry in the table
from .batching import vmap
from .box import as_array
from .config import Config, no_grad, using_config
from .core import Variable, as_variable
from .custom import custom_jvp, custom_vjp, stop_gradient
from .debugging import debug
from .forward import Dual
from .function import Function
from .functions import (
    Add,
    Cos,
    Div,
    Exp,
    Log,
    MatMul,
    Mul,
    Neg,
    Pow,
    Sin,
    Sqrt,
    Square,
    Sub,
    Tan,
    Tanh,
    add,
    cos,
    div,
    exp,
    log,
    matmul,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    rdiv,
    rsub,
    sin,
    sqrt,
    square,
    sub,
    tan,
    tanh,
)
from .implicit import fixed_point, minimize, root
from .ir import Graph, formula, source, trace
from .jacobians import hessian, jacobian
from .jit import get_num_threads, jit, set_num_threads
from .loops import cond, fori_loop, scan, while_loop
from .products import elementwise_grad, gauss_newton, hvp, linearize, per_sample_grad
from .recompute import checkpoint
from .taylor import taylor
from .testing import numerical_diff
from .transforms import grad, jvp, value_and_grad, vjp

__version__ = "0.1.0"

__all__ = [
    "Add",
    "Config",
    "Cos",
    "Div",
    "Dual",
    "Exp",
    "Function",
    "Graph",
    "Log",
    "MatMul",
    "Mul",
    "Neg",
    "Pow",
    "Sin",
    "Sqrt",
    "Square",
    "Sub",
    "Tan",
    "Tanh",
    "Variable",
    "add",
    "as_array",
    "as_variable",
    "checkpoint",
    "cond",
    "cos",
    "custom_jvp",
    "custom_vjp",
    "debug",
    "div",
    "errors",
    "exp",
    "elementwise_grad",
    "gauss_newton",
    "fixed_point",
    "fori_loop",
    "formula",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "linearize",
    "per_sample_grad",
    "jit",
    "get_num_threads",
    "set_num_threads",
    "jvp",
    "log",
    "matmul",
    "maximum",
    "minimize",
    "minimum",
    "mul",
    "neg",
    "no_grad",
    "numerical_diff",
    "numpy",
    "pow",
    "rdiv",
    "root",
    "rsub",
    "rules",
    "scan",
    "sin",
    "source",
    "sqrt",
    "square",
    "stop_gradient",
    "sub",
    "tan",
    "tanh",
    "taylor",
    "testing",
    "trace",
    "using_config",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]
