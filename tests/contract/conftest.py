"""The contract's rows hold for both engines: `engine` is one module, then the other."""

import importlib

import numpy as np
import pytest


@pytest.fixture(params=["dezero", "dezero.core_simple"])
def engine(request):
    return importlib.import_module(request.param)


@pytest.fixture
def var(engine):
    """Makes a Variable of floats: ``var(2)``, ``var([1, 2])``."""
    return lambda value, name=None: engine.Variable(np.array(value, float), name)


@pytest.fixture
def check(engine):
    """The engine's public gradient checker, as ``check(f, *variables)``."""
    if hasattr(engine, "check_grad"):
        return engine.check_grad
    checker = importlib.import_module("dezero.testing").check_grads
    return lambda f, *xs: checker(f, tuple(x.data for x in xs), order=1, modes=("reverse",))
