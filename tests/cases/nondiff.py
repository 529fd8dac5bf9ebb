"""Values without a derivative, of an array with zeros and a repeated number."""

import operator

import numpy as np

import dezero as dz
from dezero.rules.nondiff import stopped

from .tools import MASK, X, along, compared


def whole():
    """A box of whole numbers."""
    return dz.Variable(np.array([4, 1, 2]))


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
    "bitwise_and": [lambda x: (x > 0) & (x < 1), lambda _x: np.bitwise_and(whole(), 3)],
    "bitwise_or": [lambda x: (x < 0) | (x > 1), lambda _x: np.bitwise_or(whole(), 3)],
    "bitwise_xor": [lambda x: (x > 0) ^ (x > 1), lambda _x: np.bitwise_xor(3, whole())],
    "invert": [lambda x: ~(x > 0), lambda _x: np.invert(whole())],
    "left_shift": [lambda _x: np.left_shift(whole(), 2), lambda _x: 1 << whole()],
    "right_shift": [lambda _x: np.right_shift(whole(), 1), lambda _x: whole() >> whole()],
    "stop_gradient": [stopped],
    "exponent": [lambda x: np.frexp(x)[1]],
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
    "all": [
        *along(np.all),
        lambda x: np.all(x > -2),
        lambda x: np.all(x, where=MASK),
        lambda x: np.all(x > -1, axis=1, where=MASK[0], keepdims=True),
        lambda x: np.all(x, where=x != 0),
    ],
    "logical_and.reduce": [np.logical_and.reduce, lambda x: np.logical_and.reduce(x > -1, axis=1)],
    "logical_or.reduce": [np.logical_or.reduce, lambda x: np.logical_or.reduce(x > 1, axis=None)],
    "any": [
        *along(np.any),
        lambda x: np.any(x > 2),
        lambda x: np.any(x > 1, axis=0, where=MASK),
        lambda x: np.any(x, where=x == 0),
    ],
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
    "array2string": [np.array2string, lambda x: np.array2string(x, precision=1, separator="; ")],
    "whole": [lambda x: x.astype(int), lambda x: x.astype("bool")],
    # not rows, because nothing is computed
    "shape": [np.shape],
    "ndim": [np.ndim],
    "size": [np.size, lambda x: np.size(x, 1)],
    "iscomplexobj": [np.iscomplexobj, lambda x: np.iscomplexobj(x + 1j)],
    "isrealobj": [np.isrealobj, lambda x: np.isrealobj(x + 1j)],
}
