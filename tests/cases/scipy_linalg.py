"""`dezero.scipy.linalg`: linear algebra by SciPy's names."""

import itertools

import numpy as np

from dezero.scipy import linalg as sl

from .decompositions import (
    adjoint,
    apart,
    apart_complex,
    hermitian,
    oblong,
    oblong_complex,
    over,
    sizes,
    well_posed_complex,
)
from .tools import Case, cplx, real, well_posed

BOTH = (well_posed, well_posed_complex)
DRAWS = [(well_posed, real), (well_posed_complex, cplx)]


def spd(x):
    return np.matmul(x, adjoint(x)) + np.eye(x.shape[-1])


def functions(f, draws=BOTH):
    return over([(1, 1), (2, 2), (2, 3, 3)], draws[:1], f) + over([(2, 2)], draws[1:], f)


def systems(call, shapes=(((3, 3), (3,)), ((3, 3), (3, 2)), ((1, 1), (1,))), **kwargs):
    """Equations with a matrix and right-hand sides, real and complex."""
    return [
        Case(call, (a(s), b(t)), **kwargs) for (s, t), (a, b) in itertools.product(shapes, DRAWS)
    ]


def bands(below, above, draw):
    x = draw((below + above + 1, 4))
    x[above] += 3
    return x


CASES = {
    "expm": functions(sl.expm),
    "logm": functions(sl.logm),
    "sqrtm": functions(sl.sqrtm),
    "solve_triangular": [
        *(
            case
            for trans, lower, unit in itertools.product((0, "T", 2), (False, True), (False, True))
            for case in systems(
                lambda a, b, t=trans, k=lower, u=unit: sl.solve_triangular(a, b, t, k, u)
            )
        ),
        *systems(sl.solve_triangular, [((2, 3, 3), (2, 3, 2)), ((3, 3), (2, 3, 2))]),
    ],
    "solve_banded": [
        Case(lambda ab, b, w=w: sl.solve_banded(w, ab, b), (bands(*w, draw), draw(s)))
        for w in [(1, 1), (0, 2), (2, 0), (0, 0), (3, 1)]
        for s in [(4,), (4, 2)]
        for draw in (real, cplx)
    ],
    "solve_sylvester": [
        Case(sl.solve_sylvester, (a(s), a(t), b((*s[:-1], t[-1]))))
        for s, t in [((3, 3), (2, 2)), ((2, 2), (2, 2)), ((2, 2, 2), (3, 3)), ((1, 1), (3, 3))]
        for a, b in DRAWS
    ],
    "lu": [
        *over(
            [(3, 3), (4, 2), (2, 4), (2, 3, 3), (1, 1)],
            [oblong],
            lambda x: sl.lu(x)[1],
            lambda x: sl.lu(x, p_indices=True)[2],
            lambda x: sl.lu(x[..., ::-1, :], permute_l=True)[0],
        ),
        *over([(3, 2), (2, 3)], [oblong_complex], lambda x: sl.lu(x)[1], lambda x: sl.lu(x)[2]),
    ],
}

STRUCTURES = [
    *("gen", "sym", "her", "diagonal", "tridiagonal", "upper triangular", "lower triangular"),
    *("pos", None),
]

SPELLINGS = {
    "scipy.linalg.solve": [
        *(
            case
            for assumed, lower in itertools.product(STRUCTURES, (False, True))
            for case in systems(
                lambda a, b, s=assumed, k=lower: sl.solve(a, b, lower=k, assume_a=s),
                [((3, 3), (3,))],
            )
        ),
        *systems(lambda a, b: sl.solve(a, b, transposed=True)),
    ],
    "scipy.linalg.inv": functions(sl.inv)
    + functions(lambda x: sl.inv(x, assume_a="sym", lower=True)),
    "scipy.linalg.det": functions(sl.det),
    "scipy.linalg.expm_frechet": systems(
        lambda a, e: sl.expm_frechet(a, e)[1], [((3, 3), (3, 3)), ((1, 1), (1, 1))]
    )
    + systems(lambda a, e: sl.expm_frechet(a, e, "SPS", compute_expm=False), [((2, 2), (2, 2))]),
    "scipy.linalg.solve_continuous_lyapunov": systems(
        sl.solve_continuous_lyapunov, [((3, 3), (3, 3))]
    ),
    "scipy.linalg.cholesky": functions(lambda x: sl.cholesky(spd(x)))
    + functions(lambda x: sl.cholesky(spd(x), lower=True))
    + over([(2, 2)], [apart, apart_complex], sl.cholesky),
    "scipy.linalg.cho_solve": [
        case
        for lower in (False, True)
        for case in systems(
            lambda a, b, k=lower: sl.cho_solve(sl.cho_factor(spd(a), k), b), [((2, 2), (2,))]
        )
    ],
    "scipy.linalg.lu_solve": [
        case
        for trans, shape in [(0, (2,)), (1, (2, 2)), (2, (2,))]
        for case in systems(
            lambda a, b, t=trans: sl.lu_solve(sl.lu_factor(a[::-1]), b, t), [((2, 2), shape)]
        )
    ],
    "scipy.linalg.eigh": [
        *(
            Case(
                lambda a, b, k=kind, low=lower, part=part: part(
                    sl.eigh(hermitian(a), spd(b), lower=low, type=k)
                ),
                (draw((2, 2)), draw((2, 2))),
            )
            for kind, lower in [(1, True), (2, False), (3, True), (1, False)]
            for part in (lambda wv: wv[0], lambda wv: sizes(wv[1]))
            for draw in ((apart_complex,) if kind == 1 else (apart,))
        ),
        *over([(3, 3)], [apart], lambda x: sl.eigh(hermitian(x), subset_by_index=[0, 1])[1]),
        *over([(3, 3)], [apart], lambda x: sl.eigh(hermitian(x), lower=False, eigvals_only=True)),
    ],
    "scipy.linalg.svd": over(
        [(3, 2), (2, 3)],
        [oblong],
        lambda x: sl.svd(x)[0][:, :2],
        lambda x: sl.svd(x, full_matrices=False)[2],
    )
    + over([(3, 2), (2, 3)], [oblong], lambda x: sl.svd(x, compute_uv=False), exact=False),
    "scipy.linalg.qr": over(
        [(3, 2), (2, 3)],
        [oblong, oblong_complex],
        lambda x: sl.qr(x, mode="economic")[0],
        lambda x: sl.qr(x)[1],
        lambda x: sl.qr(x, mode="r")[0],
    ),
    "scipy.linalg.toeplitz": [
        Case(sl.toeplitz, (real(3),)),
        Case(sl.toeplitz, (cplx(3),)),
        Case(sl.toeplitz, (real(3), real(2))),
        Case(sl.toeplitz, (real(1), real(4))),
    ],
    "scipy.linalg.circulant": [
        Case(sl.circulant, (draw(n),)) for n in (1, 4) for draw in (real, cplx)
    ],
    "scipy.linalg.hankel": [
        Case(sl.hankel, (real(3),)),
        Case(sl.hankel, (cplx(3), cplx(2))),
        Case(sl.hankel, (real(1), real(4))),
    ],
    "scipy.linalg.companion": [Case(sl.companion, (real(n, 0.5, 1.5),)) for n in (2, 4)]
    + [Case(sl.companion, (cplx(3),))],
    "scipy.linalg.leslie": [Case(sl.leslie, (real(n + 1), real(n))) for n in (1, 3)],
    "scipy.linalg.fiedler": [Case(sl.fiedler, (real(4),)), Case(sl.fiedler, (real(1),))],
    "scipy.linalg.block_diag": [
        Case(sl.block_diag, (real((2, 3)), real((1, 2)))),
        Case(lambda a, b: sl.block_diag(a, [], 2.0, b, [[1, 2]]), (real(3), cplx((2, 2)))),
        Case(sl.block_diag, (real(()),)),
    ],
}

CONSTANT = {
    "pivots": [lambda x: sl.lu_factor(x[:, :2])[1]],
    "order_of_pivots": [lambda x: sl.lu(x)[0]],
}
