"""Source that a person would sign: the same bits, in the words and the layout that people use."""

import re
import subprocess
import sys

import numpy as np
import optree
import pytest

import dezero as dz
from dezero.errors import GraphError
from dezero.ir import trace
from dezero.ir.source.repeats import once
from dezero.ir.source.text import constant
from dezero.ir.source.wrapping import WIDTH, wrapped


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


# ---- programs that people write ----


def network(w1, b1, w2, b2, x, y):
    h = np.tanh(x @ w1 + b1)
    out = h @ w2 + b2
    return np.mean((out - y) ** 2)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def logistic(w, b, x, y):
    z = x @ w + b
    return np.mean(np.logaddexp(0, z) - y * z) + 0.5 * np.sum(w**2)


def cross_entropy(w, x, labels):
    logits = x @ w
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


def mixture(mu, log_sigma, x):
    z = (x[:, None] - mu) / np.exp(log_sigma)
    logp = -0.5 * z**2 - log_sigma
    top = np.max(logp, axis=1, keepdims=True)
    return -np.sum(top[:, 0] + np.log(np.sum(np.exp(logp - top), axis=1)))


def runge_kutta(y, t, dt):
    def f(y, t):
        return np.stack([y[1], -np.sin(y[0]) + np.cos(t)])

    k1 = f(y, t)
    k2 = f(y + dt / 2 * k1, t + dt / 2)
    k3 = f(y + dt / 2 * k2, t + dt / 2)
    k4 = f(y + dt * k3, t + dt)
    return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def convolved(kernel, image):
    out = sum(kernel[i, j] * image[i : i + 3, j : j + 3] for i in range(2) for j in range(2))
    return np.sum(np.maximum(out, 0) ** 2)


def ridge(x, y, lam):
    w = np.linalg.solve(x.T @ x + lam * np.eye(3), x.T @ y)
    return np.sum((x @ w - y) ** 2)


def likelihood(x, s):
    k = np.exp(-0.5 * (x[:, None] - x) ** 2 / s**2) + 0.1 * np.eye(len(x))
    L = np.linalg.cholesky(k)
    a = np.linalg.solve(L, np.ones(len(x)))
    return 0.5 * a @ a + np.sum(np.log(np.diag(L)))


def attention(q, k, v):
    s = np.einsum("bqd,bkd->bqk", q, k) / np.sqrt(q.shape[-1])
    e = np.exp(s - np.max(s, axis=-1, keepdims=True))
    return np.einsum("bqk,bkd->bqd", e / np.sum(e, axis=-1, keepdims=True), v)


def normalized(x, gamma):
    return np.sum(np.sin(gamma * (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 1e-5)))


def recurrent(w, u, h0, xs):
    def step(h, x):
        h = np.tanh(w @ h + u @ x)
        return h, h

    h, hs = dz.scan(step, h0, xs)
    return np.sum(hs**2) + np.sum(h)


def newton(a):
    return dz.while_loop(lambda x: np.abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)


def power_method(a, v):
    def turn(_i, v):
        w = a @ v
        return w / np.linalg.norm(w)

    return dz.fori_loop(0, 20, turn, v)


def fibonacci(x):
    return dz.fori_loop(0, 5, lambda _i, ab: (ab[1], ab[0] + ab[1]), (x, x + 1))[0]


def huber(x):
    small = np.sum(x**2) < 1
    return dz.cond(small, lambda x: 0.5 * np.sum(x**2), lambda x: np.sum(np.abs(x)) - 0.5, x)


def polynomial(x):
    return 3 * x**3 - 2 * x**2 + x / 4 - 7


def layers(params, x):
    for w, b in params:
        x = np.maximum(x @ w + b, 0)
    return np.sum(x)


def linear(p, x):
    pred = p["w"] @ x + p["b"]
    return np.sum(pred**2)


def clustered(c, x):
    return np.sum(np.min(np.sum((x[:, None, :] - c) ** 2, axis=-1), axis=1))


def energy(x):
    i, j = np.triu_indices(4, 1)
    r = np.sqrt(np.sum((x[i] - x[j]) ** 2, axis=1))
    return np.sum(1 / r**12 - 1 / r**6)


def assigned(x):
    y = np.zeros(3) + x[0]
    y[1] = x[1] * x[2]
    return np.sum(y**2)


def sorted_sum(a, b):
    return np.sum(np.sort(np.concatenate([a, b])) * np.arange(5))


NET = tuple(numbers(*s) for s in [(3, 5), (5,), (5, 2), (2,), (4, 3), (4, 2)])
POSITIVE = numbers(3, 3) @ numbers(3, 3).T + 3 * np.eye(3)
QKV = numbers(2, 3, 4), numbers(2, 5, 4), numbers(2, 5, 4, seed=1)
DATA = numbers(3), 0.5, numbers(4, 3), np.array([0.0, 1, 1, 0])
RECURRENT = numbers(2, 2), numbers(2, 3), numbers(2), numbers(4, 3)
PROGRAMS = {
    "network": (network, NET),
    "network, gradient": (dz.grad(network, (0, 1, 2, 3)), NET),
    "network, value and gradient": (dz.value_and_grad(network), NET),
    "network, float32": (dz.grad(network, (0, 1)), tuple(x.astype(np.float32) for x in NET)),
    "network, vmap": (dz.vmap(network, (None,) * 4 + (0, 0)),
                      (*NET[:4], numbers(6, 4, 3), numbers(6, 4, 2))),
    "rosenbrock, gradient": (dz.grad(rosenbrock), (numbers(5),)),
    "rosenbrock, hessian": (dz.hessian(rosenbrock), (numbers(3),)),
    "rosenbrock, hvp": (lambda x, v: dz.hvp(rosenbrock, (x,), (v,)), (numbers(5), numbers(5))),
    "logistic": (dz.grad(logistic, (0, 1)), DATA),
    "logistic, per sample": (dz.vmap(dz.grad(logistic), (None, None, 0, 0)),
                             (*DATA[:2], numbers(6, 4, 3), numbers(6, 4))),
    "cross entropy": (dz.grad(cross_entropy), (numbers(3, 3), numbers(4, 3),
                                               np.array([0, 2, 1, 1]))),
    "mixture": (dz.grad(mixture, (0, 1)), (numbers(2), numbers(2, seed=1), numbers(5))),
    "runge kutta": (runge_kutta, (numbers(2), 0.1, 0.01)),
    "runge kutta, jacobian": (dz.jacobian(runge_kutta), (numbers(2), 0.1, 0.01)),
    "convolved": (dz.grad(convolved), (numbers(2, 2), numbers(4, 4))),
    "ridge": (dz.grad(ridge, (0, 2)), (numbers(5, 3), numbers(5), 0.1)),
    "likelihood": (dz.grad(likelihood, 1), (numbers(4), 0.7)),
    "attention": (attention, QKV),
    "attention, gradient": (dz.grad(lambda *a: np.sum(attention(*a) ** 2)), QKV),
    "attention, jacobian": (dz.jacobian(lambda q: attention(q, q, q)[0, 0]), (numbers(1, 2, 3),)),
    "normalized": (dz.grad(normalized, (0, 1)), (numbers(4, 3), numbers(3))),
    "recurrent": (recurrent, RECURRENT),
    "recurrent, gradient": (dz.grad(recurrent, (0, 1)), RECURRENT),
    "newton": (newton, (2.0,)),
    "power method": (power_method, (POSITIVE, numbers(3))),
    "fibonacci": (fibonacci, (1.5,)),
    "huber": (huber, (numbers(3),)),
    "polynomial": (dz.grad(polynomial), (2.0,)),
    "polynomial, twice": (dz.grad(dz.grad(polynomial)), (2.0,)),
    "polynomial, vmap": (dz.vmap(dz.grad(polynomial)), (numbers(4),)),
    "layers": (dz.grad(layers), ([(numbers(3, 4), numbers(4)), (numbers(4, 2), numbers(2))],
                                 numbers(5, 3))),
    "linear": (dz.grad(linear), ({"w": numbers(2, 3), "b": numbers(2)}, numbers(3))),
    "clustered": (dz.grad(clustered), (numbers(2, 3), numbers(4, 3))),
    "energy": (dz.grad(energy), (numbers(4, 3),)),
    "assigned": (dz.grad(assigned), (numbers(3),)),
    "sorted": (dz.grad(sorted_sum, (0, 1)), (numbers(2), numbers(3))),
    "spectrum": (dz.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2)), (numbers(4),)),
    "determinant": (dz.grad(lambda a: np.linalg.slogdet(a)[1]), (POSITIVE,)),
    "eigenvalues": (dz.grad(lambda a: np.sum(np.linalg.eigh(a)[0] ** 2)), (POSITIVE,)),
    "solved": (dz.grad(lambda a, b: np.sum(np.linalg.solve(a, b) ** 2), (0, 1)),
               (numbers(2, 3, 3), numbers(2, 3, 1))),
}  # fmt: skip

NOBODY_WRITES = re.compile(
    r"np\.float64\(|axis1=|axis=\(\d,\)|\(\(\d+,\)\)|isnan|absolute|!= 0\b|\+ -"
)


@pytest.fixture(scope="module")
def sources():
    return {name: trace(f)(*args).to_source("written") for name, (f, args) in PROGRAMS.items()}


def executed(text, name="written"):
    space = {}
    exec(text, space)
    return space[name]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_source_gives_the_same_bits_in_lines_that_people_write(name, sources):
    (f, args), text = PROGRAMS[name], sources[name]
    with np.errstate(all="ignore"):
        found, expected = executed(text)(*args), trace(f)(*args)(*args)
    pairs = zip(optree.tree_leaves(found), optree.tree_leaves(expected), strict=True)
    for a, b in pairs:
        assert (np.asarray(a).dtype, np.shape(a)) == (np.asarray(b).dtype, np.shape(b))
        np.testing.assert_array_equal(a, b)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert not NOBODY_WRITES.search(text)


def test_a_formatter_finds_nothing_to_do(sources, tmp_path):
    pytest.importorskip("ruff")
    for k, text in enumerate(sources.values()):
        (tmp_path / f"f{k}.py").write_text(text)
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


READ = {
    "network, gradient": """
def written(w1, b1, w2, b2, x, y):
    h = np.tanh(x @ w1 + b1)
    out = h @ w2 + b2
    d_out = 0.25 * (out - y)
    v15 = d_out @ w2.T * (1 - h**2)
    return x.T @ v15, np.sum(v15, axis=0), h.T @ d_out, np.sum(d_out, axis=0)
""",
    "rosenbrock, gradient": """
def written(x):
    v2 = x[:-1]
    v4 = x[1:] - v2**2
    d_x = np.zeros(5)
    d_x[1:] = 200.0 * v4
    d_x[:-1] -= 2.0 * (1 - v2)
    d_x[:-1] -= 400.0 * v4 * v2
    return d_x
""",
    "linear": """
def written(p, x):
    pred = p["w"] @ x + p["b"]
    d_pred = 2.0 * pred
    return {"w": d_pred[:, None] * x, "b": d_pred}
""",
    "recurrent": """
def written(w, u, h0, xs):
    h = h0
    hs = []
    for x in xs:
        h = np.tanh(w @ h + u @ x)
        hs.append(h)
    hs = np.stack(hs)
    return np.sum(hs**2) + np.sum(h)
""",
    "fibonacci": """
def written(x):
    ab_0, ab_1 = x, x + 1
    for _i in range(5):
        ab_0, ab_1 = ab_1, ab_0 + ab_1
    return ab_0
""",
    "polynomial, vmap": """
def written(x):
    return 0.25 + 9.0 * x**2 - 4.0 * x
""",
}


@pytest.mark.parametrize("name", READ)
def test_sources_to_read(name, sources):
    assert sources[name].removeprefix("import numpy as np\n\n") == READ[name]


# ---- constants ----


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.float64(0.5), "np.float64(0.5)"),
        (-2.5, "-2.5"),
        (-0.0, "-0.0"),
        (-np.inf, "-np.inf"),
        (complex(0, np.inf), "complex(0.0, np.inf)"),
        (np.zeros((2, 3)), "np.zeros((2, 3))"),
        (np.full(3, -1.0), "np.full(3, -1.0)"),
        (np.full(3, 2, np.int8), "np.full(3, 2, dtype=np.int8)"),
        (np.array([0.0, -0.0]), "np.array([0.0, -0.0])"),
        (np.array([np.nan, np.nan]), "np.array([np.nan, np.nan])"),
        (np.arange(4), "np.arange(4)"),
        (np.arange(2000.0), "np.arange(2000.0)"),
        (np.arange(4)[::-1], "np.arange(4)[::-1]"),
        (np.arange(2, 11, 3), "np.arange(2, 11, 3)"),
        (0.1 * np.eye(3), "0.1 * np.eye(3)"),
        (np.eye(2, 3, dtype=bool), "np.eye(2, 3, dtype=bool)"),
        (np.tri(3, k=-1, dtype=bool), "np.tri(3, k=-1, dtype=bool)"),
        (np.float32([0.1, 2]), "np.array([0.10000000149011612, 2.0], dtype=np.float32)"),
    ],
)
def test_constants(x, text):
    assert constant(x).text == text
    found = eval(text)
    assert np.asarray(found).tobytes() == np.asarray(x).tobytes()
    assert np.asarray(found).dtype == np.asarray(x).dtype


@pytest.mark.parametrize(
    ("c", "dtype", "text"),
    [
        (np.float64(0.1), np.float64, "x * 0.1"),
        (np.float64(0.1), np.int32, "x * 0.1"),
        (np.float32(0.1), np.float32, "x * 0.1"),
        (np.float64(0.1), np.float32, "x * np.float64(0.1)"),
        (np.float32(0.1), np.float64, "x * 0.10000000149011612"),
        (np.int64(3), np.float64, "x * 3"),
        (np.int64(3), np.int8, "x * np.int64(3)"),
        (np.float64(-0.5), np.float64, "-0.5 * x"),
        (np.array(3), np.int8, "x * np.int64(3)"),
    ],
)
def test_a_literal_has_to_give_the_same_dtype(c, dtype, text):
    x = np.array([1, 2], dtype)
    source = trace(lambda x: x * c)(x).to_source("written")
    assert source.splitlines()[-1] == f"    return {text}"
    np.testing.assert_array_equal(executed(source)(x), x * c)
    assert executed(source)(x).dtype == (x * c).dtype


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ~(x > 0),
        lambda x: (x > 0) + (x > 0.25),
        lambda x: (x > 0) * (x > 0.25),
        lambda x: x.astype(np.float32) + 1,
        lambda x: x[None] + x[...],
        lambda x: (x > 0).astype(bool),
        lambda x: x.reshape(1, 1).T,
        lambda x: x**2 + x.copy(),
    ],
)
def test_numbers_of_python_are_computed_with_as_arrays(f):
    graph = trace(f)(0.5)
    found, expected = executed(graph.to_source("written"))(0.5), np.asarray(graph(0.5))
    assert np.asarray(found).dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_two_constants_do_not_both_leave_their_shape_out():
    f = lambda x: np.where(x > 0, np.full((2, 2), 0.5), np.full((2, 2), 0.25))  # noqa: E731
    np.testing.assert_array_equal(
        executed(trace(f)(1.5).to_source("written"))(1.5), np.full((2, 2), 0.5)
    )


def test_an_array_comes_once_and_stays_as_it_is():
    start = np.array([0.5, 1.5, 3.5, 4.5])

    def f(x):
        y, z = x * 0 + start, dz.numpy.array(start) + 0 * x[0]
        y[0] = x[1]
        z[1] = x[0] * 2
        return y * start + z, start

    text = trace(f)(np.ones(4)).to_source("written")
    assert text.count("[0.5, 1.5, 3.5, 4.5]") == 1
    for a, b in zip(executed(text)(np.arange(4.0)), f(np.arange(4.0)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_constant_that_is_written_into_is_a_copy():
    lines = once(
        ["y = np.array([0.25, 0.5, 0.75])", "y[0] = x", "return y + np.array([0.25, 0.5, 0.75])"],
        lambda wish: wish,
    )
    assert lines == [
        "c = np.array([0.25, 0.5, 0.75])", "y = c.copy()", "y[0] = x", "return y + c",
    ]  # fmt: skip


# ---- lines ----


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (
            f"x = np.sum({'a' * 40} * {'b' * 40})",
            ["x = np.sum(", f"    {'a' * 40} * {'b' * 40}", ")"],
        ),
        (f"x = {'a' * 50} + {'b' * 50}", ["x = (", f"    {'a' * 50}", f"    + {'b' * 50}", ")"]),
        (
            f"    return {'a' * 50}, {'b' * 50}",
            ["    return (", f"        {'a' * 50},", f"        {'b' * 50},", "    )"],
        ),
        (
            f"d[f(k=1)] += {'a' * 50} + {'b' * 50}",
            ["d[f(k=1)] += (", f"    {'a' * 50}", f"    + {'b' * 50}", ")"],
        ),
        (f'x = f("{"a, (b " * 20}")', ["x = f(", f'    "{"a, (b " * 20}"', ")"]),
        (
            f"assert not np.any({'a' * 80})  # why",
            ["assert not np.any(", f"    {'a' * 80}", ")  # why"],
        ),
    ],
)
def test_long_lines(line, lines):
    assert wrapped(line) == lines


# ---- guards ----


def test_a_nan_that_shows_is_not_asked_for():
    """Behind `where`, the sweep asks whether ``0 * inf`` came up: here it shows in the result."""
    f = dz.grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0)))
    text = trace(f)(np.array([1.0, 4.0])).to_source("written")
    assert "assert" not in text
    with np.errstate(all="ignore"):
        assert np.isnan(executed(text)(np.array([0.0, 4.0]))[0])


def test_a_nan_that_decides_something_unseen_is_asked_for():
    def f(x):
        slope = dz.grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0)))(x)
        return np.where(slope > 0, x, -x)

    text = trace(f)(np.array([1.0, 4.0])).to_source("written")
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        executed(text)(np.array([0.0, 4.0]))


def test_the_programs_own_question_stays():
    def f(x):
        return np.nan_to_num(x) if np.any(np.isnan(x)) else 2 * x

    text = trace(f)(np.ones(2)).to_source("written")
    assert "    assert not np.any(np.isnan(x))  # the path that was taken" in text.splitlines()
    with pytest.raises(AssertionError):
        executed(text)(np.array([np.nan, 1.0]))


# ---- arguments ----


class Opaque:
    """A container whose parts have no name in Python."""

    def __init__(self, x):
        self.x = x


optree.register_pytree_node(
    Opaque, lambda o: ((o.x,), None), lambda _, xs: Opaque(*xs), namespace="dezero"
)


def test_the_arguments_are_the_functions_own():
    def f(model, _unused, *, scale):
        return model["w"][0] * model["b"] * scale

    model = {"w": (np.ones(2),), "b": np.array([1.0, 2.0])}
    text = trace(f)(model, None, scale=3.0).to_source()
    assert '    return model["w"][0] * model["b"] * scale' in text.splitlines()
    np.testing.assert_array_equal(executed(text, "f")(model, None, scale=3.0), [3, 6])
    with pytest.raises(GraphError, match="no name in Python"):
        trace(lambda o: o.x * 2)(Opaque(np.ones(2))).to_source()


# ---- numbers of Python in a trace ----

ARGUMENTS = {"astype": (int,), "clip": (0, 1), "repeat": (2,), "reshape": (1,), "take": (0,),
             "compress": ([True],), "choose": ([1.5, 2.5],), "dot": (2.0,), "__getitem__": (None,),
             "__divmod__": (2,), "__contains__": (1,)}  # fmt: skip
METHODS = [
    "T", "all", "any", "argmax", "astype", "clip", "compress", "conj", "copy", "cumsum", "diagonal",
    "dot", "dtype", "flags", "flatten", "imag", "item", "itemsize", "max", "mean", "nbytes", "ndim",
    "nonzero", "prod", "ravel", "real", "repeat", "reshape", "round", "shape", "size", "squeeze",
    "std", "strides", "sum", "take", "tolist", "transpose", "var", "view", "choose", "__getitem__",
    "__divmod__", "__contains__", "__abs__", "__bool__", "__len__", "__iter__",
]  # fmt: skip


def used(name):
    def f(x):
        found = getattr(x, name)
        return found(*ARGUMENTS.get(name, ())) if callable(found) else found

    return f


@pytest.mark.parametrize("x", [0.5, 1, 1 + 2j], ids=str)
@pytest.mark.parametrize("name", METHODS)
def test_a_traced_number_has_the_methods_of_an_array(name, x):
    """It gives what an array gives, or fails as one: by the same error, in the library's words."""
    try:
        expected = used(name)(np.asarray(x))
    except Exception as error:  # noqa: BLE001  # whatever NumPy says of it
        with pytest.raises((type(error), dz.errors.DeZeroError)):
            trace(used(name))(x)
        return
    if name in ("shape", "strides", "dtype", "flags"):
        trace(lambda y: (used(name)(y), y)[1])(x)
        return
    if name == "__bool__":
        assert trace(lambda y: 1.0 if y else 2.0)(x)(x) == 1.0
        return
    found = trace(used(name))(x)(x)
    assert str(np.asarray(found)) == str(np.asarray(expected))


@pytest.mark.parametrize("dtype", [bool, np.uint8, int, float])
def test_signs_stay_with_what_has_them(dtype):
    x, space = np.array([1, 0], dtype), {}
    exec(trace(lambda x: x / -2)(x).to_source("f"), space)
    np.testing.assert_array_equal(space["f"](x), x / -2)
