"""Compiled functions that run without Python: as never stale as those that run through it."""

import gc
import types

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import test_jit
from native_callbacks import BACKEND, RUNS

import dezero as dz
from dezero.errors import OperandError
from dezero.jit import compiled
from dezero.jit.captured import Captured
from dezero.jit.native import hanging
from dezero.jit.native.entry import holds
from dezero.jit.native.tables import Unfit
from dezero.jit.native.watches import watched

NATIVE = hanging.jitted()


@pytest.fixture(autouse=True)
def native(monkeypatch):
    """Compiled functions of a kind that calls kernels."""
    monkeypatch.setattr(compiled, "Jitted", lambda f: NATIVE(f, BACKEND))


traces = test_jit.traces
AGAIN = [name for name in vars(test_jit) if name.startswith("test_") and "a_row" not in name]
globals().update({name: getattr(test_jit, name) for name in AGAIN})


def compiled_(f):
    return NATIVE(f, BACKEND)


def runs(f, *args):
    """Whether a call goes to the kernel, and the result."""
    before = RUNS[0]
    result = f(*args)
    return RUNS[0] > before, result


# ---- what is watched ----

FLAT, GAPS, CUBE = np.arange(3.0), np.arange(10.0)[::2], np.ones((2, 2, 2))
SET, MANY, NESTED = {1, 2}, {object() for _ in range(100)}, {"a": [(np.zeros(2), {"b": 1.0})]}
CELL = types.CellType(1.0)
NAMESPACE = types.SimpleNamespace(rate=2.0)
PLAIN = 1.0


class Attributes:
    shared = 1.0

    def __init__(self):
        self.own = 1.0


class Derives(Attributes):
    __slots__ = ("slot",)


class Named(tuple):
    __slots__ = ()


SLOT = {"__slots__": ("slot",)}
THING, TUPLE = Derives(), Named((FLAT,))
THING.slot = 1.0


def reads(x):
    return x, FLAT, GAPS, CUBE, SET, MANY, NESTED, CELL, NAMESPACE, PLAIN, THING, TUPLE, ABSENT  # noqa: F821  # not there yet


def setting(x, name, value):
    return lambda: setattr(x, name, value)


CHANGES = {
    "a number": lambda: FLAT.__setitem__(1, 5.0),
    "a zero's sign": lambda: FLAT.__setitem__(0, -0.0),
    "shape": setting(CUBE, "shape", (4, 2)),
    "shape of as many axes": setting(CUBE, "shape", (8, 1)),
    "dtype": setting(CUBE, "dtype", np.int64),
    "between gaps": lambda: GAPS.__setitem__(4, 1.0),
    "one more": lambda: SET.add(3),
    "another": lambda: (SET.remove(2), SET.add(4)),
    "one of many": lambda: (MANY.pop(), MANY.add(object())),
    "deep": lambda: NESTED["a"][0][0].fill(1),
    "deep in a list": lambda: NESTED["a"].append(1),
    "in its place": lambda: NESTED["a"].__setitem__(0, 1),
    "deep in a dict": lambda: NESTED.update(c=1),
    "content": setting(CELL, "cell_contents", 2.0),
    "namespace": setting(NAMESPACE, "rate", 3.0),
    "own": setting(THING, "own", 3.0),
    "slot": setting(THING, "slot", 3.0),
    "shared": setting(Attributes, "shared", 3.0),
    "bases": setting(Derives, "__bases__", (type("Base", (Attributes,), {}),)),
    "class": lambda: setattr(THING, "__class__", type("Other", Derives.__bases__, SLOT)),
    "attributes": setting(THING, "__dict__", {"own": 1.0}),
    "a global": lambda: globals().update(PLAIN=2.0),
    "a new global": lambda: globals().update(ABSENT=2.0),
    "code": lambda: setattr(reads, "__code__", other.__code__),
    "defaults": lambda: setattr(reads, "__defaults__", (1.0,)),
    "keyword defaults": lambda: setattr(reads, "__kwdefaults__", {"k": 1.0}),
    "a function's own": setting(reads, "mark", 1.0),
}


def other(x):
    return x, FLAT


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")  # of NumPy 2.5
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_noticed(name):
    """Each leaves the program changed for the next; nothing is noticed without one."""
    captured = Captured(reads)
    watches = watched(captured)
    assert holds(watches)
    assert not captured.changed()
    assert holds(watches)
    CHANGES[name]()
    assert captured.changed()
    assert not holds(watches)
    again = watched(Captured(reads))
    assert holds(again)


UNSEEN = [
    iter([1.0]),
    (x for x in [1.0]),
    bytearray(b"1"),
    np.array([None]),
    np.ma.ones(2),
    np.arange(100.0)[::10],
    np.random.default_rng(0),
    types.new_class("Wide", (dict,))(),
]


@pytest.mark.parametrize("x", UNSEEN, ids=lambda x: type(x).__name__)
def test_what_machine_code_cannot_see_is_left_to_python(x):
    with pytest.raises(Unfit):
        watched(Captured(lambda: x))


# ---- calls ----

SCALE = 2.0


def scaled(x):
    return x * SCALE


def test_other_names_of_the_module_may_change():
    f, x = compiled_(scaled), np.ones(3)
    assert not runs(f, x)[0]
    for k in range(5):
        globals()["counter"] = k
        assert runs(f, x)[0]


def test_what_changed_and_means_the_same_is_watched_anew():
    """At first at once, later not each time."""
    f, x = compiled_(scaled), np.ones(3)
    f(x)
    through = []
    for _ in range(500):
        globals()["SCALE"] = float("2.0")
        before = RUNS[0]
        np.testing.assert_array_equal(f(x), 2 * x)
        through.append(RUNS[0] - before)
    assert sum(through) == 0
    assert f.known.present.made < 40
    for _ in range(hanging.PATIENCE + 1):
        f(x)
    assert runs(f, x)[0]
    assert f.known.present.reason == ""


def test_forgetting():
    f, x = compiled_(scaled), np.ones(3)
    f(x)
    assert runs(f, x)[0]
    f.forget()
    assert not f.paths
    ran, result = runs(f, x)
    assert not ran
    np.testing.assert_array_equal(result, 2 * x)
    assert runs(f, x)[0]


def test_kinds_of_arguments_and_paths():
    def program(x, mode="twice"):
        y = x * 2 if mode == "twice" else x * 3
        return {"y": y, "all": (np.sum(y), [x])} if y[0] > 0 else y

    f = compiled_(program)
    points = [
        (np.ones(3),), (-np.ones(3),), (np.ones(4),), (np.ones(3, np.float32),),
        (np.ones(3), "twice"), (np.ones(3), "thrice"), (-np.ones(3), "thrice"),
    ]  # fmt: skip
    for args in points:
        f(*args)
    for args in points:
        ran, result = runs(f, *args)
        assert ran
        np.testing.assert_equal(result, program(*args))
        assert type(result) is type(program(*args))
    for _ in range(2):  # traced anew, and then copied
        ran, result = runs(f, np.ones(6)[::2])
        assert not ran
        np.testing.assert_equal(result, program(np.ones(3)))


def test_more_kinds_than_hang(monkeypatch):
    monkeypatch.setattr(hanging, "CHAIN", 4)
    f = compiled_(scaled)
    points = [np.ones(n) for n in range(1, 9)]
    for _ in range(3):
        for x in points:
            np.testing.assert_array_equal(f(x), 2 * x)
    assert [runs(f, x)[0] for x in points] == [False] * 8
    assert [runs(f, x)[0] for x in points[4:]] == [True] * 4
    assert not runs(f, points[0])[0]
    assert [runs(f, x)[0] for x in points[4:]] == [False, False, False, False]


def test_ten_thousand_made_and_dropped():
    """Nobody holds what was dropped, when the garbage collector has seen its cycles."""
    x = np.ones(3)

    def once():
        weights = np.ones(3)
        f = compiled_(lambda x: x * weights)
        f(x)
        assert runs(f, x)[0]

    once()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        once()
    gc.collect()
    assert len(gc.get_objects()) - before < 200


# ---- out= ----


def program_(x, y):
    return {"product": x * y, "all": (np.sum(x), [x + y])}


def test_results_written_into_arrays():
    f, x, y = compiled_(program_), np.arange(3.0), np.ones(3)
    out = {"product": np.empty(3), "all": (np.empty(()), [np.empty(3)])}
    expected = program_(x, y)
    for k in range(3):
        for each in (out["product"], *out["all"][1]):
            each.fill(np.nan)
        ran, result = runs(lambda: f(x, y, out=out))
        assert ran == (k > 0)
        assert result["product"] is out["product"]
        assert result["all"][0] is out["all"][0]
        np.testing.assert_equal(out, expected)
    g = compiled_(lambda x: (np.flip(x) * 2, x + 1))
    for _ in range(3):
        x = np.arange(4.0)
        y, z = g(x, out=(x, np.empty(4)))  # in the memory that it reads
        np.testing.assert_array_equal(y, [6, 4, 2, 0])
        np.testing.assert_array_equal(z, [1, 2, 3, 4])
    swap = compiled_(lambda x, y: (y, x))
    x, y = np.zeros(2), np.ones(2)
    swap(x, y, out=(x, y))
    np.testing.assert_array_equal(x, [1, 1])
    np.testing.assert_array_equal(y, [0, 0])
    assert f(x, y, out=None)["product"][0] == 0


def test_arrays_that_do_not_fit():
    f, x, locked = compiled_(lambda x: x * 2), np.ones(3), np.ones(3)
    locked.flags.writeable = False
    for _ in range(2):
        for out in (np.ones(4), np.ones(3, np.float32), (np.ones(3),), 1.0, locked, [1.0]):
            with pytest.raises(OperandError, match="out="):
                f(x, out=out)
        with pytest.raises(OperandError, match="box"):
            dz.grad(lambda x: np.sum(f(x, out=np.ones(3))))(x)


def test_a_parameter_called_out_is_the_functions_own():
    for f in (lambda x, out: x * out, lambda x, **kwargs: x * kwargs["out"]):
        g = compiled_(f)
        for _ in range(3):
            np.testing.assert_array_equal(g(np.ones(3), out=np.full(3, 2.0)), np.full(3, 2.0))
