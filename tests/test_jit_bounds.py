"""Compiled functions take no more memory than they need, however they are called."""

import gc
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import dezero as dz
from dezero.errors import EagerWarning
from dezero.ir import simplified, trace
from dezero.jit import compiled, replay


@pytest.fixture
def without_collector():
    """Nothing is freed but by its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
def test_a_replay_that_is_dropped_is_gone_at_once():
    run = replay.compiled(simplified(trace(lambda x: np.sum(x * 2))(np.ones(3))))
    assert run(np.ones(3)) == (6.0,)
    gone = weakref.ref(run)
    del run
    assert gone() is None


@pytest.fixture
def traced(monkeypatch):
    """The sizes that are traced, where no more than four kinds of arguments are kept."""
    sizes, trace = [], compiled.Jitted.traced

    def traced(self, known, spec, leaves):
        sizes.append(leaves[0].size)
        return trace(self, known, spec, leaves)

    monkeypatch.setattr(compiled.Jitted, "traced", traced)
    monkeypatch.setattr(compiled, "KINDS", 4)
    return sizes


def test_kinds_that_were_not_met_for_long_are_dropped(traced):
    twice = dz.jit(lambda x: x * 2, backend="numpy")  # calls of machine code are not counted
    for n in (1, 2, 3, 4, 1, 5, 1, 2, 1):
        np.testing.assert_array_equal(twice(np.ones(n)), np.full(n, 2.0))
        assert len(twice.paths) <= 4
    assert traced == [1, 2, 3, 4, 5, 2]


def test_kinds_that_run_as_they_are_written_are_dropped_too(traced):
    counted = dz.jit(lambda x: x * int(x[0]), backend="numpy")
    for _ in range(2):
        for k in range(8):
            counted(np.full(1, float(k)))
        with pytest.warns(EagerWarning):
            counted(np.full(1, 8.0))
        assert len(counted.known.eager) == 1
        for n in (2, 3, 4, 5):
            counted(np.ones(n))
        assert not counted.known.eager
    assert traced == [*[1] * 8, 2, 3, 4, 5] * 2


def test_kinds_of_several_threads(traced):
    twice = dz.jit(lambda x: x * 2)

    def calls(seed):
        for n in np.random.default_rng(seed).integers(1, 9, 50):
            np.testing.assert_array_equal(twice(np.ones(n)), np.full(n, 2.0))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(calls, range(8)))
    assert len(twice.paths) <= 4
    assert traced


@pytest.mark.usefixtures("without_collector", "traced")
def test_kernels_that_are_dropped_are_gone_at_once():
    pytest.importorskip("llvmlite")
    from dezero.jit.native import hanging, paths
    from dezero.jit.native.kernel import Kernel

    def kernels():
        return {id(each) for each in gc.get_objects() if isinstance(each, Kernel)}

    before = kernels()
    twice = hanging.jitted()(lambda x: x * 2, paths.LLVM)
    for n in range(1, 12):
        for _ in range(3):
            np.testing.assert_array_equal(twice(np.ones(n)), np.full(n, 2.0))
    assert len(kernels() - before) == len(twice.paths) == 4
    del twice
    assert kernels() <= before


PROGRAM = """
import sys
import numpy as np
import dezero as dz

dz.jit(dz.grad(lambda x: np.sum(np.sin(x))))(np.ones(3))
assert "numpy.random" not in sys.modules
dz.jit(lambda x: (np.random, x * 2)[1])(np.ones(3))
assert "numpy.random" in sys.modules
try:
    dz.jit(lambda x: x * np.random.rand())(np.ones(3))
except dz.errors.GraphError:
    print("drawn")
"""


def test_random_numbers_are_imported_by_programs_only():
    said = subprocess.run([sys.executable, "-c", PROGRAM], check=True, stdout=subprocess.PIPE)
    assert said.stdout == b"drawn\n"
