"""Traced programs: every row through the graph, each pass, and the source, bit for bit."""

import pickle

import numpy as np
import pytest
from cases import CASES, SPELLINGS

import dezero as dz
from dezero.errors import GraphError, GuardError, ShapeError
from dezero.ir import Graph, simplified, trace
from dezero.ir.passes import PASSES
from dezero.ir.source import to_source

ALL = CASES | SPELLINGS


def over(table):
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=f"{title}-{k}")
            for title, cases in table.items()
            for k, case in enumerate(cases)
        ],
    )


def same(a, b):
    """One dtype, one shape, and the same bits."""
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    np.testing.assert_array_equal(a, b)


def directions(ys, seed=5):
    rng = np.random.default_rng(seed)
    return [
        np.asarray(rng.normal(size=np.shape(y)) + (0j if np.iscomplexobj(y) else 0), np.asarray(y).dtype)
        for y in ys
    ]


def derived(case):
    """The program itself, its gradients and its tangent."""
    xs = case.args
    (gy,) = directions([case.call(*xs)])
    yield case.call, False
    yield (lambda *a: list(dz.vjp(case.call, *a)[1](gy))), True
    if "forward" in case.modes:
        ts = tuple(directions(xs, 6))
        yield (lambda *a: dz.jvp(case.call, a, ts)[1]), True


def check_same(graph, f, xs):
    found, expected = graph(*xs), f(*xs)
    for a, b in zip(flat(found), flat(expected), strict=True):
        same(a, b)


def flat(y):
    return list(y) if isinstance(y, (list, tuple)) else [y]


@over(ALL)
def test_the_graph_of_a_row_is_the_program(case):
    if case.fills:
        return  # into a plain array no Tracer can be written
    for f, _ in derived(case):
        graph = trace(f)(*case.args)
        assert graph.verify() is graph
        check_same(graph, f, case.args)
        for each in PASSES:
            check_same(each(graph).verify(), f, case.args)
        small = simplified(graph)
        check_same(small, f, case.args)
        assert len(small.steps) <= len(graph.steps)
