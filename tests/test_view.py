"""Pictures of graphs: DOT, SVG, and the page, which a browser steps through."""

import functools
import html
import json
import os
import re
import shlex
import shutil
import subprocess
import threading

import numpy as np
import pytest

import dezero as dz
import dezero.scipy.special  # its rows
from dezero.errors import GraphError
from dezero.ir import trace
from dezero.rows import TABLE, Elementwise
from dezero.view import dot, formulas, named, turns
from dezero.view.code import Code
from dezero.view.folds import Fold, folded
from dezero.view.html import digest
from dezero.view.mathml import LESS
from dezero.view.named import Kind
from dezero.view.numbers import brief, shown
from dezero.view.replay import replay
from dezero.view.turns import played


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def layer(w, b, x):
    return np.tanh(x @ w + b)


def network(w1, b1, w2, b2, x):
    return np.mean(layer(w2, b2, layer(w1, b1, x)) ** 2)


def repeated(x, a):
    for _ in range(50):
        x = x + 0.1 * np.sin(a * x)
    return x


def masked(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0)) + x[0] * x[1]


def branching(x, n):
    y = x * n
    return np.modf(y)[0] if y > 0 else y


def many(x):  # 200 steps, no two in a row alike
    pool = [x, x + 1]
    for k in range(99):
        f = (np.sin, np.cos, np.tanh, np.arctan)[k * k % 4 if k % 3 else k % 4]
        pool.append(f(pool[-1 - k % 7 % len(pool)]) * pool[k // 2])
    return pool[-1]


RNG = np.random.default_rng(0)
PROGRAMS = {
    "rosenbrock": (rosenbrock, np.array([1.2, 0.7, -0.3])),
    "network": (
        network,
        *(RNG.normal(size=s) for s in ((4, 8), (8,), (8, 2), (2,), (16, 4))),
    ),
    "repeated": (repeated, 0.3, 1.5),
    "masked": (masked, np.array([0.0, 2.0, -1.0])),
    "complex": (lambda z: np.abs(np.exp(z) * z) ** 2, 0.3 + 0.4j),
    "gradient": (lambda x: dz.grad(rosenbrock)(x)[0], np.array([1.2, 0.7, -0.3])),
    "single": (lambda x: np.sum(np.exp(x) / 3), np.array([0.1, 0.2], np.float32)),
}


@functools.cache
def graph_of(name):
    f, *args = PROGRAMS[name]
    with np.errstate(invalid="ignore"):
        return trace(f)(*args)


# --- the data of the page -----------------------------------------------------------------------


def final(data):
    """The last value and gradient of each name, as the page has them."""
    values, grads = {}, {}
    for frame in data["frames"]:
        for k, _, exact in frame.get("sets", ()):
            values[data["values"][k]["name"]] = exact
        for k, *_, exact in frame.get("grads", ()):
            grads[data["values"][k]["name"]] = exact
    return values, grads


def values_of(graph):
    env = dict(zip(graph.inputs, graph.example, strict=True))
    with np.errstate(all="ignore"):
        for step in graph.steps:
            step.run(env)
    return {graph.names[value]: shown(x)[1] for value, x in env.items()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_those_of_the_run(name):
    graph = graph_of(name)
    data = replay(graph)
    values, grads = final(data)
    assert values == values_of(graph)
    assert data["why"] == ""
    with np.errstate(all="ignore"):
        _, by = graph.adjoints()(*graph.example)
    assert grads == {key: shown(g)[1] for key, g in by.items()}


def test_numbers_are_whole_to_the_last_digit():
    (value,) = replay(trace(lambda x: x / 3)(0.1))["frames"][1]["sets"]
    assert float(value[2]) == 0.1 / 3
    assert shown(np.float32(0.1)) == ("0.1", "0.1")
    assert shown(np.arange(3)) == ("[0, 1, 2]", "[0, 1, 2]")
    assert shown(np.array([np.nan, -np.inf]))[1] == "[nan, -inf]"


def test_large_arrays_are_summed_up():
    x = np.linspace(0, 1, 1000).reshape(10, 100)
    x[0, 0] = np.inf
    assert brief(x) == "[10, 100] 0.001 … 1, 1 not finite"
    assert shown(x[1:])[1].startswith("float64[9, 100], 0.1 … 1, mean 0.55")
    assert brief(np.zeros((0, 3, 1))) == "[0, 3, 1]"
    assert brief(np.zeros((2, 4), bool)) == "[2, 4] 0 of 8 true"
    assert brief(np.full((4, 2), -0.0)) == "[4, 2] all 0"
    assert brief(np.full(7, 3 + 4j)) == "[7] |z| all 5"
    assert brief(np.full(9, np.nan)) == "[9] 9 not finite"
    assert brief(np.full(4, 1 / 3)) == "[4] all 0.333"  # in a row it would be too wide for a box


def test_the_backward_frames_say_what_each_operand_gets():
    data = replay(trace(lambda x, y: x * y + np.sin(x))(2.0, 5.0))
    back = [frame for frame in data["frames"] if frame["phase"] == "backward"]
    names = [value["name"] for value in data["values"]]
    told = [(names[k], how, gets) for frame in back for k, how, gets, *_ in frame["grads"]]
    assert sorted(told) == [
        ("v1", "d_v3", "1"),
        ("v2", "d_v3", "1"),
        ("x", "d_v1 * y", "5"),
        ("x", "d_v2 * cos(x)", "-0.41615"),
        ("y", "d_v1 * x", "2"),
    ]
    assert all("Back through" in frame["say"] for frame in back)


def test_a_gradient_that_nothing_reached_is_zero():
    data = replay(trace(lambda x, y: [2.0 * x, y][0])(1.0, 3.0))
    assert data["frames"][-1]["say"] == "No gradient reached y: it is 0."
    assert final(data)[1] == {"v1": "1.0", "x": "2.0", "y": "0.0"}


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda x: (x, x * 2), "2 results"),
        (lambda _: np.floor_divide(1, 2), "does not move"),
        (lambda x: x > 1, "does not move"),
    ],
)
def test_without_a_backward_pass_the_page_says_why(f, why):
    data = replay(trace(f)(1.5))
    assert why in data["why"]
    assert {frame["phase"] for frame in data["frames"]} <= {"start", "forward"}
    assert why in trace(f)(1.5).to_html()


def test_guards_are_steps_that_tell_the_path():
    data = replay(trace(branching)(1.5, 3))
    (guard,) = [frame for frame in data["frames"] if "went on with" in frame["say"]]
    assert guard["say"].endswith("went on with True.")
    assert data["parts"][guard["part"]]["role"] == "guard"
    assert final(data)[1]["x"] == "3.0"


@pytest.mark.parametrize("name", ["rosenbrock", "loop"])
def test_inside_debug_and_no_grad_it_is_the_same(name):
    graph = trace(newton)(2.0) if name == "loop" else graph_of(name)
    expected = replay(graph)
    with dz.debug():
        assert replay(graph) == expected
    with dz.no_grad():
        assert replay(graph) == expected


# --- the user's code ----------------------------------------------------------------------------


def test_each_step_knows_its_line():
    data = replay(graph_of("network"))
    functions = [block["lines"][0] for block in data["blocks"]]
    assert functions == ["def layer(w, b, x):", "def network(w1, b1, w2, b2, x):"]
    assert {block["file"] for block in data["blocks"]} == {"test_view.py"}
    (tanh, *_), mean = [
        [part["place"] for part in data["parts"] if part.get("title") == title]
        for title in ("tanh", "mean")
    ]
    assert tanh == (0, 1)
    assert mean == [(1, 1)]


def test_only_the_function_is_shown(tmp_path):
    file = tmp_path / "user.py"
    method = "    @staticmethod\n    def f(x):\n        return x\n"
    file.write_text(f"key = 'secret'\n\nclass A:\n{method}\nz = (1 +\n2)\n")
    unknown = ("", "<row>:1", "nowhere.py:3", f"{file}:99", f"{file}:x")
    code = Code([f"{file}:6", f"{file}:9", *unknown, f"{file}:6"])
    assert code.places == {f"{file}:6": (0, 2), f"{file}:9": (1, 1)}
    assert [block.lines for block in code.blocks] == [
        ["@staticmethod", "def f(x):", "    return x"],
        ["z = (1 +", "2)"],
    ]


def test_a_function_inside_a_shown_one_is_shown_once(tmp_path):
    file = tmp_path / "user.py"
    file.write_text(
        "def f(x):\n    def g(y):\n        return y\n    return g(x)\nh = [\n  lambda x: x]\n"
    )
    code = Code([f"{file}:3", f"{file}:4", f"{file}:6"])
    assert code.places == {f"{file}:3": (0, 2), f"{file}:4": (0, 3), f"{file}:6": (1, 0)}
    assert Code([f"{file}:3"]).blocks[0].lines == ["def g(y):", "    return y"]


def test_a_file_that_is_no_python_shows_the_line_alone(tmp_path):
    file = tmp_path / "cell.py"
    file.write_text("%time f(x)\nnp.sin(x)\n")
    code = Code([f"{file}:2"])
    assert code.places == {f"{file}:2": (0, 0)}
    assert code.blocks[0].lines == ["np.sin(x)"]


# --- rules --------------------------------------------------------------------------------------


def computed(text, env):
    """A formula of the page, by NumPy."""
    return eval(text, {"__builtins__": {}}, {**vars(np), **env})


SAFE = {"arccosh": 1.7, "arctanh": 0.4}
SQUARE = {"inv"}


@pytest.mark.parametrize("title", TABLE)
def test_every_row_has_words(title):
    text = formulas.rule_html(title)
    assert re.search(r"<p>.{15,}</p>", text)
    assert "<script" not in text


def test_a_row_that_nobody_wrote_words_for_has_a_sentence():
    assert formulas.words("a row of tomorrow").endswith(".")


@pytest.mark.parametrize("title", formulas.PARTIALS)
def test_formulas_are_the_rows_own(title):
    row, texts = TABLE[title], formulas.PARTIALS[title]
    xs = [np.float64(SAFE.get(title, x)) for x in (0.3, 0.7)][: len(texts)]
    xs = [np.True_, *xs] if title == "where" else xs
    xs = [xs[0], 2] if title == "ldexp" else xs
    assert isinstance(row, Elementwise)
    y = row.fn(*xs)
    env = {**dict(zip("xyz", xs, strict=False)), "out": y, "g": 1.0}
    for k, (x, text) in enumerate(zip(xs, texts, strict=True)):
        if np.asarray(x).dtype.kind != "f":
            continue
        f = lambda v, k=k: row(*xs[:k], v, *xs[k + 1 :])  # noqa: E731
        found = dz.vjp(f, x)[1](np.ones_like(y))[0]
        np.testing.assert_allclose(computed(text, env), found, rtol=1e-12, err_msg=text)


@pytest.mark.parametrize("title", formulas.MATRIX)
def test_matrix_formulas_are_the_rows_own(title):
    x, y = RNG.normal(size=(3, 4)), RNG.normal(size=(5, 4) if title == "inner" else (4, 5))
    xs = (x @ x.T,) if title in SQUARE else (x, y)
    out, pull = dz.vjp(TABLE[title], *xs)
    env = {**dict(zip("xy", xs, strict=False)), "out": out, "g": np.cos(out)}
    for text, found in zip(formulas.MATRIX[title], pull(env["g"]), strict=True):
        np.testing.assert_allclose(computed(text, env), found, rtol=1e-12)


def test_rules_are_written_in_a_steps_names():
    names, one, square = ["a", "2"], [Kind((), False)] * 3, Kind((2, 2), False)
    assert named.applied("power", 0, names, one, "d_c", "c") == "d_c * (2 * a)"
    assert named.applied("divide", 1, ["a", "-0.5"], one, "d_c", "c") == "d_c * (-c / -0.5)"
    assert named.applied("subtract", 1, names, one, "d_c", "c") == "-d_c"
    assert named.applied("matmul", 1, ["A", "B"], [square] * 3, "d_C", "C") == "A.T @ d_C"
    vector = [square, Kind((2,), False), Kind((2,), False)]
    assert "matmul" in named.applied("matmul", 1, ["A", "b"], vector, "d_C", "C")
    odd = named.applied("multiply", 0, ["a", "[8] 0 … 1"], one, "d_c", "c")
    assert odd == "d_c * [8] 0 … 1"
    assert [named.less_one(y) for y in ("2", "2.5", "n")] == ["", "1.5", "n - 1"]


def mixed(x, b, z):
    w = np.exp(z * b) / (x + 2j) - b * np.sin(z)
    return np.sum(np.abs(w) ** 2 * x) + np.real(z[0, 0] ** 3)


TOLD = {
    "complex": (mixed, np.ones((3, 1)), np.array([0.5, 2.0]), np.array([[0.1 + 0.3j]])),
    "matrices": (lambda a, b: np.sum((a @ b) ** 2), np.eye(2) * (1 + 1j), np.ones((2, 2))),
    "network": PROGRAMS["network"],
}


@pytest.mark.parametrize("name", TOLD)
def test_what_a_step_is_said_to_give_is_what_it_gives(name):
    f, *args = TOLD[name]
    graph = trace(f)(*args)
    env = dict(zip(graph.inputs, graph.example, strict=True))
    for step in graph.steps:
        step.run(env)
    _, by = graph.adjoints()(*graph.example)
    known = {graph.names[v]: x for v, x in env.items()} | {f"d_{key}": g for key, g in by.items()}
    data = replay(graph)
    told = [
        (data["values"][k]["name"], how, gets)
        for frame in data["frames"]
        for k, how, gets, *_ in frame.get("grads", ())
        if how and not how.startswith("back through")
    ]
    assert len(told) >= 3
    for key, how, gets in told:
        found = np.reshape(computed(how, known), np.shape(by[key]))
        assert brief(found) == gets, how


def test_the_letters_of_a_rule_all_have_names():
    letters = {"x", "y", "z", "out", "d_x", "d_y", "d_z", "d_out", LESS}
    for title in TABLE:
        assert set(re.findall('data-letter="(.*?)"', formulas.rule_html(title))) <= letters
    (part,) = [
        p for p in replay(trace(lambda x, y: x**y)(2.0, 3.0))["parts"] if p["role"] == "step"
    ]
    found = part["letters"]
    assert (found["y"], found["d_out"], found[LESS]) == ("y", "d_v1", "y - 1")
    assert found["slopes"] == ["x", "y"]


# --- loops --------------------------------------------------------------------------------------


def rnn(w, h0, xs):
    h, hs = dz.scan(lambda h, x: (np.tanh(h @ w + x), h * 2), h0, xs)
    return np.sum(h**2) + np.sum(hs)


def newton(a):
    return dz.while_loop(lambda y: np.abs(y * y - a) > 1e-9, lambda y: (y + a / y) / 2, a)


def nested(x, n):
    def body(i, v):
        v = dz.cond(v > 1, lambda v: v / 2, np.exp, v)
        return dz.fori_loop(0, 2, lambda j, u: u * x + j, v) + i

    return dz.fori_loop(0, n, body, x)


LOOPS = {
    "scan": (rnn, np.eye(2) / 2, np.zeros(2), np.arange(6.0).reshape(3, 2)),
    "while": (newton, 2.0),
    "nested": (nested, 0.6, 3),
    "kept": (
        lambda x: dz.scan(lambda c, _: (c * x, c), x, None, length=9, checkpoint=True)[0],
        0.9,
    ),
    "none": (lambda x: dz.fori_loop(0, 0, lambda i, v: v * i, x) * x, 2.0),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_are_played_turn_by_turn(name):
    f, *args = LOOPS[name]
    graph = trace(f)(*args)
    flat, _ = played(graph)
    assert not any(step.parts for step in flat.steps)
    assert flat.verify()(*args) == graph(*args) == f(*args)
    assert all("test_view.py" in step.line for step in flat.steps)
    data = replay(graph)
    values, grads = final(data)
    assert values.items() >= {k: v for k, v in values_of(graph).items() if k in values}.items()
    _, by = graph.adjoints()(*graph.example)
    for key in [graph.names[v] for v in graph.inputs if graph.names[v] in by]:
        # The loop back of `adjoints` adds the cotangents of its turns in another order.
        np.testing.assert_allclose(json.loads(grads[key]), by[key], 1e-14)


def test_turns_are_named_as_the_program_names_what_it_carries():
    flat, (loop,) = played(trace(newton)(2.0))
    names = list(flat.names.values())
    assert [name for name in names if name.startswith("y_")] == ["y_1", "y_2", "y_3"]
    assert names.index("v1") > names.index("y_3")
    assert [turn.name for turn in loop.items[:2]] == ["turn 1 of 4", "turn 2 of 4"]
    assert (loop.name, loop.title) == ("v1 = while_loop(a, a)", "while_loop")
    scan, *_ = played(trace(rnn)(*LOOPS["scan"][1:]))
    assert {"x_0", "x_2", "h_1", "h_2"} <= set(scan.names.values())
    assert not {"x_3", "h_0"} & set(scan.names.values())


def test_loops_open_into_turns():
    data = replay(trace(nested)(*LOOPS["nested"][1:]))
    (loop,) = data["folds"]
    assert loop["name"] == "v1 = fori_loop(0, n, x, x)"
    assert [data["values"][v]["name"] for v in loop["makes"]] == ["v1"]
    guard, first, *_ = loop["items"]
    assert data["parts"][guard]["text"] == "guard int(n) is 3"
    assert first["name"] == "i = 0"
    branch, inner = [item for item in first["items"] if isinstance(item, dict)]
    assert branch["name"].endswith(": no")
    assert [turn["name"] for turn in inner["items"]] == ["j = 0", "j = 1"]


def test_a_loop_that_is_too_long_stays_one_step(monkeypatch):
    monkeypatch.setattr(turns, "MOST", 40)
    graph = trace(lambda x: dz.fori_loop(0, 50, lambda i, v: np.sin(v) + i, newton(x)))(2.0)
    flat, items = played(graph)
    assert [type(item) for item in items] == [turns.Turns, int]
    assert flat.steps[-1].parts
    data = replay(graph)
    inside = data["parts"][-1]["inside"]
    assert inside[0].startswith("body(i, v)")
    _, by = graph.adjoints()(2.0)
    assert final(data)[1]["x"] == shown(by["x"])[1]
    back = [frame["part"] for frame in data["frames"] if frame["phase"] == "backward"]
    assert back.count(len(data["parts"]) - 1) == 1


def test_a_long_program_shows_its_loops_as_steps(monkeypatch):
    monkeypatch.setattr(turns, "MOST", 3)
    flat, items = played(trace(lambda x: np.sin(newton(x * x * x * x * x) + 1))(2.0))
    assert items == [*range(7)]
    assert flat.steps[4].parts


def test_a_question_that_cuts_a_derivative_is_shown_forward_only():
    data = replay(trace(lambda x: x * float(x))(2.0))
    assert "float(v)" in data["why"]
    assert [frame["phase"] for frame in data["frames"]] == ["start", "forward", "forward"]


# --- folding ------------------------------------------------------------------------------------


def test_repeated_blocks_are_folded():
    two, three = folded("xababz"), folded("xabababz")
    assert two == [0, 1, 2, 3, 4, 5]
    assert three[0] == 0
    assert three[2] == 7
    assert (three[1].times, three[1].period) == (3, 2)
    assert [part.items for part in three[1].items] == [[1, 2], [3, 4], [5, 6]]


def test_loops_in_loops_are_folded_inside():
    (outer,) = folded("abbbcabbbcabbbc")
    assert (outer.times, outer.period) == (3, 5)
    first, inner, last = outer.items[1].items
    assert (first, last) == (5, 9)
    assert inner == Fold([6, 7, 8], 3, 1)


@pytest.mark.parametrize("text", ["", "a", "aaaa", "abcabcabcaaaabcab", "xyxyxyxyy"])
def test_folding_loses_no_step(text):
    def steps(items):
        for item in items:
            yield from steps(item.items) if isinstance(item, Fold) else (item,)

    assert list(steps(folded(text))) == list(range(len(text)))


def test_a_loop_of_python_is_one_fold():
    (fold,) = replay(graph_of("repeated"))["folds"]
    assert fold["name"] == "50 × (multiply, sin, add)"
    assert (fold["items"][0]["name"], fold["items"][0]["items"]) == ("1 of 50", [2, 3, 4, 5])


def test_a_short_program_is_shown_step_by_step():
    data = replay(trace(lambda x: x * x * x * x * x)(2.0))
    assert data["folds"] == [1, 2, 3, 4]


# --- Graphviz -----------------------------------------------------------------------------------


def test_dot_has_a_box_for_each_step_and_an_arrow_for_each_reading():
    text = graph_of("rosenbrock").to_dot()
    assert len(re.findall(r"^  s\d+ \[", text, re.MULTILINE)) == len(graph_of("rosenbrock").steps)
    assert '  s0 [label="v1 = x[1:]\\nfloat64[2]"];' in text
    assert text.count("i0 -> ") == 3
    assert "s10 -> o0;" in text
    assert "style=dashed" in trace(branching)(1.5, 3).to_dot()
    assert 'label="result 1 = 4"' in trace(lambda x: (x, 4))(1.0).to_dot()


def test_dot_folds_what_is_repeated():
    def unrolled(x):
        for _ in range(50):
            x = np.sin(x) * 2 + 1
        return np.sum(x)

    text = trace(unrolled)(np.ones(3)).to_dot()
    assert 's0 [label="50 × (sin, multiply, add)", peripheries=2];' in text
    assert re.findall(r"(\w+ -> \w+);", text) == ["i0 -> s0", "s0 -> s150", "s150 -> o0"]


def test_dot_frames_what_a_loop_calls():
    f = lambda x: dz.cond(np.sum(x) > 0, np.sin, lambda y: y * 2, x)  # noqa: E731
    text = trace(f)(np.ones(3)).to_dot()
    assert text.count("subgraph cluster_") == 3
    assert text.count("{") == text.count("}") == 4
    for line in ('label="yes";', "s3_yes_s0 -> s3_yes_o0;", "s3_no_s0 -> s3_no_o0;", "s3 -> o0;"):
        assert line in [each.strip() for each in text.splitlines()]


def test_dot_quotes_what_it_is_told():
    assert dot.quoted('a"b\\c\n') == '"a\\"b\\\\c "'
    assert dot.quoted("x", "y") == '"x\\ny"'


def test_svg_without_graphviz_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GraphError, match="needs Graphviz"):
        graph_of("rosenbrock").to_svg()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("name", ["rosenbrock", "repeated"])
def test_graphviz_draws_it(name):
    assert "</svg>" in graph_of(name).to_svg()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_takes_any_name():
    graph = evil_graph()
    assert html.unescape(graph.to_svg()).count(EVIL) >= 1


# --- the page -----------------------------------------------------------------------------------

EVIL = "</script><script>alert(1)</script>'\"&<img src=x onerror=alert(2)>$data"


def evil_graph():
    def f(**kwargs):
        return sum(v * 2.0 for v in kwargs.values())

    f.__name__ = EVIL
    return trace(f)(**{EVIL: 1.0, "a": 2.0})


def data_in(page):
    """What the page's script reads, and the page without it."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1]), page.replace(found[0], "")


def test_no_name_gets_out_of_its_place():
    page = evil_graph().to_html()
    data, rest = data_in(page)
    assert data["name"] == EVIL
    assert EVIL in [value["name"] for value in data["values"]]
    assert "<img" not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert html.escape(EVIL) in rest


def test_the_page_needs_nothing_else(tmp_path):
    path = tmp_path / "page.html"
    page = graph_of("network").to_html(path)
    assert path.read_text(encoding="utf-8") == page
    for fetches in ("http:", "https:", "<link", "@import", "url(h", "fetch(", " src="):
        assert fetches not in page.replace('"http://www.w3.org/2000/svg"', "")
    assert "default-src 'none'" in page


def test_the_policy_names_the_script():
    page = graph_of("rosenbrock").to_html()
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    assert f"script-src '{digest(script)}'" in page


def test_notebooks_show_the_page_in_a_frame():
    graph = evil_graph()
    bundle = graph._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == repr(graph)
    assert bundle["text/html"] == graph._repr_html_()
    frame = re.fullmatch(
        r'<iframe srcdoc="([^"]*)" sandbox="allow-scripts" [^<>]*></iframe>', graph._repr_html_()
    )
    assert html.unescape(frame[1]) == graph.to_html()


# --- in a browser -------------------------------------------------------------------------------

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-pipe",
)


class Chromium:
    """A browser that is told what to do through two pipes (the DevTools protocol)."""

    def __init__(self, folder):
        self.folder, self.asked, self.seen = folder, 0, []
        theirs_in, self.out = os.pipe()
        self.back, theirs_out = os.pipe()
        ends = theirs_in, theirs_out
        wanted = f"exec 3<&{theirs_in} 4>&{theirs_out}; exec "
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}"]
        self.process = subprocess.Popen(
            ["bash", "-c", wanted + shlex.join(command)], pass_fds=ends, stderr=subprocess.DEVNULL
        )
        for end in ends:
            os.close(end)
        self.replies = os.fdopen(self.back, "rb")
        target = self.tell("Target.createTarget", None, url="about:blank")["targetId"]
        attached = self.tell("Target.attachToTarget", None, targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.tell(f"{domain}.enable")

    def tell(self, method, session="", **params):
        """Send a command, and wait for its answer; what happens in between is `seen`."""
        self.asked += 1
        message = {"id": self.asked, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        return self.wait(lambda answer: answer.get("id") == self.asked)["result"]

    def wait(self, wanted):
        """Read until a message is the wanted one."""
        while True:
            text = b""
            while not text.endswith(b"\0"):
                piece = self.replies.read(1)
                assert piece, "the browser is gone"
                text += piece
            answer = json.loads(text[:-1])
            assert "error" not in answer, answer
            self.seen.append(answer)
            if wanted(answer):
                return answer

    def run(self, script):
        """The value of an expression in the page."""
        answer = self.tell("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, page, fragment, width, height):
        """Load a page, as a file of its own."""
        self.seen.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.tell("Emulation.setDeviceMetricsOverride", **size)
        file = self.folder / f"page{self.asked}.html"
        file.write_text(page, encoding="utf-8")
        self.tell("Page.navigate", url=f"{file.as_uri()}{fragment}")
        self.wait(lambda answer: answer.get("method") == "Page.loadEventFired")

    def key(self, key):
        """Press a key, as a hand does."""
        for kind in ("keyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13}[key]
            typed = {"text": "\r"} if (kind, key) == ("keyDown", "Enter") else {}
            number = {"windowsVirtualKeyCode": code}
            self.tell("Input.dispatchKeyEvent", type=kind, key=key, code=key, **number, **typed)

    def errors(self):
        """What a person would find in the console."""
        told = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [answer for answer in self.seen if answer.get("method") in told]

    def close(self):
        self.tell("Browser.close", None)
        self.process.wait(20)
        self.replies.close()
        os.close(self.out)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def visit(chromium):
    """Opens a page, runs `driver` in it, and gives its `log`."""

    def visit(page, fragment="", driver="", size=(1280, 900)):
        late = threading.Timer(60, chromium.process.kill)
        late.start()
        try:
            chromium.open(page, fragment, *size)
            log = chromium.run(f"(() => {{ {DRIVER} {driver}; return log; }})()")
        finally:
            late.cancel()
        assert chromium.errors() == []
        return log

    return visit


DRIVER = """
const log = [];
const press = (key, where = document.body, shiftKey = false) =>
  where.dispatchEvent(
    new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }));
const all = (what) => [...document.querySelectorAll(what)].map((each) => each.textContent);
const cells = (name) => Object.fromEntries([...document.querySelectorAll("#rows tr[data-name]")]
  .map((row) => [row.dataset.name, row.querySelector(name).title]));
const look = () => ({
  step: Number(document.body.dataset.step),
  say: document.querySelector("#say").textContent,
  values: cells(".value"),
  grads: cells(".grad"),
  line: document.querySelector(".codeline.now")?.textContent ?? null,
  now: document.querySelector(".unit.now .name")?.textContent ?? null,
  row: document.querySelector("tr[aria-current] button")?.textContent ?? null,
  rules: [...document.querySelectorAll("[data-rule]:not([hidden])")].map((r) => r.dataset.rule),
});
"""


def expected_frames(data):
    """What the page must show in each frame."""
    names = [value["name"] for value in data["values"]]
    values = grads = dict.fromkeys(names, "")
    for k, frame in enumerate(data["frames"]):
        values = values | {names[v]: exact for v, _, exact in frame.get("sets", ())}
        grads = grads | {names[v]: exact for v, *_, exact in frame.get("grads", ())}
        yield {"step": k, "say": frame["say"], "values": values, "grads": grads}


def test_a_person_steps_forward_and_back(visit):
    graph = graph_of("rosenbrock")
    page = graph.to_html()
    data = data_in(page)[0]
    n = len(data["frames"])
    log = visit(
        page,
        driver=f"""
        for (let k = 0; k < {n}; k++) {{ log.push(look()); press("ArrowRight"); }}
        for (let k = 0; k < {n}; k++) {{ log.push(look()); press("ArrowLeft"); }}
        """,
    )
    expected = list(expected_frames(data))
    for found, right in zip(log, expected + expected[::-1], strict=True):
        assert {key: found[key] for key in right} == right
    for found in log:
        part = data["frames"][found["step"]]["part"]
        if part is not None:
            assert found["now"] == data["parts"][part]["text"]
            assert found["line"].endswith("(1 - x[:-1]) ** 2)")
            assert found["rules"] == [data["parts"][part]["title"]]
    assert log[n - 1]["values"] == values_of(graph)
    _, by = graph.adjoints()(*graph.example)
    assert log[n - 1]["grads"] == {name: shown(g)[1] for name, g in by.items()}


def test_keys_mouse_and_slider_agree(visit):
    log = visit(
        graph_of("network").to_html(),
        driver="""
        const at = (what) => log.push([what, look().step, look().now]);
        const slider = document.querySelector("#slider");
        press("End"); at("End");
        press("Home"); at("Home");
        for (const id of ["last", "back", "first", "forward"]) {
          document.getElementById(id).click(); at(id);
        }
        slider.value = 4; slider.dispatchEvent(new Event("input")); at("slider");
        const units = [...document.querySelectorAll(".unit")];
        const unit = units.find((u) => u.textContent.includes("mean("));
        unit.dispatchEvent(new MouseEvent("click")); at("unit");
        press("End"); unit.dispatchEvent(new MouseEvent("click")); at("unit, back");
        document.querySelector("tr[data-name=v2] button").click(); at("row, back");
        const play = document.querySelector("#play");
        press(" "); log.push(play.textContent);
        press(" "); log.push(play.textContent);
        press(" ", play); log.push(play.textContent);
        """,
    )
    n = len(replay(graph_of("network"))["frames"]) - 1
    names = ("End", n), ("Home", 0), ("last", n), ("back", n - 1), ("first", 0), ("forward", 1)
    assert [(what, step) for what, step, _ in log[:6]] == list(names)
    assert log[6][:2] == ["slider", 4]
    assert log[7][2].startswith("v8 = mean")
    assert (log[7][1], log[8][1]) == (8, 10)
    assert log[9][2] == "v2 = v1 + b1"
    assert log[10:] == ["Pause", "Play", "Play"]


def test_a_page_opens_at_a_step_and_as_text_only(visit):
    driver = "log.push(look().step, document.querySelectorAll('img, script').length, look().say)"
    step, elements, say = visit(evil_graph().to_html(), "#step=1", driver)
    assert (step, elements) == (1, 2)
    assert EVIL in say


@pytest.mark.parametrize(
    "f", [lambda: 1.0, lambda x: 3.0 + 0 * (x > 2), lambda x: x, lambda x: x > 2]
)
def test_the_smallest_programs_have_a_page(f, visit):
    args = (1.5,) * f.__code__.co_argcount
    assert visit(trace(f)(*args).to_html(), driver='press("End"); log.push(look().say)')


@pytest.mark.parametrize("size", [(1280, 900), (380, 700)])
def test_a_loop_is_one_box_that_opens(visit, size):
    log = visit(
        graph_of("repeated").to_html(),
        "#step=9",
        driver="""
        const state = () => log.push({
          units: document.querySelectorAll(".unit").length,
          rows: document.querySelectorAll("#rows tr").length,
          now: document.querySelector(".unit.now").textContent,
          wide: document.documentElement.scrollWidth <= document.documentElement.clientWidth,
        });
        state();
        document.querySelector("[data-fold]").click(); state();
        document.querySelectorAll("[data-fold]")[3].click(); state();
        document.querySelector("#unfold").click(); state();
        document.querySelector("#fold").click(); state();
        """,
        size=size,
    )
    assert [state["units"] for state in log] == [3, 52, 55, 202, 3]
    assert [state["rows"] for state in log] == [3, 53, 57, 253, 3]
    assert "3 of 50" in log[0]["now"]
    assert log[3]["now"].startswith("v9 = a * v8")
    assert all(state["wide"] for state in log)


def test_boxes_do_not_overlap_and_arrows_go_down(visit):
    graph = trace(many)(0.7)
    assert len(graph.steps) >= 199
    log = visit(
        graph.to_html(),
        "#open",
        driver="""
        const { units, edges } = drawing;
        log.push(units.map((u) => [u.x - u.width / 2, u.y, u.width, u.height]));
        log.push(edges.map((e) => units[e.b].y - units[e.a].y));
        """,
    )
    boxes, falls = np.array(log[0]), np.array(log[1])
    assert len(boxes) == len(graph.steps) + 1
    x, y, w, h = boxes.T
    apart_x = (x[:, None] + w[:, None] <= x) | (x + w <= x[:, None])
    apart_y = (y[:, None] + h[:, None] <= y) | (y + h <= y[:, None])
    assert np.all(apart_x | apart_y | np.eye(len(boxes), dtype=bool))
    assert np.all(falls > 0)
    assert x.max() - x.min() < 2500


def test_a_thousand_steps_open_at_once(visit):
    def f(x):
        for _ in range(250):
            x = np.sin(x) * 1.01 + 0.1 - 0.2
        return x

    driver = """
    log.push(performance.now() - performance.timing.domLoading + performance.timeOrigin);
    const start = Date.now(); setFolds(true); log.push(Date.now() - start);
    log.push(document.querySelectorAll(".unit").length);
    """
    opened, unfolded, units = visit(trace(f)(0.3).to_html(), driver=driver)
    assert units == 1001
    slow = float(os.environ.get("CI") is not None) + 1
    assert opened < 2000 * slow
    assert unfolded < 2000 * slow


def test_a_loop_of_the_library_opens_into_its_turns(visit):
    graph = trace(lambda x: newton(x) + x)(2.0)
    log = visit(
        graph.to_html(),
        driver="""
        const state = () => log.push({
          texts: all(".unit .name"),
          v1: document.querySelector("tr[data-name=v1] .value").textContent,
          ...look(),
        });
        const click = (text) => [...document.querySelectorAll(".unit")]
          .find((unit) => unit.textContent.includes(text)).dispatchEvent(new MouseEvent("click"));
        press("ArrowRight"); state();
        press("ArrowRight", document.body, true); state();
        press("ArrowLeft", document.body, true); state();
        click("while_loop"); state();
        click("turn 2"); state();
        """,
    )
    texts, values = [each["texts"] for each in log], [each["v1"] for each in log]
    assert texts[0] == ["x", "v1 = while_loop(x, x)", "v2 = v1 + x"]
    root = str(graph.steps[0].p.fn(2.0, 2.0, **graph.steps[0].params)[0])
    assert values == ["", root, root, root, root]
    assert log[1]["now"] == "v2 = v1 + x"
    assert log[2]["now"] == "v1 = while_loop(x, x)"
    assert [text for text in texts[3] if text.startswith("turn")] == [
        f"turn {k} of 4" for k in range(1, 5)
    ]
    assert "y_2 = v2_1 / 2" in texts[4]
    assert all("y * y - a" in each["line"] for each in (log[0], log[2]))


def test_the_keyboard_reaches_everything_in_order(visit, chromium):
    visit(graph_of("network").to_html(), "#step=8")
    found = []
    for _ in range(11):
        chromium.key("Tab")
        found.append(chromium.run("document.activeElement.id || document.activeElement.className"))
    assert found[:10] == [
        *("first", "back", "forward", "last", "play", "slider", "smaller", "larger"),
        *("canvas", "blocks"),
    ]
    assert found[10] == "scroll"
    chromium.run("document.querySelector('#forward').focus()")
    for step in (9, 10):
        chromium.key("Enter")
        assert chromium.run("document.body.dataset.step") == str(step)
        assert chromium.run("document.activeElement.id") == "forward"


def test_arrays_are_rounded_until_asked(visit):
    x = np.linspace(0, 1, 9).reshape(3, 3) / 3
    graph = trace(np.sin)(x)
    log = visit(
        graph.to_html(),
        "#step=1",
        driver="""
        const detail = () => log.push(document.querySelector("#detail dd").textContent);
        detail(); document.querySelector("#digits").click(); detail();
        """,
    )
    rounded, exact = [np.array(json.loads(text)) for text in log]
    assert np.array_equal(exact, np.sin(x))
    assert not np.array_equal(rounded, exact)
    np.testing.assert_allclose(rounded, exact, rtol=1e-4)


def test_many_inputs_of_one_box_are_one_box(visit):
    def deep(params, x):
        for w in params:
            x = np.tanh(x @ w)
            x = x / np.sqrt(np.mean(x**2))
        return np.sum(x)

    graph = trace(deep)([np.eye(2)] * 16, np.ones(2))
    driver = """
    const names = () => log.push(all(".unit .name"));
    names(); setFolds(true); names();
    """
    folded, unfolded = visit(graph.to_html(), driver=driver)
    assert folded == ["17 inputs", "16 × (matmul, tanh, power, me…", "v97 = sum(v96)"]
    assert {"params_0", "params_15", "x"} <= set(unfolded)


def test_the_rule_is_written_in_the_names_of_the_step(visit):
    page = trace(lambda a, b: a**2 * b)(3.0, 5.0).to_html()
    driver = """
    const rule = () => log.push(all("[data-rule]:not([hidden]) math:not([hidden])"));
    press("ArrowRight"); rule(); press("ArrowRight"); rule();
    """
    power, product = visit(page, driver=driver)
    assert power == ["∂v1∂a=2·a"]
    assert product == ["∂v2∂v1=b", "∂v2∂b=v1"]
