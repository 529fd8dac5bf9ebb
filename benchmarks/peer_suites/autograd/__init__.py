"""HIPS autograd's names as functions of DeZero, so that its own tests can run on DeZero.

Only the public names are here. What is private there (vector spaces, boxes, the tables of rules) is
missing, or a stub that says so. The gradient by complex numbers is conjugated at this border: HIPS
returns ∂L/∂Re z - i ∂L/∂Im z, DeZero its conjugate.
"""

from autograd.builtins import dict, isinstance, list, tuple, type
from autograd.extend import primitive
from autograd.operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)

__all__ = [
    "checkpoint",
    "deriv",
    "dict",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "isinstance",
    "jacobian",
    "list",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "multigrad_dict",
    "primitive",
    "tensor_jacobian_product",
    "tuple",
    "type",
    "value_and_grad",
    "vector_jacobian_product",
]
