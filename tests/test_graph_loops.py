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


def leaves(y):
    return [np.asarray(each) for each in flatten(y)[0]]


def agree(a, b):
    for one, other in zip(leaves(a), leaves(b), strict=True):
        same(one, other)


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
    replayed = dz.jit(f)
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
