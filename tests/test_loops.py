"""`scan`, `fori_loop`, `while_loop`, `cond`: as the Python they stand for, in every mode."""

import gc
import math
import tracemalloc
import weakref

import numpy as np
import pytest

import dezero as dz
from dezero.errors import ConversionError, DataError, OperandError, ShapeError
from dezero.testing import check_grads

RNG = np.random.default_rng(9)
W, H, XS = RNG.normal(size=(3, 3)) * 0.5, RNG.normal(size=3), RNG.normal(size=(7, 3))
CHECKPOINTS = [None, True, "binomial"]


def recurrent(checkpoint):
    def loss(w, h, xs):
        def step(h, x):
            h = np.tanh(h @ w + x)
            return h, {"sum": np.sum(h), "h": h * x}

        h, ys = dz.scan(step, h, xs, checkpoint=checkpoint)
        return np.sum(h**2) + np.sum(ys["h"] ** 2) + np.sum(np.sin(ys["sum"]))

    return loss


def unrolled(w, h, xs):
    total = 0.0
    for x in xs:
        h = np.tanh(h @ w + x)
        total = total + np.sum((h * x) ** 2) + np.sin(np.sum(h))
    return np.sum(h**2) + total


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_scan_is_its_loop(checkpoint):
    f = recurrent(checkpoint)
    np.testing.assert_allclose(f(W, H, XS), unrolled(W, H, XS), 1e-14)
    for a, b in zip(
        dz.grad(f, (0, 1, 2))(W, H, XS), dz.grad(unrolled, (0, 1, 2))(W, H, XS), strict=True
    ):
        np.testing.assert_allclose(a, b, 1e-12, 1e-12)
    check_grads(f, [W, H, XS], order=2)
    np.testing.assert_allclose(dz.hessian(f, 1)(W, H, XS), dz.hessian(unrolled, 1)(W, H, XS), 1e-10)
    many = np.stack([XS, -XS])
    np.testing.assert_allclose(
        dz.vmap(dz.grad(f), (None, None, 0))(W, H, many),
        np.stack([dz.grad(unrolled)(W, H, xs) for xs in many]),
        1e-11,
    )
    np.testing.assert_allclose(
        dz.grad(lambda w: np.sum(dz.vmap(f, (None, None, 0))(w, H, many)))(W),
        sum(dz.grad(unrolled)(W, H, xs) for xs in many),
        1e-11,
    )


@pytest.mark.parametrize("n", [1, 2, 3, 10, 64, 300])
def test_binomial_checkpoints_run_each_step_few_times(n):
    """R + 1 runs, with r the least for which C(2 r, r) carries reach n steps."""
    r = next(r for r in range(1, 20) if math.comb(2 * r, r) >= n)
    runs = []

    def loss(x):
        def step(h, _):
            runs.append(1)
            return np.sin(h) * 1.01, None

        return np.sum(dz.scan(step, x, length=n, checkpoint="binomial")[0])

    g = dz.grad(loss)(np.array([0.5, 1.0]))
    assert len(runs) <= (r + 1) * n
    x, expected = np.array([0.5, 1.0]), 1.0
    for _ in range(n):
        expected, x = expected * 1.01 * np.cos(x), np.sin(x) * 1.01
    np.testing.assert_allclose(g, expected, 1e-11)


def peak(n, checkpoint):
    """Bytes at the most during a gradient through n steps, with carries of 80 kB."""
    x = np.full(10_000, 0.5)

    def loss(x):
        return np.sum(
            dz.scan(lambda h, _: (np.sin(h) * h, None), x, length=n, checkpoint=checkpoint)[0]
        )

    tracemalloc.start()
    dz.grad(loss)(x)
    (_, most), _ = tracemalloc.get_traced_memory(), tracemalloc.stop()
    return most / x.nbytes


def test_memory_of_binomial_checkpoints_is_logarithmic():
    """In arrays of the carry's size: all of them without; twenty-odd at any length with."""
    assert peak(64, None) > 64 * 2
    short, long = peak(64, "binomial"), peak(1024, "binomial")
    assert short < 30
    assert long < short + 4 * math.log2(1024 / 64)


def test_a_checkpointed_step_keeps_no_inner_values():
    inner = []

    def step(h, _):
        y = np.exp(h)
        inner.append(weakref.ref(y.data if isinstance(y, dz.Variable) else y))
        return np.log(y + 1), None

    gc.disable()
    try:
        v = dz.Variable(np.ones(3))
        h, _ = dz.scan(step, v, length=4, checkpoint=True)
        assert all(each() is None for each in inner)
        np.sum(h).backward()
    finally:
        gc.enable()
    assert len(inner) == 8


def test_scan_of_containers_and_no_xs():
    carry, ys = dz.scan(
        lambda c, x: ({"n": c["n"] + 1, "s": c["s"] + x["a"] * x["b"][0]}, (c["n"], x["a"])),
        {"n": 0, "s": 0.0},
        {"a": np.arange(3.0), "b": [np.ones((3, 2))[:, 0]]},
    )
    assert (carry["n"], carry["s"]) == (3, 3.0)
    np.testing.assert_array_equal(ys[0], [0, 1, 2])
    np.testing.assert_array_equal(ys[1], [0.0, 1.0, 2.0])
    assert dz.scan(lambda c, x: (c * 2, x), 1.0, length=5) == (32.0, None)
    carry, ys = dz.scan(lambda c, x: (c + x[0], {"x": x, "c": [c]}), 1.0, np.zeros((0, 2)))
    assert carry == 1.0
    assert (ys["x"].shape, ys["c"][0].shape) == ((0, 2), (0,))


# ---- the others ----


@pytest.mark.parametrize("n", [0, 1, 5, -3])
def test_fori_loop(n):
    f = lambda x: dz.fori_loop(0, n, lambda i, x: x * np.sin(x) + i, x)  # noqa: E731

    def plain(x):
        for i in range(n):
            x = x * np.sin(x) + i
        return x

    assert f(0.7) == plain(0.7)
    check_grads(f, [0.7])
    np.testing.assert_allclose(dz.vmap(f)(H), [plain(h) for h in H])


def newton(a):
    """The square root, by as many steps as it takes."""
    return dz.while_loop(
        lambda s: np.abs(s[0] ** 2 - a) > 1e-12,
        lambda s: ((s[0] + a / s[0]) / 2, s[1] + 1),
        (a + 1.0, 0),
    )


def test_while_loop_stops_for_each_member_by_itself():
    a = np.array([1.0, 4.0, 100.0])
    each = [newton(x) for x in a]
    roots, steps = dz.vmap(newton)(a)
    np.testing.assert_array_equal(roots, [r for r, _ in each])
    np.testing.assert_array_equal(steps, [n for _, n in each])
    assert len(set(steps)) == 3
    slopes = [dz.grad(lambda x: newton(x)[0])(x) for x in a]
    np.testing.assert_allclose(slopes, 0.5 / np.sqrt(a))
    np.testing.assert_allclose(dz.vmap(dz.grad(lambda x: newton(x)[0]))(a), slopes, 1e-13)
    total = dz.grad(lambda a: np.sum(dz.vmap(newton)(a)[0]))(a)
    np.testing.assert_allclose(total, slopes, 1e-13)
    grid = np.stack([a, a + 1])
    np.testing.assert_allclose(dz.vmap(dz.vmap(newton))(grid)[0], np.sqrt(grid))


def test_a_member_that_is_done_makes_no_nan():
    """It would divide by zero if it went on."""
    f = lambda x: dz.while_loop(lambda s: s > 0.5, lambda s: 1 / (s - 0.4) - 2, x)  # noqa: E731
    x = np.array([0.4, 0.8])
    np.testing.assert_allclose(dz.vmap(f)(x), [f(v) for v in x])
    np.testing.assert_allclose(dz.vmap(dz.grad(f))(x), [dz.grad(f)(v) for v in x])


def test_cond():
    f = lambda x: dz.cond(x > 0, lambda x: np.log(x), lambda x: x**2, x)  # noqa: E731, PLW0108
    x = np.array([2.0, -3.0, 0.0])
    np.testing.assert_array_equal(dz.vmap(f)(x), [np.log(2.0), 9.0, 0.0])
    np.testing.assert_array_equal(dz.vmap(dz.grad(f))(x), [0.5, -6.0, 0.0])
    np.testing.assert_array_equal(dz.grad(lambda x: np.sum(dz.vmap(f)(x)))(x), [0.5, -6.0, 0.0])
    np.testing.assert_array_equal(
        dz.vmap(lambda t: dz.jvp(f, (t,), (1.0,))[1])(x), [0.5, -6.0, 0.0]
    )
    assert [f(v) for v in x] == [np.log(2.0), 9.0, 0.0]
    calls = []
    dz.cond(False, lambda: calls.append("yes"), lambda: calls.append("no"))
    assert calls == ["no"]
    both = dz.vmap(lambda x: dz.cond(x > 0, lambda: (x, {"a": 1.0}), lambda: (-x, {"a": 2.0})))(x)
    np.testing.assert_array_equal(both[1]["a"], [1.0, 2.0, 2.0])


PAIR = (lambda c, x: (c, x), 1.0, np.ones(3))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: dz.scan(*PAIR, checkpoint="some"), OperandError, "binomial"),
        (lambda: dz.scan(lambda c, _x: c, 1.0, np.ones(3)), OperandError, r"\(carry, y\)"),
        (lambda: dz.scan(lambda c, x: (c, x), 1.0), ShapeError, "length="),
        (lambda: dz.scan(lambda c, x: (c, x), 1.0, length=-1), ShapeError, "negative"),
        (lambda: dz.scan(*PAIR, length=4), ShapeError, r"\[3, 4\]"),
        (
            lambda: dz.scan(lambda c, x: (c, x), 1.0, [np.ones(3), np.ones(2)]),
            ShapeError,
            "different",
        ),
        (lambda: dz.scan(lambda c, x: (c, x), 1.0, 2.0), ShapeError, "no steps"),
        (lambda: dz.scan(lambda c, x: (c + x, x), 0, np.ones(3)), ShapeError, "0.0 instead of 0"),
        (lambda: dz.scan(lambda c, x: ((c, c), x), 0.0, np.ones(3)), ShapeError, "structure"),
        (lambda: dz.scan(lambda c, x: (c, x), "text", np.ones(3)), DataError, "carry"),
        (
            lambda: dz.scan(lambda c, x: (c + 1, x if c else (x,)), 0, np.ones(3)),
            ShapeError,
            "y changed",
        ),
        (lambda: dz.fori_loop(0, 2.5, lambda _i, x: x, 1.0), TypeError, "integer"),
        (lambda: dz.fori_loop(0, 2, lambda _i, x: np.stack([x, x]), 1.0), ShapeError, "fori_loop"),
        (lambda: dz.while_loop(lambda x: x < 3, lambda x: x + 1.0, 0), ShapeError, "while_loop"),
        (
            lambda: dz.while_loop(lambda x: x < 3, lambda x: x + 1, np.zeros(2)),
            ShapeError,
            r"\(2,\)",
        ),
        (lambda: dz.cond(np.ones(2) > 0, abs, abs, 1.0), ShapeError, "one truth value"),
        (
            lambda: dz.vmap(lambda x: dz.cond(x > 0, lambda: x, lambda: (x, x)))(H),
            ShapeError,
            "different structures",
        ),
        (
            lambda: dz.vmap(lambda x: dz.cond(x > 0, lambda: x, lambda: np.stack([x, x])))(H),
            ShapeError,
            r"\(\) and \(2,\)",
        ),
        (
            lambda: dz.vmap(lambda n: dz.fori_loop(0, n, lambda _i, x: x, 1.0))(np.arange(3)),
            ConversionError,
            "single answer",
        ),
    ],
)
def test_misuse(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_scan_of_no_steps_checks_its_step():
    with pytest.raises(OperandError, match=r"\(carry, y\)"):
        dz.scan(lambda c, _x: c, 1.0, np.zeros(0))


def test_debug_does_not_look_at_what_does_not_count():
    f = lambda x: dz.cond(x > 0, np.log, np.square, x)  # noqa: E731
    g = lambda x: dz.while_loop(lambda s: s > 0.5, lambda s: 1 / (s - 0.4) - 2, x)  # noqa: E731
    with dz.debug():
        np.testing.assert_array_equal(dz.vmap(f)(np.array([1.0, 0.0])), [0.0, 0.0])
        assert np.all(np.isfinite(dz.vmap(g)(np.array([0.4, 0.8]))))
