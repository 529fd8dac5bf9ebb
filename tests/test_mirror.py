"""`dezero.numpy`: NumPy's names, of which those that make arrays make boxes."""

import copy
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy_stub
import pytest
from cases import creation

import dezero as dz
import dezero.numpy as anp
from dezero.box import Box
from dezero.errors import AssignmentError, ConversionError, DataError, ShapeError, UnsupportedError
from dezero.testing import check_grads

X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])


# ---- names ----


def test_the_names_are_numpys():
    assert dir(anp) == dir(np)
    assert anp.__all__ == np.__all__
    for name in np.__all__:
        if name != "core":  # which warns
            getattr(anp, name)
    with pytest.raises(AttributeError, match="no attribute 'sine'"):
        anp.sine  # noqa: B018  # asking is the test


def test_what_makes_no_array_is_numpys_own():
    ours = set(numpy_stub.created()) | {*numpy_stub.SUBMODULES, *numpy_stub.OBJECTS, "core"}
    for name in set(np.__all__) - ours:
        assert getattr(anp, name) is getattr(np, name)
    assert anp.ndarray is np.ndarray
    assert anp.__version__ == np.__version__


def test_the_submodules_can_be_imported():
    code = (
        "from dezero.numpy.linalg import norm, LinAlgError\n"
        "import dezero.numpy.random as npr, dezero.numpy.fft as fft, numpy as np\n"
        "import dezero.numpy as anp\n"
        "from dezero.numpy.testing import assert_allclose\n"
        "assert npr.randn is np.random.randn and fft.rfft is np.fft.rfft\n"
        "assert anp.linalg.norm is norm is np.linalg.norm\n"
        "from dezero.numpy import *\n"
        "assert sin is np.sin and zeros is anp.zeros\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_mirror_loads_nothing_by_itself():
    code = "import sys, dezero; print('dezero.numpy.random' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout == "False\n"


@pytest.mark.skipif(
    f"NumPy {np.__version__}:" not in numpy_stub.STUB.read_text(), reason="another NumPy's stub"
)
def test_the_stub_is_up_to_date():
    assert numpy_stub.STUB.read_text() == numpy_stub.stub(), "run: make generated"


def test_type_checkers_see_the_names(tmp_path):
    api = pytest.importorskip("mypy.api")
    program = tmp_path / "program.py"
    program.write_text(
        "import dezero.numpy as np\n"
        "from dezero.numpy.linalg import norm\n"
        "reveal_type(np.zeros(3))\n"
        "reveal_type(np.float64(1.0))\n"
        "np.array([1.0]).backward()\n"
        "np.sin(1.0), np.random.default_rng(0), norm\n"
        "np.sine(1.0)\n"
    )
    cache = Path(__file__).parents[1] / ".mypy_cache" / "mirror"
    out, _, _ = api.run(["--cache-dir", str(cache), "--follow-imports=silent", str(program)])
    assert 'Revealed type is "dezero.core.Variable"' in out
    assert "float64" in out
    assert out.count("error:") == 1
    assert '"sine"' in out


# ---- what makes arrays ----

CALLS = {
    "array": [([[1.0, 2.0], [3, 4]],), (X[0],), (2.0,), ([True, False],), ([],)],
    "asarray": [(X,), ([1, 2],)],
    "asanyarray": [(X,)],
    "ascontiguousarray": [(X.T,), (1.0,)],
    "asarray_chkfinite": [(X,)],
    "zeros": [(3,), ((2, 3), int), ((),)],
    "ones": [((2, 0),)],
    "empty": [((2, 0),)],
    "full": [((2, 3), 7), (2, [1.0, 2.0])],
    "zeros_like": [(X,), (X, int)],
    "ones_like": [(X,)],
    "empty_like": [(X[:, :0],)],
    "full_like": [(X, 2.5), (np.arange(3), 2.5), (X, 1, np.complex64)],
    "arange": [(4,), (1.0, 2.0, 0.25), (5, 1, -2)],
    "linspace": [(0, 1, 5), (0.0, 1.0, 0), ([0, 1], [1, 2], 3)],
    "logspace": [(0, 2, 3)],
    "geomspace": [(1, 8, 4)],
    "eye": [(3,), (2, 3, 1, int)],
    "identity": [(2,)],
    "tri": [(3, 4, -1)],
    "fromfunction": [(lambda i, j: i * 2 + j, (2, 3))],
    "fromiter": [([1, 2, 3], float), (range(9), int, 4)],
    "kaiser": [],  # which computes nothing but with a box
}


@pytest.mark.parametrize(("name", "args"), [(n, a) for n, calls in CALLS.items() for a in calls])
def test_they_give_numpys_arrays_in_variables(name, args):
    made, expected = getattr(anp, name)(*args), getattr(np, name)(*args)
    assert isinstance(made, dz.Variable)
    assert made.generation == 0
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    assert np.array_equal(made.data, expected)


def test_each_is_called_here():
    assert CALLS.keys() == set(numpy_stub.created())
    assert creation.SPELLINGS.keys() <= {*CALLS, *numpy_stub.OBJECTS}


@pytest.mark.parametrize("like", [True, False])
@pytest.mark.parametrize("kind", ["plain", "box"])
def test_keywords_are_numpys(like, kind):
    x = X if kind == "plain" else dz.Variable(X)
    module, kwargs = (np, {"like": dz.Variable(X)}) if like else (anp, {})
    assert module.array(x, np.float32, **kwargs).dtype == np.float32
    assert module.array(x, ndmin=4, **kwargs).shape == (1, 1, 2, 3)
    assert module.asarray([x, x], "c8", **kwargs).dtype == np.complex64
    assert module.full((2, 3), x, np.float32, **kwargs).dtype == np.float32
    assert module.zeros(2, dtype=np.int8, order="F", **kwargs).dtype == np.int8


def test_array_copies_and_asarray_does_not():
    v = dz.Variable(X)
    assert anp.asarray(v) is v
    assert anp.array(v, copy=None) is v
    copied = anp.array(v)
    copied[0, 0] = 100.0
    assert v.data[0, 0] == 1.0
    a = X.copy()
    anp.array(a)[0] = 7.0
    assert a[0, 0] == 1.0
    for refused in (lambda: anp.array([v], copy=False), lambda: anp.array(v, "f4", copy=False)):
        with pytest.raises(DataError, match="copy=False"):
            refused()


def test_a_filled_array_has_the_dtype_of_its_parts():
    half, whole = dz.Variable(np.array(1, np.float32)), dz.Variable(np.array(1))
    assert anp.array([half, half]).dtype == np.float32
    assert anp.array([half, 1.0]).dtype == np.array([np.float32(1), 1.0]).dtype
    assert anp.array([whole, 2]).dtype == int
    assert anp.array([half, 1j]).dtype == complex


def test_texts_dates_and_records_stay_plain():
    for made in (
        anp.array(["a", "b"]),
        anp.array(["2020-01-01"], dtype="M8[D]"),
        anp.zeros(2, [("x", float)]),
        anp.arange("2020-01", "2020-03", dtype="M8[M]"),
    ):
        assert type(made) is np.ndarray


V = dz.Variable(X)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: anp.array([V, X[0]]), ShapeError, r"shapes \(2, 3\), \(3,\)"),
        (lambda: anp.array([V[0], 1.0]), ShapeError, r"shapes \(3,\), \(\)"),
        (lambda: anp.array([[1.0, 2.0], [3.0]]), ValueError, "inhomogeneous"),
        (lambda: anp.array(v for v in V), DataError, r"list\(…\)"),
        (lambda: anp.array([V[0], object()]), DataError, "objects"),
        (lambda: anp.zeros(3, object), DataError, "objects"),
        (lambda: anp.array(np.ma.array([1.0, 2.0])), DataError, "MaskedArray"),
        (lambda: anp.array([V, V], order="F"), UnsupportedError, "order="),
        (lambda: anp.full((3,), V[0], order="F"), UnsupportedError, "order="),
        (lambda: anp.full((2, 2), V), ShapeError, "broadcast"),
        (lambda: anp.arange(V[0, 0]), ConversionError, "without a word"),
        (lambda: anp.fromiter([V[0, 0]], float, 2), ShapeError, "count=2"),
        (lambda: anp.asarray_chkfinite([V[0, 0], np.inf]), ValueError, "infs or NaNs"),
        (lambda: anp.r_["r", V[0]], UnsupportedError, "matrices"),
        (lambda: anp.zeros(3, like=3), TypeError, "like"),
    ],
)
def test_refusals(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_an_endless_iterator_is_read_as_far_as_asked():
    assert anp.fromiter(itertools.count(), int, 3).tolist() == [0, 1, 2]


# ---- with derivatives ----

PROGRAMS = {
    "full": (lambda x: anp.full((3,), x), np.array(0.5)),
    "full_like": (lambda x: anp.full_like(X, x), X[0]),
    "full_like of a box": (lambda x: anp.full_like(x, 2.0) * x, X),
    "zeros_like": (lambda x: _set(anp.zeros_like(x), 1, x[0]), X),
    "asarray_chkfinite": (lambda x: anp.asarray_chkfinite([x, x * 2]), X[0]),
    "r_ of one": (lambda x: anp.r_[x], X[0]),
    "r_ along 1": (lambda x: anp.r_["1", x, X], X),
    "r_ of rows": (lambda x: anp.r_["0,2", x, X[0], 0:3], X[1]),
    "r_ of columns": (lambda x: anp.r_["1,2,0", x, X[0], 0:3], X[1]),
    "r_ by steps": (lambda x: anp.r_[0:1:3j, x], X[1]),
    "c_": (lambda x: anp.c_[x, X[0], x * 2], X[1]),
    "c_ of matrices": (lambda x: anp.c_[x, X, x], X),
}


def _set(a, index, value):
    a[index] = value
    return a


@pytest.mark.parametrize("name", PROGRAMS)
def test_derivatives(name):
    call, x = PROGRAMS[name]
    check_grads(call, [x], order=2)
    expected = call(x)
    value = dz.jvp(call, (x,), (np.ones_like(x),))[0]
    assert np.array_equal(value, expected.data if isinstance(expected, Box) else expected)
    members = np.stack([x, 2 * x, x + 1])
    for ours, each in zip(dz.vmap(call)(members), members, strict=True):
        alone = call(each)
        assert np.array_equal(ours, alone.data if isinstance(alone, Box) else alone)


def test_joining_keeps_numpys_dtypes():
    v = dz.Variable(np.array([1.0, 2.0], np.float32))
    assert anp.r_[v, 2.0].dtype == np.r_[v.data, 2.0].dtype == np.float32
    assert anp.c_[v, [1.0, 2.0]].dtype == np.c_[v.data, [1.0, 2.0]].dtype
    assert type(anp.r_[1:4, 0]) is np.ndarray
    assert len(anp.r_) == len(np.r_)


def test_a_whole_program_may_use_the_mirror_alone():
    """A model written with nothing else, and its gradient, as with NumPy's own arrays."""

    def orbit(np, r):
        x = np.zeros(5)
        x[0] = np.exp(-1.0)
        for k in np.arange(1, 5):
            x[k] = r * x[k - 1] * (1.0 - x[k - 1])
        return np.sum(np.sin(x) * np.linspace(0.0, 1.0, 5)) + np.eye(2)[0, 0] * r

    r = np.array(2.5)
    g = dz.grad(lambda r: orbit(anp, r))(r)
    differences = dz.numerical_diff(lambda r: orbit(anp, r), dz.Variable(r))
    np.testing.assert_allclose(g, getattr(differences, "data", differences), rtol=1e-7)
    assert isinstance(anp.zeros(2), Box)
    assert orbit(anp, r).data == orbit(np, 2.5)


def test_whole_numbers_that_the_mirror_made_are_constants():
    """No derivative is asked of them, whatever is computed of them on the way."""
    x = dz.Variable(np.array([1.0, 2.0, 4.0]))
    k = anp.arange(3)
    k[0] = 5
    twice = (k * 2 + anp.array([1, 0, 0]))[::-1]
    y = np.sum(x * k) + np.sum(twice * x * (k > 1)) + np.sum(x[anp.array([0, 0])] * k[1])
    z = anp.concatenate([x, k, twice])
    y = y + np.sum(z * z)
    y.backward()
    g = dz.grad(lambda x: np.sum(anp.concatenate([x, anp.arange(3)]) ** 2))(x.data)
    np.testing.assert_array_equal(g, 2 * x.data)
    np.testing.assert_array_equal(x.grad, 2 * x.data + [5 + 4 + 2, 1, 2 + 11])
    assert k.grad is None
    assert k.generation == twice.generation == 0
    a = anp.zeros(3)
    a[1:] = k[:2] * x[0]
    a[0] = k[2]
    np.sum(a).backward()
    assert x.grad[0] == 2 + 11 + 6
    with pytest.raises(AssignmentError, match="without loss"):
        k[0] = x[0]


def test_constants_are_as_plain_arrays_inside_transforms():
    x, k, plain_k = np.array([1.0, 2.0, 4.0]), anp.arange(3), np.arange(3)

    def f(x, k):
        return np.sum(k * x**2 * (k + 1) / 2)

    for transform in (
        lambda f: dz.grad(f)(x),
        lambda f: dz.grad(dz.checkpoint(f))(x),
        lambda f: dz.hessian(f)(x),
        lambda f: dz.jvp(f, (x,), (x,))[1],
        lambda f: dz.vmap(f)(np.stack([x, x])),
        lambda f: dz.grad(dz.custom_jvp(f, lambda t, y, x: t[0] @ x * y))(x),
        lambda f: dz.vjp(dz.custom_vjp(f, lambda g, _y, x: (g * x,)), x)[0],
        lambda f: dz.linearize(f, x)[1](x),
    ):
        ours, theirs = transform(lambda x: f(x, k)), transform(lambda x: f(x, plain_k))
        assert type(ours) is type(theirs)
        np.testing.assert_array_equal(ours, theirs)


def test_a_constant_that_a_variable_was_assigned_into_is_a_result():
    x = dz.Variable(np.array([1.0, 2.0]))
    c = anp.arange(2) / 2
    c[0] = x[1]
    np.sum(c * x).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 0.5 + 1.0])

    def filled(x):
        c = anp.arange(2) / 2
        c[0] = x[1]
        return np.sum(c * x)

    np.testing.assert_array_equal(dz.grad(filled)(x.data), [2.0, 1.5])
    np.testing.assert_array_equal(dz.hessian(filled)(x.data), [[0.0, 1.0], [1.0, 0.0]])
    assert dz.jvp(filled, (x.data,), (np.ones(2),))[1] == 3.5
    assert dz.vmap(filled)(np.stack([x.data, x.data])).tolist() == [3.0, 3.0]


def test_constants_are_copied():
    k = anp.arange(3)
    x = dz.Variable(np.ones(3))
    shifted = anp.arange(-1, 3)
    shifted[:-1] = shifted[1:]
    for twin in (shifted[:-1], copy.copy(k), k.copy(), np.copy(k), anp.array(k), k[...]):
        x.clear_grad()
        np.sum(twin * x).backward()
        np.testing.assert_array_equal(x.grad, [0.0, 1.0, 2.0])


def test_the_stub_is_shipped():
    assert Path(anp.__file__).with_suffix(".pyi") == numpy_stub.STUB
