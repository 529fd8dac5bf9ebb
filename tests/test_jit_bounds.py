"""Compiled functions take no more memory than they need, however they are called."""

import gc
import weakref

import numpy as np
import pytest

from dezero.ir import simplified, trace
from dezero.jit import replay


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
