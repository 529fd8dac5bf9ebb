"""Compiled functions inside other transforms: they give what the function itself gives there."""

import gc
import importlib.util
import threading
import weakref

import numpy as np
import pytest

import dezero as dz
from dezero import errors
from dezero.jit import path as paths

BACKENDS = ["numpy", *(["llvm"] if importlib.util.find_spec("llvmlite") else [])]
X = np.array([0.5, -1.2, 2.0])
MANY = np.stack([X, 2 * X, X - 1])


@pytest.fixture(params=BACKENDS)
def compiled(request):
    return lambda f: dz.jit(f, backend=request.param)


@pytest.fixture
def traces(monkeypatch):
    """The names of the derivatives that are traced."""
    found, trace = [], paths.trace
    monkeypatch.setattr(paths, "trace", lambda f: found.append(f.__name__) or trace(f))
    return found


def agree(a, b):
    (xs, one), (ys, other) = dz.trees.flatten(a), dz.trees.flatten(b)
    assert one == other
    for x, y in zip(xs, ys, strict=True):
        assert type(x) is type(y)
        assert np.shape(x) == np.shape(y)
        if isinstance(x, str):
            assert x == y
        else:
            np.testing.assert_allclose(x, y, 1e-10, 1e-12)


# ---- a table of programs and of what is done with them ----


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def masked(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0)) + np.max(x) * np.min(x)


def looped(x):
    return dz.scan(lambda c, u: (np.tanh(c * u + 1), None), 0.3, x)[0]


@dz.custom_vjp(vjp=lambda g, _y, x: g * np.cos(x))
def sine(x):
    return np.sin(x)


def with_rule(x):
    return np.sum(sine(x) * x)


def solved(x):
    return np.linalg.solve(np.outer(x, x) + np.eye(3), x)[0] ** 3


def mixed(x):
    index = np.argsort(x)
    y = x.copy()
    y[0] = y[1] * 2.0
    return np.sum(y[index] * np.arange(3)) * float(len(x)) + x.astype(np.float32).sum()


PROGRAMS = [rosenbrock, masked, looped, with_rule, solved, mixed]

TRANSFORMS = {
    "grad": lambda f: dz.grad(f)(X),
    "jit(grad)": lambda f: dz.jit(dz.grad(f))(X),
    "value_and_grad": lambda f: dz.value_and_grad(f)(X),
    "jvp": lambda f: dz.jvp(f, (X,), (np.ones(3),)),
    "vmap": lambda f: dz.vmap(f)(MANY),
    "hessian": lambda f: dz.hessian(f)(X),
    "grad of grad": lambda f: dz.grad(lambda x: np.sum(dz.grad(f)(x) ** 2))(X),
    "vmap(grad)": lambda f: dz.vmap(dz.grad(f))(MANY),
    "grad(vmap)": lambda f: dz.grad(lambda xs: np.sum(dz.vmap(f)(xs) ** 2))(MANY),
    "jacobian": lambda f: dz.jacobian(lambda x: np.stack([f(x), f(x * 2)]))(X),
    "jit(vmap(grad))": lambda f: dz.jit(dz.vmap(dz.grad(f)))(MANY),
    "checkpoint": lambda f: dz.grad(lambda x: dz.checkpoint(f)(np.tanh(x)))(X),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_transforms_of_compiled_functions(compiled, program):
    f = compiled(program)
    with np.errstate(all="ignore"):
        for transform in TRANSFORMS.values():
            expected = transform(program)
            agree(transform(f), expected)
            agree(transform(f), expected)  # from what was compiled


def test_derivatives_are_compiled_once(compiled, traces):
    f = compiled(rosenbrock)
    for k in range(5):
        dz.grad(f)(X + k)
        dz.value_and_grad(f)(X - k)
        v = dz.Variable(X * k)
        f(v).backward()
    assert traces == ["backward"]
    for k in range(5):
        dz.jvp(f, (X + k,), (X,))
        dz.vmap(f)(MANY + k)
    assert traces == ["backward", "forward", "every"]
    for k in range(5):
        dz.hessian(f)(X + k)
    before = len(traces)
    for k in range(5):
        dz.hessian(f)(X - k)
        dz.grad(lambda x: np.sum(dz.grad(f)(x)))(X + k)
    assert len(traces) == before + 1


def test_after_too_many_paths_derivatives_run_as_they_are_written(compiled, monkeypatch):
    monkeypatch.setattr(paths, "PATHS", 0)
    f = compiled(solved)
    for transform in TRANSFORMS.values():
        agree(transform(f), transform(solved))


def test_a_derivative_is_of_the_path_that_was_taken(compiled):
    def program(x):
        return np.sum(x**2) if x[0] > 0 else np.sum(x**3)

    f = compiled(program)
    for x in (X, -X, X, -X):
        agree(dz.grad(f)(x), dz.grad(program)(x))
        agree(dz.hessian(f)(x), dz.hessian(program)(x))
        v = dz.Variable(x)
        f(v).backward(create_graph=True)
        agree(v.grad.data, dz.grad(program)(x))
    with pytest.raises(errors.ConversionError, match="truth"):
        dz.vmap(f)(MANY)


# ---- exact zeros, infinities ----


def test_what_is_not_sought_or_not_taken_does_not_count(compiled):
    at = np.array([0.0, 1.0])
    log, pair = compiled(np.log), compiled(lambda x: (np.sum(x**2), np.log(x)))
    masks = compiled(lambda y: np.sum(np.where(y > -9, y, 0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        agree(dz.grad(lambda x: np.sum(np.where(x > 0, log(x), 0)))(at), np.array([0.0, 1.0]))
        agree(dz.grad(lambda x: pair(x)[0])(at), np.array([0.0, 2.0]))
        agree(dz.grad(lambda x: masks(np.log(x)))(at), np.array([0.0, 1.0]))
        agree(dz.grad(lambda x: np.sum(log(x)))(at), np.array([np.inf, 1.0]))


# ---- containers, kinds of numbers, aliases ----


def test_containers_numbers_and_kinds(compiled):
    def program(p, scale, labels):
        y = p["w"] * scale + p["b"]
        return np.sum(y[labels]), {"n": np.argmax(y), "y": y, "more": (MANY, y.shape, "text")}

    f = compiled(program)
    p = {"w": X.astype(np.float32), "b": np.float32(2.0)}
    labels = np.array([0, 2, 2])
    for g in (dz.grad(f, has_aux=True), dz.value_and_grad(f, (0, 1), has_aux=True)):
        for k in range(2):
            g(p, 1.5 + k, labels)
    agree(
        dz.value_and_grad(f, (0, 1), has_aux=True)(p, 1.5, labels),
        dz.value_and_grad(program, (0, 1), has_aux=True)(p, 1.5, labels),
    )
    row = compiled(lambda x, y: np.geomspace(x, y, 5))
    ends = np.array(2.0), np.array(3.0)
    agree(dz.vjp(row, *ends)[1](np.ones(5)), dz.vjp(row.f, *ends)[1](np.ones(5)))
    z = np.array([1 + 2j, 0.5 - 1j])
    norm = compiled(lambda z: np.sum(np.abs(z) ** 2) + (z[0] * z[1]).real)
    agree(dz.grad(norm)(z), dz.grad(norm.f)(z))
    twice = compiled(lambda x: (x, x[:2], x * 1))
    v = dz.Variable(X)
    same, part, other = twice(v)
    assert same is v
    assert np.shares_memory(part.data, v.data)
    assert not np.shares_memory(other.data, v.data)
    np.sum(part * other[:2]).backward()
    agree(v.grad, 2 * X * [1, 1, 0])


def test_integers_are_refused_as_without(compiled):
    whole = dz.Variable(np.array([1, 2]))
    y = compiled(lambda n: np.sum(n * 1.5))(whole)
    with pytest.raises(errors.DifferentiationError, match="int64"):
        y.backward()


def test_settings(compiled):
    f, v = compiled(rosenbrock), dz.Variable(X)
    with dz.no_grad():
        y = f(v)
    assert type(y) is dz.Variable
    assert y.creator is None
    y = f(v * 1.0)
    y.backward(retain_grad=True)
    assert y.grad == 1.0
    assert repr(y.creator) == "<a call of jit(rosenbrock)>"
    agree(v.grad, dz.grad(rosenbrock)(X))
    written = f(v)
    v.data += 1
    with pytest.raises(errors.MutationError):
        written.backward()
    with dz.debug():
        agree(dz.grad(f)(X), dz.grad(rosenbrock)(X))


def test_threads(compiled):
    f, wrong = compiled(solved), []

    def work(k):
        expected = dz.grad(solved)(X + k)
        found = (dz.grad(f)(X + k) for _ in range(20))
        wrong.extend(g for g in found if not np.allclose(g, expected))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_is_derived_goes_with_the_function():
    f = dz.jit(lambda x: np.sum(np.sin(x)), backend="numpy")
    dz.hessian(f)(X)
    known = weakref.ref(f)
    gc.disable()
    try:
        del f
        assert known() is None
    finally:
        gc.enable()


# ---- Variables that a function reads ----


class Network:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.w, self.b = (dz.Variable(rng.normal(size=shape)) for shape in ((3, 4), 4))

    @property
    def parameters(self):
        return self.w, self.b

    def loss(self, x):
        return np.sum(np.tanh(x @ self.w + self.b) ** 2) + np.sum(self.w**2)


def gradients(f, network, *args):
    for p in network.parameters:
        p.cleargrad()
    y = f(*args)
    y.backward()
    return y.data, [p.grad for p in network.parameters]


def test_training_with_a_compiled_loss(compiled, traces):
    network = Network()
    f = compiled(network.loss)
    for _ in range(5):
        agree(gradients(f, network, X), gradients(network.loss, network, X))
        for p in network.parameters:
            p.data = p.data - 0.1 * p.grad
        network.b.data += 0.5  # in place
    assert traces == ["backward"]
    assert len(f.paths) == 1
    agree(dz.grad(f)(X).data, dz.grad(network.loss)(X).data)
    agree(dz.vmap(f)(MANY).data, dz.vmap(network.loss)(MANY).data)
    network.w = dz.Variable(np.ones((3, 2)))  # another one
    network.b = dz.Variable(np.ones(2))
    agree(gradients(f, network, X), gradients(network.loss, network, X))


def test_variables_that_are_read(compiled):
    w = dz.Variable(np.array(2.0))
    same, x = compiled(lambda x: (w, x * w))(3.0)
    assert same is w
    assert x.data == 6.0
    switch = compiled(lambda x: x * 2 if w else x * 3)
    assert switch(1.0) == 2.0
    w.data = np.array(0.0)
    assert switch(1.0) == 3.0
    positive = compiled(lambda x: x * w if w > 0 else x * w**2)
    for value in (2.0, -3.0, 5.0):
        w.data = np.array(value)
        w.cleargrad()
        positive(4.0).backward()
        assert w.grad == (4.0 if value > 0 else 8.0 * value)
    y = compiled(lambda x: np.sum(dz.value_and_grad(lambda u: np.sum(u**2 * w))(x)[1]))(X)
    w.cleargrad()
    y.backward()
    assert w.grad == pytest.approx(2 * X.sum())
    outer = compiled(compiled(lambda x: x * w))
    w.cleargrad()
    outer(7.0).backward()
    assert w.grad == 7.0
    w.cleargrad()
    compiled(lambda x: dz.fori_loop(0, 3, lambda _k, c: c * w, x))(1.0).backward()
    assert w.grad == 3 * w.data**2


def test_variables_that_the_first_call_makes(compiled):
    known = {}

    def program(x):
        if not known:
            known["w"] = dz.Variable(np.array(2.0))
        return x * known["w"]

    f = compiled(program)
    for k in range(3):
        f(1.0 + k).backward()
    assert known["w"].grad == 6.0
    assert len(f.paths) == 1


def test_more_than_calls_on_a_variable_runs_as_it_is_written(compiled):
    w = dz.Variable(np.ones(3))

    def assigned(x):
        w.data = x * 2.0
        return np.sum(w * x)

    def shown(x):
        return np.sum(x * w.data)

    for f in (shown, assigned):
        g = compiled(f)
        with pytest.warns(errors.EagerWarning, match="reads the Variable `w`"):
            y = g(X)
        assert y == f(X) == g(X)
        assert type(w.data) is np.ndarray
