"""What a glance at a function's surroundings sees: all that the long look does."""

import collections
import functools
import random
import types

import numpy as np
import pytest

import dezero as dz
from dezero.jit.captured import Captured


class Model:
    rate = 1.0

    def __init__(self):
        self.parts = [1, {"b": np.ones(2)}]
        self.draws = np.random.default_rng(0)

    @property
    def first(self):
        return self.parts[0]


class Slots:
    __slots__ = ("u", "v")


GLOBAL = 3.0


def other_helper(x, d=2):
    return x * d


def surroundings():
    """A function, and the objects that it reads."""

    def helper(x, d=(1, [2])):
        return x + GLOBAL * d[0]

    space = types.SimpleNamespace(
        model=Model(),
        slots=Slots(),
        many={1, 2},
        queue=collections.deque([1]),
        array=np.arange(3.0),
        draws=random.Random(1),
        turns=iter([1, 2, 3]),
        raw=bytearray(b"ab"),
        helper=helper,
        part=functools.partial(helper, 2),
    )
    space.slots.u = 1

    def program(x):
        return x * space.model.first * helper(x)

    return program, space, helper


def put(name, value):
    return lambda space, _helper: setattr(functools.reduce(getattr, name, space), *value)


CHANGES = {
    "an attribute": put(["model"], ("new", 1)),
    "one of a class": lambda _s, _: setattr(Model, "rate", Model.rate + 1),
    "a list": lambda s, _: s.model.parts.append(1),
    "a dict in a list": lambda s, _: s.model.parts[1].update(c=2),
    "an array in a dict": lambda s, _: s.model.parts[1]["b"].fill(9),
    "an array's shape": put(["array"], ("shape", (3, 1))),
    "random numbers": lambda s, _: s.model.draws.random(),
    "Python's random numbers": lambda s, _: s.draws.random(),
    "a slot": put(["slots"], ("u", 7)),
    "a new slot": put(["slots"], ("v", 7)),
    "a set": lambda s, _: s.many.add(9),
    "a queue": lambda s, _: s.queue.append(9),
    "an iterator": lambda s, _: next(s.turns),
    "bytes": lambda s, _: s.raw.append(1),
    "a partial's keywords": lambda s, _: s.part.keywords.update(d=(2, 3)),
    "what a default holds": lambda _s, helper: helper.__defaults__[0][1].append(1),
    "defaults": lambda _s, helper: setattr(helper, "__defaults__", ((5, []),)),
    "defaults by keyword": lambda _s, helper: setattr(helper, "__kwdefaults__", {"d": 1}),
    "the code": lambda _s, helper: setattr(helper, "__code__", other_helper.__code__),
    "a function's attribute": lambda _s, helper: setattr(helper, "word", 1),
    "a global": lambda _s, helper: helper.__globals__.update(GLOBAL=GLOBAL + 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_glance_sees_every_change(change, monkeypatch):
    monkeypatch.setitem(globals(), "GLOBAL", 3.0)
    monkeypatch.setattr(Model, "rate", 1.0)
    program, space, helper = surroundings()
    before = Captured(program)
    assert all(alike(read(x, words), held) for alike, read, x, words, held in before.glances)
    change(space, helper)
    assert not all(alike(read(x, words), held) for alike, read, x, words, held in before.glances)
    assert before.changed()


def test_an_equal_number_in_the_place_of_another_is_no_change():
    settings = [float("1.5")]
    replayed = dz.jit(lambda x: x * settings[0])
    assert replayed(2.0) == 3.0
    known = replayed.known
    settings[0] = float("1.5")
    assert replayed(2.0) == 3.0
    assert replayed.known is known
    settings[0] = 2.5
    assert replayed(2.0) == 5.0
