"""HIPS autograd's checks, by `dz.testing.check_grads` with HIPS's tolerances."""

import functools
import itertools

import numpy as np

from autograd.operators import contained, jvp_of, vjp_of
from autograd.wrap_util import unary_to_nary
from dezero import testing
from dezero.errors import CheckError
from dezero.trees import flatten, tree_map

MODES = {"fwd": "forward", "rev": "reverse"}


def scalar_close(a, b):
    """Within 1e-6, absolute or relative."""
    return abs(a - b) < 1e-6 or abs(a - b) / abs(a + b) < 1e-6


def check_equivalent(x, y):
    """The same structure, shapes, and numbers (of the same kind)."""
    (xs, x_spec), (ys, y_spec) = flatten(contained(x)), flatten(contained(y))
    assert x_spec == y_spec
    for a, b in zip(xs, ys, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.iscomplexobj(a) == np.iscomplexobj(b)
        assert np.allclose(a, b, 1e-6, 1e-6)


@unary_to_nary
def check_grads(fun, x, modes=("fwd", "rev"), order=2):
    """Both modes against differences, and then the derivatives, by the point and the direction."""
    x = contained(x)
    try:
        testing.check_grads(fun, [x], 1, [MODES[m] for m in modes], rtol=1e-6, atol=1e-6)
    except CheckError as error:
        kind = "JVP" if str(error).startswith("forward") else "VJP"
        raise AssertionError(
            f"Derivative ({kind}) check of {fun.__name__} failed: {error}"
        ) from error
    if order > 1:
        for mode in modes:
            derivative, start = DERIVED[mode]
            derived = functools.partial(derivative, fun)
            derived.__name__ = f"{derivative.__name__}_{fun.__name__}"
            check_grads(derived, (0, 1), modes, order - 1)(x, random_like(start(fun, x)))


def jvp(fun, x, v):
    """The tangent of the result."""
    return jvp_of(fun, x)(v)[1]


def vjp(fun, x, v):
    """The cotangent of the argument."""
    return vjp_of(fun, x)[0](v)


DERIVED = {"fwd": (jvp, lambda _fun, x: x), "rev": (vjp, lambda fun, x: fun(x))}


def random_like(tree):
    """A direction."""

    def leaf(y):
        v = np.random.standard_normal(np.shape(y))  # noqa: NPY002  # the suite seeds this one
        return v * (1 - 0.5j) if np.iscomplexobj(y) else v

    return tree_map(leaf, tree)


def combo_check(fun, *args, **kwargs):
    """`check_grads` for all combinations of arguments and keywords."""

    def check(*choices, **keywords):
        for xs in itertools.product(*choices):
            for values in itertools.product(*keywords.values()):
                given = dict(zip(keywords, values, strict=True))
                check_grads(fun, *args, **kwargs)(*xs, **given)

    return check
