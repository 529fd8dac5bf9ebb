"""Functions of one to three numbers."""

import operator

import numpy as np

from .tools import ANY, MASK, PAIRS, Case, binary, cplx, real, steps, ternary, unary


def quotient(x):
    with np.errstate(all="ignore"):
        return 1 / x


HOLES = np.array([1.0, np.nan, np.inf, -np.inf])

CASES = {
    "add": binary(np.add, has_complex=True) + binary(lambda x, y: x + y),
    "subtract": binary(np.subtract, has_complex=True) + binary(lambda x, y: x - y),
    "multiply": binary(np.multiply, has_complex=True) + binary(lambda x, y: x * y),
    "divide": binary(np.divide, y=(0.5, 2.0), has_complex=True)
    + binary(lambda x, y: x / y, y=(-2.0, -0.5)),
    "power": binary(np.power, x=(0.5, 2.0), has_complex=True)
    + binary(lambda x, y: x**y, x=(0.5, 2.0))
    + [Case(lambda x, n=n: x**n, (real((2, 3)),)) for n in (0, 1, 2, 3, 2.0, np.array([0, 1, 2]))]
    + [Case(lambda x, n=n: x**n, (real((2, 3), 0.5, 2),)) for n in (-1, -2, 0.5, -0.5, 1.7)]
    + [Case(lambda x, n=n: x**n, (cplx((2, 3)),)) for n in (0, 2, -1, 0.5, 1j)]
    + [Case(np.power, (real(3, 0.5, 2), np.array([0.0, 1.0, 2.0])))],
    "float_power": binary(np.float_power, x=(0.5, 2.0), has_complex=True)
    + [Case(lambda x, n=n: np.float_power(x, n), (real((2, 3)),)) for n in (0, 1, 2, 3)],
    "remainder": binary(np.remainder, x=(4.7, 5.9), y=(2.0, 2.2))
    + binary(lambda x, y: x % y, x=(-5.9, -4.7), y=(2.0, 2.2))
    + binary(np.remainder, x=(4.7, 5.9), y=(-2.2, -2.0)),
    "fmod": binary(np.fmod, x=(4.7, 5.9), y=(2.0, 2.2))
    + binary(np.fmod, x=(-5.9, -4.7), y=(2.0, 2.2)),
    "negative": unary(np.negative, complex_at=ANY) + unary(operator.neg),
    "positive": unary(np.positive, complex_at=ANY) + unary(operator.pos),
    "reciprocal": unary(np.reciprocal, 0.5, 2.0, complex_at=ANY),
    "square": unary(np.square, complex_at=ANY),
    "sqrt": unary(np.sqrt, 0.5, 2.0, complex_at=ANY),
    "cbrt": unary(np.cbrt, 0.5, 2.0) + unary(np.cbrt, -2.0, -0.5),
    "absolute": unary(np.abs, 0.2, 1.0, complex_at=ANY) + unary(operator.abs, -1.0, -0.2),
    "fabs": unary(np.fabs, 0.2, 1.0) + unary(np.fabs, -1.0, -0.2),
    "copysign": binary(np.copysign, x=(0.2, 1.0), y=(0.2, 1.0))
    + binary(np.copysign, x=(-1.0, -0.2), y=(0.2, 1.0))
    + binary(np.copysign, x=(0.2, 1.0), y=(-1.0, -0.2)),
    "modf": [
        *unary(lambda x: np.modf(x)[0], draw=steps),
        Case(lambda x: np.modf(x)[1], (steps((2, 3)),)),
        Case(lambda x: np.subtract(*np.modf(x)) * x, (steps(3),)),
    ],
    "frexp": [
        *unary(lambda x: np.frexp(x)[0], 0.55, 0.95),
        Case(lambda x: np.frexp(x)[0] * np.frexp(x)[1], (real((2, 3), 4.1, 7.9),)),
        Case(lambda x: np.frexp(x)[0], (real((2, 3), -7.9, -4.1),)),
    ],
    "ldexp": [
        *unary(lambda x: np.ldexp(x, 3)),
        Case(lambda x: np.ldexp(x, np.array([[1], [-2]])), (real(3),)),
    ],
    "conjugate": unary(np.conjugate, complex_at=ANY) + unary(np.conj, complex_at=ANY),
    "exp": unary(np.exp, complex_at=ANY),
    "exp2": unary(np.exp2, complex_at=ANY),
    "expm1": unary(np.expm1, complex_at=ANY),
    "log": unary(np.log, 0.5, 3.0, complex_at=ANY),
    "log2": unary(np.log2, 0.5, 3.0, complex_at=ANY),
    "log10": unary(np.log10, 0.5, 3.0, complex_at=ANY),
    "log1p": unary(np.log1p, -0.4, 2.0, complex_at=ANY),
    "logaddexp": binary(np.logaddexp),
    "logaddexp2": binary(np.logaddexp2),
    "sin": unary(np.sin, complex_at=ANY),
    "cos": unary(np.cos, complex_at=ANY),
    "tan": unary(np.tan, -1.2, 1.2, complex_at=ANY),
    "arcsin": unary(np.arcsin, -0.8, 0.8, complex_at=ANY),
    "arccos": unary(np.arccos, -0.8, 0.8, complex_at=ANY),
    "arctan": unary(np.arctan, complex_at=ANY),
    "sinh": unary(np.sinh, complex_at=ANY),
    "cosh": unary(np.cosh, complex_at=ANY),
    "tanh": unary(np.tanh, complex_at=ANY),
    "arcsinh": unary(np.arcsinh, complex_at=ANY),
    "arccosh": unary(np.arccosh, 1.3, 3.0, complex_at=ANY),
    "arctanh": unary(np.arctanh, -0.8, 0.8, complex_at=ANY),
    "deg2rad": unary(np.deg2rad),
    "radians": unary(np.radians),
    "rad2deg": unary(np.rad2deg),
    "degrees": unary(np.degrees),
    "arctan2": binary(np.arctan2, x=(0.3, 1.0))
    + binary(np.arctan2, x=(-1.0, -0.3), y=(-1.0, -0.3)),
    "hypot": binary(np.hypot, x=(0.3, 1.0)),
    "sinc": unary(np.sinc)
    + unary(np.sinc, 0.001, 0.04)
    + [Case(np.sinc, (np.array([0.0, 1.0, -2.0]),))],
    "maximum": binary(np.maximum),
    "minimum": binary(np.minimum),
    "fmax": binary(np.fmax),
    "fmin": binary(np.fmin),
    "where": [
        *(Case(lambda x, y: np.where(x > y, x, y), (real(s), real(t))) for s, t in PAIRS),
        Case(lambda x, y: np.where(MASK, x, y), (real((2, 3)), real(3))),
        Case(lambda x, y: np.where(MASK, x, y), (real(), real())),
        Case(lambda x, y: np.where([True, False], x, y), (real((2, 1)), real(2))),
        Case(lambda x: np.where(x, x, 2.0), (real((2, 3), 0.1, 1.0),)),
        Case(lambda x: np.where(MASK, 1, x), (real((2, 3)),)),
        Case(lambda x: np.where(MASK, x, np.arange(3.0)), (real((2, 3)),)),
        Case(lambda x: np.where(True, x, 0), (real((2, 3)),)),
        Case(lambda x, y: np.where(MASK, x, y), (cplx((2, 3)), real(3))),
    ],
    "clip": [
        *ternary(np.clip, (-1.5, 1.5), (-0.501, -0.499), (0.499, 0.501)),
        *ternary(np.clip, (-1.5, 1.5), (0.499, 0.501), (-0.501, -0.499)),  # the wrong way round
        Case(lambda x: np.clip(x, -0.5, 0.5), (real((2, 3)),)),
        Case(lambda x: np.clip(x, None, 0.5), (real((2, 3)),)),
        Case(lambda x: np.clip(x, min=0.0), (real((2, 3)),)),
        Case(lambda x: np.clip(x, min=-0.5, max=np.array([0.1, 0.2, 0.3])), (real((2, 3)),)),
        Case(lambda y: np.clip(np.arange(3.0), y, 1.5), (real(3, 0.2, 0.8),)),
        Case(lambda x: np.clip(x, a_min=-0.5, a_max=None), (real((0, 3)),)),
    ],
    **{
        fn.__name__: unary(fn, draw=steps) for fn in (np.sign, np.floor, np.ceil, np.rint, np.trunc)
    },
    "round": [
        *unary(np.round, draw=steps),
        Case(lambda x: np.round(x, 1), (np.array([0.12, -2.37]),)),
    ],
    "spacing": unary(np.spacing, 1.1, 1.9),
    "floor_divide": binary(np.floor_divide, x=(4.7, 5.9), y=(2.0, 2.2))
    + binary(lambda x, y: x // y, x=(-5.9, -4.7), y=(2.0, 2.2)),
    "heaviside": binary(np.heaviside, x=(0.2, 1.0)) + binary(np.heaviside, x=(-1.0, -0.2)),
}

SPELLINGS = {
    "angle": [
        *unary(np.angle, draw=cplx),
        *unary(lambda z: np.angle(z, deg=True), draw=cplx),
        *unary(np.angle, 0.5, 1.0),
        Case(np.angle, (real(3, -2.0, -1.0),)),
    ],
    "fix": unary(np.fix, draw=steps),
    "nan_to_num": [
        *unary(np.nan_to_num, complex_at=ANY),
        Case(lambda x: np.nan_to_num(x * HOLES, posinf=3.0, neginf=-3.0), (real(4, 0.5, 1.0),)),
        Case(lambda x: np.nan_to_num(x * HOLES, nan=2.0, posinf=0, neginf=0), (real(4, 0.5, 1),)),
    ],
    "real_if_close": [
        *unary(np.real_if_close, complex_at=ANY),
        Case(lambda x: np.real_if_close(x + 1e-15j, tol=1000), (real(3),)),
    ],
    "around": unary(np.around, draw=steps),
    "divmod": [
        Case(lambda x, y: np.add(*np.divmod(x, y)), (real((2, 3), 4.7, 5.9), real(3, 2.0, 2.2))),
        Case(lambda x: divmod(x, 2.0)[1], (steps((2, 3)),)),
    ],
}

POLICIES = {
    "copysign": [
        (np.copysign, [[-2.0, 0, 3, 3], [1.0, 1, -1, -0.0]], [[-1, 0, -1, -1], [0, 0, 0, 0]]),
    ],
    "frexp": [
        (lambda x: np.frexp(x)[0], [[0.0, 1, 8, -3]], [[1, 0.5, 0.0625, 0.25]]),
        (lambda x: np.ldexp(x, [0, 1, -1]), [[0.0, 1, 2]], [[1, 2, 0.5]]),
    ],
    "modf": [
        (lambda x: np.modf(x)[0], [[-1.5, 0, 2]], [[1, 1, 1]]),
        (lambda x: np.modf(x)[1], [[-1.5, 0, 2]], [[0, 0, 0]]),
    ],
    "nan_to_num": [
        (np.nan_to_num, [[np.nan, np.inf, -np.inf, 1.0]], [[0, 0, 0, 1]]),
        (lambda z: np.nan_to_num(z).real, [[complex(np.nan, 2), complex(1, np.inf)]], [[0, 1]]),
        (lambda z: np.nan_to_num(z).imag, [[complex(np.nan, 2), complex(1, np.inf)]], [[1j, 0]]),
        (lambda x: np.nan_to_num(quotient(x)), [[0.0, 2]], [[0, -0.25]]),
    ],
    "angle": [
        (np.angle, [[-1.0, 0, 2]], [[0, 0, 0]]),
        (np.angle, [[0j, 2j, -1 + 0j]], [[0, -0.5, -1j]]),
    ],
}
