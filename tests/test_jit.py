"""Compiled functions: the same as the program, on every path, whatever changes around it."""

import collections
import contextvars
import copy
import dataclasses
import functools
import os
import pickle
import random
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_ir import same

import dezero as dz
from dezero.errors import DataError, EagerWarning, GraphError, OperandError
from dezero.jit import compiled


@pytest.fixture(autouse=True, params=["numpy", "llvm"])
def backend(request, monkeypatch):
    """The backend that is chosen where none is named."""
    if request.param == "llvm":
        pytest.importorskip("llvmlite", reason="machine code is an extra")
    monkeypatch.setattr(compiled, "fastest", lambda: request.param)


def agree(found, expected):
    """To the bit; of machine code, to the last bits."""
    same(found, expected, exact=compiled.fastest() == "numpy")


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


def by_text(x):
    return x * float(f"{x[0]:.1f}")


def by_shown(x):
    return x * 2 if "-" in str(x) else x * 3


def by_item(x):
    return x * x[0].item()


def by_list(x):
    return x * max(x.tolist())


def by_sign_of_zero(x):
    return x + np.copysign(1.0, x.item())


def by_slice(x, n):
    return x[:n] * 2


def by_axis(x, axis):
    return np.sum(x, axis=axis)


def by_shape(x, shape):
    return np.reshape(x, shape) * 2


BOTH_SIDES = [
    (by_sign, [(np.array([1.0, 2.0]),), (np.array([-1.0, -2.0]),)], 2),
    (by_error, [(np.array([0.3]),), (np.array([0.9]),), (np.array([1.9]),)], 3),
    (by_count, [(np.array([0.3]), np.array(k)) for k in (0, 1, 3)], 3),
    (by_mask, [(np.array([1.0, -2.0]),), (np.array([-1.0, 2.0]),)], 2),
    (by_place, [(np.array([1.0, 2.0]),), (np.array([2.0, 1.0]),)], 1),
    (by_text, [(np.array([1.25, 2.0]),), (np.array([2.5, 1.0]),)], 2),
    (by_shown, [(np.array([1.0, 2.0]),), (np.array([-1.0, 2.0]),)], 2),
    (by_item, [(np.array([1.0, 2.0]),), (np.array([2.0, 1.0]),)], 2),
    (by_list, [(np.array([1.0, 2.0]),), (np.array([2.0, 1.0]),)], 2),
    (by_sign_of_zero, [(np.array([0.0]),), (np.array([-0.0]),), (np.array([np.nan]),)], 3),
    (by_slice, [(np.arange(3.0), 1), (np.arange(3.0), 2)], 2),
    (by_axis, [(np.ones((2, 3)), 0), (np.ones((2, 3)), 1)], 2),
    (by_shape, [(np.ones(6), (2, 3)), (np.ones(6), (3, 2))], 2),
]


@pytest.mark.parametrize(("f", "points", "paths"), BOTH_SIDES)
@pytest.mark.parametrize("derive", [lambda f: f, lambda f: dz.grad(lambda *a: np.sum(f(*a)))])
def test_both_sides_of_a_branch(f, points, paths, derive):
    """Each path is traced once, and never again."""
    program = derive(f)
    replayed = dz.jit(program)
    for _ in range(3):
        for args in points:
            agree(replayed(*args), program(*args))
    (traced,) = replayed.paths.values()
    assert len(traced) == paths


def test_the_fraction_of_a_number_whose_whole_part_is_asked_for():
    replayed = dz.jit(lambda x: x * int(x[0]))
    for number in (2.7, 2.2, 3.7, 2.9):
        agree(replayed(np.array([number])), np.array([number]) * int(number))
    assert [len(each) for each in replayed.paths.values()] == [2]


def test_too_many_paths_run_as_they_are_written():
    replayed = dz.jit(by_count)
    x = np.array([0.3])
    for n in range(compiled.PATHS):
        replayed(x, np.array(n))
    with pytest.warns(EagerWarning, match="paths"):
        y = replayed(x, np.array(20))
    agree(y, by_count(x, 20))
    agree(replayed(x, np.array(30)), by_count(x, 30))  # no second warning


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
        agree(replayed(x), program(x))
    for _ in range(20):  # the old one is gone, and a new one may have its place in memory
        rates = iter((1.0,)) if type(rates) is list_iterator else iter([1.0])
        agree(replayed(x), program(x))


@pytest.fixture
def traces(monkeypatch):
    """The programs that were traced."""
    found, trace = [], compiled.trace
    monkeypatch.setattr(compiled, "trace", lambda f: found.append(f) or trace(f))
    return found


class Slots:
    __slots__ = ("rate",)


class Settings:
    rate = 2.0

    def scaled(self, x):
        return x * self.rate

    @property
    def weight(self):
        return self.rate * 3


class Inherits(Settings):
    pass


@dataclasses.dataclass(frozen=True)
class Frozen:
    weights: np.ndarray


@functools.lru_cache
def remembered(n):
    return n * settings.rate


def defaulting(x, w=(3.0,)):
    return x * w[0]


def doubled(x, w):
    return x * w[0] * 2


def tripled(x, w):
    return x * w[0] * 3


def attributed(x):
    return x * attributed.rate


def importing(x):
    from a_module_of_the_user import inner  # what is tested

    return x * inner.rate


slots, settings, child, attributed.rate = Slots(), Settings(), Inherits(), 2.0
slots.rate, frozen, deque = 2.0, Frozen(np.ones(2)), collections.deque([2.0])
rates, chain, variable = {"a": 2.0}, collections.ChainMap({"a": 2.0}), contextvars.ContextVar("v")
buffer, objects, listed = (
    bytearray(b"\2"),
    np.array([None, {"rate": 2.0}]),
    [[2.0] for _ in range(5)],
)
module, inner = types.ModuleType("a_module_of_the_user"), types.ModuleType("inner")
module.inner, inner.rate = inner, 2.0
variable.set(2.0)

READ = {
    "slots": (lambda x: x * slots.rate, lambda v: setattr(slots, "rate", v)),
    "class": (lambda x: x * Settings.rate, lambda v: setattr(Settings, "rate", v)),
    "bound method": (settings.scaled, lambda v: setattr(Settings, "rate", v)),
    "inherited": (child.scaled, lambda v: setattr(Settings, "rate", v)),
    "property": (lambda x: x * settings.weight, lambda v: setattr(settings, "rate", v)),
    "frozen": (lambda x: x * frozen.weights, frozen.weights.fill),
    "deque": (lambda x: x * deque[0], lambda v: deque.__setitem__(0, v)),
    "proxy": (
        lambda x, p=types.MappingProxyType(rates): x * p["a"],
        lambda v: rates.update(a=v),
    ),
    "chain": (lambda x: x * chain["a"], lambda v: chain.update(a=v)),
    "bytes": (lambda x: x * buffer[0], lambda v: buffer.__setitem__(0, int(v))),
    "objects": (lambda x: x * objects[1]["rate"], lambda v: objects[1].update(rate=v)),
    "lists": (lambda x: x * listed[4][0], lambda v: listed[4].__setitem__(0, v)),
    "context": (lambda x: x * variable.get(), variable.set),
    "environment": (
        lambda x: x * float(os.environ.get("RATE_OF_A_TEST", "2")),
        lambda v: os.environ.update(RATE_OF_A_TEST=str(v)),
    ),
    "module": (lambda x: x * module.inner.rate, lambda v: setattr(inner, "rate", v)),
    "import": (importing, lambda v: setattr(inner, "rate", v)),
    "by name": (lambda x: x * getattr(inner, "rate"), lambda v: setattr(inner, "rate", v)),  # noqa: B009
    "cache": (
        lambda x: x * remembered(3),
        lambda v: (setattr(settings, "rate", v), remembered.cache_clear()),
    ),
    "defaults": (defaulting, lambda v: setattr(defaulting, "__defaults__", ((v,),))),
    "attribute": (attributed, lambda v: setattr(attributed, "rate", v)),
    "code": (
        defaulting,
        lambda v: setattr(defaulting, "__code__", tripled.__code__ if v > 5 else doubled.__code__),
    ),
    "vectorize": (
        lambda x: x * np.vectorize(settings.scaled)(1.0),
        lambda v: setattr(settings, "rate", v),
    ),
}


@pytest.mark.parametrize("name", READ)
def test_nothing_that_is_read_is_stale(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "a_module_of_the_user", module)
    vars(settings).clear()  # what another test has set would hide what its class has
    f, change = READ[name]
    replayed, x = dz.jit(f), np.array([1.0, 2.0])
    for value in (5.0, 7.0):
        before = f(x)
        agree(replayed(x), before)
        agree(replayed(x), before)
        change(value)
    agree(replayed(x), f(x))
    assert not np.array_equal(replayed(x), before)


def test_a_cache_that_fills_is_no_side_effect():
    known = {}

    def program(x):
        return x * known.setdefault("rate", 2.0)

    replayed = dz.jit(program)
    agree(replayed(np.ones(2)), np.full(2, 2.0))
    known["rate"] = 3.0
    agree(replayed(np.ones(2)), np.full(2, 3.0))


def test_what_cannot_be_watched_runs_as_it_is_written():
    many, w = [[k] for k in range(20_000)], dz.Variable(np.array([2.0, 3.0]))
    held = dz.Dual(np.ones(2), np.ones(2))
    for f in (
        lambda x: np.sum(x * many[-1][0]),
        lambda x: np.sum(x * held.value),
        lambda x: np.sum(x * w.data),
        lambda x: np.sum(x * (0.0 if w.grad is None else w.grad)),
    ):
        replayed = dz.jit(f)
        with pytest.warns(EagerWarning, match=r"as it is written"):
            y = replayed(np.ones(2))
        assert y == f(np.ones(2)) == replayed(np.ones(2))  # without a second warning
    assert dz.grad(lambda y: dz.jit(lambda x: x * y)(3.0))(2.0) == 3.0  # and without any


def test_a_graph_is_traced_once(traces):
    replayed = dz.jit(dz.grad(lambda x: np.sum(x * x)))
    for k in range(5):
        agree(replayed(np.full(3, float(k))), np.full(3, 2.0 * k))
    assert len(traces) == 1
    replayed(np.ones(4))
    replayed(np.ones(3, np.float32))
    assert len(traces) == 3


def test_what_would_happen_once_is_refused():
    log = []

    def noting(x):
        log.append(1)
        return x * 2

    def drawing(x):
        return x * np.random.rand()  # noqa: NPY002  # what users write

    def keeping(x):
        config.last = x
        return x

    def writing(x):
        y, x_twice = x * 2, x
        x_twice += 1
        return y + x

    rng, numbers, more = np.random.default_rng(0), iter([2.0, 3.0] * 4), (k for k in range(9))
    config = types.SimpleNamespace()
    for f, word in [
        (noting, r"changes `log` \(.*test_jit.py:\d+\)"),
        (drawing, "draws random"),
        (lambda x: x * random.random(), "draws random"),
        (lambda x: x * rng.normal(), "changes `rng`"),
        (lambda x: x * next(numbers), "changes `numbers`"),
        (lambda x: x * next(more), "changes `more`"),
        (keeping, "changes `config`"),
        (writing, "writes into its arguments"),
        (lambda xs: xs.append(xs[0]) or xs[1] * 2, "writes into its arguments"),
    ]:
        with pytest.raises(GraphError, match=word):
            dz.jit(f)([np.ones(2)] if "xs" in f.__code__.co_varnames else np.ones(2))


# ---- with the other transforms ----


def energy(x):
    return np.sum(np.tanh(x) ** 2 * x)


def test_transforms_of_compiled_functions():
    x = np.array([0.5, -1.0, 2.0])
    replayed = dz.jit(energy)
    replayed(x)
    agree(dz.grad(replayed)(x), dz.grad(energy)(x))
    agree(dz.hessian(replayed)(x), dz.hessian(energy)(x))
    agree(dz.vmap(replayed)(np.stack([x, 2 * x])), dz.vmap(energy)(np.stack([x, 2 * x])))
    agree(dz.jit(dz.grad(replayed))(x), dz.grad(energy)(x))
    agree(dz.jit(dz.vmap(dz.grad(replayed)))(np.stack([x, x]))[1], dz.grad(energy)(x))
    v = dz.Variable(x)
    replayed(v).backward()
    agree(v.grad, dz.grad(energy)(x))


def test_numbers_lists_containers_and_decorators():
    @dz.jit
    def f(model, scale):
        return {"y": model["w"] * scale, "same": model}

    w = np.array([1.0, 2.0], np.float32)
    out = f({"w": w}, 2.0)
    agree(out["y"], w * 2.0)  # a Python number does not widen single precision
    agree(f({"w": w}, 3.0)["y"], w * 3.0)
    agree(out["same"]["w"], w)
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
    agree(first, kept)
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, x)


def test_results_are_apart_as_those_of_the_program_are():
    c, x = np.array([5.0, 6.0]), np.array([1.0, 2.0])
    programs = [
        lambda x: (x * 1, x),
        lambda x: (np.sin(x), np.sin(x)),
        lambda _: (c + 1, np.arange(2.0)),
        lambda x: (x[1:], (x * 1)[1:]),
        lambda x: [np.sum(x)] * 2,
    ]
    for f in programs:
        replayed = dz.jit(f)
        for g in (replayed, dz.trace(f)(x)):
            for y in g(x):
                if isinstance(y, np.ndarray) and not np.shares_memory(y, x):
                    y[...] = 99.0
            for y, z in zip(replayed(x), f(x), strict=True):
                agree(y, z)
                assert np.shares_memory(y, x) == np.shares_memory(z, x)
        a, b = replayed(x)
        assert np.shares_memory(a, b) == np.shares_memory(*f(x))


def test_constants_are_added_up_in_the_order_of_their_memory():
    a = np.random.default_rng(1).normal(size=(40, 60))
    for constant in (a, a.T, a[::2], np.broadcast_to(a[0], (40, 60))):
        for f in (
            lambda x, c=constant: np.sum(c * x),
            lambda x, c=constant: x * np.einsum("ij,j->i", c, np.sum(x) * np.ones(c.shape[1])),
        ):
            agree(dz.trace(f)(1.1)(1.1), f(1.1))


def test_inside_no_grad_nothing_moves():
    def f(x):
        with dz.no_grad():
            y = x * 2
        return np.sum(x * y)

    agree(dz.grad(dz.jit(f))(np.ones(2)), dz.grad(f)(np.ones(2)))


def test_flags_strings_and_huge_numbers_are_handed_through():
    def f(x, mode="sum", flag=True, n=0, dtype=float):
        return getattr(np, mode)(x).astype(dtype) + (flag + flag) + n % 7

    replayed = dz.jit(f)
    for changes in ({}, {"mode": "prod"}, {"flag": False}, {"n": 10**30}, {"dtype": np.float32}):
        agree(np.asarray(replayed(np.ones(3), **changes)), np.asarray(f(np.ones(3), **changes)))
    with pytest.raises(DataError, match=r"object.*closure"):
        replayed(object())


def test_what_is_made_of_numbers_does_not_widen_arrays():
    x, programs = (
        np.ones(2, np.float32),
        [
            lambda x, s: x * (s * 2),
            lambda x, s: x / -((1 - s) ** 2),
            lambda x, s: np.maximum(x, s + s) > 2 * s,
            lambda x, s: x * np.sin(s),  # NumPy's own number, which does
            lambda x, s: x * np.float64(2) * s,
        ],
    )
    for f in programs:
        for s in (2.0, 3):
            agree(dz.jit(f)(x, s), f(x, s))
            agree(
                dz.jit(dz.grad(lambda x, s, f=f: np.sum(f(x, s))))(x, s),
                dz.grad(lambda x, s, f=f: np.sum(f(x, s)))(x, s),
            )


@pytest.mark.parametrize("backend", compiled.BACKENDS)
@pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
def test_powers_of_a_number_do_not_widen_arrays(dtype, backend):
    if backend == "llvm":
        pytest.importorskip("llvmlite")
    x = np.arange(4).astype(dtype)
    for base in (2, 2.0):
        y = dz.jit(lambda x, base=base: base**x, backend=backend)(x)
        np.testing.assert_array_equal(y, base**x)
        assert y.dtype == (base**x).dtype


def test_methods_containers_and_copies():
    @dataclasses.dataclass
    class Model:
        w: np.ndarray

        @dz.jit
        def __call__(self, x):
            return self.w * x

    model = Model(np.array([2.0, 3.0]))
    agree(model(np.ones(2)), model.w)
    model.w = model.w + 1
    agree(model(np.ones(2)), model.w)
    MODULE_LEVEL(np.ones(2))
    assert copy.deepcopy(MODULE_LEVEL)(np.ones(2)) == energy(np.ones(2))
    assert copy.deepcopy(decorated) is pickle.loads(pickle.dumps(decorated)) is decorated


@dz.jit
def decorated(x):
    return x * 2


def test_several_threads_at_once():
    replayed, start = dz.jit(dz.grad(energy)), threading.Barrier(4)
    points = [np.linspace(0, k + 1, 10_000) for k in range(4)]

    def run(x):
        start.wait()
        return [replayed(x) for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        for x, found in zip(points, pool.map(run, points), strict=True):
            for y in found:
                agree(y, dz.grad(energy)(x))


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
        agree(replayed(x), dz.ir.simplified(dz.trace(dz.grad(f))(x))(x))


def test_members_of_a_batch_have_the_shape_of_one():
    mean = dz.jit(lambda x: np.sum(x) / x.shape[0])
    agree(dz.vmap(mean)(np.ones((3, 2))), np.ones(3))


def test_a_function_by_hand_is_compiled():
    class Cube(dz.Function):
        def forward(self, x):
            return x**3

        def backward(self, gy):
            (x,) = self.inputs
            return 3 * x**2 * gy

    f = dz.jit(lambda x: Cube()(x) + 1)
    for x in (np.array([2.0]), np.array([3.0])):
        agree(f(x), x**3 + 1)
        agree(dz.grad(lambda x: np.sum(f(x)))(x), 3 * x**2)


@pytest.mark.parametrize("f", [np.sin, np.sum], ids=["sin", "sum"])
def test_out_of_numpys_functions(f):
    x, out = np.arange(3.0), np.empty(np.shape(f(np.arange(3.0))))
    assert dz.jit(f)(x, out=out) is out
    agree(out, f(x))
