"""Traced programs: every row through the graph, each pass, and the source, bit for bit."""

import pickle

import numpy as np
import pytest
from cases import CASES, SPELLINGS, some
from counting import arithmetic

import dezero as dz
from dezero.errors import DataError, GraphError, GuardError, ShapeError
from dezero.ir import Equation, Graph, Guard, simplified, trace
from dezero.ir.passes import PASSES
from dezero.ir.source import to_source
from dezero.ir.steps import Value

ALL = some(CASES, 6) | some(SPELLINGS, 3)


def over(table):
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=f"{title}-{k}")
            for title, cases in table.items()
            for k, case in enumerate(cases)
        ],
    )


def same(a, b, exact=True):
    """One dtype, one shape, and the same bits."""
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    if exact:
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, 1e-13, 1e-13)


def directions(ys, seed=5):
    rng = np.random.default_rng(seed)
    return [
        np.asarray(rng.normal(size=np.shape(y)) * (1 + 0j), y.dtype)
        if np.iscomplexobj(y)
        else rng.normal(size=np.shape(y))
        for y in map(np.asarray, ys)
    ]


def derived(case):
    """The program itself, its gradients and its tangent."""
    xs = case.args
    (gy,) = directions([case.call(*xs)])
    yield case.call
    yield lambda *a: list(dz.vjp(case.call, *a)[1](gy))
    if "forward" in case.modes:
        ts = tuple(directions(xs, 6))
        yield lambda *a: dz.jvp(case.call, a, ts)[1]


def flat(y):
    return list(y) if isinstance(y, (list, tuple)) else [y]


LAPACK = {"lstsq", "solve", "inv", "det", "svd", "eigh", "eig", "qr", "cholesky", "lu"}
"""Rows whose last bits depend on where in memory their operands lie."""


def is_exact(case, graph):
    """NumPy's scalars have an arithmetic of their own, with other last bits than that of arrays.

    A rule may meet them where the graph has arrays: in numbers, and in parts of complex arrays.
    """
    if any(isinstance(step, Equation) and step.p.title in LAPACK for step in graph.steps):
        return False
    arrays = all(np.ndim(x) for x in case.args) and np.ndim(case.call(*case.args))
    return case.exact and arrays and not any(map(np.iscomplexobj, case.args))


def source_of(graph):
    """The source, or nothing if it needs helpers of ours that NumPy does not have."""
    try:
        return to_source(graph, "written")
    except GraphError as error:
        if "is no function of NumPy" in str(error):
            return ""
        raise


@over(ALL)
def test_the_graph_of_a_row_is_the_program(case):
    """Bit for bit, after each pass, after all of them, and as source."""
    if case.fills:
        return  # a Tracer cannot be written into a plain array
    for f in derived(case):
        graph, expected = trace(f)(*case.args), flat(f(*case.args))
        exact = is_exact(case, graph)
        small = simplified(graph)
        assert arithmetic(small) <= arithmetic(graph)
        for each in (graph, *(one(graph) for one in PASSES), small):
            for a, b in zip(flat(each.verify()(*case.args)), expected, strict=True):
                same(a, b, exact)
        text, space = source_of(small), {}
        if not text:
            continue
        exec(text, space)
        with np.errstate(all="ignore"):
            found = flat(space["written"](*case.args))
        for a, b in zip(found, expected, strict=True):
            same(a, b, exact)


# ---- what is written down ----

A, B = 2.0, 5.0


def taped(x, y):
    return np.log(x) + x * y - np.sin(y)


def test_the_tape_as_a_person_writes_it():
    """Contract D3: named lines, and the derivative of the result by each name."""
    graph = trace(taped)(A, B)
    assert str(graph).splitlines() == [
        "v1 = log(x)",
        "v2 = x * y",
        "v3 = v1 + v2",
        "v4 = sin(y)",
        "v5 = v3 - v4",
    ]
    assert graph(A, B) == 11.652071455223084
    value, by = graph.adjoints()(A, B)
    assert value == 11.652071455223084
    assert by == {"x": 5.5, "y": 1.7163378145367738, "v1": 1, "v2": 1, "v3": 1, "v4": -1, "v5": 1}
    assert "v5 = v3 - v4  # 11.652071455223084" in graph.text()
    assert "v2 = x * y    # 6.0" in graph.text(3.0, 2.0)


def test_the_backward_pass_is_at_the_lines_of_the_forward_pass():
    def f(x, w):
        h = np.tanh(x @ w)
        return np.sum(h * x)

    x, first = np.ones((2, 2)), f.__code__.co_firstlineno
    graph = trace(f)(x, x)
    for each in (graph.adjoints(), trace(dz.grad(f))(x, x), trace(dz.grad(graph))(x, x)):
        lines = {}
        for step in each.steps:
            line = int(step.line.rpartition(":")[2]) - first
            lines.setdefault(line, []).append((step.p.title, step.results[0].derived))
        assert set(lines) == {1, 2}  # of the function, and of nothing around it
        assert lines[1][:2] == [("matmul", False), ("tanh", False)]
        assert all(derived for _, derived in lines[1][2:])
        assert ("multiply", True) in lines[1]
        assert lines[2][:2] == [("multiply", False), ("sum", False)]


def test_a_graph_is_a_function_of_any_box():
    f = lambda x: np.sum(np.tanh(x) * x[::-1])  # noqa: E731
    x = np.array([0.3, -1.2, 2.0])
    graph = trace(f)(x)
    np.testing.assert_array_equal(dz.grad(graph)(x), dz.grad(f)(x))
    np.testing.assert_array_equal(dz.hessian(graph)(x), dz.hessian(f)(x))
    np.testing.assert_array_equal(dz.vmap(graph)(np.stack([x, 2 * x])), [f(x), f(2 * x)])
    assert trace(graph)(x) == graph
    assert trace(dz.grad(graph))(x) == trace(dz.grad(f))(x)
    assert dz.jvp(graph, (x,), (x,)) == dz.jvp(f, (x,), (x,))


def test_containers_go_in_and_out():
    def f(model, *, scale):
        return {"y": model["w"] @ model["b"] * scale, "w": (model["w"],)}

    model = {"w": np.eye(2), "b": np.array([1.0, 2.0])}
    graph = trace(f)(model, scale=3.0)
    assert str(graph) == "v1 = model_w @ model_b\nv2 = v1 * scale"
    other = graph({"w": 2 * np.eye(2), "b": np.ones(2)}, scale=0.5)
    np.testing.assert_array_equal(other["y"], [1, 1])
    np.testing.assert_array_equal(other["w"][0], 2 * np.eye(2))


def test_graphs_compare_hash_and_pickle():
    x = np.array([1.0, 2.0])
    one, other = trace(lambda x: np.sin(x) * 2)(x), trace(lambda y: np.sin(y) * 2)(x)
    assert one == other
    assert hash(one) == hash(other)
    assert one != trace(lambda x: np.sin(x) * 3)(x)
    assert one != trace(lambda x: np.sin(x) * 2)(np.ones(3))
    again = pickle.loads(pickle.dumps(trace(dz.grad(lambda x: np.sum(x[1:] ** 2)))(x)))
    np.testing.assert_array_equal(again(np.array([3.0, 4.0])), [0, 8])
    assert again == trace(dz.grad(lambda x: np.sum(x[1:] ** 2)))(x)


def test_constants_are_as_they_were():
    w = np.array([1.0, 2.0])
    graph = trace(lambda x: x * w)(np.ones(2))
    w[0] = 100.0
    np.testing.assert_array_equal(graph(np.ones(2)), [1, 2])


# ---- guards ----


def asked_if(x):
    return np.sin(x) if np.sum(x) > 0 else np.cos(x)


def asked_range(x, n):
    for _ in range(int(n)):
        x = x * 2
    return x


def asked_mask(x, _n=None):
    return np.sum(x[x > 0] ** 2)


def asked_while(x):
    while np.max(np.abs(x)) > 0.1:
        x = x / 2
    return x


@pytest.mark.parametrize(
    ("f", "args", "others"),
    [
        (asked_if, (np.array([1.0, 2.0]),), (np.array([-1.0, -2.0]),)),
        (asked_range, (np.array(1.5), np.array(3)), (np.array(1.5), np.array(4))),
        (asked_mask, (np.array([1.0, -1.0]),), (np.array([-1.0, 1.0]),)),
        (asked_while, (np.array([1.0]),), (np.array([8.0]),)),
        (lambda x: x * float(x[0]), (np.array([2.0, 1.0]),), (np.array([3.0, 1.0]),)),
        (lambda x: x * x[0].item(), (np.array([2.0, 1.0]),), (np.array([3.0, 1.0]),)),
        (lambda x: [1.0, 2.0][np.argmax(x)] * x, (np.array([2.0, 1.0]),), (np.array([1.0, 2.0]),)),
        (lambda x: np.nonzero(x)[0] * x[x != 0], (np.array([2.0, 0.0]),), (np.array([0.0, 2.0]),)),
    ],
)
def test_answers_become_guards(f, args, others):
    """The same path gives the same; another one is refused, and names the question's line."""
    graph = simplified(trace(f)(*args))
    np.testing.assert_array_equal(graph(*args), f(*args))
    with pytest.raises(GuardError, match=r"test_ir\.py:\d+"):
        graph(*others)
    np.testing.assert_array_equal(trace(f)(*others)(*others), f(*others))
    space = {}
    exec(graph.to_source("written"), space)
    np.testing.assert_array_equal(space["written"](*args), f(*args))
    with pytest.raises(AssertionError):
        space["written"](*others)


def test_what_only_looks_like_a_question():
    """A place found in the data is an operand, not an answer."""
    graph = trace(lambda x: x[np.argmax(x)] * 2 + x[np.argsort(x)][0])(np.array([1.0, 3.0, 2.0]))
    assert graph(np.array([5.0, -1.0, 2.0])) == 9.0


def test_dead_branches_of_a_derivative_are_guarded():
    """Whether ``0 * inf`` came up was asked of the numbers, by the sweep itself."""

    def f(x):
        return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0.0) * np.sqrt(x))

    x = np.array([4.0, 1.0])
    graph = trace(dz.grad(f))(x)
    np.testing.assert_array_equal(graph(x), dz.grad(f)(x))
    zero = np.array([0.0, 1.0])
    with np.errstate(all="ignore"):
        try:
            np.testing.assert_array_equal(graph(zero), dz.grad(f)(zero))
        except GuardError:
            np.testing.assert_array_equal(trace(dz.grad(f))(zero)(zero), dz.grad(f)(zero))


# ---- errors ----


def test_wrong_arguments_are_named():
    graph = trace(taped)(np.ones(2), np.ones(2))
    with pytest.raises(
        ShapeError, match=r"traced with y of float64\[2\], called with float64\[3\]"
    ):
        graph(np.ones(2), np.ones(3))
    with pytest.raises(ShapeError, match=r"called with \(\(\*,\), \{\}\)"):
        graph(np.ones(2))
    with pytest.raises(ShapeError, match="float32"):
        graph(np.ones(2, np.float32), np.ones(2))


def test_a_graph_that_is_none_is_refused():
    """Steps in the wrong order, too few, too many, of wrong types, and outputs of none."""
    graph = trace(taped)(2.0, 5.0)
    first, *rest = graph.steps
    wide = Value((7,), np.dtype(float))
    typed = [Equation(first.p, first.operands, {}, (wide,))]
    shapeless = [Equation(rest[0].p, first.operands, {}, first.results), *rest]
    for steps, outputs, word in [
        (graph.steps[::-1], graph.outputs, r"read before it is computed in \w+ \(.*test_ir.py:\d+"),
        (rest, graph.outputs, "read before"),
        ([first, first, *rest], graph.outputs, "twice"),
        (graph.steps, (wide,), "not computed"),
        (typed, (wide,), r"float64\[7\]> is found to be float64\[\]"),
        (shapeless, graph.outputs, "does not run"),
    ]:
        wrong = Graph(graph.name, graph.inputs, steps, outputs, graph.specs, graph.example)
        with pytest.raises(GraphError, match=word):
            wrong.verify()
    with pytest.raises(DataError, match="x"):
        graph("a", 5.0)


def test_only_numbers_come_out_of_a_program():
    for f in (lambda x: {x.size, x}, lambda x: (y for y in [x]), lambda x: lambda: x):
        with pytest.raises(GraphError, match="returns arrays, numbers and containers"):
            trace(f)(np.ones(2))
    assert trace(lambda x: (x, "name", None))(1.0)(2.0) == (2.0, "name", None)


def test_an_escaped_tracer_says_so():
    kept = []
    trace(lambda x: kept.append(x) or x)(np.ones(2))
    with pytest.raises(GraphError, match=r"came out of its trace.*test_ir.py:\d+"):
        kept[0] + 1
    assert str(kept[0]) == repr(kept[0]) == f"{kept[0]}" == "traced([1. 1.])"
    with pytest.raises(GraphError, match="came out"):
        bool(kept[0][0] > 0)
    with pytest.raises(GraphError, match="pickled"):
        pickle.dumps(kept[0])


def test_a_plain_array_takes_the_number_and_guards_it():
    def f(x):
        out = np.zeros(2)
        out[0] = x
        return out

    graph = trace(f)(1.0)
    np.testing.assert_array_equal(graph(1.0), [1, 0])
    with pytest.raises(GuardError, match="float"):
        graph(2.0)


# ---- no more arithmetic than a careful person ----


def counted(graph):
    titles = [step.p.title for step in simplified(graph).steps if not isinstance(step, Guard)]
    return {title: titles.count(title) for title in set(titles)}


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_the_gradient_of_rosenbrock_has_no_more_arithmetic_than_by_hand():
    """By hand: s = x[1:] - x[:-1]², g[1:] = 200 s, g[:-1] += -400 x[:-1] s - 2 (1 - x[:-1])."""
    found = counted(trace(dz.grad(rosenbrock))(np.ones(5)))
    assert found["square"] == 1
    assert found["multiply"] <= 5
    assert found["subtract"] == 2
    assert found.get("negative", 0) <= 2
    assert found["add"] <= 2
    assert "sum" not in found
    assert "power" not in found


def test_the_gradient_of_a_network_has_no_more_products_than_by_hand():
    def loss(w1, b1, w2, x, y):
        h = np.tanh(x @ w1 + b1)
        return np.mean((h @ w2 - y) ** 2)

    rng = np.random.default_rng(0)
    args = [rng.normal(size=s) for s in [(3, 4), (4,), (4, 2), (5, 3), (5, 2)]]
    found = counted(trace(dz.grad(loss, (0, 1, 2)))(*args))
    assert found["matmul"] == 5  # two forward; by w2, by h, by w1
    assert found["tanh"] == 1
    assert found["sum"] == 1  # by b1
    assert found["multiply"] <= 4


# ---- readable source ----


def test_the_source_reads_like_the_program():
    def loss(w, b, x):
        h = np.tanh(x @ w + b)
        return np.sum(h**2)

    args = np.ones((3, 2)), np.ones(2), np.ones((4, 3))
    assert trace(loss)(*args).to_source().splitlines() == [
        "import numpy as np",
        "",
        "",
        "def loss(w, b, x):",
        "    h = np.tanh(x @ w + b)",
        "    return np.sum(h**2)",
    ]


def test_what_cannot_be_source_says_so():
    table = np.random.default_rng(0).normal(size=2000)
    with pytest.raises(GraphError, match="2000 numbers"):
        trace(lambda x: x * table)(1.0).to_source()
    square = dz.custom_vjp(lambda x: x * x, lambda g, _y, x: 2 * g * x)
    with pytest.raises(GraphError, match="no function of NumPy"):
        trace(square)(2.0).to_source()
