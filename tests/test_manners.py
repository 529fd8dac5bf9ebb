"""NumPy's and Python's manners: what programs expect of an array beside its arithmetic."""

import copy
import json
import math
import pickle
import statistics
import warnings

import numpy as np
import pytest
from cases import METHODS, X

import dezero as dz
from dezero.box import Box, plain
from dezero.errors import (
    AssignmentError,
    ConversionError,
    DeZeroError,
    GraphError,
    OperandError,
    UnsupportedError,
)

A = np.array([3.0, 1.0, 2.0])
M = np.arange(6.0).reshape(2, 3)


def v():
    return dz.Variable(A.copy())


def m():
    return dz.Variable(M.copy())


def v0(x=1.5):
    return dz.Variable(np.array(x))


def whole():
    return dz.Variable(np.array([4, 1, 2]))


# ---- the same as of an ndarray ----

SAME = {
    "iteration": lambda x: [float(np.asarray(plain(e))) for e in x],
    "unpacked": lambda x: plain(np.hypot(*x[:2])).tolist(),
    "len": len,
    "sorted": lambda x: [plain(e).tolist() for e in sorted(x)],
    "min": lambda x: plain(min(x)).tolist(),
    "max": lambda x: plain(max(x)).tolist(),
    "sum": lambda x: plain(sum(x)).tolist(),
    "reversed": lambda x: [plain(e).tolist() for e in reversed(x)],
    "zip": lambda x: [plain(a + b).tolist() for a, b in zip(x, x, strict=True)],
    "enumerate": lambda x: [k for k, _ in enumerate(x)],
    "in": lambda x: (1.0 in x, 7.0 in x),
    "bool of one": lambda x: (bool(x[0]), bool(x[0] - 3.0), bool(x[:1]), not x[0]),
    "if": lambda x: "more" if x[0] > x[1] else "less",
    "all of Python": lambda x: (all(x), any(x * 0)),
    "chained": lambda x: 0 < x[1] < 2,
    "formatting": lambda x: f"{x[0]:.3f} {x[1]:8.2e} {x[2]:g}",
    "round": lambda x: plain(round(x[0], 1)).tolist(),
    "str of a number": lambda x: str(plain(x[0])),
    "divmod": lambda x: [plain(e).tolist() for e in divmod(x, 2.0)],
    "np.shape": np.shape,
    "np.ndim": np.ndim,
    "np.size": np.size,
    "np.iscomplexobj": np.iscomplexobj,
    "np.isrealobj": np.isrealobj,
    "np.iterable": np.iterable,
    "np.isscalar": lambda x: np.isscalar(x[:1]),
    "np.issubdtype": lambda x: np.issubdtype(x.dtype, np.floating),
    "np.isdtype": lambda x: np.isdtype(x.dtype, "real floating"),
    "np.result_type": lambda x: np.result_type(x, np.float32, 1j),
    "np.can_cast": lambda x: (np.can_cast(x.dtype, int), np.can_cast(x.dtype, complex)),
    "np.min_scalar_type": np.min_scalar_type,
    "np.common_type": lambda x: np.common_type(x, np.float32(1)),
    "np.array_str": np.array_str,
    "np.array2string": lambda x: np.array2string(x, precision=1, separator=", "),
    "np.ndindex": lambda x: list(np.ndindex(x.shape)),
    "==": lambda x: (x == 1.0).tolist(),
    "== of texts": lambda x: ((x == "a").tolist(), (x != "a").tolist(), (x == b"a").tolist()),
    "== None": lambda x: [bool(e) for e in (x[0] == None, x[0] != None)],  # noqa: E711
    "in a list": lambda x: x[0] in [5.0, 3.0],
    "flags": lambda x: x.flags.c_contiguous,
}


@pytest.mark.parametrize("title", SAME)
def test_as_of_an_ndarray(title):
    assert repr(SAME[title](v())) == repr(SAME[title](A))


INTEGERS = {
    "shifts": lambda x: [(x << 1), (1 << x), (x >> 1), (9 >> x)],
    "bits": lambda x: [x & 3, 3 | x, x ^ 1, ~x],
    "index": lambda x: [[10, 20, 30, 40, 50][x[0]], list(range(x[2]))],
    "int": lambda x: [int(x[0]), hex(x[0])],
    "an array's index": lambda x: [np.arange(9.0)[x[1]]],
}


@pytest.mark.parametrize("title", INTEGERS)
def test_whole_numbers_as_of_an_ndarray(title):
    for ours, numpys in zip(INTEGERS[title](whole()), INTEGERS[title](whole().data), strict=True):
        assert np.array_equal(plain(ours), numpys)


# ---- methods under the other boxes ----

INSIDE = [
    pytest.param(method, function, id=f"{name}-{k}")
    for name, pairs in METHODS.items()
    for k, (method, function) in enumerate(pairs)
]


@pytest.mark.parametrize(("method", "function"), INSIDE)
def test_methods_are_the_functions_in_forward_mode(method, function):
    ours, theirs = method(dz.Dual(X, X + 1)), function(dz.Dual(X, X + 1))
    if isinstance(ours, Box):
        assert np.array_equal(ours.value, theirs.value)
        assert np.array_equal(ours.tangent, theirs.tangent)


@pytest.mark.parametrize(("method", "function"), [p for p in INSIDE if "dump" not in p.id])
def test_methods_are_the_functions_in_a_batch(method, function):
    members = np.stack([X, X + 1])

    def values(call):
        def look(x):
            y = call(x)
            return y if isinstance(y, Box) else x

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dz.errors.SequentialWarning)
            return dz.vmap(look)(members)

    try:
        expected = values(function)
    except DeZeroError:
        return  # of another length for each member, or plain numbers
    assert np.array_equal(values(method), expected)


# ---- printing ----


def test_long_arrays_are_printed_short():
    text = repr(dz.Variable(np.arange(5000.0)))
    assert "..." in text
    assert len(text) < 100


def test_print_options_are_honoured():
    x = dz.Variable(np.array([1 / 3, 2e-9]))
    with np.printoptions(precision=3, suppress=True):
        assert repr(x) == "variable([0.333 0.   ])"
        assert f"{x}" == "variable([0.333 0.   ])"
        assert np.array_str(x) == "[0.333 0.   ]"


def test_formatting_several_numbers_is_numpys_error():
    with pytest.raises(TypeError, match="unsupported format string"):
        format(v(), ".3f")


# ---- comparing ----

CHECKS = [
    np.testing.assert_allclose,
    np.testing.assert_array_equal,
    np.testing.assert_array_almost_equal,
    np.testing.assert_array_almost_equal_nulp,
    np.testing.assert_array_max_ulp,
    dz.numpy.testing.assert_allclose,
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("pair", ["both", "first", "second"])
def test_numpys_checks_compare_the_values(check, pair):
    x = v() * 1.0
    one, other = {"both": (x, v()), "first": (x, A), "second": (A, x)}[pair]
    check(one, other)
    with pytest.raises(AssertionError):
        check(one, other + 1.0)


def test_numpys_checks_inside_transforms():
    def f(x):
        np.testing.assert_array_less(x, x + 1.0)
        np.testing.assert_allclose(x, A)
        np.testing.assert_equal(x, A)
        return np.sum(x * x)

    np.testing.assert_allclose(dz.grad(f)(A), 2 * A)
    np.testing.assert_allclose(dz.jvp(dz.grad(f), (A,), (A,))[1], 2 * A)
    with pytest.raises(ConversionError, match="Batch"):
        dz.vmap(f)(np.stack([A, A]))


def test_approximations_of_pytest():
    assert v0() == pytest.approx(1.5)
    assert v0() != pytest.approx(1.6)
    assert v() == pytest.approx(A)
    assert v() != pytest.approx(A + 1)
    assert v() == pytest.approx([3.0, 1.0, 2.0])


def test_nobody_else_is_given_plain_numbers():
    def assert_allclose(x):
        return np.asarray(x)

    with pytest.raises(ConversionError):
        assert_allclose(v())


# ---- identity, copies, pickles ----


def test_a_box_can_be_a_key():
    x, y = v(), v()
    table = {x: 1, y: 2}
    assert (table[x], table[y]) == (1, 2)
    assert len({x, y, x}) == 2
    assert hash(x) == hash(x)
    assert [x, y].index(x) == 0


def test_a_leaf_is_copied_and_pickled():
    x = dz.Variable(A.copy(), name="x")
    np.sum(x * x).backward()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(twin) is dz.Variable
        assert twin.name == "x"
        np.testing.assert_array_equal(twin, A)
        np.testing.assert_array_equal(twin.grad, 2 * A)
        assert not np.shares_memory(twin.data, x.data)
    state = {"w": x, "b": [x, x]}
    again = pickle.loads(pickle.dumps(state))
    assert again["b"][0] is again["b"][1] is again["w"]
    assert again["w"] is not x


def test_a_shallow_copy_is_the_same_value():
    x = v()
    y = copy.copy(x * x)
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, 2 * A)


@pytest.mark.parametrize("act", [copy.deepcopy, pickle.dumps])
def test_results_are_not_copied_or_pickled(act):
    with pytest.raises(GraphError, match=r"v?\.data"):
        act(v() * 2)


# ---- refused ----


def _sorted_view(x):
    x[0].sort()


REFUSED = {
    "float": (lambda: float(v0()), ConversionError, "float"),
    "complex": (lambda: complex(v0()), ConversionError, "complex"),
    "int": (lambda: int(v0()), ConversionError, "int"),
    "math.sin": (lambda: math.sin(v0()), ConversionError, "float"),
    "math.floor": (lambda: math.floor(v0()), ConversionError, "float"),
    "statistics": (lambda: statistics.mean(v()), TypeError, "Variable"),
    "json": (lambda: json.dumps([v()]), TypeError, "not JSON serializable"),
    "truth of several": (lambda: bool(v()), ValueError, "ambiguous"),
    "truth of none": (lambda: bool(v()[:0]), ValueError, "empty"),
    "len of a number": (lambda: len(v0()), TypeError, "0-d"),
    "iteration of a number": (lambda: list(v0()), TypeError, "0-d"),
    "in a list of arrays": (lambda: v() in [A, A], ValueError, "ambiguous"),
    "np.asarray": (lambda: np.asarray(v()), ConversionError, "dz.numpy.array"),
    "np.array": (lambda: np.array([v(), v()]), ConversionError, "dz.numpy.array"),
    "np.vectorize": (lambda: np.vectorize(abs)(v()), ConversionError, "without a word"),
    "np.ma": (lambda: np.ma.array(v()), ConversionError, "without a word"),
    "np.ndenumerate": (lambda: np.ndenumerate(v()), ConversionError, "without a word"),
    "np.nditer": (lambda: np.nditer(v()), TypeError, "perand"),
    "np.save": (lambda: np.save("x.npy", v()), UnsupportedError, "v.data"),
    "permutation": (
        lambda: np.random.default_rng(0).permutation(v()),
        ConversionError,
        "without a word",
    ),
    "normal": (lambda: np.random.default_rng(0).normal(v()), ConversionError, "without a word"),
    "a += v": (lambda: np.add(A, v(), out=A.copy()), UnsupportedError, "a = a"),
    "v.shape =": (lambda: setattr(v(), "shape", (3, 1)), UnsupportedError, "reshape"),
    "v.dtype =": (lambda: setattr(v(), "dtype", int), UnsupportedError, "astype"),
    "v.strides =": (lambda: setattr(v(), "strides", (8,)), UnsupportedError, "transpose"),
    "v.view(int)": (lambda: v().view(int), UnsupportedError, "astype"),
    "v.copy('F')": (lambda: m().copy("F"), UnsupportedError, "order"),
    "v.astype('F')": (lambda: m().astype(float, "F"), UnsupportedError, "order"),
    "unsafe": (lambda: v().astype(int, casting="safe"), OperandError, "safe"),
    "v.real = complex": (lambda: setattr(v() * 1j, "real", 1j), OperandError, "complex"),
    "v.imag = of reals": (lambda: setattr(v(), "imag", 1.0), OperandError, "complex"),
    "v.mT": (lambda: v().mT, OperandError, "two axes"),
    "to_device": (lambda: v().to_device("gpu"), UnsupportedError, "cpu"),
    "np.asarray(v.flat)": (lambda: np.asarray(v().flat), ConversionError, "without a word"),
    "sort of a view": (lambda: _sorted_view(m()), DeZeroError, "a view"),
}


@pytest.mark.parametrize("title", REFUSED)
def test_refused(title):
    call, error, says = REFUSED[title]
    with pytest.raises(error, match=says):
        call()


def test_shuffling_moves_numbers_and_refuses_rows():
    rng = np.random.default_rng(3)
    x = v() * 1.0
    with pytest.warns(UserWarning, match="shuffling"):
        rng.shuffle(x)
    assert sorted(x.data) == sorted(A)
    with pytest.warns(UserWarning, match="shuffling"), pytest.raises(AssignmentError):
        rng.shuffle(m() * 1.0)


# ---- attributes that can be set ----


def test_parts_of_complex_numbers_are_assigned():
    z, w = dz.Variable(A * (1 + 2j)), v()
    u = z * 1.0
    u.real, u.imag = w * 3, w
    np.testing.assert_array_equal(u, A * (3 + 1j))
    np.sum(np.abs(u) ** 2).backward()
    np.testing.assert_allclose(w.grad, 20 * A)
    np.testing.assert_array_equal(z.grad, 0 * A)
    x = w * 1.0
    x.real = 2.0
    np.testing.assert_array_equal(x, [2.0, 2.0, 2.0])


def test_a_flat_view_is_read_and_written():
    x = m() * 1.0
    x.flat[[0, 4]] = v()[:2]
    x.flat[-1:] = 9.0
    expected = M.copy()
    expected.flat[[0, 4]] = A[:2]
    expected.flat[-1:] = 9.0
    np.testing.assert_array_equal(x, expected)
    x.flat = [1.0, 2.0]
    np.testing.assert_array_equal(x, [[1.0, 2.0, 1.0], [2.0, 1.0, 2.0]])
    assert x.flat.base is x
    assert len(x.flat) == 6


def test_a_view_knows_its_base():
    x = m()
    assert x[1:].base is x
    assert x.T.base is x
    assert x.base is None
    assert (x * 1).base is None


def test_bytes_and_files(tmp_path):
    x = m()
    assert x.tobytes("F") == M.tobytes("F")
    x.tofile(tmp_path / "numbers")
    np.testing.assert_array_equal(np.fromfile(tmp_path / "numbers"), M.ravel())
    x.dump(tmp_path / "array")
    np.testing.assert_array_equal(np.load(tmp_path / "array", allow_pickle=True), M)
    for each in (x.tolist, x.dumps, x.tobytes):
        with pytest.raises(ConversionError, match="no single answer"):
            dz.vmap(lambda y, each=each: getattr(y, each.__name__)())(M)


def test_programs_for_any_array_library_find_the_mirror():
    space = v().__array_namespace__()
    assert space is dz.numpy
    assert v().__array_namespace__(api_version="2023.12") is dz.numpy
    assert type(space.asarray(space.sin(v()))) is dz.Variable
    with pytest.raises(ValueError, match="not supported"):
        v().__array_namespace__(api_version="1999.01")
