"""What cases are made of: smooth points, and many calls at once."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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
    ragged: bool = False  # of another length for each member: a batch is refused
    exact: bool = True  # bit for bit the value that NumPy gives; else up to rounding


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


averaged = [(s, a) for s, a in AXES if (s, a) != ((), 0)]  # NumPy refuses this one
spreads = [(s, a) for s, a in AXES if s not in {(), (1,), (1, 1)} and a != ()]  # no lone numbers


def shaped(*pairs, draws=(real,)):
    """Cases from (shape, call) pairs."""
    return [Case(call, (draw(s),)) for s, call in pairs for draw in draws]


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


def rounded(cases):
    """The same cases, of a function that computes in another order than NumPy's."""
    return [replace(case, exact=False) for case in cases]


NUMBERS = [((2, 3), ()), ((), ()), ((), (3,)), ((), (2, 3))]


def well_posed(shape):
    """Matrices that are far from singular."""
    return real(shape, -0.3, 0.3) + 1.5 * np.eye(shape[-1])


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
