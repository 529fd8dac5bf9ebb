"""Derivatives as kernels, called without Python."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import dezero as dz
from dezero.jit.native.hanging import jitted
from dezero.jit.native.paths import LLVM

X = np.linspace(0.1, 1.0, 10)


def native(f):
    return jitted()(f, LLVM)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def loss(params, x, rate=2.0):
    return np.sum((params["w"] * x + params["b"]) ** 2) * rate


def walk(x):
    return np.sum(dz.fori_loop(0, 9, lambda _, y: y + 0.1 * np.sin(y), x))


PROGRAMS = {
    "gradient": (dz.grad(rosenbrock), (X,), 1),
    "value and gradient": (dz.value_and_grad(rosenbrock), (X,), 1),
    "containers": (dz.value_and_grad(loss), ({"w": X, "b": X + 1}, X), 1),
    "a number": (dz.grad(loss), ({"w": X, "b": X + 1}, X, 3.0), 1),
    "unused and reordered": (lambda a, _, c: (c * 2 - a, a + 1), (X, X[:3], X + 2), 1),
    "arguments and constants": (lambda a, b: (a, b + a, 3.0), (X, X), 1),
    "a loop": (walk, (X,), 1),
    "the gradient of a loop": (dz.grad(walk), (X,), 1),
    "what a loop carries": (lambda a: dz.fori_loop(0, 9, lambda _, y: y * a, a), (X,), 1),
    "equations": (lambda a: np.linalg.solve(np.eye(10) + a, a), (X,), 1),
    "a matrix product": (lambda a: np.einsum("i,j->ji", a, a), (X,), 1),
    "a result twice": (lambda a: [a * 2, a * 2], (X,), 0),
    "a view": (lambda a: (a[1:], a * 2), (X,), 0),
    "NumPy": (lambda a: np.sort(np.sin(a)) * a, (X,), 0),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    """With entries where all of it is one kernel, and right in any case."""
    program, args, entries = PROGRAMS[name]
    f, calls = native(program), []
    for _ in range(3):
        results, expected = dz.trees.flatten(f(*args)), dz.trees.flatten(program(*args))
        assert results[1] == expected[1]
        for y, z in zip(results[0], expected[0], strict=True):
            np.testing.assert_allclose(y, z, rtol=1e-12)
            assert type(y) is type(z)
            assert np.shares_memory(y, args[0]) == np.shares_memory(z, args[0])
        if not calls:
            calls = count_missed(f)
    assert len(calls) == (0 if entries else 2)


def count_missed(f):
    """A list that grows with each call through Python."""
    calls, missed = [], f.missed
    f.missed = lambda *args, **kwargs: calls.append(args) or missed(*args, **kwargs)
    return calls


def test_layouts_that_are_copied():
    f = native(dz.grad(rosenbrock))
    expected = f(X)
    for x in (X.astype(">f8"), np.repeat(X, 2)[::2], X.astype(">f8")[::-1][::-1]):
        np.testing.assert_array_equal(f(x), expected)
    np.testing.assert_array_equal(f(X, out=np.empty(10)), expected)


def test_a_branch():
    f = native(dz.grad(lambda x: np.sum(x**2) if x[0] > 0 else np.sum(x**3)))
    for _ in range(3):
        np.testing.assert_allclose(f(X), 2 * X)
        np.testing.assert_allclose(f(-X), 3 * X**2)
    calls = count_missed(f)
    f(X)
    f(-X)
    assert not calls
