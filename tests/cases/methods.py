"""The same by an array's method or operator, and by NumPy's function."""

import io
import operator
import pickle

import numpy as np
import pytest

import dezero as dz

from .tools import MASK, X


def changed(x, change):
    """A copy of an array, changed in place."""
    x = x * 1.0
    change(x)
    return x


def refusal(act):
    """A method that boxes do not have."""

    def call(x):
        if isinstance(x, dz.box.Box):
            with pytest.raises(dz.errors.UnsupportedError, match="not for boxes"):
                act(x)

    return [(call, lambda _x: None)]


def chosen(x):
    """Whole numbers in a box, if x is one."""
    which = MASK.astype(int)
    return dz.Variable(which) if isinstance(x, dz.box.Box) else which


def written(x, write):
    """What a method writes into a file."""
    file = io.BytesIO()
    write(x, file)
    return file.getvalue()


def _assigned(x, value):
    x = x * 1.0
    x[...] = value
    return x


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
    "cumprod": [(lambda x: x.cumprod(1), lambda x: np.cumprod(x, 1))],
    "diagonal": [(lambda x: x.diagonal(1), lambda x: np.diagonal(x, 1))],
    "trace": [(lambda x: x.trace(), np.trace)],
    "repeat": [(lambda x: x.repeat(2, axis=1), lambda x: np.repeat(x, 2, axis=1))],
    "take": [(lambda x: x.take([2, 0], 1), lambda x: np.take(x, [2, 0], 1))],
    "choose": [
        (
            lambda x: chosen(x).choose([x, x * 2]),
            lambda x: np.choose(chosen(x), [x, x * 2]),
        )
    ],
    "compress": [(lambda x: x.compress([1, 0, 1], 1), lambda x: np.compress([1, 0, 1], x, 1))],
    "put": [
        (
            lambda x: changed(x, lambda y: y.put([1, 3], x[0, :2] * 2)),
            lambda x: changed(x, lambda y: np.put(y, [1, 3], x[0, :2] * 2)),
        )
    ],
    "fill": [
        (
            lambda x: changed(x, lambda y: y.fill(x[0, 1])),
            lambda x: changed(x, lambda y: y.__setitem__(..., x[0, 1])),
        )
    ],
    "sort": [
        (lambda x: changed(x, lambda y: y.sort(0)), lambda x: _assigned(x, np.sort(x * 1.0, 0)))
    ],
    "partition": [
        (
            lambda x: changed(x, lambda y: y.partition(1)),
            lambda x: _assigned(x, np.partition(x * 1.0, 1)),
        )
    ],
    "flat": [
        (lambda x: x.flat[1:4], lambda x: x.flatten()[1:4]),
        (lambda x: x.flat[-2], lambda x: x.flatten()[-2]),
        (lambda x: x.flat.copy(), lambda x: x.flatten()),
        (lambda x: sum(x.flat), lambda x: sum(x.flatten())),
        (lambda x: len(x.flat), np.size),
        (lambda x: x.flat == 2.0, lambda x: x.flatten() == 2.0),
        (lambda x: x.flat != 2.0, lambda x: x.flatten() != 2.0),
        (
            lambda x: changed(x, lambda y: y.flat.__setitem__(4, x[0, 1])),
            lambda x: changed(x, lambda y: y.__setitem__(np.unravel_index(4, (2, 3)), x[0, 1])),
        ),
        (
            lambda x: changed(x, lambda y: y.flat.__setitem__(slice(1, 5), x[0, :3] * 2)),
            lambda x: changed(
                x,
                lambda y: y.__setitem__(
                    np.unravel_index(np.arange(1, 5), (2, 3)),
                    np.reshape(np.reshape(x[0, :3] * 2, -1)[[0, 1, 2, 0]], 4),
                ),
            ),
        ),
        (
            lambda x: changed(x, lambda y: setattr(y, "flat", x[1, 2])),
            lambda x: changed(
                x,
                lambda y: y.__setitem__(np.unravel_index(np.arange(6), (2, 3)), x[1, 2]),
            ),
        ),
    ],
    "conj": [(lambda x: x.conj(), np.conj)],
    "conjugate": [(lambda x: (x * 1j).conjugate(), lambda x: np.conjugate(x * 1j))],
    "copy": [(lambda x: x.copy(), np.copy), (lambda x: x.copy("K"), np.copy)],
    "round": [
        (lambda x: x.round(), np.round),
        (lambda x: x.round(1), lambda x: np.round(x, 1)),
    ],
    "argmax": [(lambda x: x.argmax(1), lambda x: np.argmax(x, 1))],
    "argmin": [(lambda x: x.argmin(), np.argmin)],
    "argpartition": [(lambda x: x.argpartition(1), lambda x: np.argpartition(x, 1))],
    "searchsorted": [
        (lambda x: x[1].searchsorted(0.25, "right"), lambda x: np.searchsorted(x[1], 0.25, "right"))
    ],
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
        (lambda x: x.astype("f4", "K", "same_kind"), lambda x: np.astype(x, np.float32)),
        (lambda x: x.astype(float, copy=False) * 2, lambda x: x * 2),
    ],
    "transpose": [
        (lambda x: x.transpose(), np.transpose),
        (lambda x: x.transpose(1, 0), np.transpose),
        (lambda x: x.transpose((1, 0)), np.transpose),
        (lambda x: x.transpose(None), np.transpose),
    ],
    "T": [(lambda x: x.T, np.transpose)],
    "mT": [(lambda x: x.mT, lambda x: np.swapaxes(x, -1, -2))],
    "view": [(lambda x: x.view(), lambda x: x[...]), (lambda x: x.view("f8"), lambda x: x[...])],
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
    "tobytes": [(lambda x: x.tobytes(), lambda x: np.ravel(x).tobytes("C"))],
    "dumps": [(lambda x: pickle.loads(x.dumps()), lambda _x: X)],
    "dump": [(lambda x: pickle.loads(written(x, lambda x, f: x.dump(f))), lambda _x: X)],
    "tofile": [],
    "itemsize": [(lambda x: x.itemsize, lambda _x: 8)],
    "nbytes": [(lambda x: x.nbytes, lambda _x: 48)],
    "strides": [
        (lambda x: x.strides, lambda _x: (24, 8)),
        (lambda x: x.T.strides, lambda _x: (8, 24)),
    ],
    "flags": [(lambda x: x.flags.c_contiguous, lambda _x: True)],
    "base": [(lambda x: (x * 1).base is None, lambda _x: True)],
    "device": [(lambda x: x.device, lambda _x: "cpu")],
    "to_device": [(lambda x: x.to_device("cpu") * 2, lambda x: x * 2)],
    "resize": refusal(lambda x: x.resize((3, 2))),
    "byteswap": refusal(lambda x: x.byteswap()),
    "getfield": refusal(lambda x: x.getfield("f4")),
    "setfield": refusal(lambda x: x.setfield(1, "f4")),
    "setflags": refusal(lambda x: x.setflags(write=False)),
    "ctypes": refusal(lambda x: x.ctypes),
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
