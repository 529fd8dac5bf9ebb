"""Polynomials: values, arithmetic, fits and roots."""

import numpy as np

from .tools import Case, cplx, real, shaped


def two(fn, *lengths, **traits):
    """Two polynomials, both real and both complex, and one beside a list of numbers."""
    found = [
        Case(fn, (draw(n, 0.4, 1.5), draw(k, 0.4, 1.5)), **traits)
        for n, k in lengths
        for draw in (real, cplx)
    ]
    return [
        *found,
        Case(lambda p: fn(p, [2.0, -1.0]), (real(3, 0.4, 1.5),)),
        Case(lambda q: fn([1.0, 2.0, 3.0], q), (real(2, 0.4, 1.5),)),
        Case(fn, (real(3, 0.4, 1.5), cplx(2)), **traits),
    ]


def part(k, fn):
    return lambda *args: fn(*args)[k]


def mixed(fn):
    """Both results of a function in one."""

    def joined(*args):
        return np.concatenate([np.ravel(y) for y in fn(*args)])

    return joined


T = np.linspace(-1.0, 1.2, 6)
COMPLEX_ROOTS = (np.array([1.5, -0.4, 0.3]), np.array([0.7, 1.1, 0.2, -0.6]))
HALVES = (np.array([0.5, 1.0, -1.5, 2.0, 0.5]), np.array([2.0, -0.5, 1.0]))  # divide exactly

CASES = {
    "polyval": [
        Case(np.polyval, (draw(n), draw(s)), exact=draw is real)
        for n, s in [(3, ()), (3, (4,)), (1, (2, 3)), (4, (2, 1)), (0, (3,)), (2, (0, 2))]
        for draw in (real, cplx)
    ]
    + [
        Case(np.polyval, (real(3), cplx(2))),
        Case(np.polyval, (cplx(3), real(2))),
        Case(np.polyval, (real((3, 4)), real(4))),
        Case(np.polyval, (real((3, 4)), real((2, 1)))),
        Case(np.polyval, (real((3, 2, 4)), real(()))),
        Case(lambda p: np.polyval(p, 2.0), (real(3),)),
        Case(lambda p: np.polyval(p, np.arange(3)), (real(3),)),
        Case(lambda x: np.polyval([1, 2, 3], x), (real((2, 2)),)),
        Case(lambda x: np.polyval(x, x), (real(3),)),
    ],
    "roots": [
        Case(np.roots, (np.poly([1.0, 2.5, -0.5]) * 0.8,)),
        Case(np.roots, (np.poly([1.0, 2.5, 0.0]),)),
        *(Case(np.roots, (p,), rtol=1e-6) for p in COMPLEX_ROOTS),
        Case(np.roots, (np.array([1.0 + 0.5j, 0.3, -0.7j, 2.0]),)),
        Case(np.roots, (np.array([2.0, 3.0]),)),
        Case(lambda p: np.roots(np.concatenate([[0.0, 0.0], p])), (np.poly([1.0, -2.0]),)),
    ],
    "vander": [
        Case(lambda x, n=n, up=up: np.vander(x, n, increasing=up), (draw(s),))
        for s, n in [(3, None), (2, 4), (3, 1), (3, 2), (0, 2)]
        for up in (False, True)
        for draw in (real, cplx)
    ]
    + [
        Case(np.vander, (np.array([0.0, 1.5, 0.0]),)),
        Case(lambda x: np.vander(x, N=3), (real(2),)),
    ],
    "poly": [
        Case(np.poly, at, exact=False)
        for at in [
            *((draw(n),) for n in (1, 2, 3, 5, 6) for draw in (real, cplx)),
            (real((3, 3)) + np.diag([1.0, 4.0, 9.0]),),
        ]
    ]
    + [Case(lambda z: np.poly(np.concatenate([z, np.conj(z)])), (cplx(2),), exact=False)],
}

SPELLINGS = {
    "polyadd": [*two(np.polyadd, (3, 3), (2, 4), (4, 1)), Case(np.polyadd, (real(), real(2)))],
    "polysub": two(np.polysub, (3, 3), (2, 4), (4, 1)),
    "polymul": [
        *two(np.polymul, (3, 2), (1, 4), (2, 2)),
        Case(lambda p, q: np.polymul(np.concatenate([[0.0], p]), q), (real(2), real(3))),
    ],
    "polydiv": [
        *two(part(0, np.polydiv), (5, 2), (4, 3), (3, 3), (3, 1), exact=False),
        Case(mixed(np.polydiv), HALVES),
        Case(mixed(np.polydiv), (HALVES[0] + 0.25j * HALVES[0][::-1], HALVES[1]), exact=False),
        Case(lambda u: mixed(np.polydiv)(u, [2.0, 1.0, 0.5]), (HALVES[0][:2],)),
        Case(lambda v: mixed(np.polydiv)([2.0, 1.0, 0.5], v), (HALVES[1][:2],)),
        Case(lambda u: mixed(np.polydiv)(u, [2.0]), (HALVES[0],)),
    ],
    "polyder": shaped(
        (4, np.polyder),
        (4, lambda p: np.polyder(p, 2)),
        (4, lambda p: np.polyder(p, m=0)),
        (2, lambda p: np.polyder(p, 2)),
        draws=(real, cplx),
    ),
    "polyint": [
        *shaped(
            (3, np.polyint),
            (3, lambda p: np.polyint(p, 2)),
            (3, lambda p: np.polyint(p, 0)),
            (3, lambda p: np.polyint(p, 2, k=[1.0, 2.0])),
            (3, lambda p: np.polyint(p, 2, 3.0)),
            draws=(real, cplx),
        ),
        Case(lambda p: np.polyint(p[:3], 2, p[3:]), (real(5),)),
        Case(lambda p: np.polyint(p[:3], 2, k=p[3]), (real(4),)),
    ],
    "polyfit": [
        Case(lambda x, y: np.polyfit(x, y, 2), (T, real(6)), exact=False),
        Case(lambda x, y: np.polyfit(x, y, 1), (T, real((6, 2))), exact=False),
        Case(lambda x, y, w: np.polyfit(x, y, 2, w=w), (T, real(6), real(6, 0.5, 2)), exact=False),
        Case(
            lambda x, y, w: np.polyfit(x, y, 1, w=w), (T, real((6, 2)), real(6, 1, 2)), exact=False
        ),
        Case(lambda y: np.polyfit(T, y, 0), (real(6),), exact=False),
        Case(lambda y: np.polyfit(T[:3], y, 2), (real(3),), exact=False),
        Case(part(1, lambda y: np.polyfit(T, y, 2, full=True)), (real(6),), exact=False),
        Case(part(1, lambda x, y: np.polyfit(x, y, 1, cov=True)), (T, real(6)), exact=False),
        Case(part(1, lambda x, y: np.polyfit(x, y, 1, cov=True)), (T, real((6, 2))), exact=False),
        Case(
            part(1, lambda x, w: np.polyfit(x, T * T, 1, w=w, cov="unscaled")),
            (T, real(6, 0.5, 2)),
            exact=False,
        ),
    ],
}

POLICIES = {
    "leading zeros": [
        (lambda p: np.polymul(p, [1.0, 2.0]), [[0.0, 1, 2]], [[0, 3, 3]]),
        (np.roots, [[0.0, 2, -4]], [[0, -1, -0.5]]),
        (lambda u: np.polydiv(u, [1.0, 1, 1])[1], [[1.0, 1, 1, 1]], [[1, -1, 0, 1]]),
    ],
    "powers of vectors and matrices": [
        (lambda x: np.vander(x, 3), [[0.0, 2]], [[1, 5]]),
        (np.polyval, [[1.0, 2, 3], [0.0, 2]], [[4, 2, 2], [2, 6]]),
        (lambda a: np.linalg.matrix_power(a, 0), [[[0.0, 0], [0, 0]]], [[[0, 0], [0, 0]]]),
        (lambda a: np.linalg.matrix_power(a, 2), [[[0.0, 0], [0, 0]]], [[[0, 0], [0, 0]]]),
    ],
}
