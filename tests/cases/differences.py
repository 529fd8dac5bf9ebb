"""Differences, slopes, integrals and interpolation."""

import itertools

import numpy as np

from dezero.rules.differences import located

from .tools import Case, cplx, real

COORDINATES = np.array([0.0, 1.0, 3.0, 3.5])
POINTS = np.array([-1.6, -0.7, 0.1, 0.9, 1.7])
BOTH = (real, cplx)


def walk(shape, step=1.1):
    """Angles that jump by more than half a turn here and there."""
    return np.cumsum(real(shape, -step, step), axis=-1) + 6.0 * np.round(real(shape, -1.5, 1.5))


SPELLINGS = {
    "diff": [
        *(
            Case(lambda x, n=n, a=a: np.diff(x, n, a), (draw((3, 4)),))
            for n, a, draw in itertools.product((0, 1, 2, 5), (0, -1), BOTH)
        ),
        Case(np.diff, (real(1),)),
        Case(np.diff, (real((3, 0)),)),
        Case(lambda x, p, e: np.diff(x, prepend=p, append=e), (real((2, 3)), real(), real((2, 2)))),
        Case(lambda x, e: np.diff(x, axis=0, append=e), (real((2, 3)), cplx((1, 3)))),
        Case(lambda p: np.diff(np.arange(3.0), prepend=p), (real(2),)),
    ],
    "ediff1d": [
        *(Case(np.ediff1d, (draw(s),)) for s in [(), (1,), (4,), (2, 3)] for draw in BOTH),
        Case(lambda x, a, b: np.ediff1d(x, to_begin=a, to_end=b), (real(3), real(), real((2, 2)))),
        Case(lambda x: np.ediff1d(x, [1, 2.0]), (real(3),)),
    ],
    "gradient": [
        *(
            Case(lambda x, a=a, o=o: np.gradient(x, axis=a, edge_order=o), (draw((3, 4)),))
            for a, o, draw in itertools.product((0, -1), (1, 2), BOTH)
        ),
        *(
            Case(lambda x, h, o=o: np.gradient(x, h, edge_order=o), (real(4), real((), 0.5, 1.0)))
            for o in (1, 2)
        ),
        *(
            Case(
                lambda x, h, o=o: np.gradient(x, h, axis=1, edge_order=o),
                (real((3, 4)), COORDINATES),
            )
            for o in (1, 2)
        ),
        *(
            Case(lambda x, o=o, h=h: np.gradient(x, 0.5, h, edge_order=o)[1], (real((3, 4)),))
            for o in (1, 2)
            for h in (COORDINATES, np.arange(4), np.arange(4.0) / 4)
        ),
        Case(lambda x: np.subtract(*np.gradient(x)), (cplx((3, 2)),)),
        Case(lambda x: np.add(*np.gradient(x, axis=(1, 0))), (real((3, 2)),)),
        Case(lambda x: np.gradient(x, 2, axis=(0,)), (real(3),)),
    ],
    "trapezoid": [
        *(
            Case(lambda y, a=a: np.trapezoid(y, axis=a), (draw((2, 4)),))
            for a in (0, -1)
            for draw in BOTH
        ),
        Case(lambda y, h: np.trapezoid(y, dx=h), (real((2, 4)), real())),
        Case(np.trapezoid, (real((2, 4)), COORDINATES)),
        Case(lambda y, x: np.trapezoid(y, x, axis=0), (real((2, 4)), real((2, 4)))),
        Case(lambda x: np.trapezoid([1.0, 2.0, 4.0], x), (real(3),)),
        Case(np.trapezoid, (real(1),)),
    ],
    "unwrap": [
        *(Case(lambda p, a=a: np.unwrap(p, axis=a), (walk((2, 5)),)) for a in (0, -1)),
        Case(lambda p: np.unwrap(p, discont=4.0), (walk(5),)),
        Case(lambda p, t: np.unwrap(p + 0 * t, period=t), (walk(5), real((), 3.9, 4.1))),
        Case(lambda p: np.unwrap(p, period=4), (walk(5),)),
    ],
    "interp": [
        *(
            Case(np.interp, (x, POINTS, draw(5)))
            for x in (real(()), real((2, 3), -1.4, 1.4), np.array([-2.0, 0.3, 2.5]), real((0, 2)))
            for draw in BOTH
        ),
        Case(lambda x, f: np.interp(x, POINTS, f, left=0.5, right=-2), (real(4, -3, 3), real(5))),
        Case(
            lambda f, a, b: np.interp([-3.0, 0.3, 3.0], POINTS, f + 0 * a * b, left=a, right=b),
            (real(5), real(), real()),
        ),
        *(
            Case(
                lambda x, p, f: np.interp(x, p, f, period=2.3),
                (real(4, -3, 3), POINTS[1:], draw(4)),
            )
            for draw in BOTH
        ),
        Case(lambda f: np.interp([-1.0, 0.1, 2.0], [0.1], f), (real(1),)),
        Case(lambda p: np.interp(0.3, p, [0.5, 1.0, -1.0, 0.0, 2.0]), (POINTS,)),
    ],
}

CONSTANT = {
    "located": [
        lambda x: located(POINTS, x),
        lambda x: located(np.sort(x[0]), x[1]),
        lambda x: located(np.sort(x[1]), POINTS),
    ],
}

HAT = [0.0, 1, 3], [0.0, 2, 0]  # slopes 2 and -1

POLICIES = {
    "interp": [
        (lambda x: np.interp(x, *HAT), [[-1.0, 0, 1, 2, 3, 4]], [[0, 2, -1, -1, -1, 0]]),
        (lambda f: np.interp([-1.0, 1, 3, 4], HAT[0], f), [[0.0, 2, 0]], [[1, 1, 2]]),
        (lambda p: np.interp([0.5, 4], p, HAT[1]), [[0.0, 1, 3]], [[-1, -1, 0]]),
    ],
    "unwrap": [
        (np.unwrap, [[0.0, 4, 8]], [[1, 1, 1]]),
        (lambda t: np.unwrap([0.0, 5, 1] + 0 * t, period=t), [4.0], [-1]),
    ],
}
