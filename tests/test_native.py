"""Machine code: the same as NumPy, to a few units in the last place, for every kind of equation."""

import numpy as np
import pytest

import dezero as dz
from dezero.ir import Equation, simplified, trace

pytest.importorskip("llvmlite")

from dezero.jit.native.places import Buffer, Place  # they need llvmlite
from dezero.jit.native.regions import with_kernels
from dezero.jit.replay import OtherPath, compiled

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 6))
ROWS = np.array([[0, 3, 3], [-1, 2, 0]])
PICKS = np.array([1, -2, 3])


def titles(graph):
    return [step.p.title if isinstance(step, Equation) else "guard" for step in graph.steps]


def agree(f, *args, close=1e-12):
    """The titles of what a function is compiled to, if it gives what it does eagerly."""
    expected = f(*args)
    graph = with_kernels(simplified(trace(f)(*args)))
    found = compiled(graph)(*args)
    for got, want in zip(
        found, expected if isinstance(expected, tuple) else (expected,), strict=True
    ):
        want = np.asarray(want)
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        if want.dtype.kind == "f":
            size = np.max(np.abs(want), initial=0, where=np.isfinite(want))
            np.testing.assert_allclose(got, want, close, close * size)
        else:
            np.testing.assert_array_equal(got, want)
    return titles(graph)


def put(x):
    z = x * 1
    z[1:3, ::2] = x[0, :3]
    z[:, 0] = 7
    z[4] = x[1]
    return z


def turns(x):
    return dz.fori_loop(0, 5, lambda i, y: np.tanh(y) * x + i, x)


def until(x):
    return dz.while_loop(lambda y: np.sum(y * y) > 0.5, lambda y: y * 0.5, x)


def along(x):
    last, ys = dz.scan(lambda c, row: (np.sin(c) + row, c * row), x[0], x)
    return last + ys


def swapped(x):
    a, b = dz.fori_loop(0, 3, lambda _i, ab: (ab[1], ab[0]), (x, x * 2))
    return a - b


def either(x):
    return dz.cond(np.sum(x) > 0, np.cos, np.square, x)


WHOLE = {  # all of it is one kernel
    "views": lambda x: x[::2, ::-1][1:].T,
    "a number": lambda x: x[1, 2] * x,
    "rows": lambda x: x[ROWS],
    "columns": lambda x: x[:, ROWS] * 2,
    "pairs": lambda x: x[PICKS, PICKS],
    "apart": lambda x: x[None, PICKS, :, None],
    "with slices": lambda x: x[ROWS, 2:4],
    "largest": lambda x: x[np.argmax(x, 0)],
    "where the largest is": lambda x: np.argmax(x, 1) + np.argmin(x, axis=None),
    "diagonal": lambda x: np.diagonal(x) * np.trace(x),
    "powers": lambda x: x**3 + (x * x) ** 0.5 + (x * x + 1) ** x + 1.5**x,
    "reciprocal power": lambda x: x**-1 * np.sinc(x),
    "variance": lambda x: np.var(x, axis=0, ddof=1) + np.std(x),
    "running": lambda x: np.cumsum(x, 1) + np.cumprod(x, 0),
    "running flat": np.cumsum,
    "pad": lambda x: np.pad(x, 1) * 2,
    "stack": lambda x: np.stack([x, x * 2], 1),
    "concatenate": lambda x: np.concatenate([np.flip(x, 0), x * 2])[::2].reshape(-1),
    "assignment": put,
    "roll": lambda x: np.roll(x, 2, 1) + np.roll(x, -1, None),
    "repeat": lambda x: np.repeat(x, 2, 0) * np.tile(x, (2, 1)),
    "repeat some": lambda x: np.repeat(x, [1, 2, 0, 3, 1], 0),
    "product": lambda x: np.prod(x, 1),
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "softmax": lambda x: np.exp(x - x.max(1, keepdims=True)) / np.exp(x).sum(0),
    "clip": lambda x: np.diff(x) + np.clip(x, -0.5, 0.5)[:, 1:],
    "where": lambda x: np.where(x > 0, np.sqrt(np.abs(x)), x * 2),
    "small floats": lambda x: np.sum(np.sin(x.astype("f4")) * np.float32(2), axis=0),
    "outer": lambda x: np.sum(x[:, None, :] - x[None], axis=(0, 2)),
    "nothing": lambda x: np.sum(x[:0], axis=0) + 1,
    "fori_loop": turns,
    "while_loop": until,
    "scan": along,
    "swapped carries": swapped,
    "cond": either,
}
INTEGERS = {
    "floor": lambda x: np.floor(x * 3).astype(int) + (x > 0),
    "count": lambda x: np.count_nonzero(x > 0, axis=0) * np.any(x > 1, 1).sum(),
    "bits": lambda x: ((x > 0) | (x < -1)) ^ ~(x > 0.5),
    "sums": lambda x: np.sum((x * 10).astype(np.int32), axis=1) - np.max((x * 10).astype(int)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_values_and_gradients(name):
    f = WHOLE[name]
    close = 1e-6 if name == "small floats" else 1e-12
    assert agree(f, X, close=close) == ["kernel"]
    agree(dz.grad(lambda x: np.sum(f(x) ** 2)), X, close=close)


@pytest.mark.parametrize("name", INTEGERS)
def test_whole_numbers(name):
    assert agree(INTEGERS[name], X) == ["kernel"]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 1001])
def test_lengths(n):
    x = RNG.normal(size=n)
    assert agree(lambda x: (np.sum(np.sin(x) * x), x[::-1] + 1, np.cumsum(x)), x) == ["kernel"]


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (3, 100), (100, 3), (2, 3, 4), (0, 3), (3, 0)])
def test_axes(shape):
    x = RNG.normal(size=shape)
    axes = [*range(len(shape)), None]
    assert agree(lambda x: tuple(np.sum(x * x, axis=k) for k in axes), x) == ["kernel"]
    assert agree(lambda x: tuple(np.argmax(x + 1, axis=k) for k in axes if x.size), x)[:1] in (
        ["kernel"],
        [],
    )


def test_numpy_does_the_rest():
    made = agree(lambda x: np.sin(np.linalg.svd(x * 2)[1]) + np.sum(x), X)
    assert made == ["kernel", "svd", "kernel"]


# ---- policies ----


def test_sums_carry_what_rounding_takes():
    x = np.array([1.0, 1e100, 1.0, -1e100] * 5)
    graph = with_kernels(simplified(trace(np.sum)(x)))
    assert compiled(graph)(x)[0] == 10.0  # NumPy gives 0


@pytest.mark.parametrize(
    "x", [[np.inf, 1.0, 2.0], [np.inf, -np.inf, 1.0], [np.nan, 1.0, 2.0], [1e308, 1e308, 1.0]]
)
def test_infinities_and_nan_are_numpys(x):
    x = np.array(x)
    with np.errstate(all="ignore"):
        assert agree(lambda x: (np.sum(x), np.max(x), np.min(x), np.mean(x)), x) == ["kernel"]
        agree(lambda x: (np.argmax(x), np.maximum(x, x[::-1]), np.fmax(x, x[::-1]), np.sign(x)), x)


def test_conversions_that_do_not_fit_are_those_of_the_processor():
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -3.7])
    graph = with_kernels(simplified(trace(lambda x: x.astype(int))(np.zeros(5))))
    low = np.iinfo(int).min
    np.testing.assert_array_equal(compiled(graph)(x)[0], [low, low, low, low, -3])


# ---- where the kernel gives up ----


def test_a_guard_that_does_not_hold():
    graph = with_kernels(trace(lambda x: np.sin(x) if np.sum(x) > 0 else x * 2)(np.ones(3)))
    assert titles(graph) == ["kernel"]
    run = compiled(graph)
    np.testing.assert_array_equal(run(np.ones(3))[0], np.sin(np.ones(3)))
    with pytest.raises(OtherPath):
        run(-np.ones(3))


def test_a_place_outside_of_the_array():
    f = lambda x, k: x[k] * 2  # noqa: E731
    k = np.array([0, 2])
    run = compiled(with_kernels(simplified(trace(f)(np.ones(3), k))))
    assert run(np.ones(3), k)[0].tolist() == [2.0, 2.0]
    for wrong in ([0, 3], [-4, 0], [2**62, 0]):
        with pytest.raises(OtherPath):
            run(np.ones(3), np.array(wrong))


# ---- places ----

BUFFER = Buffer("input", 24, np.dtype(float))


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (lambda a: a[:, ::-1, 1:3], ((2, 3, 2), (12, -4, 1), 9)),
        (lambda a: a.reshape(6, 4), ((6, 4), (4, 1), 0)),
        (lambda a: a.transpose(2, 0, 1), ((4, 2, 3), (1, 12, 4), 0)),
        (lambda a: a[1, 2, 3, ...], ((), (), 23)),
        (lambda a: a[:, :, 1:].reshape(-1), None),
        (lambda a: a + 1, None),
    ],
)
def test_numpy_tells_what_a_view_shows(fn, expected):
    place = Place(BUFFER, 0, (12, 4, 1), (2, 3, 4)).view(fn)
    found = place and (place.shape, place.strides, place.offset)
    assert found == expected
