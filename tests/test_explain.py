"""What compiled functions say of themselves."""

import re

import numpy as np
import pytest

import dezero as dz
from dezero.errors import EagerWarning, GraphError
from dezero.jit import compiled

X = np.linspace(0.1, 1.0, 5)


@pytest.fixture(params=["numpy", "llvm"])
def backend(request):
    if request.param == "llvm":
        pytest.importorskip("llvmlite", reason="machine code is an extra")
    return request.param


def branches(x):
    return np.sin(x) if x[0] > 0 else np.cos(x)


def test_paths_and_what_parted_them(backend):
    f = dz.jit(branches, backend=backend)
    assert str(f.explain()).endswith("was not called yet")
    f(X)
    f(-X)
    text = f.explain()
    assert repr(text) == text
    assert f"<jit of branches, backend '{backend}'>" in text
    assert "for x: float64[5]\n  path 1: traced in " in text
    (line,) = (line for line in text.splitlines() if "path 2" in line)
    assert re.search(r"path 2, because bool\(…\) was False \(.*test_explain.py:\d+\): traced", line)


def test_what_runs_through_numpy_and_why():
    pytest.importorskip("llvmlite", reason="machine code is an extra")
    f = dz.jit(lambda x: np.sin(np.sort(np.cos(x))))
    f(X)
    lines = f.explain().splitlines()
    assert sum(line.startswith("    kernel of ") for line in lines) == 2
    assert any(re.search("NumPy: .* because no machine code .*test_explain", x) for x in lines)
    assert lines[-1].endswith("called through Python, because not all of it is one kernel")


def test_what_a_function_becomes(backend):
    f = dz.jit(lambda x: np.sin(x) + 1, backend=backend)
    low = f.lower(X)
    assert str(low.graph) == "v1 = sin(x)\nv2 = v1 + 1"
    kernels = backend == "llvm"
    count = "1 kernel" if kernels else "0 kernels"
    assert repr(low) == f"<lowered <graph of <lambda>: 2 equations>: {count}>"
    assert ("define i32 @kernel(ptr %arrays)" in low.llvm) == kernels
    assert ("kernel:" in low.assembly) == kernels
    assert f.explain().endswith("was not called yet")


def test_what_runs_as_it_is_written(backend):
    f = dz.jit(lambda x, n: x * int(n), backend=backend)
    for n in range(compiled.PATHS):
        f(X, n)
    with pytest.warns(EagerWarning, match=r"the last because int\(…\) was 7 \(.*test_explain"):
        f(X, 8)
    assert f.explain().endswith("runs as it is written now: there are too many paths")
    big = [object() for _ in range(10_001)]
    g = dz.jit(lambda x: x * len(big), backend=backend)
    with pytest.warns(EagerWarning, match="10000 objects"):
        g(X)
    assert "cannot be watched" in g.explain()
    with pytest.raises(GraphError, match="nothing to lower"):
        g.lower(X)


def test_kinds_of_arguments(backend):
    f = dz.jit(lambda x, n, how: x * n if how == "times" else x, backend=backend)
    for x, how in ((np.ones((2, 3)), "times"), (np.ones((3, 2)).T, "times"), (1.0, "as it is")):
        f(x, 2, how)
    assert [line for line in f.explain().splitlines() if line.startswith("for ")] == [
        "for x: float64[2, 3], n: int64[], 'times'",
        "for x: float64[2, 3] not in the order of rows, n: int64[], 'times'",
        "for x: float64[], n: int64[], 'as it is'",
    ]
