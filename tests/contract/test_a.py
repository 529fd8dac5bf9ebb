"""Part A of the contract: the define-by-run engine, one variable at a time."""

import re
import sys
import threading
import weakref

import numpy as np
import pytest

CLASSES = ["Square", "Exp", "Add", "Mul", "Neg", "Sub", "Div", "Pow"]

# function: its value at x = 2, y = 3, and its derivatives
VALUES = {
    "square": (4.0, 4.0),
    "exp": (np.exp(2.0), np.exp(2.0)),
    "neg": (-2.0, -1.0),
    "add": (5.0, 1.0, 1.0),
    "sub": (-1.0, 1.0, -1.0),
    "rsub": (1.0, -1.0, 1.0),
    "mul": (6.0, 3.0, 2.0),
    "div": (2 / 3, 1 / 3, -2 / 9),
    "rdiv": (1.5, -0.75, 0.5),
    "pow": (8.0, 12.0, 8 * np.log(2.0)),
}


def composition(engine):
    return lambda x: engine.square(engine.exp(engine.square(x)))


def test_a1_a_box_that_holds_an_array(engine):
    """`.data` reads and rebinds the array; `Variable(None)` is allowed."""
    data = np.array([1.0, 2.0])
    x = engine.Variable(data, "x")
    assert x.data is data
    assert x.name == "x"
    assert engine.Variable(data).name is None
    assert engine.Variable(None).data is None
    x.data = other = np.array([3.0])
    assert x.data is other
    assert data.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("data", [1.0, 1, [1.0], (1.0,), "1", 1j, np.float64(1.0), {}])
def test_a1_what_is_no_array_is_refused(engine, data):
    """Data that is no array raises `TypeError`: `<class 'float'> is not supported`."""
    with pytest.raises(TypeError, match=re.escape(f"{type(data)} is not supported")):
        engine.Variable(data)


def test_a2_function(engine):
    """`Square()(Variable(np.array(10))).data` is 100."""
    y = engine.Square()(engine.Variable(np.array(10)))
    assert isinstance(y, engine.Variable)
    assert y.data == 100
    assert y.dtype == np.array(10).dtype


def test_a2_integers_can_be_held_but_have_no_derivative(engine):
    x = engine.Variable(np.array(3))
    with pytest.raises(TypeError):
        engine.square(x).backward()
    with pytest.raises(TypeError):
        (x * 0.5).backward()


def test_a2_the_base_class_computes_nothing(engine, var):
    """The base raises `NotImplementedError` from both `forward` and `backward`."""
    f = engine.Function()
    for call in (f.forward, f.backward):
        with pytest.raises(NotImplementedError):
            call(np.array(1.0))
    with pytest.raises(NotImplementedError):
        f(var(1))


def test_a2_forward_and_backward_see_arrays(engine, var):
    """Subclasses write `forward` on arrays."""
    seen = []

    class Cube(engine.Function):
        def forward(self, x):
            seen.append(x)
            return x**3

        def backward(self, gy):
            seen.append(gy)
            return 3 * self.input.data**2 * gy

    x = var(2)
    y = Cube()(x)
    y.backward()
    assert y.data == 8.0
    assert x.grad == 12.0
    assert [type(array) for array in seen] == [np.ndarray, np.ndarray]


def test_a2_forward_alone_is_enough_to_compute(engine, var):
    class Cube(engine.Function):
        def forward(self, x):
            return x**3

    y = Cube()(var(2))
    assert y.data == 8.0
    with pytest.raises((NotImplementedError, RuntimeError)):
        y.backward()


def test_a2_a_function_may_have_its_own_constructor(engine, var):
    class Scale(engine.Function):
        def __init__(self, by):
            self.by = by

        def forward(self, x):
            return self.by * x

        def backward(self, gy):
            return self.by * gy

    x = var([1, 2])
    y = Scale(5.0)(x)
    y.backward()
    assert y.data.tolist() == [5.0, 10.0]
    assert x.grad.tolist() == [5.0, 5.0]


@pytest.mark.parametrize("keep", ["input", "attribute", "built in"])
def test_a2_one_instance_called_twice(engine, var, keep):
    """Each call is its own operation: `f(f(x))` cannot confuse the two, nor can a third."""

    class Twice(engine.Function):
        def forward(self, x):
            self.x = x
            return x**2

        def backward(self, gy):
            return gy * 2 * (self.x if keep == "attribute" else self.input.data)

    x, f = var(3), engine.Square() if keep == "built in" else Twice()
    y = f(f(x))
    with engine.no_grad():
        f(var(1000))
    y.backward()
    assert y.data == 81.0
    assert x.grad == 108.0


def test_a3_composition(engine, var):
    """`square(exp(square(x)))` at 0.5 gives 1.648721270700128."""
    assert composition(engine)(var(0.5)).data == 1.648721270700128


def test_a4_numerical_diff(engine, var):
    """Square at 2.0: 4.000000000004; the composition at 0.5: 3.2974426293330694."""
    diff = engine.numerical_diff
    assert diff(engine.Square(), var(2)) == 4.000000000004
    assert diff(composition(engine), var(0.5)) == 3.2974426293330694
    assert diff(engine.square, var(2), eps=1.0) == 4.0
    assert np.shape(diff(engine.Square(), var(2))) == ()


def test_a4_numerical_diff_by_every_entry(engine, var):
    """Of the sum of f, so that it is what `backward` gives, for any shapes."""
    x = var([[1, 2], [3, 4]])
    np.testing.assert_allclose(engine.numerical_diff(engine.square, x), 2 * x.data, rtol=1e-8)
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_allclose(
        engine.numerical_diff(lambda v: v * rows, var([1, 1])), [9.0, 12.0], rtol=1e-8
    )
    assert engine.numerical_diff(engine.square, var([])).shape == (0,)


def test_a4_numerical_diff_leaves_everything_as_it_was(engine, var):
    x, f = var(2), engine.Square()
    y = f(x)
    engine.numerical_diff(f, x)
    assert x.data == 2.0
    assert x.grad is None
    assert engine.Config.enable_backprop
    y.backward()
    assert x.grad == 4.0


def test_a5_an_instance_keeps_what_it_saw(engine, var):
    """`f.input`, `f.output` (one in, one out), `f.inputs`, `f.outputs`."""
    x, f = var(2), engine.Square()
    y = f(x)
    assert f.input is x
    assert f.output is y
    assert len(f.inputs) == len(f.outputs) == 1
    assert f.inputs[0] is x
    assert f.outputs[0]() is y


def test_a5_backward_by_hand(engine, var):
    """Chain by hand at 0.5: 2.568050833375483 at the middle, 3.297442541400256 at the input."""
    first, second, third = engine.Square(), engine.Exp(), engine.Square()
    x = var(0.5)
    a = first(x)
    b = second(a)
    y = third(b)
    y.grad = np.array(1.0)
    b.grad = third.backward(y.grad)
    a.grad = second.backward(b.grad)
    x.grad = first.backward(a.grad)
    assert b.grad == 2.568050833375483
    assert x.grad == 3.297442541400256
    assert {type(v.grad) for v in (x, a, b)} == {np.ndarray}


def test_a6_links(engine, var):
    """`y.creator` is that very instance; `y.creator.input` that very Variable; None for a leaf."""
    first, second, third = engine.Square(), engine.Exp(), engine.Square()
    x = var(0.5)
    a = first(x)
    b = second(a)
    y = third(b)
    assert y.creator is third
    assert y.creator.input is b
    assert y.creator.input.creator is second
    assert y.creator.input.creator.input is a
    assert y.creator.input.creator.input.creator is first
    assert y.creator.input.creator.input.creator.input is x
    assert x.creator is None


def test_a6_links_of_operators(engine, var):
    """What operators and functions make is linked in the same way."""
    x, y = var(2), var(3)
    z = engine.square(x) * y
    assert isinstance(z.creator, engine.Mul)
    assert isinstance(z.creator, engine.Function)
    assert z.creator is z.creator
    assert z.creator.inputs[1] is y
    assert z.creator.inputs[0].creator.input is x
    assert isinstance(z.creator.inputs[0].creator, engine.Square)


def test_a6_set_creator(engine, var):
    """`set_creator(f)` sets it."""
    f = engine.Square()
    y = f(var(2))
    z = var(4)
    z.set_creator(f)
    assert z.creator is f
    assert z.generation == y.generation == 1


def test_a7_backward(engine, var):
    """`x.grad` 3.297442541400256."""
    x = var(0.5)
    composition(engine)(x).backward()
    assert x.grad == 3.297442541400256


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 1, 3), (0,), (2, 0)])
def test_a7_the_seed_is_ones(engine, shape, dtype):
    """Seeds its own gradient with ones of its shape and dtype."""
    x = engine.Variable(np.full(shape, 3, dtype))
    y = engine.square(x)
    y.backward(retain_grad=True)
    for v, value in (y, 1), (x, 6):
        assert isinstance(v.grad, np.ndarray)
        assert v.grad.shape == shape
        assert v.grad.dtype == dtype
        assert (v.grad == value).all()


def test_a7_a_seed_that_was_set(engine, var):
    """… unless `y.grad` was set."""
    x = var([1, 2])
    y = engine.square(x)
    y.grad = np.array([10.0, 100.0])
    y.backward()
    assert x.grad.tolist() == [20.0, 400.0]


def test_a7_the_seed_is_not_written_into(var):
    x, seed = var([1, 2]), np.array([1.0, 10.0])
    y = x + 0.0
    y.grad = seed
    y.backward()
    x.grad += 1
    assert seed.tolist() == [1.0, 10.0]


def test_a7_a_seed_of_another_shape_is_refused(engine, var):
    y = engine.square(var([1, 2]))
    y.grad = np.array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="shape"):
        y.backward()


def test_a7_a_leaf_is_its_own_derivative(var):
    x = var([1, 2])
    x.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_a7_a_chain_of_100_000_operations(var):
    """Runs as a loop, never recursion, and is freed without overflowing the stack."""
    seen = []

    def chain():
        x = y = var(1)
        for _ in range(50_000):
            y = -y * 1.0
        middle = weakref.ref(y)
        y = y + 1.0
        seen.append((y.data, y.generation))
        y.backward()
        seen.append(x.grad)
        del y
        seen.append(middle())

    # CPython 3.11 nests 50 deallocations before it defers them; from 3.12 on it is up to 10,000,
    # which take megabytes of any program's stack: there the usual 8 MB, before that a sixteenth.
    size = threading.stack_size(2**23 if sys.version_info >= (3, 12) else 2**19)
    try:
        thread = threading.Thread(target=chain)
        thread.start()
    finally:
        threading.stack_size(size)
    thread.join()
    assert seen == [(2.0, 100_001), 1.0, None]


def test_a8_gradients_are_ndarrays(engine, var):
    """`x.grad` after a plain `backward()` is an ndarray (prints as `3.29…`), `None` before."""
    x = var(0.5)
    y = composition(engine)(x)
    assert x.grad is None
    assert y.grad is None
    y.backward()
    assert type(x.grad) is np.ndarray
    assert str(x.grad).startswith("3.29")


@pytest.mark.parametrize("function", VALUES)
def test_a9_zero_dimensions_stay_arrays(engine, var, function):
    """`Variable(np.array(1.0))` squared holds an ndarray, never a NumPy scalar."""
    xs = [var(2), var(3)][: len(VALUES[function]) - 1]
    y = getattr(engine, function)(*xs)
    y.backward(retain_grad=True)
    (y * y).backward()  # gradients that were added up
    for v in (y, *xs):
        assert type(v.data) is np.ndarray
        assert type(v.grad) is np.ndarray or v is y
        assert v.shape == ()


def test_a9_as_array(engine):
    """`as_array` turns scalars into arrays."""
    for scalar in (1.0, 2, np.float64(3.0), np.float32(4.0), True):
        array = engine.as_array(scalar)
        assert type(array) is np.ndarray
        assert array.shape == ()
        assert array == scalar
    array = np.array([1.0])
    assert engine.as_array(array) is array
    assert engine.as_array(np.float32(4.0)).dtype == np.float32


def test_a9_as_variable(engine, var):
    x = var(1)
    assert engine.as_variable(x) is x
    for value in (2.0, np.float64(2.0), np.array(2.0)):
        assert isinstance(engine.as_variable(value), engine.Variable)
        assert type(engine.as_variable(value).data) is np.ndarray


@pytest.mark.parametrize("function", VALUES)
def test_a10_functions(engine, var, function):
    """Functions over the classes: `square exp add mul neg sub rsub div rdiv pow`."""
    value, *derivatives = VALUES[function]
    xs = [var(2), var(3)][: len(derivatives)]
    y = getattr(engine, function)(*xs)
    y.backward()
    np.testing.assert_allclose(y.data, value, rtol=1e-15)
    np.testing.assert_allclose([x.grad for x in xs], derivatives, rtol=1e-15)


@pytest.mark.parametrize("name", CLASSES)
def test_a10_classes(engine, var, name):
    """Classes `Square`, `Exp`, `Add`, `Mul`, `Neg`, `Sub`, `Div`, `Pow`."""
    cls = getattr(engine, name)
    value, *derivatives = VALUES[name.lower()]
    f, xs = cls(), [var(2), var(3)][: len(derivatives)]
    y = f(*xs)
    gxs = f.backward(np.array(1.0))
    gxs = gxs if isinstance(gxs, tuple) else (gxs,)
    assert issubclass(cls, engine.Function)
    assert cls.__name__ == name
    assert y.creator is f
    assert all(a is b for a, b in zip(f.inputs, xs, strict=True))
    np.testing.assert_allclose(y.data, value, rtol=1e-15)
    np.testing.assert_allclose(gxs, derivatives, rtol=1e-15)


@pytest.mark.parametrize("function", VALUES)
@pytest.mark.parametrize("shapes", [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3))])
def test_a11_gradient_check(engine, check, function, shapes):
    """Backprop against numerical differentiation."""
    rng = np.random.default_rng(3)
    count = len(VALUES[function]) - 1
    xs = [engine.Variable(rng.uniform(0.5, 2.0, shape)) for shape in shapes[:count]]
    check(getattr(engine, function), *xs)
    check(composition(engine), xs[0])


@pytest.mark.parametrize("error", [0.0, 0.0005, -0.0005, 1.0])
def test_a11_the_check_finds_what_is_wrong(engine, check, error):
    """A rule that is wrong by 0.05 % does not pass."""

    class Cube(engine.Function):
        def forward(self, x):
            return x**3

        def backward(self, gy):
            return 3 * self.input.data**2 * gy * (1 + error)

    x = engine.Variable(np.array([0.7, 1.3]))
    if error:
        with pytest.raises(AssertionError):
            check(Cube(), x)
    else:
        check(Cube(), x)
