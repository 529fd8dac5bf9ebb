"""HIPS autograd's checks, by `dz.testing.check_grads` with HIPS's tolerances."""

import itertools

import numpy as np
from autograd.operators import contained
from autograd.wrap_util import unary_to_nary

from dezero import testing
from dezero.errors import CheckError
from dezero.trees import flatten

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
    """Both modes against differences, up to an order."""
    try:
        testing.check_grads(
            fun, [contained(x)], order, [MODES[m] for m in modes], rtol=1e-6, atol=1e-6
        )
    except CheckError as error:
        *before, last = str(error).split(", then ")
        name = "".join("jvp_" if m == "forward" else "vjp_" for m in before) + fun.__name__
        kind = "JVP" if last.startswith("forward") else "VJP"
        raise AssertionError(f"Derivative ({kind}) check of {name} failed: {error}") from error


def combo_check(fun, *args, **kwargs):
    """`check_grads` for all combinations of arguments and keywords."""

    def check(*choices, **keywords):
        for xs in itertools.product(*choices):
            for values in itertools.product(*keywords.values()):
                given = dict(zip(keywords, values, strict=True))
                check_grads(fun, *args, **kwargs)(*xs, **given)

    return check
