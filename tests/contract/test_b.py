"""Part B of the contract: the engine in natural code."""

import asyncio
import gc
import importlib.util
import operator
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest


@pytest.fixture
def sin_cos(engine):
    """A `Function` of one input and two outputs."""

    class SinCos(engine.Function):
        def forward(self, x):
            return np.sin(x), np.cos(x)

        def backward(self, gs, gc):
            x = self.input.data
            return gs * np.cos(x) - gc * np.sin(x)

    return SinCos


@pytest.fixture
def without_gc():
    """Only reference counting frees memory while the test runs."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def peak():
    """The most bytes that a call held at any one time, beyond what was there before."""

    def measure(call):
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            call()
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()

    return measure


def test_b1_two_inputs(engine):
    """`add(Variable(2), Variable(3)).data` is 5."""
    x, y = engine.Variable(np.array(2)), engine.Variable(np.array(3))
    assert engine.add(x, y).data == 5
    f = engine.Add()
    f(x, y)
    assert len(f.inputs) == 2
    assert f.inputs[0] is x
    assert f.inputs[1] is y


def test_b1_two_branches(engine, var):
    """`add(square(x), square(y))` at 2, 3: 13.0, grads 4.0, 6.0."""
    x, y = var(2), var(3)
    z = engine.add(engine.square(x), engine.square(y))
    z.backward()
    assert (z.data, x.grad, y.grad) == (13.0, 4.0, 6.0)


def test_b1_two_outputs(var, sin_cos):
    """A call returns one Variable or several."""
    f, x = sin_cos(), var(0.5)
    s, c = f(x)
    assert (s.data, c.data) == (np.sin(0.5), np.cos(0.5))
    assert s.creator is c.creator is f
    assert all(y() is v for y, v in zip(f.outputs, (s, c), strict=True))
    (s * 2.0 + c * 3.0).backward()
    np.testing.assert_allclose(x.grad, 2 * np.cos(0.5) - 3 * np.sin(0.5), rtol=1e-15)


@pytest.mark.parametrize("drop", [True, False])
def test_b1_an_output_that_nobody_uses(var, sin_cos, drop):
    """Its gradient is zero, whether it is still there or not."""
    x = var([0.5, 0.7])
    s, c = sin_cos()(x)
    if drop:
        del s
    c.backward()
    np.testing.assert_allclose(x.grad, -np.sin([0.5, 0.7]), rtol=1e-15)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda gy: (gy,), id="one gradient for two inputs"),
        pytest.param(lambda gy: (gy, gy, gy), id="three gradients for two inputs"),
        pytest.param(lambda gy: gy, id="no tuple"),
        pytest.param(lambda gy: (gy, gy[:2]), id="another shape"),
        pytest.param(lambda gy: (gy, np.sum(gy)), id="a shape that could be broadcast"),
        pytest.param(lambda gy: (gy, gy[None]), id="one axis too many"),
        pytest.param(lambda gy: (gy, "gradient"), id="no array"),
    ],
)
def test_b1_a_backward_that_is_wrong(engine, var, wrong):
    """The wrong number or shape of gradients is an error, never a wrong number."""

    class Wrong(engine.Function):
        def forward(self, x, y):
            return x + y

        def backward(self, gy):
            return wrong(gy)

    x, y = var([1, 2, 3]), var([4, 5, 6])
    with pytest.raises((TypeError, ValueError), match="Wrong"):
        Wrong()(x, y).backward()


def test_b2_the_same_variable_twice(engine, var):
    """`add(x, x)`: 2.0; `add(add(x, x), x)`: 3.0."""
    x = var(3)
    y = engine.add(x, x)
    y.backward()
    assert (y.data, x.grad) == (6.0, 2.0)
    x.clear_grad()
    y = engine.add(engine.add(x, x), x)
    y.backward()
    assert (y.data, x.grad) == (9.0, 3.0)


def test_b2_accumulation_writes_into_nothing(engine, var):
    """The gradients of two variables are never one array, even if a `backward` returns one."""

    class Plus(engine.Function):
        def forward(self, x, y):
            return x + y

        def backward(self, gy):
            return gy, gy

    x, y, seed = var([1, 2]), var([3, 4]), np.ones(2)
    z = Plus()(x, y)
    z.grad = seed
    z.backward(retain_grad=True)
    x.grad += 1.0
    assert y.grad.tolist() == z.grad.tolist() == seed.tolist() == [1.0, 1.0]


def test_b2_two_backward_passes_add_up(engine, var):
    x = var(3)
    engine.square(x).backward()
    kept = x.grad
    engine.square(x).backward()
    assert x.grad == 12.0
    assert kept == 6.0


def test_b2_the_same_graph_swept_twice(engine, var):
    """What the first pass left on the way does not leak into the second."""
    x = var(3)
    y = engine.square(engine.square(x))
    y.backward(retain_grad=True)
    y.clear_grad()
    y.backward(retain_grad=True)
    assert x.grad == 2 * 108.0


@pytest.mark.parametrize("clear", ["clear_grad", "cleargrad"])
def test_b3_clear_grad(engine, var, clear):
    """After it, a second computation gives its own gradient."""
    x = var(3)
    engine.add(x, x).backward()
    getattr(x, clear)()
    assert x.grad is None
    engine.add(engine.add(x, x), x).backward()
    assert x.grad == 3.0


def test_b3_one_is_the_other(engine):
    assert engine.Variable.clear_grad is engine.Variable.cleargrad


def test_b4_generations(engine, var):
    """Leaf 0, output = its function's + 1; a function has the largest of its inputs'."""
    x, y = var(2), var(3)
    a = engine.square(x)
    b = engine.exp(a)
    z = engine.add(b, y)
    assert [v.generation for v in (x, y, a, b, z)] == [0, 0, 1, 2, 3]
    assert [v.creator.generation for v in (a, b, z)] == [0, 1, 2]


def test_b4_a_diamond(engine, var):
    """`a = square(x); y = add(square(a), square(a))` at 2.0: 32.0, 64.0."""
    x = var(2)
    a = engine.square(x)
    y = engine.add(engine.square(a), engine.square(a))
    y.backward()
    assert (y.data, x.grad) == (32.0, 64.0)


def test_b4_where_depth_first_is_wrong(engine, var):
    """A short way and a long way to the same result, the short one on either side."""
    for swap in (False, True):
        x = var(2)
        short = x * 3.0
        long = engine.square(engine.square(engine.square(short)))
        y = short * long if swap else long * short
        z = y + short
        z.backward()
        assert z.data == 6.0**9 + 6.0
        assert x.grad == 3.0 * (9 * 6.0**8 + 1.0)


def test_b4_where_breadth_first_is_wrong(engine, var):
    """The same intermediate at the end of ways of length 1 and 3, met too early by levels."""
    x = var(2)
    a = engine.square(x)
    b = engine.square(a)
    c = engine.square(b)
    y = engine.add(engine.add(c, a), b)
    y.backward()
    assert y.data == 256.0 + 4.0 + 16.0
    assert x.grad == 8 * 2.0**7 + 2 * 2.0 + 4 * 2.0**3


def test_b4_each_function_once(engine, var):
    """Forty doublings are forty steps back, not 2⁴⁰."""
    calls = []

    class Double(engine.Function):
        def forward(self, x, y):
            return x + y

        def backward(self, gy):
            calls.append(self)
            return gy, gy

    x = y = var(1)
    for _ in range(40):
        y = Double()(y, y)
    y.backward()
    assert len(calls) == len({id(f) for f in calls}) == 40
    assert y.data == x.grad == 2.0**40


def test_b5_outputs_are_weak_references(engine, var):
    """`f.outputs` are weak references."""
    f, x = engine.Square(), var(2)
    y = f(x)
    assert isinstance(f.outputs[0], weakref.ref)
    assert f.outputs[0]() is y
    del y
    assert f.outputs[0]() is None


@pytest.mark.usefixtures("without_gc")
def test_b5_no_cycles(engine, var, sin_cos):
    """Dropping the output frees the whole graph by reference counting alone."""
    x = var([1, 2])
    a = engine.square(x)
    s, c = sin_cos()(a)
    y = engine.exp(s * c) + a
    alive = [weakref.ref(v) for v in (a, s, c, y)]
    alive += [weakref.ref(v.creator) for v in (a, s, y)]
    y.backward(retain_grad=True)
    del a, s, c
    assert all(r() is not None for r in alive[3:])
    del y
    assert [r() for r in alive] == [None] * len(alive)
    assert x.grad is not None


@pytest.mark.usefixtures("without_gc")
def test_b5_ten_rounds_of_big_arrays(engine, peak):
    """Ten rounds of big arrays do not grow memory."""
    big = np.linspace(0.0, 1.0, 100_000)

    def round_():
        x = engine.Variable(big)
        y = engine.square(engine.square(engine.square(x)))
        y.backward()

    round_()
    one = peak(round_)
    ten = peak(lambda: [round_() for _ in range(10)])
    assert ten < one + big.nbytes


def test_b6_retain_grad(engine, var):
    """`y.grad, t.grad` None, `x0.grad, x1.grad` 2.0, 1.0; `True` keeps them."""
    for retain in (False, True):
        x0, x1 = var(1), var(1)
        t = engine.add(x0, x1)
        y = engine.add(x0, t)
        y.backward(retain_grad=retain)
        assert (x0.grad, x1.grad) == (2.0, 1.0)
        assert (y.grad, t.grad) == ((1.0, 1.0) if retain else (None, None))


def test_b6_not_retained_is_forgotten(engine, var):
    """… also where an earlier pass had kept them, or the seed was set."""
    x = var(3)
    t = engine.square(x)
    y = engine.square(t)
    y.backward(retain_grad=True)
    y.backward()
    assert y.grad is None
    assert t.grad is None


def test_b7_nothing_is_recorded(engine, var):
    """`Config.enable_backprop` (assignable), `using_config(name, value)`, `no_grad()`."""
    x = var(2)
    assert engine.Config.enable_backprop is True
    with engine.no_grad():
        assert engine.Config.enable_backprop is False
        inside = engine.square(x) * 3.0
    with engine.using_config("enable_backprop", False):
        with engine.using_config("enable_backprop", True):
            recorded = engine.square(x)
        assert engine.Config.enable_backprop is False
        also = x + 1.0
    engine.Config.enable_backprop = False
    try:
        assigned = x**2
    finally:
        engine.Config.enable_backprop = True
    for y in (inside, also, assigned):
        assert y.creator is None
        assert y.generation == 0
    assert recorded.creator is not None
    recorded.backward()
    assert x.grad == 4.0
    assert inside.data == 12.0


@pytest.mark.usefixtures("without_gc")
def test_b7_inputs_are_freed_at_once(engine, var):
    with engine.no_grad():
        a = var(2)
        alive = weakref.ref(a)
        y = engine.square(engine.square(a))
        del a
        assert alive() is None
        assert y.data == 16.0


def test_b7_restored_after_an_exception(engine):
    """The old value comes back after an exception."""
    with pytest.raises(ZeroDivisionError), engine.no_grad():
        raise ZeroDivisionError
    assert engine.Config.enable_backprop is True
    with (
        engine.no_grad(),
        pytest.raises(KeyError),
        engine.using_config("enable_backprop", True),
    ):
        raise KeyError
    assert engine.Config.enable_backprop is True


def test_b7_a_setting_that_does_not_exist(engine):
    with pytest.raises(AttributeError), engine.using_config("enable_backprob", False):
        pass
    with pytest.raises(AttributeError):
        engine.Config.enable_backprob = False


def test_b7_one_threads_setting_is_not_anothers(engine, var):
    """Two threads, one with and one without, in the same moment."""
    x, together, recorded = var(2), threading.Barrier(2, timeout=60), {}

    def work(record):
        with engine.using_config("enable_backprop", record):
            together.wait()
            y = engine.square(x)
            together.wait()
        together.wait()
        recorded[record] = y.creator is not None, engine.Config.enable_backprop

    with engine.no_grad():
        threads = [threading.Thread(target=work, args=(record,)) for record in (True, False)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert engine.Config.enable_backprop is False
    assert recorded == {True: (True, True), False: (False, True)}


def test_b7_one_tasks_setting_is_not_anothers(engine, var):
    """Asynchronous tasks take turns in one thread, each with its own setting."""
    x = var(2)

    async def work(record):
        with engine.using_config("enable_backprop", record):
            await asyncio.sleep(0)
            y = engine.square(x)
            await asyncio.sleep(0)
        return y.creator is not None

    async def both():
        return await asyncio.gather(work(True), work(False), work(True))

    assert asyncio.run(both()) == [True, False, True]


def test_b7_memory_of_a_long_forward_is_flat(engine, var, peak):
    """100,000 operations hold no more than a few; recorded, they would hold megabytes."""

    def forward(steps):
        y = var(1)
        for _ in range(steps):
            y = y * 0.5 + 0.5
        assert y.data == 1.0

    forward(10)
    with engine.no_grad():  # the interpreter itself keeps up to 2,000 dead tuples for later use
        assert peak(lambda: forward(50_000)) < 200_000
    assert peak(lambda: forward(5_000)) > 1_000_000


def test_b8_array_manners(engine, var):
    """`name`, `shape`, `ndim`, `size`, `dtype`, `len()`."""
    x = engine.Variable(np.array([[1, 2, 3], [4, 5, 6]], np.int32), "x")
    assert x.name == "x"
    assert x.shape == (2, 3)
    assert x.ndim == 2
    assert x.size == 6
    assert x.dtype == np.int32
    assert len(x) == 2
    x.name = "renamed"
    assert x.name == "renamed"
    with pytest.raises(TypeError):
        len(var(1))


def test_b8_repr(engine, var):
    """`variable(None)`, `variable([[1 2 3]`: the next row stands nine spaces further in."""
    v = engine.Variable
    assert repr(v(None)) == "variable(None)"
    assert repr(v(np.array([1, 2, 3]))) == "variable([1 2 3])"
    assert repr(var(3)) == str(var(3)) == "variable(3.0)"
    table = v(np.array([[1, 2, 3], [4, 5, 6]]))
    assert repr(table) == "variable([[1 2 3]\n" + " " * 9 + " [4 5 6]])"


def test_b9_multiply_and_add(var):
    """`a * b + c` at 3, 2, 1: 7.0, grads 2.0, 3.0."""
    a, b, c = var(3), var(2), var(1)
    y = a * b + c
    y.backward()
    assert (y.data, a.grad, b.grad, c.grad) == (7.0, 2.0, 3.0, 1.0)


@pytest.mark.parametrize(
    ("f", "value", "derivative"),
    [
        (lambda x: 3.0 * x + 1.0, 7.0, 3.0),
        (lambda x: 2.0 - x, 0.0, -1.0),
        (lambda x: x - 2.0, 0.0, 1.0),
        (lambda x: x / 2.0, 1.0, 0.5),
        (lambda x: 2.0 / x, 1.0, -0.5),
        (lambda x: x**3, 8.0, 12.0),
        (lambda x: x**-1, 0.5, -0.25),
        (lambda x: x**0, 1.0, 0.0),
        (lambda x: 2.0**x, 4.0, 4 * np.log(2.0)),
        (lambda x: -x, -2.0, -1.0),
        (lambda x: np.array(2.0) + x, 4.0, 1.0),
    ],
    ids=["3x+1", "2-x", "x-2", "x/2", "2/x", "x**3", "x**-1", "x**0", "2**x", "-x", "array+x"],
)
def test_b9_operators(engine, var, f, value, derivative):
    """`3.0 * x + 1.0`, `2.0 - x`, `x / 2.0`, `x ** 3`, `np.array(2.0) + x` …"""
    x = var(2)
    y = f(x)
    y.backward()
    assert type(y) is engine.Variable
    assert y.data == value
    np.testing.assert_allclose(x.grad, derivative, rtol=1e-15)


def test_b9_a_power_of_zero(var):
    """`x**0` is flat everywhere, and what stays finite has no NaN in its derivative."""
    for power, derivative in (0, 0.0), (1, 1.0), (2, 0.0):
        x = var([0, 0])
        y = x**power
        y.backward()
        assert x.grad.tolist() == [derivative, derivative]


OPERATORS = ["add", "sub", "mul", "truediv", "pow"]
OPERANDS = [3, 3.0, True, np.float64(3.0), np.float32(3.0), np.int64(3), np.array(3.0), np.array(3)]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("operand", [*OPERANDS, np.array([3.0, 4.0])], ids=repr)
@pytest.mark.parametrize("data", [np.array(2.0), np.array([1.0, 2.0])], ids=repr)
@pytest.mark.parametrize("turned", [False, True])
def test_b9_operands_of_every_kind(engine, check, name, operand, data, turned):
    """Python numbers, NumPy scalars and ndarrays on either side, as NumPy itself would have it."""
    op = getattr(operator, name)
    turn = (lambda x: op(operand, x)) if turned else (lambda x: op(x, operand))
    x = engine.Variable(data)
    y = turn(x)
    assert type(y) is engine.Variable
    assert y.dtype == turn(data).dtype
    np.testing.assert_allclose(y.data, turn(data), rtol=1e-15)
    check(turn, x)
    y.backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("number", [3, 3.0])
def test_b9_single_precision_stays_single(engine, name, number):
    """A Python number has no precision of its own, in results and in gradients."""
    op = getattr(operator, name)
    for turn in (lambda x: op(number, x), lambda x: op(x, number)):
        x = engine.Variable(np.array([1.0, 2.0], np.float32))
        y = turn(x)
        y.backward()
        assert y.dtype == x.grad.dtype == np.float32


def test_b9_array_priority(engine, var):
    """`__array_priority__ = 200`: an array on the left gives way to the Variable."""
    assert engine.Variable.__array_priority__ == 200
    y = np.array([1.0, 2.0]) * var([3, 4])
    assert type(y) is engine.Variable
    assert y.shape == (2,)


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv"])
@pytest.mark.parametrize("operand", [3.0, np.array([1.0, 2.0]), "variable"], ids=repr)
def test_b9_assignment_operators_rebind(engine, var, name, operand):
    """`+= -= *= /=` rebind, they never write into the array."""
    operand = var([5, 6]) if isinstance(operand, str) else operand
    number = getattr(operand, "data", operand) if isinstance(operand, engine.Variable) else operand
    data = np.array([1.0, 2.0])
    x = y = engine.Variable(data)
    y = getattr(operator, name)(y, operand)
    assert y is not x
    assert x.data is data
    assert data.tolist() == [1.0, 2.0]
    assert (y.data == getattr(operator, name)(data.copy(), number)).all()
    y.backward()
    assert x.grad.shape == (2,)


def test_b9_assignment_operators_differentiate(var):
    x = var(2)
    y = x
    y += 1.0
    y *= x
    y -= 0.5
    y /= 2.0
    y.backward()
    assert (x.data, y.data, x.grad) == (2.0, 2.75, 2.5)


def test_b9_broadcasting_is_undone(engine):
    """A gradient has the shape of its variable, whatever it was broadcast to."""
    shapes = [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (1, 2, 3), (4, 1, 1)]
    for shape in shapes:
        for other in shapes:
            x = engine.Variable(np.full(shape, 2.0))
            y = engine.Variable(np.full(other, 5.0))
            z = x * y
            z.backward()
            np.testing.assert_array_equal(x.grad, np.full(shape, 5.0 * z.size / x.size))
            np.testing.assert_array_equal(y.grad, np.full(other, 2.0 * z.size / y.size))


def test_b9_shapes_that_do_not_go_together(var):
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        var([1, 2, 3]) + var([1, 2])


def test_b9_data_may_be_rebound_after_use(engine, var):
    """What was computed from the old array stays right."""
    x = var(3)
    y = engine.square(x)
    x.data = np.array(100.0)
    y.backward()
    assert x.grad == 6.0


def test_b10_a_package(engine):
    """`from dezero import Variable`; `(x + 3) ** 2` at 1.0: 16.0, 8.0."""
    from dezero import Variable
    from dezero.core_simple import Variable as Simple

    assert engine.Variable in (Variable, Simple)
    x = engine.Variable(np.array(1.0))
    y = (x + 3) ** 2
    y.backward()
    assert (y.data, x.grad) == (16.0, 8.0)


def test_b10_the_simple_engine_is_short_and_self_contained():
    """One short, self-contained, readable file."""
    source = importlib.util.find_spec("dezero.core_simple").loader.get_source("dezero.core_simple")
    lines = source.splitlines()
    assert len(lines) < 250
    assert max(map(len, lines)) <= 100
    imports = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert {name.split(".")[0] for name in imports} <= sys.stdlib_module_names | {"numpy"}


def sphere(x, y):
    return x**2 + y**2


def matyas(x, y):
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def goldstein_price(x, y):
    return (1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)) * (
        30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    )


@pytest.mark.parametrize(
    ("f", "gx", "gy"),
    [
        (sphere, 2.0, 2.0),
        (matyas, 0.040000000000000036, 0.040000000000000036),
        (goldstein_price, -5376.0, 8064.0),
    ],
)
def test_b11_test_functions(var, f, gx, gy):
    """Sphere, Matyas and Goldstein–Price at (1, 1)."""
    x, y = var(1), var(1)
    f(x, y).backward()
    assert (x.grad, y.grad) == (gx, gy)
