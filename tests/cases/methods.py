"""The same by an array's method or operator, and by NumPy's function."""

import operator

import numpy as np

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
    "cumprod": [(lambda x: x.cumprod(1), lambda x: np.cumprod(x, 1))],
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
