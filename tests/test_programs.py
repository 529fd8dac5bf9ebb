"""Random programs: the same bits through eager, graph, each pass, all of them, source and jit.

Machine code gives the same up to 1e-12 of the largest number that the program meets.

A program is a list of statements over names. Statements call rows, assign into arrays, branch on
the data and loop, so that guards, sub-graphs and copies are in play. Left out are numbers of 0
dimensions and complex ones, since NumPy's scalars have an arithmetic of their own; and an index
that takes a place twice: the eager sweep adds its cotangents to the sum one by one, the graph all
at once. A loop adds those of its turns in another order than the eager sweep: there the graph of a
gradient agrees with it but for rounding, and with everything else to the bit.
"""

import importlib.util
import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_ir import same

import dezero as dz
from dezero.errors import EagerWarning
from dezero.ir import Guard, simplified, trace
from dezero.ir.passes import PASSES
from dezero.jit.replay import OtherPath, compiled

SHAPES = [(3,), (2, 3), (1, 3), (2, 1), (1,)]

UNARY = {
    "sin": np.sin,
    "exp": lambda x: np.exp(-np.abs(x)),
    "tanh": np.tanh,
    "square": np.square,
    "power": lambda x: x**2,
    "negative": np.negative,
    "sqrt": lambda x: np.sqrt(x * x + 1),
    "sum": lambda x: np.sum(x, axis=-1, keepdims=True),
    "mean": lambda x: np.mean(x, axis=0, keepdims=True),
    "max": lambda x: np.max(x, axis=-1, keepdims=True),
    "cumsum": lambda x: np.cumsum(x, axis=-1),
    "transpose": lambda x: np.transpose(np.transpose(x)),
    "columns": lambda x: np.transpose(np.square(np.transpose(x)) * -2),
    "fold of columns": lambda x: np.sum(x.T, axis=0).reshape((*x.shape[:-1], 1)),
    "spread": lambda x: np.broadcast_to(x[..., :1], x.shape) * 2,
    "minus": lambda x: x + -x * 0.5,
    "factors": lambda x: 100.0 * (2 * (x / 4)),
    "reshape": lambda x: np.reshape(np.reshape(x, (-1,)), x.shape),
    "flip": lambda x: x[::-1],
    "tail": lambda x: x[..., -1:],
    "gather": lambda x: x[..., np.arange(x.shape[-1])[::-1]],
    "broadcast": lambda x: np.broadcast_to(x, np.broadcast_shapes(x.shape, (2, 3))),
    "concatenate": lambda x: np.concatenate([x, x * 2], axis=0)[: x.shape[0]],
    "one": lambda x: 1 * x,
    "minus one": lambda x: x * -1.0,
    "nothing": lambda x: x - 0.0,
    "sort": lambda x: np.sort(x, axis=-1),
    "clip": lambda x: np.clip(x, -0.5, 0.5),
    "float32": lambda x: x.astype(np.float32).astype(x.dtype),
    "stop": lambda x: dz.stop_gradient(x) + x,
}
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": lambda x, y: x / (1 + y * y),
    "maximum": np.maximum,
    "where": lambda x, y: np.where(x > y, x, y * 2),
    "hypot": lambda x, y: np.hypot(x, y + 3),
    "matmul": lambda x, y: np.reshape(x @ y, (1,)) if x.shape == y.shape == (3,) else x + y,
}


def assign(x, y):
    """A part of a copy is written over."""
    z = x + 0 * y
    z[..., :1] = y[..., :1] * 2 if z.ndim == y.ndim and z.shape[:-1] == y.shape[:-1] else 0.25
    return z


def branch(x, y):
    """A path that the numbers choose."""
    return np.sin(x) + y if np.sum(x) > 0 else x * y


def several_turns(x, y):
    """A Python loop whose length is in the data."""
    for _ in range(int(np.sum(x > 0) % 3)):
        x = x * 0.5 + y
    return x + 0 * y


def chosen(x, y):
    return dz.cond(np.sum(y) > 0, lambda: np.cos(x) + y, lambda: x - y)


def repeated(x, y):
    return dz.fori_loop(0, 3, lambda i, z: np.tanh(z) * y + i, x + 0 * y)


def until(x, y):
    return dz.while_loop(lambda z: np.sum(z * z) > 0.5, lambda z: z * 0.5, x * y)


def scanned(x, y):
    z, zs = dz.scan(lambda c, _: (np.sin(c) + y, c * c), x + 0 * y, length=2)
    return z + zs[1]


STATEMENTS = {
    "assign": assign,
    "branch": branch,
    "several turns": several_turns,
    "cond": chosen,
    "fori_loop": repeated,
    "while_loop": until,
    "scan": scanned,
}
LOOPS = ("cond", "fori_loop", "while_loop", "scan")
TWO = BINARY | STATEMENTS
CALLS = st.one_of(
    st.tuples(st.sampled_from(sorted(UNARY)), st.integers(0, 7)),
    st.tuples(st.sampled_from(sorted(TWO)), st.integers(0, 7), st.integers(0, 7)),
)


class Program:
    """Statements, each over what was computed before; the last two results are what it gives."""

    def __init__(self, calls):
        self.calls = calls

    def __call__(self, x, y):
        known = [x, y]
        for name, *at in self.calls:
            f = UNARY.get(name) or TWO[name]
            known.append(f(*(known[k % len(known)] for k in at)))
        return known[-1], known[-2]

    def __repr__(self):
        return f"Program({self.calls})"


def loss(program):
    return lambda x, y: sum(np.sum(out * out) for out in program(x, y))


def arrays_of(shapes, seed):
    rng = np.random.default_rng(seed)
    order = np.asfortranarray if seed % 3 == 0 else np.asarray
    return [order(rng.normal(size=shape)) for shape in shapes]


PROGRAMS = {
    "calls": st.lists(CALLS, min_size=1, max_size=7),
    "shapes": st.tuples(st.sampled_from(SHAPES), st.sampled_from(SHAPES)),
    "seed": st.integers(0, 2**20),
}
MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip


def compared(f, xs, others, agree_with_eager):
    """Through everything, at the point of the trace; and compiled, at another one too."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error", EagerWarning)
        graph = trace(f)(*xs)
        expected = graph(*xs)
        agree_with_eager(expected, f(*xs))
        small = simplified(graph)
        for each in (*(one(graph) for one in PASSES), small):
            agree(each.verify()(*xs), expected)
        if NATIVE:
            close(small, xs, others)
        space = {}
        exec(small.to_source("written"), space)
        agree(space["written"](*xs), expected)
        replayed = dz.jit(f, backend="numpy")
        for at in (xs, xs, others, xs):
            agree_with_eager(replayed(*at), f(*at))
        agree(replayed(*xs), expected)


def largest(graph, xs):
    """The largest number on the way."""
    env = dict(zip(graph.inputs, xs, strict=True))
    for step in graph.steps:
        step.run(env)
    return max(np.max(np.abs(x), initial=0, where=np.isfinite(x)) for x in env.values())


def close(graph, xs, others):
    """The graph as machine code, where it was traced and at another point."""
    from dezero.jit.native.regions import with_kernels  # it needs llvmlite

    native, replayed = compiled(with_kernels(graph)), compiled(graph)
    for at in (xs, others):
        try:
            expected = replayed(*at)
        except OtherPath:
            continue
        size = 1e-12 * largest(graph, at)
        for a, b in zip(native(*at), expected, strict=True):
            assert (a.shape, a.dtype) == (np.shape(b), np.asarray(b).dtype)
            np.testing.assert_allclose(a, b, 1e-12, size)


NATIVE = importlib.util.find_spec("llvmlite") is not None


def agree(found, expected):
    for a, b in zip(found, expected, strict=True):
        same(a, b)


def agree_but_for_rounding(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        scale = np.max(np.abs(b), where=np.isfinite(b), initial=0.0)
        np.testing.assert_allclose(a, b, 1e-9, 1e-9 * scale)


@MANY
@given(**PROGRAMS)
def test_a_random_program_is_the_same_everywhere(calls, shapes, seed):
    compared(Program(calls), arrays_of(shapes, seed), arrays_of(shapes, seed + 1), agree)


@MANY
@given(**PROGRAMS)
def test_the_gradient_of_a_random_program_is_the_same_everywhere(calls, shapes, seed):
    f = dz.grad(loss(Program(calls)), (0, 1))
    loops = any(name in LOOPS for name, *_ in calls)
    agreement = agree_but_for_rounding if loops else agree
    compared(f, arrays_of(shapes, seed), arrays_of(shapes, seed + 1), agreement)


@settings(MANY, max_examples=25)
@given(**PROGRAMS)
def test_a_random_graph_is_differentiated_and_batched_like_its_program(calls, shapes, seed):
    program = Program(calls)
    xs = arrays_of(shapes, seed)
    with np.errstate(all="ignore"):
        graph = trace(program)(*xs)
        agree(dz.grad(loss(graph), (0, 1))(*xs), dz.grad(loss(program), (0, 1))(*xs))
        if any(isinstance(step, Guard) for step in graph.steps):
            return  # the members of a batch may take different paths
        many = [np.stack([x, x]) for x in xs]
        for a, b in zip(dz.vmap(graph)(*many), program(*xs), strict=True):
            np.testing.assert_allclose(a, np.stack([b, b]), 1e-12, 1e-12)
