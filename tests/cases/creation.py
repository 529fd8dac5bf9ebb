"""What makes arrays, by ``like=`` of a box; the mirror's functions are the same."""

import numpy as np

import dezero.numpy as anp

from .tools import Case, cplx, real


def filled(make):
    """A new array, with a place of it written over."""

    def call(x):
        a = make(x)
        a[0] = x
        return a * x

    return call


def made(make):
    return [Case(lambda x: make(x) * x[0], (real(3),)), Case(filled(make), (real(3),))]


SPELLINGS = {
    "array": [
        Case(lambda x: np.array([x[0], x[0] * 2.0, 3.0], like=x), (real(1),)),
        Case(lambda x: np.array([[x, x * 2], [x * 3, np.arange(3.0)]], like=x), (real(3),)),
        Case(lambda x: np.array([x[0], 1], like=x), (real(2),)),
        Case(lambda x: np.array(((x[0], 1j), [1, x[1]]), like=x), (cplx(2),)),
        Case(lambda x: np.array(x, ndmin=3, like=x), (real(2),)),
        Case(lambda x: np.array([x[0], 1.0], np.complex128, like=x), (real(1),)),
        Case(lambda x: np.array([x, x], copy=None, ndmin=2, like=x), (real((0, 2)),)),
    ],
    "asarray": [Case(lambda x: np.asarray([x, x * x], like=x), (real(2),))],
    "asanyarray": [Case(lambda x: np.asanyarray(x, like=x) * 2, (real((2, 3)),))],
    "ascontiguousarray": [Case(lambda x: np.ascontiguousarray(x[0], like=x) * 2, (real(1),))],
    "full": [
        Case(lambda x: np.full((2, 3), x, like=x), (real(3),)),
        Case(lambda x: np.full(4, x[0], like=x), (real(1),)),
        Case(lambda x: np.full((), x[0], like=x), (cplx(1),)),
        Case(lambda x: np.full((0, 3), x, like=x), (real(3),)),
        *made(lambda x: np.full((2, 3), 0.5, like=x)),
    ],
    "fromiter": [
        Case(lambda x: np.fromiter((v * v for v in x), x.dtype, like=x), (real(3),)),
        Case(lambda x: np.fromiter([x[0], x[1], 2.0], x.dtype, 2, like=x), (cplx(3),)),
    ],
    "zeros": made(lambda x: np.zeros((2, 3), like=x)),
    "ones": made(lambda x: np.ones((2, 3), like=x)),
    "empty": [Case(lambda x: np.empty((2, 0), like=x) * x[0], (real(3),))],
    "arange": [Case(lambda x: np.arange(6.0, like=x)[:3] * x, (real(3),))],
    "eye": made(lambda x: np.eye(2, 3, 1, like=x)),
    "identity": made(lambda x: np.identity(3, like=x)),
    "tri": made(lambda x: np.tri(3, k=1, like=x)),
    "fromfunction": made(lambda x: np.fromfunction(lambda i, j: 1.0 * i + j, (2, 3), like=x)),
    # of the mirror alone
    "kaiser": [Case(lambda x: anp.kaiser(5, x), (real((), 1.0, 8.0),))],
    "r_": [
        Case(lambda x: anp.r_[x, 2.0, 1:4, x[:1] ** 2], (real(3),)),
        Case(lambda x: anp.r_["0,2", x, x * 2, 0:3], (cplx(3),)),
        Case(lambda x, y: anp.r_["1,2,0", x, y], (real(3), real((3, 2)))),
    ],
    "c_": [
        Case(lambda x, y: anp.c_[x, y, np.arange(2.0)], (real(2), cplx((2, 2)))),
        Case(lambda x: anp.c_[[x[0], x[1]], x[:2]], (real(3),)),
    ],
}
