"""Calls of every row of the table, for the tests that go through rows × interpreters × orders.

`CASES` is keyed like `dezero.rows.TABLE`, and holds smooth points only: kinks, ties and singular
points are policy, in `test_conventions.py`. `SPELLINGS` has the functions of NumPy that are short
programs over other rows; `CONSTANT`, the rows without a derivative; `METHODS`, an array's methods.
"""

import itertools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dezero.rules.gather import deposit, gather
from dezero.rules.indexing import scatter, setitem
from dezero.rules.nondiff import stopped

_rng = np.random.default_rng(1)
_offsets = itertools.cycle((0.25, 0.75))


@dataclass(frozen=True)
class Case:
    """A function of arrays, written with NumPy, and a smooth point of it."""

    call: Callable[..., Any]
    args: tuple[Any, ...]
    modes: tuple[str, ...] = ("forward", "reverse")
    rtol: float | None = None
    fills: bool = False  # assigns into a copy of its first operand, in Python's own words


def real(shape=(), low=-1.5, high=1.5, n=60):
    """Numbers that differ by a part in `n` of the range; two draws in a row, by half as much.

    So no draw puts `max` or `maximum` near a tie, whatever cases come and go above it.
    """
    n = max(n, int(np.prod(shape)))
    places = _rng.choice(n, shape, replace=False) + next(_offsets)
    return np.asarray(low + (high - low) * places / n)


def cplx(shape=(), low=0.3, high=1.2):
    """Complex numbers in an open square of the first quadrant, away from all branch cuts."""
    return np.asarray(real(shape, low, high) + 1j * real(shape, 0.3, 0.9))


def steps(shape=()):
    """Numbers of both signs away from integers and from their halves."""
    whole, half = _rng.integers(-3, 3, shape), _rng.choice([0.15, 0.65], shape)
    return np.asarray(whole + half + real(shape, 0.0, 0.2))


# ---- elementwise ----

SHAPES = [(), (1,), (3,), (2, 3), (2, 1, 2), (0,), (0, 3)]
PAIRS = [
    ((), ()),
    ((3,), (3,)),
    ((), (2, 3)),
    ((2, 3), ()),
    ((3,), (2, 3)),
    ((2, 3), (3,)),
    ((3, 1), (1, 4)),
    ((1,), (3,)),
    ((2, 1), (2, 1)),
    ((1, 1), ()),
    ((2, 1, 3), (4, 1)),
    ((0,), (1,)),
    ((3,), (0, 3)),
]


def unary(fn, low=-1.5, high=1.5, draw=real, complex_at=None):
    """Over all shapes; over complex numbers too where `complex_at` says from and to."""
    found = [Case(fn, (draw(s, low, high) if draw is real else draw(s),)) for s in SHAPES]
    if complex_at:
        found += [Case(fn, (cplx(s, *complex_at),)) for s in [(), (2, 3)]]
    return found


def binary(fn, x=(-1.5, 1.5), y=(-1.5, 1.5), has_complex=False):
    """Over shapes that broadcast, and with a number, an array or a NumPy scalar on either side."""
    found = [Case(fn, (real(s, *x), real(t, *y))) for s, t in PAIRS]
    for shape, other in itertools.product([(), (2, 3)], [(), (3,)]):
        a, b = real(other, *x), real(other, *y)
        a, b = (a, b) if other else (float(a), float(b))
        found.append(Case(lambda v, b=b: fn(v, b), (real(shape, *x),)))
        found.append(Case(lambda v, a=a: fn(a, v), (real(shape, *y),)))
    a, b = np.float64(np.mean(x)), np.float64(np.mean(y))
    found.append(Case(lambda v: fn(v, b), (real(3, *x),)))
    found.append(Case(lambda v: fn(a, v), (real(3, *y),)))
    found.append(Case(lambda v: fn(v, v * 0.9), (real(3, *x),)))  # one operand twice
    if has_complex:
        found += [
            Case(fn, (cplx((2, 3)), cplx(3))),
            Case(fn, (cplx((3, 1)), real((1, 4), 0.5, 1.5))),
            Case(fn, (real((1, 4), 0.5, 1.5), cplx((3, 1)))),
            Case(lambda v: fn(v, 0.5 + 0.2j), (real(3, 0.5, 1.5),)),
            Case(lambda v: fn(0.5 + 0.2j, v), (cplx(3),)),
            Case(lambda v: fn(2.5, v), (cplx(),)),
        ]
    return found


def ternary(fn, *ranges):
    shapes = [
        [(), (), ()],
        [(3,), (3,), (3,)],
        [(2, 3), (3,), ()],
        [(), (3, 1), (1, 4)],
        [(1,), (2, 3), (2, 1)],
        [(0, 3), (3,), (1,)],
    ]
    return [
        Case(fn, tuple(real(s, *r) for s, r in zip(each, ranges, strict=True))) for each in shapes
    ]


MASK = np.array([[True, False, True], [False, True, True]])
ANY = (0.3, 1.2)

elementwise = {
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

# ---- folding an axis ----

AXES = [
    ((), None),
    ((), ()),
    ((), 0),
    ((1,), 0),
    ((4,), None),
    ((3,), 0),
    ((2, 3), None),
    ((2, 3), 0),
    ((2, 3), -1),
    ((2, 3), (0, 1)),
    ((2, 3), ()),
    ((2, 3), (1,)),
    ((2, 1, 3), 1),
    ((2, 3, 2), (0, -1)),
    ((2, 3, 2), (-1, 0)),
    ((2, 3, 2), -2),
    ((1, 1), (0, 1)),
    ((0, 3), 1),
    ((0, 3), (1,)),
]
EMPTY_AXES = [((0,), None), ((0, 3), 0), ((2, 0), (0, 1))]


def far(shape):
    """Numbers far from each other: the deviation of close ones is nearly as sharp as `abs`."""
    return real(shape, n=12)


def far_complex(shape):
    return far(shape) + 1j * far(shape)


def reduction(fn, axes=AXES, has_complex=False, **kwargs):
    found = [
        Case(lambda x, k=k, a=a: fn(x, axis=a, keepdims=k, **kwargs), (far(s),))
        for (s, a), k in itertools.product(axes, (False, True))
    ]
    if not kwargs:
        found += [Case(fn, (far((2, 3)),)), Case(lambda x: fn(x, 1), (far((2, 3)),))]
    if has_complex:
        found += [
            Case(lambda x, k=k, a=a: fn(x, axis=a, keepdims=k, **kwargs), (far_complex((2, 3)),))
            for a, k in [(None, False), (0, True), (-1, False), ((0, 1), True)]
        ]
    return found


ZEROS = np.array([[0.0, 1.5, -2.0, 0.5], [0.0, 0.7, 0.0, 1.2], [0.3, 0.7, 1.1, -1.2]])
averaged = [(s, a) for s, a in AXES if (s, a) != ((), 0)]  # NumPy refuses this one
several = [(s, a) for s, a in AXES if s not in {(), (1,), (1, 1)} and a != ()]  # no lone numbers

folds = {
    "sum": reduction(np.sum, AXES + EMPTY_AXES, has_complex=True),
    "mean": reduction(np.mean, averaged, has_complex=True),
    "prod": reduction(np.prod, AXES + EMPTY_AXES, has_complex=True)
    + [Case(lambda x, a=a: np.prod(x, axis=a), (ZEROS,)) for a in (None, 0, 1, -1, (1, 0), ())]
    + [Case(np.prod, (np.zeros(n),)) for n in (1, 2, 3)]
    + [Case(lambda x: np.prod(x, axis=1), (ZEROS[:, :n] * (1 + 1j),)) for n in (3, 4)],
    "max": reduction(np.max),
    "min": reduction(np.min),
    "var": reduction(np.var, averaged, has_complex=True)
    + reduction(np.var, [((4,), 0), ((2, 3), -1)], has_complex=True, ddof=1),
    "std": reduction(np.std, several, has_complex=True)
    + reduction(np.std, [((4,), 0), ((2, 3), -1)], has_complex=True, ddof=1),
    "cumsum": [
        Case(lambda x, a=a: np.cumsum(x, axis=a), (draw(s),))
        for s, a in [((), None), ((4,), 0), ((2, 3), None), ((2, 3), 0), ((2, 3), -1), ((0, 3), 0)]
        for draw in (real, cplx)
    ],
    "flip": [
        Case(lambda x, a=a: np.flip(x, a), (real(s),))
        for s, a in [((), None), ((3,), 0), ((2, 3), None), ((2, 3), -1), ((2, 3, 2), (0, -1))]
    ],
}

# ---- moving numbers about ----


def shaped(*pairs, draws=(real,)):
    """Cases from (shape, call) pairs."""
    return [Case(call, (draw(s),)) for s, call in pairs for draw in draws]


shapes = {
    "reshape": shaped(
        ((), lambda x: np.reshape(x, 1)),
        ((1,), lambda x: np.reshape(x, ())),
        ((2, 3), lambda x: np.reshape(x, (3, 2))),
        ((2, 3), lambda x: np.reshape(x, -1)),
        ((2, 3), lambda x: np.reshape(x, (1, -1, 2), order="F")),
        ((2, 3), lambda x: x.reshape(3, -1)),
        ((2, 3), lambda x: x.reshape((6,), order="F")),
        ((0, 3), lambda x: np.reshape(x, (3, 0, 2))),
        ((2, 3), lambda x: np.reshape(x.T, (2, 3))),
        draws=(real, cplx),
    ),
    "transpose": shaped(
        ((), np.transpose),
        ((3,), np.transpose),
        ((2, 3), np.transpose),
        ((2, 3), lambda x: x.T),
        ((2, 3, 4), lambda x: np.transpose(x, (1, 2, 0))),
        ((2, 3, 4), lambda x: np.transpose(x, axes=[-1, 0, -2])),
        ((2, 3, 4), lambda x: x.transpose(2, 0, 1)),
        ((0, 3), np.transpose),
    ),
    "swapaxes": shaped(
        ((2, 3), lambda x: np.swapaxes(x, 0, 1)), ((2, 3, 4), lambda x: np.swapaxes(x, -1, 0))
    ),
    "moveaxis": shaped(
        ((2, 3, 4), lambda x: np.moveaxis(x, 0, -1)),
        ((2, 3, 4), lambda x: np.moveaxis(x, 2, 0)),
        ((2, 3, 4), lambda x: np.moveaxis(x, (0, 1), (-1, 0))),
    ),
    "squeeze": shaped(
        ((1,), np.squeeze),
        ((1, 3, 1), np.squeeze),
        ((1, 3, 1), lambda x: np.squeeze(x, 0)),
        ((1, 3, 1), lambda x: np.squeeze(x, axis=(0, -1))),
        ((2, 3), np.squeeze),
    ),
    "expand_dims": shaped(
        ((), lambda x: np.expand_dims(x, 0)),
        ((2, 3), lambda x: np.expand_dims(x, 1)),
        ((2, 3), lambda x: np.expand_dims(x, (0, -1))),
    ),
    "broadcast_to": shaped(
        ((), lambda x: np.broadcast_to(x, (2, 3))),
        ((3,), lambda x: np.broadcast_to(x, (2, 3))),
        ((2, 1), lambda x: np.broadcast_to(x, (4, 2, 3))),
        ((1, 1), lambda x: np.broadcast_to(x, (1, 1))),
        ((1, 3), lambda x: np.broadcast_to(x, (0, 3))),
        ((1,), lambda x: np.broadcast_to(x, 3)),
        draws=(real, cplx),
    ),
    "copy": shaped(((), np.copy), ((2, 3), np.copy), ((2, 3), lambda x: x.copy())),
    "real": shaped(((), np.real), ((2, 3), np.real), draws=(real, cplx)),
    "imag": shaped(((), np.imag), ((2, 3), np.imag), draws=(real, cplx)),
    "astype": [
        Case(lambda x: x.astype(np.float64), (real((2, 3)),)),
        Case(lambda x: x.astype(np.complex128) * 1j, (real((2, 3)),)),
        *(
            Case(call, (x,), modes=(mode,), rtol=2e-3)  # differences of what single precision says
            for mode in ("forward", "reverse")
            for call, x in [
                (lambda x: x.astype("f4") * 1.5, real((2, 3))),
                (lambda x: np.astype(x, np.complex64) * 1j, cplx((2, 3))),
            ]
        ),
    ],
    "concatenate": [
        Case(lambda x, y: np.concatenate([x, y]), (real((2, 3)), real((1, 3)))),
        Case(lambda x, y: np.concatenate((x, y, x), axis=-1), (real((2, 3)), real((2, 1)))),
        Case(lambda x, y: np.concatenate([x, y], 1), (real((2, 3)), real((2, 0)))),
        Case(lambda x, y: np.concatenate([x, y], axis=None), (real((2, 3)), real(2))),
        Case(lambda x: np.concatenate([np.ones((1, 3)), x, [[1, 2, 3]]]), (real((2, 3)),)),
        Case(lambda x: np.concatenate(x, axis=1), (real((2, 3, 2)),)),
        Case(lambda x, y: np.concatenate([x, y]), (cplx(3), real(2))),
        Case(lambda x: np.concatenate([x]), (real(3),)),
    ],
    "stack": [
        Case(lambda x, y: np.stack([x, y]), (real(), real())),
        Case(lambda x, y: np.stack([x, y, x], axis=-1), (real((2, 3)), real((2, 3)))),
        Case(lambda x: np.stack([x, np.ones(3), [1.0, 2.0, 3.0]], 1), (real(3),)),
        Case(lambda x: np.stack([x, 1.0, 2]), (real(),)),
        Case(lambda x, y: np.stack([x, y], axis=1), (cplx(3), real(3))),
    ],
}

# ---- elements ----

PLACES = [  # shape, the places that are chosen, and where in the index they stand
    ((4,), np.array([[1, 1, 3]]), (0,)),
    ((3, 4), np.array([2, 1]), (0, 1)),
    ((3, 4), np.array([[[1, 0], [3, 1]]]), (slice(None), 0)),
    ((3, 4, 2), np.array([[1, 2], [0, 0]]), (0, slice(None), 1)),
    ((3, 4, 2), np.array([[1, 2], [0, 0]]), (slice(1, None), 0, 1)),
    ((3, 4), np.array([[0, 1, 0]]), (None, slice(None, None, 2), 0)),
]
INDICES = {
    (): [(), ..., None, (None, ...)],
    (5,): [
        0,
        -1,
        np.int64(2),
        np.array(1),
        slice(1, None),
        slice(None, None, -1),
        slice(4, 0, -2),
        slice(2, 2),
        [0, 2, 2, -1],
        [],
        np.array([[0, 1], [1, 0]]),
        np.array([True, False, True, True, False]),
        np.zeros(5, bool),
        True,
    ],
    (2, 2, 2): [
        ([0, 1], ..., [1, 1]),
        (0, ..., [1, 0, 1]),
        ([1, 0, 0], ..., 1),
        ([0, 1], [0, 1], ..., [1, 1]),
        (slice(None), [0, 1], ..., [1, 0]),
        ([0, 1], [1, 1], ...),
    ],
    (3, 4): [
        (),
        ...,
        1,
        (1, 2),
        (-1, slice(None, None, -2)),
        (..., 0),
        (slice(None), None, 1),
        (None, ..., slice(1, 3), None),
        [0, 2, 2],
        ([0, 1, 1], [2, 2, 2]),
        (np.array([[0], [2]]), np.array([1, 3])),
        (1, [0, 0, 3]),
        ([0, 0], slice(1, 3)),
        (slice(None), [3, 0, 0]),
        ([0, 1], None, slice(None, None, -1)),
        np.eye(3, 4) > 0,
        np.array([True, False, True]),
        (np.array([True, False, True]), [1, 1]),
        (..., np.array([True, False, True, True])),
        (slice(1, 1), [0, 0]),
    ],
    (2, 3, 2): [
        ([0, 1, 1], slice(None), [1, 0, 0]),  # the gathered axis goes first
        (slice(None), [0, 0], [1, 1]),
        (0, slice(None), [1, 1]),
        (..., [0], None),
        np.ones((2, 3), bool),
    ],
    (0, 3): [(slice(None), 1), [], (..., None)],
}


def written(x, w, index):
    y = np.copy(x)
    y[index] = w
    return y


WRITES = [
    ((5,), (), 1),
    ((5,), (), slice(None)),
    ((5,), (2,), slice(None, None, -3)),
    ((5,), (1,), slice(1, 3)),
    ((5,), (2,), [0, 3]),
    ((5,), (4,), [0, 3, 0, -2]),  # of two writes to one place, the last counts
    ((5,), (), np.array([True, False, True, True, False])),
    ((5,), (2,), np.array([True, False, False, True, False])),
    ((3, 4), (4,), (slice(None, 2),)),
    ((3, 4), (2, 1), (slice(1, None), slice(None, None, 2))),
    ((3, 4), (1, 1, 4), 1),  # leading axes of length 1 fall away
    ((3, 4), (2,), ([0, 2], [1, 1])),
    ((), (), ()),
    ((), (), ...),
]

elements = {
    "getitem": [
        Case(lambda x, i=i: x[i], (draw(s),))
        for s, indices in INDICES.items()
        for i in indices
        for draw in (real, cplx)
    ],
    "scatter": [
        Case(lambda g, i=i, s=s: scatter(g, index=i, shape=s), (real(np.zeros(s)[i].shape),))
        for s, indices in INDICES.items()
        for i in indices
    ],
    "gather": [Case(lambda x, i=i, p=p: gather(x, i, pattern=p), (real(s),)) for s, i, p in PLACES],
    "deposit": [
        Case(
            lambda g, i=i, p=p, s=s: deposit(g, i, pattern=p, shape=s),
            (real(gather(np.zeros(s), i, pattern=p).shape),),
        )
        for s, i, p in PLACES
    ],
    "setitem": [
        *(
            Case(lambda x, w, i=i: written(x, w, i), (draw(s), draw(t)), fills=True)
            for s, t, i in WRITES
            for draw in (real, cplx)
        ),
        *(
            Case(lambda x, w, i=i: setitem(x, w, index=i), (draw(s), draw(t)))
            for s, t, i in WRITES
            for draw in (real, cplx)
        ),
        Case(lambda x: written(x, 2.0, slice(1, 3)), (real(5),), fills=True),
        Case(lambda x, w: written(x, w, [0, 1]), (cplx(3), real(2)), fills=True),
    ],
}

# ---- products of vectors and matrices ----


def products(fn, pairs, *more):
    found = [Case(fn, (a(s), b(t))) for s, t in pairs for a, b in [(real, real), (cplx, cplx)]]
    s, t = pairs[0]
    found += [Case(fn, (real(s), cplx(t))), Case(fn, (cplx(s), real(t)))]
    a, b = real(s), real(t)
    return [
        *found,
        Case(lambda x: fn(x, b), (real(s),)),
        Case(lambda y: fn(a, y), (real(t),)),
        *more,
    ]


NUMBERS = [((2, 3), ()), ((), ()), ((), (3,)), ((), (2, 3))]


def well_posed(shape):
    """Matrices that are far from singular."""
    return real(shape, -0.3, 0.3) + 1.5 * np.eye(shape[-1])


linalg = {
    "solve": [
        *(
            Case(np.linalg.solve, (well_posed(s), real(t)))
            for s, t in [
                ((3, 3), (3,)),
                ((3, 3), (3, 2)),
                ((2, 3, 3), (3,)),
                ((2, 3, 3), (2, 3, 1)),
                ((3, 3), (2, 3, 2)),
                ((2, 1, 3, 3), (4, 3, 2)),
                ((1, 1), (1,)),
                ((0, 0), (0,)),
                ((0, 2, 2), (2, 3)),
            ]
        ),
        Case(np.linalg.solve, (well_posed((2, 2)) + 0.2j, cplx(2))),
        Case(np.linalg.solve, (well_posed((2, 2)), cplx((2, 2)))),
        Case(lambda b: np.linalg.solve([[2.0, 0.5], [0.25, 1.0]], b), (real(2),)),
        Case(lambda a: np.linalg.solve(a, [1.0, 2.0]), (well_posed((2, 2)),)),
    ],
    "matmul": products(
        np.matmul,
        [
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
            ((3,), (5, 3, 4)),
            ((5, 2, 3), (3,)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
            ((5, 2, 3), (5, 3, 4)),
            ((1, 2, 3), (5, 3, 4)),
            ((4, 1, 2, 3), (5, 3, 1)),
            ((4, 1, 2, 3), (1, 5, 3, 2)),
            ((1, 3), (3, 1)),
            ((0, 3), (3, 2)),
            ((2, 0), (0, 3)),
            ((0,), (0,)),
            ((0, 2, 3), (3, 2)),
        ],
        Case(operator.matmul, (real((2, 3)), real(3))),
        Case(lambda x: x @ np.arange(3.0), (real((2, 3)),)),
        Case(lambda x: np.matmul([1.0, 2.0], x), (real((2, 3)),)),
        Case(lambda x: np.ones((2, 3)) @ x, (real(3),)),
        Case(lambda x: x @ x, (real((3, 3)),)),
    ),
    "tensordot": [
        Case(lambda x, y, a=a: np.tensordot(x, y, axes=a), (draw(s), draw(t)))
        for s, t, a in [
            ((2, 3), (2, 3), 2),
            ((2, 3), (3, 4), 1),
            ((2, 3), (4,), 0),
            ((), (3,), 0),
            ((2, 3, 4), (4, 3, 2), ([1, 2], [1, 0])),
            ((2, 3, 4), (4, 3, 2), ([2, 0], [0, 2])),
            ((2, 3, 4), (2, 5, 4, 3), ([-3, 1], [0, -1])),
            ((2, 3, 4), (3, 5), (1, 0)),
            ((2, 3), (2, 4), (0, 0)),
            ((2, 3, 4), (4, 2, 3), ((0, 1, 2), (1, 2, 0))),
            ((2, 0), (0, 3), 1),
        ]
        for draw in (real, cplx)
    ]
    + [
        Case(np.tensordot, (real((2, 3)), real((2, 3)))),
        Case(lambda x: np.tensordot(np.ones((2, 3)), x, 1), (real((3, 2)),)),
        Case(lambda x: np.tensordot(x, [1.0, 2.0], 1), (real((3, 2)),)),
    ],
    "dot": products(
        np.dot,
        [
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
            ((5, 2, 3), (3,)),
            ((3,), (5, 3, 4)),
            ((5, 2, 3), (4, 3, 2)),
            ((2, 3), (4, 3, 2)),
            ((5, 2, 3), (3, 2)),
            ((0, 3), (3, 0)),
            *NUMBERS,
        ],
        Case(lambda x: np.dot(2.0, x), (real(3),)),
        Case(lambda x: np.dot([1.0, 2.0], x), (real(2),)),
    ),
    "inner": products(
        np.inner,
        [
            ((2, 3), (4, 3)),
            ((3,), (3,)),
            ((3,), (4, 3)),
            ((2, 3), (3,)),
            ((5, 2, 3), (4, 3)),
            ((2, 1, 3), (2, 2, 3)),
            ((2, 0), (3, 0)),
            *NUMBERS,
        ],
    ),
}

CASES = elementwise | folds | shapes | elements | linalg

SPELLINGS = {
    "outer": products(
        np.outer,
        [((3,), (4,)), ((), ()), ((), (3,)), ((2, 3), (2,)), ((2, 1), (1, 2)), ((0,), (3,))],
    ),
    "ravel": shaped(
        ((), np.ravel),
        ((2, 3), np.ravel),
        ((2, 3), lambda x: np.ravel(x.T)),
        ((2, 3), lambda x: np.ravel(x, "F")),
        ((2, 3), lambda x: x.flatten()),
    ),
    "around": unary(np.around, draw=steps),
    "divmod": [
        Case(lambda x, y: np.add(*np.divmod(x, y)), (real((2, 3), 4.7, 5.9), real(3, 2.0, 2.2))),
        Case(lambda x: divmod(x, 2.0)[1], (steps((2, 3)),)),
    ],
    "add.reduce": shaped(
        ((2, 3), np.add.reduce), ((2, 3), lambda x: np.add.reduce(x, axis=None, keepdims=True))
    ),
    "multiply.reduce": shaped(
        ((2, 3), np.multiply.reduce), ((2, 3), lambda x: np.multiply.reduce(x, 1))
    ),
    "amax": shaped(((2, 3), lambda x: np.amax(x, axis=1))),
    "amin": shaped(((2, 3), lambda x: np.amin(x, axis=1))),
    "maximum.reduce": shaped(
        ((2, 3), np.maximum.reduce), ((2, 3), lambda x: np.maximum.reduce(x, 1))
    ),
    "minimum.reduce": shaped(
        ((2, 3), np.minimum.reduce), ((2, 3), lambda x: np.minimum.reduce(x, 1))
    ),
    "add.accumulate": shaped(
        ((2, 3), np.add.accumulate), ((2, 3), lambda x: np.add.accumulate(x, axis=-1))
    ),
}

# ---- values without a derivative, of an array with zeros and a repeated number ----

X = np.array([[0.0, -1.5, 2.0], [2.0, 0.0, 0.5]])


def compared(fn, operator_=None):
    """A comparison with a number, an array and itself, on either side."""
    calls = [lambda x, f=fn: f(x, 0.0), lambda x, f=fn: f(2.0, x), lambda x, f=fn: f(x, x)]
    calls += [lambda x, f=fn: f(x, X[:1]), lambda x, f=fn: f(X[:, :1], x)]
    if operator_:
        o = operator_
        calls += [lambda x, o=o: o(x, 0.5), lambda x, o=o: o(X, x), lambda x, o=o: o(0.5, x)]
    return calls


def along(fn):
    return [fn, lambda x: fn(x, 1), lambda x: fn(x, axis=0), lambda x: fn(x.T, axis=-1)]


CONSTANT = {
    "equal": compared(np.equal, operator.eq),
    "not_equal": compared(np.not_equal, operator.ne),
    "less": compared(np.less, operator.lt),
    "less_equal": compared(np.less_equal, operator.le),
    "greater": compared(np.greater, operator.gt),
    "greater_equal": compared(np.greater_equal, operator.ge),
    "logical_and": compared(np.logical_and),
    "logical_or": compared(np.logical_or),
    "logical_xor": compared(np.logical_xor),
    "logical_not": [np.logical_not],
    "bitwise_and": [lambda x: (x > 0) & (x < 1), lambda x: np.bitwise_and(x > 0, x < 1)],
    "bitwise_or": [lambda x: (x < 0) | (x > 1)],
    "bitwise_xor": [lambda x: (x > 0) ^ (x > 1)],
    "invert": [lambda x: ~(x > 0)],
    "stop_gradient": [stopped],
    "isfinite": [np.isfinite],
    "isinf": [np.isinf],
    "isnan": [np.isnan],
    "isneginf": [np.isneginf],
    "isposinf": [np.isposinf],
    "signbit": [np.signbit],
    "isreal": [np.isreal],
    "iscomplex": [np.iscomplex],
    "isclose": [lambda x: np.isclose(x, 2.0), lambda x: np.isclose(X, x, atol=0.6)],
    "allclose": [lambda x: np.allclose(x, x), lambda x: np.allclose(X, x + 1, rtol=0.1)],
    "array_equal": [lambda x: np.array_equal(x, X), lambda x: np.array_equal(X[0], x)],
    "all": [*along(np.all), lambda x: np.all(x > -2)],
    "any": [*along(np.any), lambda x: np.any(x > 2)],
    "argmax": [*along(np.argmax), lambda x: np.argmax(a=x)],
    "argmin": along(np.argmin),
    "argsort": [*along(np.argsort), lambda x: np.argsort(x, kind="stable", axis=0)],
    "argwhere": [np.argwhere],
    "nonzero": [np.nonzero, np.where],
    "flatnonzero": [np.flatnonzero],
    "count_nonzero": [np.count_nonzero, lambda x: np.count_nonzero(x, axis=1)],
    "searchsorted": [
        lambda x: np.searchsorted(np.array([-1.0, 1.0]), x),
        lambda x: np.searchsorted(x[0] + np.arange(0.0, 9.0, 3.0), 2.5, side="right"),
    ],
    "zeros_like": [np.zeros_like, lambda x: np.zeros_like(x, dtype=int, shape=(2,))],
    "ones_like": [np.ones_like],
    "empty_like": [lambda x: np.empty_like(x) * 0 == 0, lambda x: np.empty_like(x).shape],
    "array_repr": [np.array_repr],
    "array_str": [np.array_str],
    "whole": [lambda x: x.astype(int), lambda x: x.astype("bool")],
    # not rows, because nothing is computed
    "shape": [np.shape],
    "ndim": [np.ndim],
    "size": [np.size, lambda x: np.size(x, 1)],
    "iscomplexobj": [np.iscomplexobj, lambda x: np.iscomplexobj(x + 1j)],
    "isrealobj": [np.isrealobj, lambda x: np.isrealobj(x + 1j)],
}

# ---- the same by an array's method, and by NumPy's function ----

METHODS = {
    "sum": [
        (lambda x: x.sum(), np.sum),
        (lambda x: x.sum(1), lambda x: np.sum(x, 1)),
        (lambda x: x.sum(axis=0, keepdims=True), lambda x: np.sum(x, axis=0, keepdims=True)),
    ],
    "mean": [(lambda x: x.mean((0, 1)), np.mean)],
    "prod": [(lambda x: x.prod(axis=-1), lambda x: np.prod(x, axis=-1))],
    "max": [(lambda x: x.max(axis=1), lambda x: np.max(x, axis=1))],
    "min": [(lambda x: x.min(0), lambda x: np.min(x, 0))],
    "clip": [
        (lambda x: x.clip(-1, 1), lambda x: np.clip(x, -1, 1)),
        (lambda x: x.clip(max=1), lambda x: np.clip(x, None, 1)),
        (lambda x: x.clip(0), lambda x: np.clip(x, 0, None)),
    ],
    "var": [(lambda x: x.var(axis=0, ddof=1), lambda x: np.var(x, axis=0, ddof=1))],
    "std": [(lambda x: x.std(1, keepdims=True), lambda x: np.std(x, 1, keepdims=True))],
    "cumsum": [
        (lambda x: x.cumsum(), np.cumsum),
        (lambda x: x.cumsum(1), lambda x: np.cumsum(x, 1)),
    ],
    "dot": [(lambda x: x.dot(np.arange(3.0)), lambda x: np.dot(x, np.arange(3.0)))],
    "ravel": [
        (lambda x: x.ravel(), np.ravel),
        (lambda x: x.ravel("F"), lambda x: np.ravel(x, "F")),
    ],
    "flatten": [(lambda x: x.flatten(), lambda x: np.ravel(np.copy(x)))],
    "squeeze": [(lambda x: x[:1].squeeze(), lambda x: np.squeeze(x[:1]))],
    "swapaxes": [(lambda x: x.swapaxes(0, 1), lambda x: np.swapaxes(x, 0, 1))],
    "conj": [(lambda x: x.conj(), np.conj)],
    "conjugate": [(lambda x: (x * 1j).conjugate(), lambda x: np.conjugate(x * 1j))],
    "copy": [(lambda x: x.copy(), np.copy)],
    "round": [
        (lambda x: x.round(), np.round),
        (lambda x: x.round(1), lambda x: np.round(x, 1)),
    ],
    "argmax": [(lambda x: x.argmax(1), lambda x: np.argmax(x, 1))],
    "argmin": [(lambda x: x.argmin(), np.argmin)],
    "argsort": [(lambda x: x.argsort(axis=0), lambda x: np.argsort(x, axis=0))],
    "all": [(lambda x: x.all(axis=0), lambda x: np.all(x, axis=0))],
    "any": [(lambda x: x.any(), np.any)],
    "nonzero": [(lambda x: x.nonzero()[1], lambda x: np.nonzero(x)[1])],
    "reshape": [
        (lambda x: x.reshape(3, 2), lambda x: np.reshape(x, (3, 2))),
        (lambda x: x.reshape((3, -1)), lambda x: np.reshape(x, (3, 2))),
        (lambda x: x.reshape(-1), np.ravel),
    ],
    "astype": [
        (lambda x: x.astype(np.complex128), lambda x: np.astype(x, np.complex128)),
        (lambda x: x.astype("int64"), lambda x: np.astype(x, np.int64)),
    ],
    "transpose": [
        (lambda x: x.transpose(), np.transpose),
        (lambda x: x.transpose(1, 0), np.transpose),
        (lambda x: x.transpose((1, 0)), np.transpose),
        (lambda x: x.transpose(None), np.transpose),
    ],
    "T": [(lambda x: x.T, np.transpose)],
    "real": [(lambda x: (x * 1j).real, lambda x: np.real(x * 1j)), (lambda x: x.real, np.real)],
    "imag": [(lambda x: (x * 1j).imag, lambda x: np.imag(x * 1j)), (lambda x: x.imag, np.imag)],
    "shape": [(lambda x: x.shape, np.shape)],
    "ndim": [(lambda x: x.ndim, np.ndim)],
    "size": [(lambda x: x.size, np.size)],
    "dtype": [(lambda x: x.dtype, lambda _x: np.dtype(float))],
    "item": [
        (lambda x: x.item(1, 2), lambda x: x[1, 2].item()),
        (lambda x: x.item(4), lambda x: x.item(4)),
    ],
    "tolist": [(lambda x: x.tolist(), lambda x: [e.tolist() for e in x])],
}

OPERATORS = [
    (operator.add, np.add),
    (operator.sub, np.subtract),
    (operator.mul, np.multiply),
    (operator.truediv, np.divide),
    (operator.floordiv, np.floor_divide),
    (operator.mod, np.remainder),
    (operator.pow, np.power),
    (lambda x, y: divmod(x, y)[0], np.floor_divide),
    (lambda x, y: divmod(x, y)[1], np.remainder),
]
