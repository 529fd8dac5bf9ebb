"""``v[i] = w``: NumPy's meaning, right derivatives, and nobody else's values changed.

A program is a function of arrays that assigns. Run on complex ndarrays it gives its own
derivative, exact and without this library: Im f(x + ih) / h. The second oracle replaces each
assignment by a function that builds the new array (`put`).
"""

import contextlib
import gc
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dezero as dz
from dezero import Variable
from dezero.errors import AssignmentError, DeZeroError

rng = np.random.default_rng(5)


def normal(shape):
    return np.asarray(rng.normal(size=shape))


def complex_step(program, args):
    """The gradients of a program of ndarrays, which it may write into."""
    grads = []
    for k, arg in enumerate(args):
        grads.append(np.zeros(np.shape(arg)))
        for i in np.ndindex(np.shape(arg)):
            moved = [np.array(each, complex) for each in args]
            moved[k][i] += 1e-30j
            grads[k][i] = np.imag(program(*moved)) / 1e-30
    return grads


def by_backward(program, args):
    """The gradients by `backward` of Variables that were not assigned to themselves."""
    leaves = [Variable(np.array(arg)) for arg in args]
    program(*(x * 1.0 for x in leaves)).backward()
    return [np.zeros(x.shape) if x.grad is None else x.grad for x in leaves]


def check(program, *args):
    """First derivatives against complex steps, second ones against differences of the first."""
    before = [np.copy(arg) for arg in args]
    every = tuple(range(len(args)))
    gradient = dz.grad(program, every)
    for found in (gradient(*args), by_backward(program, args)):
        for g, want in zip(found, complex_step(program, args), strict=True):
            np.testing.assert_allclose(g, want, rtol=1e-12, atol=1e-12)
    along = [np.cos(1.0 + np.arange(np.size(arg))).reshape(np.shape(arg)) for arg in args]
    up, down = (
        gradient(*(a + h * t for a, t in zip(args, along, strict=True))) for h in (1e-5, -1e-5)
    )
    slopes = dz.grad(
        lambda *xs: sum(np.sum(g * t) for g, t in zip(gradient(*xs), along, strict=True)), every
    )(*args)
    for got, a, b in zip(slopes, up, down, strict=True):
        np.testing.assert_allclose(got, (a - b) / 2e-5, rtol=1e-6, atol=1e-7)
    for arg, old in zip(args, before, strict=True):
        np.testing.assert_array_equal(arg, old)


def zeros_for(x, shape):
    """Where a program collects values: a box for boxes, an ndarray for ndarrays."""
    return np.zeros(shape, complex) if isinstance(x, np.ndarray) else dz.numpy.zeros(shape)


def array_of(y):
    """NumPy's products of 0-d arrays are scalars, which take no assignment."""
    return np.array(y) if isinstance(y, np.generic) else y


def weights(x):
    return np.sin(1.0 + np.arange(np.size(x))).reshape(np.shape(x))


# ---------------------------------------------------------------------------- every index

MASK = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]], bool)
INDICES = [  # the array's shape, the index, shapes of values that go there
    ((), (), [()]),
    ((), ..., [(), (1,)]),
    ((5,), 2, [()]),
    ((5,), np.int64(-1), [()]),
    ((5,), slice(1, 4), [(), (1,), (3,), (1, 3), (1, 1)]),
    ((5,), slice(None, None, -2), [(), (3,)]),
    ((5,), slice(2, 2), [(), (0,)]),
    ((5,), [0, 2, 3], [(), (3,)]),
    ((5,), [0, 0, 3], [(), (3,), (1,)]),
    ((5,), np.array([[0, 4], [4, 1]]), [(), (2,), (2, 1), (2, 2)]),
    ((5,), [], [(), (0,)]),
    ((5,), np.array([True, False, True, False, False]), [(), (2,)]),
    ((5,), None, [(), (5,), (1, 5)]),
    ((4, 3), (1, 2), [()]),
    ((4, 3), 1, [(), (3,), (1, 3)]),
    ((4, 3), ..., [(), (3,), (4, 1), (4, 3)]),
    ((4, 3), (slice(None), 1), [(), (4,)]),
    ((4, 3), (slice(None), None, 1), [(), (4, 1)]),
    ((4, 3), (slice(1, 3), slice(None, None, 2)), [(), (2,), (2, 1), (2, 2)]),
    ((4, 3), ([0, 2, 0], [1, 1, 1]), [(), (3,)]),
    ((4, 3), ([0, 3, 0], slice(1, None)), [(), (2,), (3, 2)]),
    ((4, 3), (slice(None), [2, 2]), [(), (4, 2), (4, 1)]),
    ((4, 3), (np.array([[0], [3]]), np.array([0, 2])), [(), (2, 2)]),
    ((4, 3), MASK, [(), (6,)]),
    ((4, 3), MASK[:, 0], [(), (3,), (2, 3)]),
    ((4, 3), (MASK[:, 0], 1), [(), (2,)]),
    ((4, 3), np.zeros((4, 3), bool), [(), (0,)]),
]
CASES = [(shape, index, value) for shape, index, values in INDICES for value in values]


def named(case):
    shape, index, value = case
    return f"{shape}-{index}-{value}".replace("\n", "").replace("slice", "")


@pytest.mark.parametrize("case", CASES, ids=named)
def test_index(case):
    shape, index, value = case
    x, w = normal(shape), normal(value)

    def assign(x, w):
        y = array_of(x * x)
        y[index] = np.sin(w)
        return np.sum(y * y * weights(x))

    def add(x, w):
        y = array_of(x * x)
        y[index] += w * w
        return np.sum(np.sin(y) * weights(x))

    check(assign, x, w)
    if np.shape(x[index]) == np.broadcast_shapes(np.shape(x[index]), value):
        check(add, x, w)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_constant(case):
    """Numbers, arrays and lists are assigned like NumPy's, and stop the gradient there."""
    shape, index, value = case
    x, c = normal(shape), normal(value)
    want, here = x.copy(), np.ones(shape)
    want[index], here[index] = c, 0.0
    for given_ in (c, c.tolist()):
        v = Variable(x) * 1.0
        v[index] = given_
        np.testing.assert_array_equal(v.data, want)

    def program(x):
        x[index] = c
        return np.sum(x * weights(x))

    np.testing.assert_allclose(dz.grad(program)(x), here * weights(x))


# ---------------------------------------------------------------------------- programs


def heat(u, dt):
    for _ in range(3):
        u[1:-1] = u[1:-1] + dt * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u * u)


def recurrence(x):
    y = zeros_for(x, x.shape)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i] + np.sin(y[i - 1])
    return np.sum(y * weights(x))


def recurrence_of_rows(x):
    y = zeros_for(x, (6, x.size))
    y[0] = x
    for i in range(1, 6):
        y[i] = y[i - 1] * x[i % 2] + np.cos(y[i - 1])
    return np.sum(y * y)


def swaps(x):
    for i, j in [(0, 3), (1, 2), (0, 1)]:
        x[i], x[j] = x[j] * 2.0, x[i]
    return np.sum(x * x * weights(x))


def shuffled(x):
    x[[0, 1, 2]] = x[[2, 0, 1]]
    x[1:] = x[:-1].copy()
    return np.sum(x * x * weights(x))


def elimination(a):
    n = len(a)
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] = a[i, k] / a[k, k]
            a[i, k + 1 :] -= a[i, k] * a[k, k + 1 :]
    return a[0, 0] * a[1, 1] * a[2, 2]


def cholesky(x):
    a = x @ x.T + 3.0 * np.eye(len(x))
    c = zeros_for(x, a.shape)
    for j in range(len(a)):
        c[j, j] = np.sqrt(a[j, j] - np.sum(c[j, :j] * c[j, :j]))
        for i in range(j + 1, len(a)):
            c[i, j] = (a[i, j] - np.sum(c[i, :j] * c[j, :j])) / c[j, j]
    return np.sum(c * weights(c))


def rectified(x, w):
    y = x * w
    y[np.real(y) < 0] = 0.0
    y[np.real(y) > 1] *= w.sum()
    return np.sum(y * y)


def overwritten(x):
    y = x * x
    y[0] = np.exp(y[0])
    y[0] = x[1]
    y[1:] = 2.0
    y[2] = x[2] * y[0]
    return np.sum(y * y)


def old_values(x):
    y = np.sin(x)
    total = np.sum(y * y * y)
    y[1] = 7.0
    total = total + np.sum(np.exp(y))
    y *= x  # rebinds
    y[0] = total
    return total + np.sum(y)


def of_itself(x):
    x[0] = x[0]
    x[...] = x * x
    x[:] = x + x[::-1]
    x[1] = np.sum(x)
    return np.sum(x * weights(x))


def zero_dimensional(x):
    total = zeros_for(x, ())
    for k in range(3):
        total[...] = total * x[k] + x[k]
        total[()] += 1.0
    return total * total


def branches(x):
    y = zeros_for(x, 4)
    for k in range(4):
        if np.real(x[k]) > 0:
            y[k] = x[k] ** 3
        else:
            y[k] += -x[k]
    return np.sum(y)


def read_before_filled(x):
    y, c = zeros_for(x, (3,)), zeros_for(x, (3,)) + 2.0
    total = np.sum(y * x) + np.sum(c * x)
    y[0] = x[0] * x[0]
    c[1] = c[0] * x[1]
    return total + np.sum(y * y) + np.sum(c * c)


def returned(x):
    x[0] = x[1] * x[2]
    return x[0]


PROGRAMS = {
    heat: [rng.normal(size=8), np.array(0.1)],
    recurrence: [rng.normal(size=6)],
    recurrence_of_rows: [rng.normal(size=3)],
    swaps: [rng.normal(size=4)],
    shuffled: [rng.normal(size=5)],
    elimination: [rng.normal(size=(3, 3)) + 4 * np.eye(3)],
    cholesky: [rng.normal(size=(3, 3))],
    rectified: [rng.normal(size=(4, 3)), rng.normal(size=(4, 3))],
    overwritten: [rng.normal(size=4)],
    old_values: [rng.normal(size=4)],
    of_itself: [rng.normal(size=4)],
    zero_dimensional: [rng.normal(size=3)],
    branches: [rng.normal(size=4)],
    read_before_filled: [rng.normal(size=3)],
    returned: [rng.normal(size=4)],
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_program(program):
    check(program, *PROGRAMS[program])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_second_order_by_create_graph(program):
    """``backward(create_graph=True)`` and nested `grad` agree."""
    x, *rest = PROGRAMS[program]
    leaf = Variable(np.array(x))
    program(leaf * 1.0, *(Variable(np.array(each)) for each in rest)).backward(create_graph=True)
    first = leaf.grad
    leaf.cleargrad()
    np.sum(first * first).backward()
    want = dz.grad(lambda x: np.sum(dz.grad(program)(x, *rest) ** 2))(x)
    np.testing.assert_allclose(leaf.grad, want, rtol=1e-10, atol=1e-12)


def put(x, index, w):
    """``x`` with ``w`` at ``index``, as a new array: NumPy without assignment."""
    places = np.arange(np.size(x)).reshape(np.shape(x))[index]
    source = np.full(np.size(x), -1)
    source[places.ravel()] = np.arange(places.size)
    values = np.reshape(np.broadcast_to(w, places.shape), (-1,))
    if not places.size:
        return x * 1.0
    chosen = np.where(source >= 0, values[np.maximum(source, 0)], np.reshape(x, (-1,)))
    return np.reshape(chosen, np.shape(x))


GRID = [index for shape, index, _ in INDICES if shape == (4, 3)]
VALUES = [
    lambda y, w, i: np.sin(w[i]) * y[i],
    lambda _y, w, i: w[i] + 0.5,
    lambda y, _w, i: y[i] * 1.0,
    lambda y, _w, i: y[i] * y[i] * 0.3,
    lambda y, w, _i: y[1, 2] * w[0, 0],
    lambda y, w, _i: np.sum(y * w) * 0.1,
    lambda _y, _w, _i: 1.5,
]
STATEMENTS = st.tuples(
    st.sampled_from(["assign", "add", "multiply", "keep", "copy", "scale"]),
    st.sampled_from(GRID),
    st.sampled_from(VALUES),
)


@settings(max_examples=60, deadline=None)
@given(program=st.lists(STATEMENTS, min_size=1, max_size=7), backward=st.booleans())
def test_random_programs(program, backward):
    def run(y, w, functional):
        kept = []
        y = y * 1.0
        for what, index, value in program:
            if what in ("assign", "add", "multiply"):
                new = value(y, w, index)
                if what != "assign":
                    new = y[index] + new if what == "add" else y[index] * new
                if functional:
                    y = put(y, index, new)
                else:
                    y[index] = new
            elif what == "keep":  # old values that the gradient needs
                kept.append(np.sum(y * y * np.cos(y)))
            elif what == "copy":  # nobody sees the other's assignments
                kept.append(np.sum(y.copy() * w))
            else:
                y = y * w
        return np.sum(np.tanh(y) * weights(y)) + sum(kept)

    x, w = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    find = by_backward if backward else lambda f, args: dz.grad(f, (0, 1))(*args)
    found = find(lambda x, w: run(x, w, False), (x, w))
    want = dz.grad(lambda x, w: run(x, w, True), (0, 1))(x, w)
    steps = complex_step(lambda x, w: run(x, w, False), (x, w))
    for got, oracle, step in zip(found, want, steps, strict=True):
        np.testing.assert_allclose(got, oracle, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(got, step, rtol=1e-9, atol=1e-9)


# ---------------------------------------------------------------------------- whose memory


def address(v):
    return v.data.__array_interface__["data"][0]


OWNED = np.arange(6.0)
GIVEN = {  # how an array of the user's comes into a Variable
    "itself": Variable,
    "a view": lambda a: Variable(a[1:]),
    "reshaped": lambda a: Variable(a.reshape(2, 3)),
    "transposed": lambda a: Variable(a.reshape(2, 3).T),
    "as_variable": lambda a: dz.as_variable(a[:]),
    "dz.numpy.array": lambda a: dz.numpy.array(a[2:]),
    "data": lambda a: _with_data(a[::2]),
    "read-only": lambda a: Variable(np.broadcast_to(a, (2, 6))),
}


def _with_data(array):
    v = Variable(np.zeros(1))
    v.data = array
    return v


@pytest.mark.parametrize("how", GIVEN)
def test_a_users_array_is_never_written(how):
    a = OWNED.copy()
    v = GIVEN[how](a)
    v[0] = 100.0
    v[...] = Variable(np.array(7.0))
    with dz.no_grad():
        v[-1] = 3.0
    np.testing.assert_array_equal(a, OWNED)


@pytest.mark.parametrize("how", ["itself", "a view", "reshaped"])
def test_an_argument_is_never_written(how):
    def program(x):
        x[0] = 5.0
        return np.sum(x * x)

    a = OWNED.copy()
    array = GIVEN[how](a).data
    for call in (dz.grad(program), dz.value_and_grad(program), lambda x: dz.vjp(program, x)):
        call(array)
        call(array[:1])
    np.testing.assert_array_equal(a, OWNED)


def test_what_was_read_from_data_stays():
    v = Variable(np.arange(3.0))
    seen, row = v.data, v.data[1:]
    v[...] = 9.0
    assert seen.tolist() == [0.0, 1.0, 2.0]
    assert row.tolist() == [1.0, 2.0]


def test_in_place_when_nobody_else_needs_the_array():
    """At the same address, and with no memory that depends on the array's size."""
    s = Variable(np.array(2.0))
    v = dz.numpy.zeros(100_000)
    where = address(v)
    tracemalloc.start()
    for k in range(30):
        v[k] = s * k
        v[k : k + 5] += 1.0
        v[k] = v[k] + v[k + 1]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert address(v) == where
    assert peak < 400_000  # the array has 800,000 bytes; each node has some hundred


@pytest.mark.parametrize(
    ("keep", "moves"),
    [
        (lambda v: v * v, True),  # keeps its operand
        (lambda v: v + v, False),  # keeps nothing
        (lambda v: v * 3.0, False),
        (np.exp, False),  # keeps its own result
        (lambda v: v.sum(), False),
        (lambda v: v[:2] * v[:2], True),  # keeps a view of it
    ],
)
def test_a_copy_is_made_only_for_who_kept_the_old_values(keep, moves):
    x = Variable(np.arange(1.0, 5.0))
    v = x * 2.0
    y = keep(v)
    where = address(v)
    v[0] = 100.0
    assert (address(v) != where) == moves
    np.sum(y * 1.0).backward()
    np.testing.assert_allclose(
        x.grad, dz.grad(lambda x: np.sum(keep(x * 2.0)))(np.arange(1.0, 5.0))
    )


def test_kept_views_of_an_array_that_is_a_view_itself():
    """`reshape` gives a view: nobody then holds "the array of x", yet its memory is needed."""
    x = Variable(np.arange(6.0).reshape(2, 3))
    y = np.sum(x[0] * x[0])
    x[0, 1] = 100.0
    y.backward()
    assert x.grad.tolist() == [[0.0, 2.0, 4.0], [0.0, 0.0, 0.0]]


def test_two_thousand_assignments():
    """Each costs the same, forward and back, and the chain is freed without recursion."""
    n = 2000
    x = Variable(np.full(n, 1.001))

    def run():
        y = dz.numpy.zeros(n)
        y[0] = 1.0
        for i in range(1, n):
            y[i] = y[i - 1] * x[i]
        return y

    start = time.perf_counter()
    y = run()
    assert address(y) == address(y)
    y[-1].backward()
    np.testing.assert_allclose(x.grad[1:], 1.001 ** (n - 2), rtol=1e-9)
    assert x.grad[0] == 0.0
    del y
    assert time.perf_counter() - start < 5.0


def test_a_trajectory_costs_its_own_size():
    """Rows that are computed from rows: each step keeps a row, not a copy of everything."""
    n = 100
    x = Variable(np.full(n, 1.001))
    tracemalloc.start()
    u = dz.numpy.zeros((n, n))
    u[0] = 1.0
    for t in range(1, n):
        u[t] = u[t - 1] * x
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.sum(u[-1]).backward()
    np.testing.assert_allclose(x.grad, (n - 1) * 1.001 ** (n - 2))
    assert peak < 10 * u.data.nbytes


def test_no_memory_is_left():
    gc.collect()
    gc.disable()
    try:
        x = Variable(np.ones(1000))
        tracemalloc.start()
        for k in range(50):
            y = x * 1.0
            y[k] = x[k] * 2.0
            np.sum(y * y).backward()
            x.cleargrad()
        left, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    finally:
        gc.enable()
    assert left < 100_000


# ---------------------------------------------------------------------------- views


def _quietly(v):
    with dz.no_grad():
        return v[1:]


VIEWS = {
    "slice": lambda v: v[:2],
    "row": lambda v: v[0],
    "view of a view": lambda v: v[:3][:2],
    "transposed": lambda v: v.T,
    "reshaped": lambda v: v.reshape(-1),
    "raveled": np.ravel,
    "swapped": lambda v: v.swapaxes(0, 1),
    "expanded": lambda v: np.expand_dims(v, 0),
    "broadcast": lambda v: np.broadcast_to(v, (2, 4, 3)),
    "without gradient": _quietly,
    "real": lambda v: v.real,
    "flipped": np.flip,
}
SOURCES = {
    "leaf": lambda: Variable(np.arange(12.0).reshape(4, 3)),
    "result": lambda: Variable(np.arange(12.0).reshape(4, 3)) * 1.0,
    "view of something dead": lambda: (Variable(np.arange(12.0)) * 1.0).reshape(4, 3),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("view", VIEWS)
def test_views(view, source):
    """NumPy would change both; a graph of values cannot, so neither is changed."""
    v = SOURCES[source]()
    u = VIEWS[view](v)
    before = u.data.copy()
    with pytest.raises(AssignmentError, match="alive"):
        v[...] = 7.0
    with pytest.raises(AssignmentError, match="view of another"):
        u[...] = 7.0
    np.testing.assert_array_equal(u.data, before)
    w = u.copy()
    w[...] = 7.0  # a copy is free
    np.testing.assert_array_equal(u.data, before)
    del u
    v[...] = 7.0  # and so is v when the view is gone
    assert (v.data == 7.0).all()


@pytest.mark.parametrize("source", SOURCES)
def test_what_a_dead_view_was_used_for_stays_right(source):
    v = SOURCES[source]()
    y = np.sum(v[1] * v[1])
    z = Variable(np.zeros(())) + v[1]
    v[1] = 100.0
    np.testing.assert_array_equal(z.data, [3.0, 4.0, 5.0])
    assert y.data == 50.0


def test_a_dead_views_old_values_reach_the_gradient():
    x = Variable(np.arange(6.0))
    v = (x * 2.0).reshape(3, 2)  # a view of a result that nobody holds
    y = np.sum(v[0] * v[0])
    v[0, 0] = 100.0
    y.backward()
    assert x.grad.tolist() == [0.0, 8.0, 0.0, 0.0, 0.0, 0.0]


def test_disjoint_views_live_on():
    x = Variable(np.arange(1.0, 7.0))
    v = x * 1.0
    head = v[:2]
    for k in (3, 4, 5):  # the first may copy; the others must still see that head is disjoint
        v[k] = v[k - 1] * head[1]
    np.sum(v * head[0]).backward()
    assert head.data.tolist() == [1.0, 2.0]
    want = complex_step(_disjoint, [np.arange(1.0, 7.0)])[0]
    np.testing.assert_allclose(x.grad, want)


def _disjoint(v):
    head = v[:2]
    for k in (3, 4, 5):
        v[k] = v[k - 1] * head[1]
    return np.sum(v * head[0])


@pytest.mark.parametrize("write", ["into the view", "into the base"])
@pytest.mark.parametrize("nested", [False, True])
def test_views_inside_transforms(write, nested):
    """What raises in `grad` raises in `grad` of `grad`: it never means something else there."""

    def program(x):
        y = x * x
        u = y[:2]
        (u if write == "into the view" else y)[0] = 5.0
        return np.sum(y) + np.sum(u)

    f = (lambda x: np.sum(dz.grad(program)(x))) if nested else program
    with pytest.raises(AssignmentError):
        dz.grad(f)(np.arange(3.0))


def test_what_is_no_view_takes_assignments():
    v = Variable(np.arange(6.0).reshape(2, 3)) * 1.0
    for make in (np.copy, lambda v: v[[0, 1]], lambda v: v.T.reshape(-1), lambda v: v.flatten(),
                 lambda v: v.astype(float), lambda v: +v, lambda v: v[v.data > 2]):  # fmt: skip
        u = make(v)
        u[0] = 100.0
        v[0, 0] = v[0, 0] + 1.0
        assert v.data.max() < 100.0


def test_new_data_ends_the_kinship():
    v = Variable(np.arange(4.0)) * 1.0
    u = v[:2]
    u.data = np.array([5.0, 6.0])
    v[0] = 9.0
    u[0] = 8.0
    assert (v.data[0], u.data[0]) == (9.0, 8.0)


def test_a_users_function_may_return_views():
    class Halves(dz.Function):
        def forward(self, x):
            return x[:2], x[2:]

        def backward(self, g, h):
            return np.concatenate([g, h])

    for context in (dz.no_grad(), dz.using_config("enable_backprop", True)):
        x = Variable(np.arange(4.0))
        with context:
            left, _right = Halves()(x)
            with contextlib.suppress(AssignmentError):
                left[0] = 77.0
        assert x.data.tolist() == [0.0, 1.0, 2.0, 3.0]


# ---------------------------------------------------------------------------- leaves, modes, dtypes


def test_a_fresh_leaf_given_numbers_stays_a_leaf():
    x = Variable(np.zeros(3))
    x[0], x[1:] = 1.0, [2.0, 3.0]
    assert x.creator is None
    np.sum(x * x).backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


def test_a_used_leaf_means_the_same_as_a_fresh_one():
    """Whether something was once computed from a leaf does not change its next gradient."""
    found = []
    for used in (False, True):
        x = Variable(np.array([1.0, 2.0, 3.0]))
        if used:
            np.sum(x)
        try:
            x[0] = 5.0
        except AssignmentError:
            return
        np.sum(x * x).backward()
        found.append(x.grad.tolist())
    assert found[0] == found[1]


def test_a_result_keeps_no_gradient():
    """An array that was filled is a result: `grad` is None afterwards, and it seeds nothing."""
    w = Variable(np.array(3.0))
    a = dz.numpy.zeros(2)
    a[0] = w * w
    np.sum(a).backward()
    w.cleargrad()
    a.backward()
    assert w.grad == 6.0


def test_name_and_identity_stay():
    x = Variable(np.zeros(2), "x")
    same = x
    x[0] = Variable(np.array(1.0))
    assert x is same
    assert x.name == "x"


def test_without_gradient_nothing_is_recorded():
    w = Variable(np.array(2.0))
    a = dz.numpy.zeros(3)
    with dz.no_grad():
        a[0] = w
        a[1:] += w * w
    assert a.creator is None
    assert a.data.tolist() == [2.0, 4.0, 4.0]
    np.sum(a * a).backward()
    assert w.grad is None
    a.cleargrad()
    with dz.no_grad():
        assert dz.grad(recurrence)(np.ones(3)).tolist() == dz.grad(recurrence)(np.ones(3)).tolist()


def test_levels_inside_transforms():
    """Captured Variables and arrays made inside mix, at any depth."""
    w = Variable(np.array(3.0))

    def program(x):
        a = dz.numpy.zeros(3)
        a[0] = w
        a[1] = x * w
        a[2] = dz.grad(lambda z: z * a[1] * a[0])(x)
        return np.sum(a)

    gradient = dz.grad(program)(Variable(np.array(2.0)))
    assert gradient.data == 12.0  # d/dx (w + x w + x w w)
    gradient.backward()
    assert w.grad == 7.0  # d/dw (w + w w)


def test_dtypes():
    v = dz.numpy.zeros(2, dtype=np.float32)
    w = Variable(np.array(1.5))
    v[0] = w
    assert v.dtype == np.float32
    np.sum(v * v).backward()
    assert w.grad.dtype == np.float64
    assert w.grad == 3.0
    z = dz.numpy.zeros(2, dtype=complex)
    w.cleargrad()
    z[1] = w * 2j
    np.sum(np.abs(z) ** 2).backward()
    np.testing.assert_allclose(w.grad, 12.0)
    k = Variable(np.arange(3))
    k[1] = 7
    k[[0, 2]] = Variable(np.array([5, 6]))
    assert k.data.tolist() == [5, 7, 6]
    assert k.dtype == np.arange(1).dtype


def test_an_index_may_be_a_variable():
    v, i = Variable(np.zeros(3)), Variable(np.array(1))
    v[i] = 5.0
    v[np.arange(3) > Variable(np.array(1.5))] = 6.0
    assert v.data.tolist() == [0.0, 5.0, 6.0]


def shifted(x):
    y = x * 1.0
    y[1:] = y[:-1]
    y[:] = y[::-1] * 2.0
    y[:] = y[::-1]
    return np.sum(y * weights(x))


def test_a_view_may_be_assigned_into_its_own_root():
    """As in NumPy, the value is taken before the writing."""
    check(shifted, normal(5))


def test_a_view_that_was_assigned_into_its_root_is_spent():
    y = Variable(np.arange(4.0)) * 1.0
    head = y[:-1]
    y[1:] = head
    assert y.data.tolist() == [0.0, 0.0, 1.0, 2.0]
    with pytest.raises(DeZeroError, match="spent"):
        head * 2.0


def test_the_first_creator_of_a_filled_array_is_not_itself():
    v = Variable(np.ones(2)) * 1.0
    v[0] = 3.0
    assert v.creator.inputs[0] is not v
