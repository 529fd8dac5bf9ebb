"""Special functions: `scipy.special`, and `numpy.i0`."""

import numpy as np
import scipy.special as sp

import dezero.scipy.special as mirror
from dezero.rules.bessel import bessel
from dezero.scipy.special.gammas import gap, psi_slope, zeta_row
from dezero.scipy.special.incomplete import beta_row, beta_slope, density, gamma_slope
from dezero.scipy.special.sums import sign, unweighted, weighted

from .tools import ANY, Case, X, binary, cplx, real, shaped, ternary, unary


def at(fn, *parameters, low=0.5, high=3.0, complex_at=None):
    """Over the last argument, at these numbers for those before it, and at an array of them."""
    found = []
    for each in parameters:
        found += unary(lambda z, p=each: fn(*p, z), low, high, complex_at=complex_at)[2:]
    arrays = [np.array([p, p]) for p in parameters[0]]
    return [*found, Case(lambda z: fn(*arrays, z), (real((3, 1), low, high),))]


def both(fn, *draws):
    """A function with two results, as one array."""
    return [
        *(Case(lambda x: np.stack(fn(x)), (draw(s),)) for draw in draws for s in [(), (2, 3)]),
        Case(lambda x: fn(x)[0], (draws[0](3),)),
        Case(lambda x: fn(x)[1] * 2, (draws[0]((0, 3)),)),
    ]


def positive(shape=()):
    return real(shape, 0.4, 2.5)


ELEMENTARY = {
    "expit": unary(sp.expit, -4.0, 4.0),
    "log_expit": unary(sp.log_expit, -4.0, 4.0),
    "logit": unary(sp.logit, 0.1, 0.9),
    "special.expm1": unary(sp.expm1, complex_at=ANY),
    "special.log1p": unary(sp.log1p, -0.4, 2.0, complex_at=ANY),
    "special.exp2": unary(sp.exp2),
    "special.cbrt": unary(sp.cbrt, 0.5, 2.0) + unary(sp.cbrt, -2.0, -0.5),
    "exp10": unary(sp.exp10, -0.5, 0.5),
    "cosm1": unary(sp.cosm1),
    "powm1": binary(sp.powm1, x=(0.5, 2.0)),
    "sindg": unary(sp.sindg, -80.0, 80.0),
    "cosdg": unary(sp.cosdg, -80.0, 80.0),
    "tandg": unary(sp.tandg, -70.0, 70.0),
    "cotdg": unary(sp.cotdg, 20.0, 80.0),
    "exprel": unary(sp.exprel) + unary(sp.exprel, -30.0, -2.0) + [Case(sp.exprel, (np.zeros(2),))],
    "boxcox": [
        *binary(sp.boxcox, x=(0.4, 2.5)),
        Case(sp.boxcox, (real(3, 0.5, 2.0), np.array([0.0, 1.0, -1.0]))),
    ],
    "boxcox1p": [
        *binary(sp.boxcox1p, x=(-0.5, 1.5)),
        Case(sp.boxcox1p, (real(3, -0.5, 1.0), np.array([0.0, 1.0, -1.0]))),
    ],
    "inv_boxcox": [
        *binary(sp.inv_boxcox, x=(-0.5, 1.0), y=(-0.7, 1.5)),
        Case(sp.inv_boxcox, (real(3, -0.5, 1.0), np.array([0.0, 1.0, 0.01]))),
    ],
    "inv_boxcox1p": binary(sp.inv_boxcox1p, x=(-0.5, 1.0), y=(-0.7, 1.5)),
    "xlogy": [
        *binary(sp.xlogy, x=(0.2, 1.5), y=(0.5, 2.0)),
        Case(sp.xlogy, (cplx((2, 3)), cplx(3))),
    ],
    "xlog1py": [*binary(sp.xlog1py, y=(-0.5, 2.0)), Case(sp.xlog1py, (cplx((2, 3)), cplx(3)))],
    "entr": unary(sp.entr, 0.3, 2.0),
    "rel_entr": binary(sp.rel_entr, x=(0.3, 2.0), y=(0.3, 2.0)),
    "kl_div": binary(sp.kl_div, x=(0.3, 2.0), y=(0.3, 2.0)),
    "huber": binary(sp.huber, x=(0.3, 0.9), y=(1.0, 2.0))
    + binary(sp.huber, (1.0, 2.0), (-0.9, 0.9)),
    "pseudo_huber": binary(sp.pseudo_huber, x=(0.3, 2.0)),
}

ERRORS = {
    "erf": unary(sp.erf, complex_at=ANY),
    "erfc": unary(sp.erfc, complex_at=ANY),
    "erfi": unary(sp.erfi, complex_at=ANY),
    "erfcx": unary(sp.erfcx, complex_at=ANY) + unary(sp.erfcx, 6.5, 30.0),
    "dawsn": unary(sp.dawsn, complex_at=ANY) + unary(sp.dawsn, -30.0, -7.5),
    "wofz": [Case(sp.wofz, (draw(s),)) for s in [(), (2, 3), (0, 3)] for draw in (real, cplx)]
    + [Case(sp.wofz, (cplx((2, 3)) * 20,)), Case(sp.wofz, (cplx(3) * -1,))],
    "erfinv": unary(sp.erfinv, -0.9, 0.9),
    "erfcinv": unary(sp.erfcinv, 0.1, 1.9),
    "ndtr": unary(sp.ndtr, complex_at=ANY),
    "ndtri": unary(sp.ndtri, 0.1, 0.9),
    "log_ndtr": unary(sp.log_ndtr, -4.0, 3.0, complex_at=ANY) + unary(sp.log_ndtr, -40.0, -9.0),
    "ndtri_exp": unary(sp.ndtri_exp, -5.0, -0.5),
    "owens_t": binary(sp.owens_t),
    "voigt_profile": ternary(sp.voigt_profile, (-1.5, 1.5), (0.5, 1.5), (0.3, 1.0)),
}

GAMMAS = {
    "gamma": unary(sp.gamma, 0.5, 3.0, complex_at=ANY) + unary(sp.gamma, -1.8, -1.2),
    "gammaln": unary(sp.gammaln, 0.5, 5.0) + unary(sp.gammaln, -1.8, -1.2),
    "loggamma": unary(sp.loggamma, 0.5, 5.0, complex_at=ANY),
    "rgamma": [
        *unary(sp.rgamma, -2.5, 3.0, complex_at=ANY),
        Case(sp.rgamma, (np.array([0.0, -1.0, -2.0]),)),
    ],
    "psi": [*unary(sp.psi, 0.5, 5.0, complex_at=ANY), Case(sp.digamma, (real(3, -1.8, -1.2),))],
    "zeta": [
        *at(sp.zeta, (2,), (3.5,), (1.5,)),
        Case(lambda z: zeta_row(3.0, z), (cplx(3),)),
        Case(lambda q: mirror.zeta(2, q), (real(3, 0.5, 2.0),)),
    ],
    "trigamma": unary(psi_slope, 0.5, 3.0, complex_at=ANY) + unary(psi_slope, -1.8, -1.2),
    "gammasgn": unary(sp.gammasgn, 0.5, 3.0),
    "psi_gap": [
        *binary(gap, x=(0.5, 3.0), y=(-0.3, 2.0)),
        Case(gap, (real(3, -2.8, -2.2), real(3, 0.01, 0.1))),
    ],
    "beta": binary(sp.beta, x=(0.5, 3.0), y=(0.5, 3.0)),
    "betaln": binary(sp.betaln, x=(0.5, 3.0), y=(0.5, 3.0)),
    "poch": binary(sp.poch, x=(0.5, 3.0), y=(0.2, 2.0)),
    "binom": binary(sp.binom, x=(3.1, 5.0), y=(0.2, 2.0)),
}

INCOMPLETE = {
    "gammainc": [
        Case(lambda x: sp.gammainc(2.5, x), (real((), 0.5, 3.0),)),
        *binary(sp.gammainc, x=(0.5, 3.0), y=(0.5, 3.0)),
        *binary(sp.gammainc, x=(9.0, 20.0), y=(9.0, 20.0)),
    ],
    "gammaincc": [
        Case(lambda x: sp.gammaincc(2.5, x), (real((), 0.5, 3.0),)),
        *binary(sp.gammaincc, x=(0.5, 3.0), y=(0.5, 3.0)),
    ],
    "gammaincinv": [
        Case(lambda x: sp.gammaincinv(2.5, x), (real((), 0.2, 0.8),)),
        *binary(sp.gammaincinv, x=(0.5, 1.0), y=(0.2, 0.8)),
        *binary(sp.gammaincinv, x=(2.0, 9.0), y=(0.2, 0.8))[:-1],
    ],
    "gammainccinv": [
        Case(lambda x: sp.gammainccinv(2.5, x), (real((), 0.2, 0.8),)),
        *binary(sp.gammainccinv, x=(0.5, 1.0), y=(0.2, 0.8)),
        *binary(sp.gammainccinv, x=(2.0, 9.0), y=(0.2, 0.8))[:-1],
    ],
    "gamma_density": [
        Case(lambda x: density(2.5, x), (real((), 0.5, 3.0),)),
        *binary(density, x=(0.5, 3.0), y=(0.5, 3.0)),
        *binary(lambda a, x: density(a, x, order=2), x=(0.5, 3.0), y=(0.5, 3.0)),
    ],
    "gamma_integral": [
        Case(lambda x: gamma_slope(2.5, x, order=1), (real((), 0.5, 3.0),)),
        *binary(lambda a, x: gamma_slope(a, x, order=1), (0.5, 12.0), (0.5, 12.0)),
    ],
    "betainc": [
        Case(lambda x: sp.betainc(2.5, 1.5, x), (real((), 0.1, 0.9),)),
        *ternary(sp.betainc, (0.5, 3.0), (0.5, 3.0), (0.1, 0.9)),
        *ternary(sp.betainc, (8.0, 20.0), (9.0, 20.0), (0.2, 0.8)),
    ],
    "betaincc": [
        Case(lambda x: sp.betaincc(2.5, 1.5, x), (real((), 0.1, 0.9),)),
        *ternary(sp.betaincc, (0.5, 3.0), (0.5, 3.0), (0.1, 0.9)),
    ],
    "betaincinv": [
        Case(lambda x: sp.betaincinv(2.5, 1.5, x), (real((), 0.1, 0.9),)),
        *ternary(sp.betaincinv, (0.8, 3.0), (0.8, 3.0), (0.2, 0.8)),
    ],
    "betainccinv": [
        Case(lambda x: sp.betainccinv(2.5, 1.5, x), (real((), 0.1, 0.9),)),
        *ternary(sp.betainccinv, (0.8, 3.0), (0.8, 3.0), (0.2, 0.8)),
    ],
    "beta_density": [
        Case(lambda x: beta_row(2.5, 1.5, x), (real((), 0.1, 0.9),)),
        *ternary(beta_row, (0.5, 3.0), (0.5, 3.0), (0.1, 0.9)),
        *ternary(
            lambda a, b, x: beta_row(a, b, x, orders=(1, 1)), (0.5, 3.0), (0.5, 3.0), (0.1, 0.9)
        ),
    ],
    "beta_integral": [
        Case(lambda x: beta_slope(2.5, 1.5, x, orders=(0, 1)), (real((), 0.1, 0.9),)),
        *ternary(
            lambda a, b, x: beta_slope(a, b, x, orders=(0, 1)), (0.5, 3.0), (0.5, 3.0), (0.1, 0.9)
        ),
    ],
}

BESSEL = {
    "j0": unary(sp.j0),
    "j1": [*unary(sp.j1), Case(sp.j1, (np.zeros(2),))],
    "y0": unary(sp.y0, 0.5, 4.0),
    "y1": unary(sp.y1, 0.5, 4.0),
    "special.i0": unary(sp.i0),
    "i1": [*unary(sp.i1), Case(sp.i1, (np.zeros(2),))],
    "k0": unary(sp.k0, 0.5, 4.0),
    "k1": unary(sp.k1, 0.5, 4.0),
    "jv": [
        *at(sp.jv, (0,), (2,), (1.5,), (-0.5,), complex_at=ANY),
        Case(lambda x: sp.jn(1, x), (real(3),)),
    ],
    "yv": at(sp.yv, (0,), (2,), (1.5,), complex_at=ANY),
    "yn": at(sp.yn, (0,), (2,)),
    "iv": at(sp.iv, (0,), (2,), (1.5,), complex_at=ANY),
    "kv": at(sp.kv, (0,), (2,), (1.5,), complex_at=ANY),
    "kn": at(sp.kn, (0,), (2,)),
    "hankel1": [
        Case(lambda z, v=v: sp.hankel1(v, z), (draw(3),))
        for v in (0, 1.5)
        for draw in (positive, cplx)
    ],
    "hankel2": [
        Case(lambda z, v=v: sp.hankel2(v, z), (draw(3),))
        for v in (0, 1.5)
        for draw in (positive, cplx)
    ],
    "i0e": unary(sp.i0e, 0.5, 4.0) + unary(sp.i0e, -90.0, -24.0),
    "i1e": unary(sp.i1e, 0.5, 4.0) + unary(sp.i1e, -90.0, -26.5),
    "k0e": unary(sp.k0e, 0.5, 4.0) + unary(sp.k0e, 26.0, 90.0),
    "k1e": unary(sp.k1e, 0.5, 4.0) + unary(sp.k1e, 26.5, 90.0),
    "ive": at(sp.ive, (0,), (2,), (1.5,)) + at(sp.ive, (2,), low=-90.0, high=-30.0),
    "kve": at(sp.kve, (0,), (2,), (1.5,), complex_at=ANY) + at(sp.kve, (2,), low=30.0, high=90.0),
    "jve": at(sp.jve, (0,), (1.5,)),
    "yve": at(sp.yve, (0,), (1.5,)),
    "airy": both(lambda x: sp.airy(x)[::2], real, cplx)
    + both(lambda x: sp.airy(x)[1::2], real, cplx),
    "i0": unary(np.i0) + unary(np.i0, 20.0, 40.0),
    "scaled_bessel": unary(lambda x: bessel(x, order=0))
    + unary(lambda x: bessel(x, order=2), 20, 50),
}

INTEGRALS = {
    "exp1": unary(sp.exp1, 0.4, 2.5, complex_at=ANY),
    "expi": [*unary(sp.expi, 0.5, 2.5, complex_at=ANY), Case(sp.expi, (real(3, -2.0, -0.5),))],
    "expn": at(sp.expn, (0,), (1,), (2,), (4,)),
    "spence": [*unary(sp.spence, 0.3, 2.5, complex_at=ANY), Case(sp.spence, (np.ones(2),))],
    "sici": both(sp.sici, positive, cplx),
    "shichi": both(sp.shichi, positive, cplx),
    "fresnel": both(sp.fresnel, real, cplx),
    "hyp0f1": at(sp.hyp0f1, (1.5,), (2,), low=-1.0, high=2.0, complex_at=ANY),
    "hyp1f1": at(sp.hyp1f1, (0.5, 1.5), (2, 1), low=-1.0, high=2.0, complex_at=ANY),
    "hyp2f1": [
        *at(sp.hyp2f1, (0.5, 1.5, 2.5), (1, 2, 3), low=-0.8, high=0.8),
        Case(lambda z: sp.hyp2f1(0.5, 1.5, 2.5, z), (cplx(3) * 0.5,)),
    ],
    "ellipk": unary(sp.ellipk, -0.8, 0.8),
    "ellipe": unary(sp.ellipe, -0.8, 0.8),
}

WEIGHTS = np.array([0.5, 1.0, 2.0])
SUMS = {
    "log_sum": [
        *(
            Case(lambda x, k=k: mirror.logsumexp(x, **k), (draw(s),))
            for s, k in [
                ((), {}),
                ((1,), {}),
                ((4,), {"axis": 0}),
                ((2, 3), {}),
                ((2, 3), {"axis": 1}),
                ((2, 3), {"axis": -2, "keepdims": True}),
                ((2, 3, 2), {"axis": (0, -1)}),
                ((2, 3), {"axis": ()}),
                ((0, 3), {"axis": 1}),
            ]
            for draw in (real, cplx)
            if draw is real or 0 not in s
        ),
        Case(lambda x: unweighted(x, axis=0), (real((2, 3)) * 300,)),
    ],
    "softmax": shaped(
        ((), mirror.softmax),
        ((4,), mirror.softmax),
        ((2, 3), mirror.softmax),
        ((2, 3), lambda x: mirror.softmax(x, axis=-1)),
        ((2, 3, 2), lambda x: mirror.softmax(x, axis=(0, 2))),
        ((0, 3), lambda x: mirror.softmax(x, axis=1)),
    ),
    "log_softmax": shaped(
        ((), mirror.log_softmax),
        ((4,), mirror.log_softmax),
        ((2, 3), lambda x: mirror.log_softmax(x, axis=0)),
        ((2, 3, 2), lambda x: mirror.log_softmax(x, axis=(0, 2))),
        ((0, 3), lambda x: mirror.log_softmax(x, axis=1)),
    ),
    "log_weighted_sum": [
        Case(lambda x: mirror.logsumexp(x, b=WEIGHTS), (real((2, 3)),)),
        Case(lambda x: mirror.logsumexp(x, 1, WEIGHTS, keepdims=True), (real((2, 3)),)),
        Case(lambda x: mirror.logsumexp(x, 0, 2.0), (real((2, 3)),)),
        Case(lambda x, b: mirror.logsumexp(x, b=b), (real((2, 3)), real(3, 0.3, 2.0))),
        Case(lambda x, b: mirror.logsumexp(x, 0, b), (real((2, 1)), real(3, 0.3, 2.0))),
        Case(lambda x, b: mirror.logsumexp(x, 0, b), (cplx((2, 3)), real((2, 3), 0.3, 2.0))),
        Case(
            lambda x, b: mirror.logsumexp(x, b=b, return_sign=True)[0], (real(3), real(3, -2, -1))
        ),
        Case(
            lambda x: mirror.logsumexp(x, 0, np.array([[1.0], [-9.0]]), return_sign=True)[0],
            (real((2, 3), -0.5, 0.5),),
        ),
        Case(lambda x, b: weighted(x, b, axis=1), (real((2, 3)), real((2, 3), 0.3, 2.0))),
    ],
}

CASES = ELEMENTARY | ERRORS | GAMMAS | INCOMPLETE | BESSEL | INTEGRALS | SUMS

SPELLINGS = {
    "_zeta": at(sp.zeta, (2.5,)),
    "softplus": unary(mirror.softplus),
    "polygamma": [
        *(
            Case(lambda x, n=n: mirror.polygamma(n, x), (real((2, 3), 0.5, 4.0),))
            for n in (0, 1, 3)
        ),
        Case(lambda x: mirror.polygamma([0, 1, 2], x), (real((2, 3), 0.5, 4.0),)),
    ],
    "multigammaln": [
        Case(lambda a, d=d: mirror.multigammaln(a, d), (real(s, 2.0, 5.0),))
        for s in [(), (2, 3)]
        for d in (1, 3)
    ],
    "comb": [
        *binary(mirror.comb, x=(3.1, 5.0), y=(0.2, 2.0)),
        Case(lambda n: mirror.comb(n, 2.5), (real(3, 1.5, 3.5),)),
        Case(lambda n: mirror.comb(n, 2.5, repetition=True), (real(3, 1.5, 3.5),)),
    ],
    "factorial": [
        *unary(mirror.factorial, 0.3, 4.0),
        Case(mirror.factorial, (real(3, -2.8, 1.5),)),
        Case(lambda n: mirror.factorial(n, extend="complex"), (cplx(3),)),
    ],
}

CONSTANT = {
    "sign_of_sum": [
        lambda x: sign(x, X - 0.25, axis=1),
        lambda x: mirror.logsumexp(x, b=-X, return_sign=True)[1],
    ],
}

inf, euler = np.inf, np.euler_gamma

POLICIES = {
    "xlogy, xlog1py": [
        (sp.xlogy, [[0.0, 0, 2], [0.0, 2, 0]], [[-inf, np.log(2), -inf], [0, 0, inf]]),
        (sp.xlog1py, [[0.0, 0, 2], [-1.0, 1, -1]], [[-inf, np.log(2), -inf], [0, 0, inf]]),
    ],
    "entr, rel_entr, kl_div": [
        (sp.entr, [[0.0, 1]], [[inf, -1]]),
        (sp.rel_entr, [[0.0, 0, 1], [0.0, 1, 0]], [[inf, -inf, inf], [0, 0, -inf]]),
        (sp.kl_div, [[0.0, 0, 1], [0.0, 1, 0]], [[inf, -inf, inf], [0, 1, -inf]]),
    ],
    "boxcox": [
        (sp.boxcox, [[0.0, 0, 0], [0.5, 1, 2]], [[inf, 1, 0], [4, 1, 0.25]]),
        (sp.boxcox1p, [[-1.0, -1, 0], [0.5, 1, 0]], [[inf, 1, 1], [4, 1, 0]]),
        (sp.boxcox, [[0.0, np.e], [-1.0, 0]], [[inf, 1 / np.e], [inf, 0.5]]),
    ],
    "huber": [(sp.huber, [[1.0, 1, 1], [1.0, -1, 0]], [[0, 0, 0], [1, -1, 0]])],
    "logit, erfinv, ndtri": [
        (sp.logit, [[0.0, 0.5, 1]], [[inf, 4, inf]]),
        (sp.erfinv, [[-1.0, 1]], [[inf, inf]]),
        (sp.erfcinv, [[0.0, 2]], [[-inf, -inf]]),
        (sp.ndtri, [[0.0, 1]], [[inf, inf]]),
        (sp.expit, [[-inf, inf]], [[0, 0]]),
        (sp.log_expit, [[-inf, inf]], [[1, 0]]),
        (sp.log_ndtr, [[-inf, inf]], [[inf, 0]]),
        (sp.erf, [[-inf, 1e200]], [[0, 0]]),
    ],
    "rgamma": [(sp.rgamma, [[0.0, -1, -2, -3]], [[1, -1, 2, -6]])],
    "binom, poch": [
        (sp.binom, [3.0, 4.0], [0.25, -0.25]),
        (sp.poch, [0.0, 1.0], [1, 0]),
        (sp.poch, [0.0, 3.0], [2, 0]),
        (mirror.comb, [[3.0, 3], [4.0, 0]], [[0, 0], [0, 11 / 6]]),
        (mirror.factorial, [[-1.0, 0]], [[0, -euler]]),
    ],
    "gammainc, betainc": [
        (
            sp.gammainc,
            [[0.5, 1, 2, 2], [0.0, 0, 0, inf]],
            [[0, 0, 0, 0], [inf, 1, 0, 0]],
        ),
        (sp.gammaincc, [0.0, 1.0], [sp.exp1(1.0), 0]),
        (sp.gammaincinv, [[0.5, 1, 2], [0.0, 0, 0]], [[0, 0, 0], [0, 1, inf]]),
        (
            sp.betainc,
            [[0.5, 1, 2, 2], [2.0, 3, 3, 1], [0.0, 0, 0, 1]],
            [[0, 0, 0, 0], [0, 0, 0, 0], [inf, 3, 0, 2]],
        ),
    ],
    "i0e, ive": [
        (sp.i0e, [[0.0]], [[0]]),
        (lambda x: sp.ive(0, x), [[0.0]], [[0]]),
        (sp.i1e, [[0.0]], [[0.5]]),
    ],
    "exp1, expi, sici, spence": [
        (sp.exp1, [[0.0]], [[-inf]]),
        (sp.expi, [[0.0]], [[inf]]),
        (lambda x: sp.expn([0, 1, 2, 3], x), [0.0], [-inf]),
        (lambda x: sp.sici(x)[0], [[0.0]], [[1]]),
        (lambda x: sp.sici(x)[1], [[0.0]], [[inf]]),
        (lambda x: sp.shichi(x)[0], [[0.0]], [[1]]),
        (sp.spence, [[0.0, 1]], [[-inf, -1]]),
    ],
    "logsumexp": [
        (mirror.logsumexp, [[inf, 0.0]], [[1, 0]]),
        (mirror.logsumexp, [[inf, inf]], [[1, 1]]),
        (mirror.logsumexp, [[-inf, -inf]], [[0, 0]]),
        (mirror.logsumexp, [[-inf, 0.0]], [[0, 1]]),
        (lambda x, b: mirror.logsumexp(x, b=b), [[inf, 0.0], [0.0, 1]], [[0, 1], [1, 1]]),
        (
            lambda x, b: mirror.logsumexp(x, b=b, return_sign=True)[0],
            [[1.0, 1], [1.0, -1]],
            [[inf, -inf], [inf, inf]],
        ),
    ],
    "softmax, log_softmax": [
        (lambda x: mirror.softmax(x)[1], [[-inf, 0.0]], [[0, 0]]),
        (lambda x: mirror.log_softmax(x)[1], [[-inf, 0.0]], [[0, 0]]),
        (lambda x: mirror.log_softmax(x)[0], [[-1e4, 0.0]], [[1, -1]]),
    ],
}

LADDERS = (
    {"gamma", "gammaln", "loggamma", "rgamma", "psi", "zeta", "trigamma", "psi_gap"}
    | {"beta", "betaln", "poch", "binom", "hyp0f1", "hyp1f1", "hyp2f1", "i0", "scaled_bessel"}
    | {"jv", "yv", "yn", "iv", "kv", "kn", "hankel1", "hankel2", "ive", "kve", "jve", "yve", "expn"}
)
"""Whose derivatives are ever other functions: of the next order, or with the next parameters."""
