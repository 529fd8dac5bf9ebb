"""Traced programs: every row through the graph, each pass, and the source, bit for bit."""

import numpy as np
import pytest
from cases import CASES, SPELLINGS

import dezero as dz
from dezero.ir import Guard, simplified, trace
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


def same(a, b, exact=True):
    """One dtype, one shape, and the same bits."""
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    if exact:
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, 1e-13, 1e-13)


def directions(ys, seed=5):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=np.shape(y)) * (1 + 0j), y.dtype) if np.iscomplexobj(y)
            else rng.normal(size=np.shape(y)) for y in map(np.asarray, ys)]


def derived(case):
    """The program itself, its gradients and its tangent."""
    xs = case.args
    (gy,) = directions([case.call(*xs)])
    yield case.call
    yield lambda *a: list(dz.vjp(case.call, *a)[1](gy))
    if "forward" in case.modes:
        ts = tuple(directions(xs, 6))
        yield lambda *a: dz.jvp(case.call, a, ts)[1]


def flat(y):
    return list(y) if isinstance(y, (list, tuple)) else [y]


def is_exact(case):
    """Complex numbers that are no arrays divide in another way than arrays do."""
    numbers = all(np.ndim(x) for x in case.args) and np.ndim(case.call(*case.args))
    return case.exact and (numbers or not any(map(np.iscomplexobj, case.args)))


@over(ALL)
def test_the_graph_of_a_row_is_the_program(case):
    """Bit for bit, after each pass, after all of them, and as source."""
    if case.fills:
        return  # a Tracer cannot be written into a plain array
    exact = is_exact(case)
    for f in derived(case):
        graph, expected = trace(f)(*case.args), flat(f(*case.args))
        small = simplified(graph)
        assert len(small.steps) <= len(graph.steps)
        for each in (graph, *(one(graph) for one in PASSES), small):
            for a, b in zip(flat(each.verify()(*case.args)), expected, strict=True):
                same(a, b, exact)
        if any(isinstance(step, Guard) for step in small.steps):
            continue
        space = {}
        exec(to_source(small, "written"), space)
        with np.errstate(all="ignore"):
            found = flat(space["written"](*case.args))
        for a, b in zip(found, expected, strict=True):
            same(a, b, exact)
