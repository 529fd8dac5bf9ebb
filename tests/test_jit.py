"""Compiled functions: the same bits as the program, on every path, whatever changes around it."""

import pickle
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_ir import ALL, derived, flat, is_exact, over, same

import dezero as dz
from dezero.errors import EagerWarning, GraphError, OperandError
from dezero.jit import compiled


@over(ALL)
def test_a_row_is_replayed_to_the_bit(case):
    """At the point where it was traced, and at another one."""
    if case.fills:
        return  # a Tracer cannot be written into a plain array
    near = [np.asarray(x * (1 + 1e-9), x.dtype) for x in case.args]
    for f in derived(case):
        replayed, exact = dz.jit(f), is_exact(case, dz.trace(f)(*case.args))
        for xs in (case.args, case.args, near):
            with np.errstate(all="ignore"):
                pairs = zip(flat(replayed(*xs)), flat(f(*xs)), strict=True)
            for a, b in pairs:
                same(a, b, exact)


class Counter:
    """Counts runs where `jit` does not look: in the type of an object."""

    runs = 0

    @classmethod
    def counted(cls, f):
        cls.runs = 0

        def program(*args):
            cls.runs += 1
            return f(*args)

        return program


def by_sign(x):
    return np.sin(x) if x.sum() > 0 else x**2


def by_error(x):
    err = np.max(np.abs(x))
    while err > 0.5:
        x = x / 2
        err = np.max(np.abs(x))
    return x * 3


def by_count(x, n):
    for _ in range(int(n)):
        x = np.cos(x)
    return x


def by_mask(x):
    return np.sum(x[x > 0] ** 2)


def by_place(x):
    return x[np.argmax(x)] * x


BOTH_SIDES = [
    (by_sign, [(np.array([1.0, 2.0]),), (np.array([-1.0, -2.0]),)], 2),
    (by_error, [(np.array([0.3]),), (np.array([0.9]),), (np.array([1.9]),)], 3),
    (by_count, [(np.array([0.3]), np.array(k)) for k in (0, 1, 3)], 3),
    (by_mask, [(np.array([1.0, -2.0]),), (np.array([-1.0, 2.0]),)], 2),
    (by_place, [(np.array([1.0, 2.0]),), (np.array([2.0, 1.0]),)], 1),
]


@pytest.mark.parametrize(("f", "points", "paths"), BOTH_SIDES)
@pytest.mark.parametrize("derive", [lambda f: f, lambda f: dz.grad(lambda *a: np.sum(f(*a)))])
def test_both_sides_of_a_branch(f, points, paths, derive):
    """Each path is traced once, and never again."""
    program = derive(f)
    replayed = dz.jit(program)
    for _ in range(3):
        for args in points:
            np.testing.assert_array_equal(replayed(*args), program(*args))
    (traced,) = replayed.paths.values()
    assert len(traced) == paths


def test_too_many_paths_run_as_they_are_written():
    replayed = dz.jit(by_count)
    x = np.array([0.3])
    for n in range(compiled.PATHS):
        replayed(x, np.array(n))
    with pytest.warns(EagerWarning, match="paths"):
        y = replayed(x, np.array(20))
    np.testing.assert_array_equal(y, by_count(x, 20))
    np.testing.assert_array_equal(replayed(x, np.array(30)), by_count(x, 30))  # no second warning


# ---- what a function reads besides its arguments ----

RATE = 2.0
TABLE = np.array([1.0, 2.0])


def test_closures_and_globals_are_never_stale(monkeypatch):
    scale, weights, settings = 3.0, np.array([1.0, 10.0]), {"power": 2}

    class Model:
        bias = 0.5

    model = Model()

    def helper(x):
        return x * RATE + TABLE

    def program(x):
        return np.sum(helper(x) * scale * weights) ** settings["power"] + model.bias

    replayed, x = dz.jit(program), np.array([1.0, 2.0])

    def check():
        assert replayed(x) == program(x)
        assert replayed(x) == program(x)

    check()
    scale = 4.0
    check()
    weights[0] = 7.0
    check()
    weights = np.array([5.0, 6.0])
    check()
    settings["power"] = 1
    check()
    model.bias = 2.5
    check()
    monkeypatch.setitem(globals(), "RATE", 5.0)
    check()
    TABLE[1] += 1
    check()
    TABLE[1] -= 1


def test_namespaces_and_objects_of_libraries_are_never_stale():
    settings, rates = types.SimpleNamespace(rate=2.0), iter([1.0])

    def program(x):
        return x * settings.rate * (2.0 if type(rates) is list_iterator else 3.0)

    list_iterator = type(iter([]))
    replayed, x = dz.jit(program), np.ones(2)
    for rate in (2.0, 5.0, 7.0):
        settings.rate = rate
        same(replayed(x), program(x))
    for _ in range(20):  # the old one is gone, and a new one may have its place in memory
        rates = iter((1.0,)) if type(rates) is list_iterator else iter([1.0])
        same(replayed(x), program(x))


def test_a_graph_is_traced_once():
    program = Counter.counted(lambda x: np.sum(x * x))
    replayed = dz.jit(dz.grad(program))
    for k in range(5):
        np.testing.assert_array_equal(replayed(np.full(3, float(k))), np.full(3, 2.0 * k))
    assert Counter.runs == 1
    replayed(np.ones(4))
    replayed(np.ones(3, np.float32))
    assert Counter.runs == 3


def test_what_would_happen_once_is_refused():
    log = []

    def noting(x):
        log.append(1)
        return x * 2

    def drawing(x):
        return x * np.random.rand()  # noqa: NPY002  # what users write

    rng = np.random.default_rng(0)
    for f, word in [
        (noting, "changes something outside"),
        (drawing, "random"),
        (lambda x: x * rng.normal(), "changes something"),
    ]:
        with pytest.raises(GraphError, match=word):
            dz.jit(f)(np.ones(2))


# ---- with the other transforms ----


def energy(x):
    return np.sum(np.tanh(x) ** 2 * x)


def test_transforms_of_compiled_functions():
    x = np.array([0.5, -1.0, 2.0])
    replayed = dz.jit(energy)
    replayed(x)
    same(dz.grad(replayed)(x), dz.grad(energy)(x))
    same(dz.hessian(replayed)(x), dz.hessian(energy)(x))
    same(dz.vmap(replayed)(np.stack([x, 2 * x])), dz.vmap(energy)(np.stack([x, 2 * x])))
    same(dz.jit(dz.grad(replayed))(x), dz.grad(energy)(x))
    same(dz.jit(dz.vmap(dz.grad(replayed)))(np.stack([x, x]))[1], dz.grad(energy)(x))
    v = dz.Variable(x)
    replayed(v).backward()
    same(v.grad, dz.grad(energy)(x))


def test_numbers_lists_containers_and_decorators():
    @dz.jit
    def f(model, scale):
        return {"y": model["w"] * scale, "same": model}

    w = np.array([1.0, 2.0], np.float32)
    out = f({"w": w}, 2.0)
    same(out["y"], w * 2.0)  # a Python number does not widen single precision
    same(f({"w": w}, 3.0)["y"], w * 3.0)
    same(out["same"]["w"], w)
    assert f.__name__ == "f"
    assert dz.jit(np.sum)([1.0, 2.0]) == 3.0
    with pytest.raises(OperandError, match="numpy"):
        dz.jit(f, backend="fortran")
    with pytest.raises(OperandError, match="function"):
        dz.jit(3.0)


def test_results_are_the_callers_own():
    """No result shares memory with one that was given out before."""
    replayed = dz.jit(lambda x: np.exp(np.sin(x)) * 2 + 1)
    x = np.linspace(0, 1, 10_000)
    first = replayed(x)
    kept = first.copy()
    second = replayed(2 * x)
    same(first, kept)
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, x)


def test_several_threads_at_once():
    replayed, start = dz.jit(dz.grad(energy)), threading.Barrier(4)
    points = [np.linspace(0, k + 1, 10_000) for k in range(4)]

    def run(x):
        start.wait()
        return [replayed(x) for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        for x, found in zip(points, pool.map(run, points), strict=True):
            for y in found:
                same(y, dz.grad(energy)(x))


def test_a_jitted_function_of_a_module_can_be_pickled():
    assert pickle.loads(pickle.dumps(MODULE_LEVEL))(np.ones(2)) == energy(np.ones(2))


MODULE_LEVEL = dz.jit(energy)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x[..., -1:][..., -1:] ** 2 + np.sum(x)),  # a scatter of a scatter
        lambda x: np.sum(np.sin(x)[..., [0, -1, 0]] ** 2) + np.sum(x**3),  # a place taken twice
        lambda x: np.sum(np.sin(x)[..., [1, 0]] ** 2) + np.sum(x[..., 1:] * 2),
    ],
)
def test_scatters_that_are_added_in_place(f):
    rng = np.random.default_rng(3)
    replayed = dz.jit(dz.grad(f))
    for _ in range(20):
        x = rng.normal(size=3)
        same(replayed(x), dz.ir.simplified(dz.trace(dz.grad(f))(x))(x))


def test_members_of_a_batch_have_the_shape_of_one():
    mean = dz.jit(lambda x: np.sum(x) / x.shape[0])
    same(dz.vmap(mean)(np.ones((3, 2))), np.ones(3))


def test_a_function_by_hand_is_compiled():
    class Cube(dz.Function):
        def forward(self, x):
            return x**3

        def backward(self, gy):
            (x,) = self.inputs
            return 3 * x**2 * gy

    f = dz.jit(lambda x: Cube()(x) + 1)
    for x in (np.array([2.0]), np.array([3.0])):
        same(f(x), x**3 + 1)
        same(dz.grad(lambda x: np.sum(f(x)))(x), 3 * x**2)
