"""Every row of the table, replayed by the `numpy` backend: the same bits as the program."""

import numpy as np
import pytest
from test_ir import ALL, derived, flat, is_exact, over, same

import dezero as dz
from dezero.ir.steps import Equation
from dezero.jit.replay import is_fresh


@over(ALL)
def test_a_row_is_replayed_to_the_bit(case):
    """At the point where it was traced, and at another one."""
    if case.fills:
        return  # a Tracer cannot be written into a plain array
    near = [np.asarray(x * (1 + 1e-9), x.dtype) for x in case.args]
    for f in derived(case):
        replayed, exact = dz.jit(f, backend="numpy"), is_exact(case, dz.trace(f)(*case.args))
        for xs in (case.args, case.args, near):
            with np.errstate(all="ignore"):
                pairs = zip(flat(replayed(*xs)), flat(f(*xs)), strict=True)
            for a, b in pairs:
                same(a, b, exact)


@over(ALL)
def test_fresh_results_share_no_memory(case):
    if case.fills:
        return
    graph = dz.trace(case.call)(*case.args)
    env = dict(zip(graph.inputs, graph.example, strict=True))
    for step in graph.steps:
        with np.errstate(all="ignore"):
            step.run(env)
        if isinstance(step, Equation) and is_fresh(step.p):
            read = [env[x] for x in step.reads]
            made = [env[y] for y in step.results]
            assert not any(np.may_share_memory(x, y) for x in read for y in made), step.p.title


@pytest.mark.parametrize(
    "f",
    [
        lambda a, _: a**3,
        lambda a, _: np.cumprod(a, 0),
        lambda a, _: np.argmax(a, 1),
        lambda a, _: np.repeat(a, 2, 0),
        np.linalg.solve,
        lambda a, b: np.linalg.slogdet(a - b),
        lambda a, b: np.einsum("ij,jk->ki", a, b),
    ],
)
def test_what_a_row_gives_is_machine_code(f):
    pytest.importorskip("llvmlite")
    a = np.random.default_rng(0).normal(size=(2, 3, 3))
    compiled = dz.jit(f)
    same(flat(compiled(*a)), flat(f(*a)), False)
    assert "NumPy" not in compiled.explain()
