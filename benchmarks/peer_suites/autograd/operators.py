"""The differential operators."""

import inspect

import numpy as np

import dezero as dz
from autograd.wrap_util import unary_to_nary
from dezero.trees import tree_map


def flipped(tree):
    """HIPS's cotangents from DeZero's, and the other way round: the conjugates."""
    return tree_map(lambda g: np.conj(g) if np.iscomplexobj(g) else g, tree)


def contained(x):
    """A list as a container, also where it holds nothing but numbers (to DeZero, an array)."""
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        return type(x)(
            np.asarray(e, float) if isinstance(e, (int, float)) else contained(e) for e in x
        )
    return x


def scalar(y):
    """HIPS takes an array of one element for a number."""
    return np.reshape(y, ()) if np.shape(y) and np.size(y) == 1 else y


def vjp_of(fun, x):
    """``(pullback, value)``."""
    y, pullback = dz.vjp(fun, contained(x))
    return (lambda g: flipped(pullback(flipped(contained(g)))[0])), y


def jvp_of(fun, x):
    """Tangent → ``(value, tangent)``."""
    return lambda v: dz.jvp(fun, (contained(x),), (contained(v),))


def gradient_of(fun, x):
    """``(value, gradient)``."""
    y, g = dz.value_and_grad(lambda x: scalar(fun(x)))(contained(x))
    return y, flipped(g)


def ones_like(tree):
    """Ones in the shape of a result."""
    return tree_map(lambda y: np.ones(np.shape(y), np.result_type(y, np.float16)), tree)


make_vjp, make_jvp = unary_to_nary(vjp_of), unary_to_nary(jvp_of)
value_and_grad = unary_to_nary(gradient_of)


@unary_to_nary
def grad(fun, x):
    """Returns a function which computes the gradient."""
    return gradient_of(fun, x)[1]


@unary_to_nary
def elementwise_grad(fun, x):
    """The gradient of the sum of the results."""
    pullback, y = vjp_of(fun, x)
    if np.iscomplexobj(y):
        raise TypeError("elementwise_grad is of real results")
    return pullback(ones_like(y))


@unary_to_nary
def deriv(fun, x):
    """The derivative along ones."""
    return jvp_of(fun, x)(ones_like(contained(x)))[1]


@unary_to_nary
def jacobian(fun, x):
    """Of shape results × arguments."""
    return dz.jacobian(fun)(x)


@unary_to_nary
def hessian(fun, x):
    """The Jacobian of the Jacobian."""
    return dz.hessian(fun)(x)


@unary_to_nary
def holomorphic_grad(fun, x):
    """f′ of a holomorphic function."""
    return gradient_of(lambda x: np.real(fun(x)), x)[1]


@unary_to_nary
def make_hvp(fun, x):
    """``(product with the Hessian, gradient)``."""
    return vjp_of(lambda x: gradient_of(fun, x)[1], x)


@unary_to_nary
def grad_and_aux(fun, x):
    """``(gradient, aux)`` of a function with two results."""
    g, aux = dz.grad(lambda x: tuple(fun(x)), has_aux=True)(x)
    return flipped(g), aux


def grad_named(fun, argname):
    """The gradient by an argument's name."""
    return grad(fun, list(inspect.signature(fun).parameters).index(argname))


def multigrad_dict(fun):
    """The gradients by all arguments, by name."""
    signature = inspect.signature(fun)

    def gradients(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()

        def of_dict(arguments):
            given = inspect.BoundArguments(signature, arguments)
            return fun(*given.args, **given.kwargs)

        return gradient_of(of_dict, dict(bound.arguments))[1]

    return gradients


def hessian_tensor_product(fun, argnum=0):
    """The function of ``(*args, tensor)`` that contracts the Hessian with the tensor."""

    def product(*args, **kwargs):
        *args, tensor = args
        return make_hvp(fun, argnum)(*args, **kwargs)[0](tensor)

    return product


def tensor_jacobian_product(fun, argnum=0):
    """The function of ``(*args, tensor)`` that contracts the tensor with the Jacobian."""

    def contracted(*args, **kwargs):
        *args, tensor = args
        return np.tensordot(tensor, fun(*args, **kwargs), axes=np.ndim(tensor))

    return jacobian(contracted, argnum)


def half_square(y):
    """The default loss of `make_ggnvp`."""
    return 0.5 * np.sum(y**2, axis=-1)


def make_ggnvp(f, g=half_square, f_argnum=0):
    """The function that multiplies by the generalized Gauss–Newton matrix of g ∘ f."""

    @unary_to_nary
    def maker(f, x):
        product = dz.gauss_newton(f, g)
        return lambda v: product((x,), (v,))[0]

    return maker(f, f_argnum)


hessian_vector_product, vector_jacobian_product = hessian_tensor_product, tensor_jacobian_product
checkpoint = dz.checkpoint
