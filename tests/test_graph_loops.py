"""Loops in traced programs: one equation, whatever the numbers are, and the same bits."""

import json
import pickle

import numpy as np
import pytest
from test_ir import same

import dezero as dz
from dezero.errors import GraphError
from dezero.ir import Guard, simplified, trace
from dezero.ir.passes import PASSES
from dezero.jit import compiled
from dezero.trees import flatten
from dezero.view.replay import replay

X = np.array([0.3, 0.5])

PROGRAMS = {
    "fori": lambda x: dz.fori_loop(0, 100, lambda i, y: np.sin(y) * x + i, x),
    "fori, carry outside the trace": lambda x: dz.fori_loop(0, 2, lambda i, y: y + x[i], x * 0),
    "fori, number of turns": lambda x: dz.fori_loop(
        0, np.sum(x > 0), lambda _i, y: np.sin(y) + x, x
    ),
    "fori, containers": lambda x: dz.fori_loop(
        1, 4, lambda i, s: {"a": s["a"] * i, "b": (s["a"] - s["b"][0],)}, {"a": x, "b": (x + 1,)}
    ),
    "fori, swap": lambda x: dz.fori_loop(0, 3, lambda _i, s: (s[1], s[0] + s[1]), (x, x * 2)),
    "fori, assignment": lambda x: dz.fori_loop(0, 2, assigned, x * 1),
    "nested": lambda x: dz.fori_loop(
        0, 3, lambda i, y: dz.fori_loop(0, i + 1, lambda j, z: z * 0.5 + j * x, y), x
    ),
    "float32": lambda x: dz.fori_loop(
        0, 3, lambda i, y: y * 0.5 + i, x.astype(np.float32)
    ),
    "while": lambda x: dz.while_loop(
        lambda s: np.sum(s) > 0.1, lambda s: s * 0.5 * x[:1], x
    ),
    "while, two lines": lambda x: dz.while_loop(longer, lambda s: (s[0] + 1, s[1] * x), (0, x)),
    "cond": lambda x: dz.cond(np.sum(x) > 0, lambda: np.log(x), lambda: x**2),
    "cond, arguments": lambda x: dz.cond(
        x[0] > 0, lambda y: {"a": np.log(y)}, lambda y: {"a": y**2}, x
    ),
    "cond, two results": lambda x: dz.cond(
        x[0] > 0, lambda y: (np.log(y), y * 2), lambda y: (y**2, y), x
    ),
    "cond in a loop": lambda x: dz.fori_loop(
        0, 4, lambda i, y: dz.cond(y[0] > 0.4, np.sin, lambda z: z + 0.2 * i, y), x
    ),
    "scan": lambda x: dz.scan(lambda c, a: (c * a + x, {"p": c + a}), x, np.stack([x, x + 1])),
    "scan, two sequences": lambda x: dz.scan(
        lambda c, ab: (c + ab[0] * ab[1], c), x, (np.stack([x, x]), np.ones((2, 2)))
    ),
    "scan, no sequence": lambda x: dz.scan(lambda c, _: (np.sin(c), c), x, length=4),
    "scan, nothing out": lambda x: dz.scan(lambda c, _: (np.sin(c), None), x, length=4),
    "scan, checkpoints": lambda x: dz.scan(
        lambda c, _: (np.sin(c), c), x, length=9, checkpoint="binomial"
    ),
}  # fmt: skip


def assigned(i, y):
    y = y * 1
    y[0] = y[1] + i
    return y


def longer(s):
    size = np.sqrt(np.sum(s[1] ** 2))
    return (size > 0.01) & (size < 1e3) & (s[0] < 40)


@pytest.fixture(autouse=True)
def to_the_bit(monkeypatch):
    """What is compiled calls NumPy where no backend is named."""
    monkeypatch.setattr(compiled, "fastest", lambda: "numpy")


def leaves(y):
    return [np.asarray(each) for each in flatten(y)[0]]


def agree(a, b, exact=True):
    for one, other in zip(leaves(a), leaves(b), strict=True):
        same(one, other, exact)


def total(f):
    return lambda x: sum(np.sum(y) for y in flatten(f(x))[0] if y.dtype.kind == "f")


def loops_in(graph):
    return [step.p.title for step in graph.steps if step.parts]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_loop_is_one_equation(name):
    """Without guards, so right on both sides of every branch; bit for bit, after each pass."""
    f = PROGRAMS[name]
    graph = trace(f)(X)
    assert len(loops_in(graph)) == 1
    assert not any(isinstance(step, Guard) for step in graph.steps)
    replayed = dz.jit(f, backend="numpy")
    for x in (X, -X, X * 3):
        expected = f(x)
        for each in (graph, *(one(graph) for one in PASSES), simplified(graph)):
            agree(each.verify()(x), expected)
        agree(replayed(x), expected)
    assert len(next(iter(replayed.paths.values()))) == 1
    again = pickle.loads(pickle.dumps(graph))
    assert again == graph
    assert hash(again) == hash(graph)
    assert trace(graph)(X) == graph


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_source_has_the_loop(name):
    f = PROGRAMS[name]
    text, space = trace(f)(X).to_source("written"), {}
    exec(text, space)
    assert any(word in text for word in ("for ", "while ", " if ", "    if "))
    for x in (X, -X, X * 3):
        with np.errstate(all="ignore"):
            agree(space["written"](x), f(x))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_loop_in_a_graph_is_differentiated_and_batched(name):
    f = PROGRAMS[name]
    graph = trace(f)(X)
    agree(dz.grad(total(graph))(X), dz.grad(total(f))(X))
    agree(dz.jvp(total(graph), (X,), (X,)), dz.jvp(total(f), (X,), (X,)))
    replayed = dz.jit(dz.grad(total(f)))
    for x in (X, -X):
        np.testing.assert_allclose(replayed(x), dz.grad(total(f))(x), 1e-13, 1e-13)
    if name != "fori, number of turns":
        agree(dz.vmap(graph)(np.stack([X, -X])), dz.vmap(f)(np.stack([X, -X])))


def test_the_tape_shows_what_a_loop_calls():
    f = lambda x, w: dz.fori_loop(0, 3, lambda i, y: np.sin(y) * w + i, x)  # noqa: E731
    graph = trace(f)(X, 2.0)
    assert str(graph).splitlines() == [
        "v1 = fori_loop(0, 3, x, w)",
        "    body(i, y, w):",
        "        v1 = sin(y)",
        "        v2 = v1 * w",
        "        v3 = v2 + i",
        "        return v3",
    ]
    assert graph.text().splitlines()[2].startswith("v1 = fori_loop(0, 3, x, w)")
    assert trace(f)(X, 2.0) == graph
    assert trace(PROGRAMS["fori"])(X) != graph


def test_the_source_of_a_loop_reads_like_the_program():
    def root(a):
        def better(y):
            y = (y + a / y) / 2
            return y  # noqa: RET504  # what users write

        return dz.while_loop(lambda y: np.abs(y * y - a) > 1e-12, better, a)

    assert trace(root)(2.0).to_source().splitlines() == [
        "import numpy as np",
        "",
        "",
        "def root(a):",
        "    y = a",
        "    while np.abs(y * y - a) > 1e-12:",
        "        y = (y + a / y) / 2",
        "    return y",
    ]


@pytest.mark.parametrize(
    "body",
    [
        lambda x, i, y: y - 0.1 * dz.grad(lambda z: np.sum((z - x) ** 2 * i))(y),
        lambda x, i, y: dz.vmap(lambda z: z * z + i)(y) + x,
        lambda x, i, y: dz.jvp(np.sin, (y * x,), (x,))[1] + i,
        lambda x, _i, y: dz.jit(lambda z: np.sin(z) * 2)(y) + x,
    ],
)
def test_transforms_inside_a_step(body):
    f = lambda x: dz.fori_loop(0, 4, lambda i, y: body(x, i, y), x * 0)  # noqa: E731
    graph = trace(f)(X)
    assert loops_in(graph) == ["fori_loop"]
    agree(graph(2 * X), f(2 * X))


def test_what_a_step_reads_is_never_stale():
    rate = 2.0
    replayed = dz.jit(lambda x: dz.fori_loop(0, 3, lambda _i, y: y * rate, x))
    agree(replayed(X), X * 8)
    rate = 3.0
    agree(replayed(X), dz.fori_loop(0, 3, lambda _i, y: y * rate, X))


def test_branches_that_give_python_numbers_keep_their_kind():
    f = lambda x: dz.cond(x[0] > 0, lambda: 1.0, lambda: 2.0) * x  # noqa: E731
    agree(dz.jit(f)(X.astype(np.float32)), f(X.astype(np.float32)))


# ---- what is unrolled ----


@pytest.mark.parametrize(
    "f",
    [
        lambda x: dz.fori_loop(0, 3, lambda _i, y: np.sin(y) if y[0] > 0.1 else y, x),
        lambda x: dz.fori_loop(0, 3, lambda _i, y: y * float(y[0]), x),
        lambda x: dz.fori_loop(0, 2, lambda i, y: y * [1.0, 2.0][i] if i % 2 else y, x),
    ],
)
def test_a_step_that_asks_for_numbers_is_unrolled(f):
    graph = trace(f)(X)
    assert loops_in(graph) == []
    agree(graph(X), f(X))


def test_a_branch_that_fails_where_it_is_not_taken_is_guarded():
    f = lambda x: dz.cond(x[0] > 0, lambda: x, lambda: x[5:6] + np.ones(3))  # noqa: E731
    graph = trace(f)(X)
    agree(graph(X), X)

    def recursive(x, n):
        return dz.cond(n > 0, lambda: recursive(x * 2, n - 1), lambda: x)

    agree(dz.jit(recursive)(X, 3), X * 8)
    agree(dz.jit(recursive)(X, np.array(12)), X * 2**12)


def test_a_step_that_writes_into_what_is_outside_is_unrolled():
    def f(x):
        log = x * 0

        def step(i, y):
            log[i] = y[i]
            return y * 2

        y = dz.fori_loop(0, 2, step, x)
        return y, log

    graph = trace(f)(X)
    agree(graph(2 * X), f(2 * X))


def test_carries_that_change_are_refused_as_ever():
    with pytest.raises(dz.errors.ShapeError, match="carry changed"):
        trace(lambda x: dz.fori_loop(0, 2, lambda _i, y: np.concatenate([y, y]), x))(X)


def test_a_trace_inside_a_trace_does_not_take_its_values_for_constants():
    with pytest.raises(GraphError, match="pass it as an argument"):
        trace(lambda x: trace(lambda y: x * y)(2.0)(3.0))(X)
    for outer in (dz.grad, dz.vmap, lambda f: lambda x: dz.jvp(f, (x,), (x,))):
        with pytest.raises(GraphError, match="pass it as an argument"):
            outer(lambda x: np.sum(trace(lambda y: x * y)(2.0)(3.0)))(X)
    inner = dz.jit(lambda x, y: x * y)
    graph = trace(lambda x: inner(x, 2.0))(X)
    agree(graph(3 * X), 6 * X)


def test_a_long_loop_is_traced_as_fast_as_a_short_one():
    short, long = (
        trace(lambda x, n=n: dz.fori_loop(0, n, lambda _i, y: np.sin(y), x))(X) for n in (2, 2000)
    )
    assert len(short.steps) == len(long.steps) == 1


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_and_the_adjoints_go_through_a_loop(name):
    """Its inside is one step back; what arrives at the inputs is the gradient."""
    f = total(PROGRAMS[name])
    graph = trace(f)(X)
    assert "data" in graph.to_html()
    _, by = graph.adjoints()(X)
    agree(by["x"], dz.grad(f)(X))
    frames = [each for each in replay(graph)["frames"] if each["phase"] == "backward"]
    totals = [full for frame in frames for k, *_, full in frame["grads"] if k == 0]
    assert totals == [] or json.loads(totals[-1]) == by["x"].tolist()


# ---- derivatives and batches of loops ----

THREE = np.stack([X, -X, 2 * X])
MODES = {
    "grad": lambda f: dz.grad(total(f)),
    "jvp": lambda f: lambda x: dz.jvp(total(f), (x,), (2 * x,)),
    "vmap": lambda f: lambda x: dz.vmap(f)(THREE * x),
    "jacobian": lambda f: dz.jacobian(lambda x: flatten(f(x))[0][0]),
    "hessian": lambda f: dz.hessian(total(f)),
    "grad of grad": lambda f: dz.grad(lambda x: np.sum(dz.grad(total(f))(x) ** 2)),
    "vmap of grad": lambda f: lambda x: dz.vmap(dz.grad(total(f)))(THREE * x),
    "grad of vmap": lambda f: dz.grad(lambda x: np.sum(dz.vmap(total(f))(THREE * x))),
}
LOOPS = [
    "fori", "nested", "while", "cond in a loop", "scan, two sequences", "cond, arguments"
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LOOPS)
def test_derivatives_and_batches_of_a_loop_are_loops(name, mode):
    f, x = MODES[mode](PROGRAMS[name]), 1.01 * X
    graph, expected = trace(f)(X), f(x)
    assert loops_in(graph) or (name == "cond, arguments" and "vmap" in mode)  # there: `where`
    for each in (graph, simplified(graph)):
        # Backward, the eager sweep adds the cotangents of all turns one by one.
        agree(each(x), expected, exact=mode in ("jvp", "vmap"))


def test_traced_bounds_are_asked_for_once_in_reverse_mode():
    f = dz.grad(total(PROGRAMS["fori, number of turns"]))
    graph = trace(f)(X)
    assert loops_in(graph) == ["scan", "scan"]
    assert sum(isinstance(step, Guard) for step in graph.steps) == 1
    agree(graph(2 * X), f(2 * X), exact=False)


LENGTHS = {
    "fori": lambda x, n: dz.fori_loop(0, n, lambda i, y: np.sin(y) * x + i, x),
    "scan": lambda x, n: dz.scan(lambda c, i: (np.sin(c) * x[0] + i, c), x, np.arange(n) * 1.0),
    "while": lambda x, n: dz.while_loop(
        lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * x), (0, x)
    )[1],
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LENGTHS)
def test_the_size_of_a_derivative_does_not_depend_on_the_number_of_turns(name, mode):
    def size(n):
        return sizes(trace(MODES[mode](lambda x: LENGTHS[name](x, n)))(X))

    assert size(2) == size(9) < 250


def sizes(graph):
    inner = (sizes(part) for step in graph.steps for part in step.parts.values())
    return len(graph.steps) + sum(inner)


def recurrent(w, u, xs, h, **kept):
    def step(h, x):
        h = np.tanh(h @ w + x @ u)
        return h, h

    h, hs = dz.scan(step, h, xs, **kept)
    return np.sum(h) + np.mean(hs**2)


RNG = np.random.default_rng(3)
NETWORK = [RNG.normal(size=shape) * 0.5 for shape in [(4, 4), (3, 4), (6, 2, 3), (2, 4)]]


@pytest.mark.parametrize("checkpoint", [None, True])
def test_a_network_over_time(checkpoint):
    """The gradient of weights is a carry of the loop back, that of a sequence is collected."""
    f = dz.grad(lambda *args: recurrent(*args, checkpoint=checkpoint), (0, 1, 2, 3))
    graph = simplified(trace(f)(*NETWORK))
    agree(graph(*NETWORK), f(*NETWORK), exact=not checkpoint)  # eager ones add up by the step
    there, back = (step for step in graph.steps if step.parts)
    state = (6, 2, 4)
    kept = [y.shape for y in there.results[1:]]
    assert kept == [state, state]  # what was put out, and where each step started
    assert back.params["carries"] == 3  # of the state and of both weights
    assert [y.shape for y in back.results[:3]] == [(2, 4), (4, 4), (3, 4)]
    again = "tanh" in str(back.params["body"])
    assert again == bool(checkpoint)
    agree(dz.jit(f)(*NETWORK), graph(*NETWORK))


def test_the_source_of_a_derivative_has_loops():
    text = dz.source(dz.grad(recurrent, (0, 1)), *NETWORK)
    assert text.count("for ") == 2
    space = {}
    exec(text, space)
    agree(space["recurrent"](*NETWORK), dz.grad(recurrent, (0, 1))(*NETWORK))


def test_compiled_derivatives_of_loops_of_several_lengths():
    def root(a):
        return dz.while_loop(
            lambda y: np.max(np.abs(y * y - a)) > 1e-12, lambda y: (y + a / y) / 2, a
        )

    slope = dz.jit(dz.grad(lambda a: np.sum(root(a))))
    for a in (2.0, 2.1, 90.0, 2.0):
        np.testing.assert_allclose(slope(a), 0.5 / np.sqrt(a), 1e-12)
    many = np.array([1.0, 2.0, 90.0])
    graph = trace(dz.vmap(dz.grad(root)))(many)
    assert loops_in(graph) == ["while_loop", "scan", "scan"]
    agree(graph(many), dz.vmap(dz.grad(root))(many))


def without_a_trail(x):
    def step(_i, y):
        with dz.no_grad():
            size = np.sum(x * y)
        return y * size + x

    return dz.fori_loop(0, 3, step, x)


def infinite_slope(x):
    y = dz.fori_loop(0, 2, lambda _i, y: np.sqrt(y) * x, x)
    return np.where(x > 0, y, 0)


def infinite_slope_inside(x):
    return dz.fori_loop(0, 2, lambda _i, y: np.where(y > 0, np.sqrt(y), 0) * x, x)


def own_array(x):
    def step(_i, y):
        z = dz.numpy.zeros(2)
        z[0], z[1] = y[1], x[0]
        return z * y

    return dz.fori_loop(0, 3, step, x)


def pulled_back(x):
    _, pullback = dz.vjp(lambda z: np.sin(z) * z, x)
    return dz.scan(lambda c, g: (c * pullback(g)[0], c), x, np.ones((3, 2)))[0]


class Cube(dz.Function):
    def forward(self, x):
        return x**3

    def backward(self, gy):
        (x,) = self.inputs
        return 3 * x**2 * gy


ODD = {
    "no_grad": without_a_trail,
    "behind a mask": infinite_slope,
    "a mask inside": infinite_slope_inside,
    "an array of its own": own_array,
    "a pullback from outside": pulled_back,
    "a Function": lambda x: dz.fori_loop(0, 3, lambda _i, y: Cube()(y) + x, x),
    "a checkpoint": lambda x: dz.fori_loop(0, 3, dz.checkpoint(lambda _i, y: np.sin(y * x)), x),
    "whole numbers": lambda x: dz.fori_loop(
        0, 3, lambda _i, s: (s[0] + 1, s[1] * x * s[0]), (0, x)
    )[1],
    "a branch of constants": lambda x: dz.cond(x[1] > 0.4, lambda: x * 2, lambda: np.ones(2)),
    "complex": lambda x: abs(dz.fori_loop(0, 3, lambda i, y: y * x * (1 + 0.5j) + i, x * 1j)),
    "one of several": lambda x: dz.scan(lambda c, _: ((c[1], c[0] * x), c[0]), (x, x), length=3)[1],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_else_may_stand_in_a_step(name):
    f, x = ODD[name], np.array([0.0, 0.5])
    for mode in ("grad", "jvp"):
        g = MODES[mode](f)
        graph = trace(g)(x)
        expected = g(x)
        assert all(np.all(np.isfinite(y)) for y in leaves(expected))
        agree(graph(x), expected, exact=mode == "jvp")
        agree(dz.jit(g)(x), expected, exact=mode == "jvp")
        assert loops_in(graph) or name in ("an array of its own", "a branch of constants")


def test_an_array_outside_that_a_step_writes_into():
    def f(x):
        log = dz.numpy.zeros(2)

        def step(i, y):
            log[i] = y[i]
            return y * 2

        y = dz.fori_loop(0, 2, step, x)
        return np.sum(y * log)

    for g in (dz.grad(f), dz.hessian(f)):
        agree(trace(g)(X)(2 * X), g(2 * X))


def test_a_loop_whose_turns_ask_is_still_differentiated():
    f = total(lambda x: dz.fori_loop(0, 3, lambda _i, y: y * x if y[0] > 0.01 else y, x))
    graph = trace(dz.grad(f))(X)
    assert loops_in(graph) == []
    agree(graph(X), dz.grad(f)(X))
