"""Rows × interpreters × orders: every row of the table, on every kind of operand it takes."""

import numpy as np
import pytest
from cases import CASES, CONSTANT, METHODS, OPERATORS, SPELLINGS, X, some

import dezero as dz
from dezero.box import ROWS, Box, plain
from dezero.rows import TABLE
from dezero.testing import check_grads

ALL = CASES | SPELLINGS
NARROW = {"f": np.float32, "c": np.complex64}


def over(table, names, *, titled=False):
    """A test for each entry of a table of lists."""
    return pytest.mark.parametrize(
        names,
        [
            pytest.param(*([title] if titled else []), *entry, id=f"{title}-{k}")
            for title, entries in table.items()
            for k, entry in enumerate(entries)
        ],
    )


def alone(table):
    return {title: [(each,) for each in entries] for title, entries in table.items()}


every_case = over(alone(ALL), ["case"])
some_cases = over(alone(CASES | some(SPELLINGS, 12)), ["case"])


def same(a, b):
    """One dtype, one shape, and the same bits."""
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.tobytes() == b.tobytes()


def close(a, b, rtol=1e-12):
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    np.testing.assert_allclose(a, b, rtol, rtol * max(1.0, np.max(np.abs(b), initial=0.0)))


def is_value(y, expected, case):
    """NumPy's value, bit for bit where the case says so."""
    if case.exact:
        same(y, expected)
    else:
        close(y, expected, 1e-13 if expected.dtype.char in "dD" else 1e-5)


def variables(xs):
    return [dz.Variable(x.copy()) for x in xs]


def directions(ys, seed=5):
    """Random arrays of the shapes and dtypes of `ys`."""
    rng = np.random.default_rng(seed)
    return [
        np.asarray(
            rng.normal(size=y.shape)
            + (1j * rng.normal(size=y.shape) if y.dtype.kind == "c" else 0),
            y.dtype,
        )
        for y in ys
    ]


def narrowed(xs, which=slice(None)):
    chosen = set(range(len(xs))[which])
    return [x.astype(NARROW[x.dtype.kind]) if k in chosen else x for k, x in enumerate(xs)]


def pulled_back(call, xs, seed=5):
    """The value, and the gradients that `backward` leaves, by a random cotangent."""
    vs = variables(xs)
    y = call(*vs)
    (y.grad,) = directions([y], seed)
    y.backward()
    return y.data, [v.grad for v in vs]


# ---- the tables are complete ----


def test_every_row_has_a_case():
    differentiable = {title for title, row in TABLE.items() if not row.nondifferentiable}
    assert differentiable == CASES.keys()
    assert TABLE.keys() - differentiable <= CONSTANT.keys()


def test_every_function_that_boxes_take_has_a_case():
    names = {
        ".".join(each.__name__ for each in key[:1]) + "." + key[1]
        if isinstance(key, tuple)
        else getattr(key, "__name__", key)
        for key in ROWS
    }
    public = {name for name in names if not name.startswith("_")}  # the others go by their titles
    assert public <= ALL.keys() | CONSTANT.keys()


def test_every_method_of_a_box_has_a_case():
    public = {name for name in dir(Box) if not name.startswith("_")}
    assert public - {"data", "process"} == METHODS.keys()
    assert {name for name in dir(np.ndarray) if not name.startswith("_")} <= public


# ---- values and gradients ----


@over(alone(ALL), ["title", "case"], titled=True)
def test_value_is_numpys(title, case):
    """Bit for bit, on Variables and on Duals; and the case goes through the row that it is for."""
    expected = case.call(*case.args)
    y = case.call(*variables(case.args))
    assert type(y) is dz.Variable
    assert type(y.data) is np.ndarray
    is_value(y.data, expected, case)
    if title in CASES:
        assert title in titles(y)
    with dz.no_grad():
        quiet = case.call(*variables(case.args))
    assert quiet.creator is None
    is_value(quiet.data, expected, case)
    if "forward" in case.modes:
        value, moved = dz.jvp(case.call, case.args, tuple(directions(case.args)))
        is_value(value, expected, case)
        assert (np.shape(moved), moved.dtype) == (expected.shape, expected.dtype)


def titles(y):
    """What was recorded on the way to a Variable."""
    found, stack = set(), [y._node]
    while stack:
        node = stack.pop()
        if node is not None and node.p is not None:
            found.add(node.p.title)
            stack += node.edges
    return found


@every_case
def test_derivatives_to_second_order(case):
    check_grads(case.call, case.args, order=2, modes=case.modes, rtol=case.rtol)


@some_cases
def test_every_way_to_a_gradient_is_the_same(case):
    """`backward`, `vjp`, `grad` and `create_graph`; then the second derivative, in two ways."""
    call, xs = case.call, case.args
    value, by_backward = pulled_back(call, xs)
    (gy,) = directions([value])
    _, pull = dz.vjp(call, *xs)

    def loss(*args):
        return np.sum(np.real(np.conj(gy) * call(*args)))

    by_grad = dz.grad(loss, tuple(range(len(xs))))(*xs)
    vs = variables(xs)
    y = call(*vs)
    y.grad = gy
    y.backward(create_graph=True)
    lifted = [v.grad for v in vs]
    for g, *others in zip(by_backward, pull(gy), by_grad, map(plain, lifted), strict=True):
        for other in others:
            close(other, g)
    if not all(type(g) is dz.Variable for g in lifted):
        pytest.fail("create_graph=True left a gradient that is no Variable")

    ts = directions(xs, 6)
    total = sum(np.sum(np.real(np.conj(t) * g)) for t, g in zip(ts, lifted, strict=True))
    for v in vs:
        v.clear_grad()
    total.backward()
    _, again = dz.vjp(lambda *args: dz.vjp(call, *args)[1](gy), *xs)
    for v, g in zip(vs, again(tuple(ts)), strict=True):
        close(np.zeros_like(g) if v.grad is None else v.grad, g)


@some_cases
def test_single_precision_is_kept(case):
    """All operands in it, or one of several: NumPy's dtype for the value, each gradient its own."""
    n = len(case.args)
    for which in [slice(None)] + [slice(k, k + 1) for k in range(n) if n > 1]:
        xs = narrowed(case.args, which)
        value, gradients = pulled_back(case.call, xs)
        is_value(value, case.call(*xs), case)
        _, expected = pulled_back(
            case.call,
            [x.astype(x.dtype.char.upper() if x.dtype.kind == "c" else float) for x in xs],
        )
        for x, g, exact in zip(xs, gradients, expected, strict=True):
            assert (g.dtype, g.shape) == (x.dtype, x.shape)
            close(g, exact.astype(g.dtype), 3e-4)
        if "forward" in case.modes:
            y, ty = dz.jvp(case.call, tuple(xs), tuple(directions(xs)))
            same(y, value)
            assert (ty.dtype, ty.shape) == (value.dtype, value.shape)


# ---- functions without a derivative ----


@over(alone(CONSTANT), ["call"])
def test_functions_without_a_derivative_return_plain_values(call):
    """NumPy's, under every interpreter, with nothing of the graph in them."""
    expected, seen = call(X), []

    def look(x):
        seen.append(call(x))
        return np.sum(x)

    look(dz.Variable(X))
    look(dz.Dual(X, X))
    g = dz.grad(look)(X)
    dz.jvp(look, (X,), (X,))
    dz.jvp(dz.grad(look), (X,), (X,))
    with dz.no_grad():
        look(dz.Variable(X))
    same(g, np.ones_like(X))
    assert len(seen) == 6
    for each in seen:
        assert not isinstance(each, Box)
        assert type(each) in (type(expected), np.ndarray, np.bool)
        assert np.array_equal(each, expected)
        if isinstance(expected, np.ndarray):
            assert each.dtype == expected.dtype


# ---- spellings ----


@over(METHODS, ["method", "function"])
def test_a_method_is_the_function(method, function):
    """The function's value and gradient, and the value of an ndarray's own method."""
    expected, ours = method(X), method(dz.Variable(X))
    by_function = function(dz.Variable(X))
    if not isinstance(ours, dz.Variable):
        assert not isinstance(by_function, Box)
        assert np.array_equal(ours, expected)
        assert np.array_equal(ours, by_function)
        return
    same(ours.data, expected)
    assert titles(ours) == titles(by_function)
    same(*(pulled_back(f, [X])[1][0] for f in (method, function)))


OTHERS = [
    2.0,
    2,
    np.float64(2.0),
    np.float32(2.0),
    np.array(2.0),
    np.array([0.5, 2.0, 3.0]),
    X + 2.5,
]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("other", OTHERS, ids=lambda o: f"{type(o).__name__}{np.shape(o)}")
@pytest.mark.parametrize(("operate", "function"), OPERATORS)
def test_an_operator_is_the_function(operate, function, other, swapped):
    """With a number, a NumPy scalar or an array on either side, which may be a Variable too."""
    x = X + 2.25
    turn = -1 if swapped else 1

    def once(f):
        return lambda a: f(*(a, other)[::turn])

    same(once(operate)(dz.Variable(x)).data, once(operate)(x))
    assert titles(once(operate)(dz.Variable(x))) == titles(once(function)(dz.Variable(x)))
    same(*(pulled_back(once(f), [x])[1][0] for f in (operate, function)))
    if isinstance(other, np.ndarray):
        pair = [x, other][::turn]
        for a, b in zip(*(pulled_back(f, pair)[1] for f in (operate, function)), strict=True):
            same(a, b)


# ---- found by review ----


def test_the_mean_of_many_halves_has_a_gradient():
    g = dz.grad(lambda x: np.mean(x * x))(np.ones(70_000, np.float16))
    np.testing.assert_allclose(g.astype(float), 2 / 70_000, rtol=1e-2)


def test_a_negative_base_with_a_complex_exponent():
    z = dz.Variable(np.array(0.3 + 0.2j))
    np.real((-2.0) ** z).backward()
    want = np.conj((-2.0 + 0j) ** z.data * np.log(-2.0 + 0j))
    np.testing.assert_allclose(z.grad, want, rtol=1e-14)


def test_gradients_have_the_byte_order_of_their_variable():
    v = dz.Variable(np.ones(2, ">f8"))
    np.sum(v * v).backward()
    assert v.grad.dtype == v.dtype
    assert dz.grad(lambda x: np.sum(x * x))(v.data).dtype == v.dtype


def test_a_condition_is_not_differentiated_by():
    v = dz.Variable(np.arange(3.0))
    np.sum(np.where(dz.Variable(np.array([True, False, True])), v, 0.0)).backward()
    assert v.grad.tolist() == [1.0, 0.0, 1.0]
