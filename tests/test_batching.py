"""`vmap` of every row, and what a program for one member may and may not do."""

import itertools
import warnings

import numpy as np
import pytest
from cases import CASES, CONSTANT, SPELLINGS, X, some

import dezero as dz
from dezero.errors import (
    ConversionError,
    OperandError,
    SequentialWarning,
    ShapeError,
    UnsupportedError,
)

ALL = some(CASES, 60) | some(SPELLINGS, 12)
SCALES = np.array([1.0, 0.999, 1.001])
OTHER_LENGTHS = ("nonzero", "flatnonzero", "argwhere")
ONE_BY_ONE = ("searchsorted", "isin")


def over(table):
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=f"{title}-{k}")
            for title, cases in table.items()
            for k, case in enumerate(cases)
        ],
    )


def members(xs, mapped):
    """Three points near by, as batches of the operands that are `mapped`."""
    stacked = [
        np.stack([x * s for s in SCALES]).astype(x.dtype) if on else x
        for x, on in zip(xs, mapped, strict=True)
    ]
    axes = tuple(0 if on else None for on in mapped)
    each = [[x[k] if on else x for x, on in zip(stacked, mapped, strict=True)] for k in range(3)]
    return stacked, axes, each


def close(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    np.testing.assert_allclose(a, b, 1e-12, 1e-12 * max(1.0, np.max(np.abs(b), initial=0.0)))


@over(ALL)
def test_a_batch_is_its_members(case):
    """Values, tangents and gradients, for each choice of the operands that differ."""
    rng = np.random.default_rng(3)
    for mapped in itertools.product([True, False], repeat=len(case.args)):
        if not any(mapped):
            continue
        xs, axes, each = members(case.args, mapped)
        if case.fills and not mapped[0]:  # a plain array cannot hold what differs
            with pytest.raises((ConversionError, UnsupportedError, ValueError)) as caught:
                dz.vmap(case.call, axes)(*xs)
            assert "dz.numpy.zeros" in str(caught.value.__cause__ or caught.value)
            continue
        if case.ragged:
            with pytest.raises(OperandError, match=r"np\.where"):
                dz.vmap(case.call, axes)(*xs)
            continue
        ys = dz.vmap(case.call, axes)(*xs)
        close(ys, np.stack([case.call(*one) for one in each]))
        gy = np.asarray(rng.normal(size=ys.shape), ys.dtype)

        def pulled(g, *one):
            return dz.vjp(case.call, *one)[1](g)

        for found, alone in zip(
            dz.vmap(pulled, (0, *axes))(gy, *xs),
            zip(*(pulled(g, *one) for g, one in zip(gy, each, strict=True)), strict=True),
            strict=True,
        ):
            close(found, np.stack(alone))
        _, outside = dz.vjp(lambda *a, axes=axes: dz.vmap(case.call, axes)(*a), *xs)
        for x, on, found, alone in zip(
            xs,
            mapped,
            outside(gy),
            zip(*(pulled(g, *one) for g, one in zip(gy, each, strict=True)), strict=True),
            strict=True,
        ):
            assert found.shape == x.shape
            close(found, np.stack(alone) if on else sum(alone))
        if "forward" in case.modes:
            ts = [np.asarray(rng.normal(size=x.shape), x.dtype) for x in xs]
            _, tys = dz.jvp(lambda *a, axes=axes: dz.vmap(case.call, axes)(*a), xs, ts)
            moves = [
                [t[k] if on else t for t, on in zip(ts, mapped, strict=True)] for k in range(3)
            ]
            alone = [dz.jvp(case.call, one, t)[1] for one, t in zip(each, moves, strict=True)]
            close(tys, np.stack(alone))


@over({title: calls for title, calls in CONSTANT.items() if title not in OTHER_LENGTHS})
def test_functions_without_a_derivative(case, request):
    xs = np.stack([X, X[:, ::-1], -X])
    with warnings.catch_warnings():
        if request.node.callspec.id.split("-")[0] in ONE_BY_ONE:
            warnings.simplefilter("ignore", SequentialWarning)
        expected = [case(x) for x in xs]
        if isinstance(expected[0], (str, tuple)):
            return  # a text, a shape: no array to have members
        found = dz.vmap(case)(xs)
    np.testing.assert_array_equal(found, np.stack([np.asarray(y) for y in expected]))


@over({title: CONSTANT[title] for title in OTHER_LENGTHS})
def test_results_of_different_lengths_are_refused(case):
    with pytest.raises(OperandError, match=r"np\.where"):
        dz.vmap(case)(X)


# ---- vmap: axes, containers, results ----

A, B = np.arange(24.0).reshape(2, 3, 4), np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("out", [0, 1, -1])
def test_any_axis_counts_the_members(axis, out):
    found = dz.vmap(np.cumsum, axis, out)(A)
    each = [np.cumsum(x) for x in np.moveaxis(A, axis, 0)]
    np.testing.assert_array_equal(found, np.stack(each, out))


def test_in_axes_of_containers_and_what_all_share():
    def f(p, x):
        return {"y": p["w"] @ x + p["b"][0], "shared": p["w"], "number": 3.0}

    p = {"w": A[0], "b": [np.arange(5.0), 7.0]}
    out = dz.vmap(f, ({"w": None, "b": [0, None]}, None), {"y": 1, "shared": None, "number": 0})(
        p, np.ones(4)
    )
    np.testing.assert_array_equal(out["y"], np.stack([A[0].sum(1) + k for k in range(5)], axis=1))
    np.testing.assert_array_equal(out["shared"], A[0])
    np.testing.assert_array_equal(out["number"], np.full(5, 3.0))


def test_a_result_that_is_the_same_for_all_is_repeated_and_owned():
    y = dz.vmap(lambda _x: B)(np.zeros(2))
    y[0, 0, 0] = 5.0
    assert B[0, 0] == 0
    assert y[1, 0, 0] == 0


def test_nested_batches_do_not_mix():
    found = dz.vmap(lambda a: dz.vmap(lambda b: a * b + a.sum())(B))(B)
    np.testing.assert_array_equal(found, B[:, None] * B + B.sum(1)[:, None, None])
    outer = dz.vmap(dz.vmap(lambda a, b: a - b, (0, None)), (None, 0))(B[0], B[1])
    np.testing.assert_array_equal(outer, B[0] - B[1][:, None])


def test_one_member_and_no_member():
    assert dz.vmap(lambda x: np.sum(np.sin(x)))(np.ones((1, 3))).shape == (1,)
    assert dz.vmap(lambda x: np.sin(x) @ B)(np.ones((0, 3))).shape == (0, 4)


def test_variables_that_are_closed_over_are_in_the_graph():
    w = dz.Variable(np.array([1.0, 2.0, 3.0]))
    y = dz.vmap(lambda x: np.sum(w * x))(A[0].T)
    np.sum(y**2).backward()
    np.testing.assert_allclose(w.grad, 2 * (A[0].T @ w.data) @ A[0].T)


# ---- indices that differ between the members ----

PLACES = [
    lambda x, i: x[i],
    lambda x, i: x[:, i],
    lambda x, i: x[..., i],
    lambda x, i: x[i, :, None, i + 1],
    lambda x, i: x[i, 1, i],
    lambda x, i: x[i, ..., i],
    lambda x, i: x[:, i, ..., i],
    lambda x, i: x[i, i, ..., i],
    lambda x, i: x[0, ..., np.stack([i, i])],
    lambda x, i: x[:, np.stack([i, i]), ..., i],
    lambda x, i: x[np.array([0, 1]), i],
    lambda x, i: x[np.array([0, 1]), :, i],
    lambda x, i: x[[i, i]],
    lambda x, i: x[np.array([True, False]), i],
    lambda x, i: x[1:, [i, i], None],
    lambda x, i: x[np.stack([i, 0 * i])[:, None], np.array([0, 2, 2])],
]


@pytest.mark.parametrize("read", PLACES)
@pytest.mark.parametrize("mapped", [(0, 0), (None, 0)])
def test_each_member_has_its_own_place(read, mapped):
    x = A if mapped[0] is None else np.stack([A, -A, A * A])
    i = np.array([0, 1, 0])
    each = [read(x if mapped[0] is None else x[k], i[k]) for k in range(3)]
    boxed = lambda x, i: read(dz.as_variable(x), i)  # noqa: E731  # a plain array knows no batches
    np.testing.assert_array_equal(dz.vmap(boxed, mapped)(x, i), np.stack(each))
    loss = lambda x, i: np.sum(boxed(x, i) ** 3)  # noqa: E731
    found = dz.vmap(dz.grad(loss), mapped)(x, i)
    alone = [dz.grad(loss)(x if mapped[0] is None else x[k], i[k]) for k in range(3)]
    np.testing.assert_array_equal(found, np.stack(alone))
    total = dz.grad(lambda x: np.sum(dz.vmap(loss, mapped)(x, i)))(x)
    np.testing.assert_array_equal(total, sum(alone) if mapped[0] is None else np.stack(alone))


def test_writing_at_a_place_of_each_members_own():
    def f(x, i, w):
        y = x * 1.0
        y[i] = w * x[0]
        return y

    x, i, w = B, np.array([3, 0, 2]), np.array([5.0, 6.0, 7.0])
    each = [f(dz.Variable(a), j, v).data for a, j, v in zip(x, i, w, strict=True)]
    np.testing.assert_array_equal(dz.vmap(f)(x, i, w), np.stack(each))
    g = dz.vmap(dz.jacobian(f))(x, i, w)
    np.testing.assert_array_equal(
        g, np.stack([dz.jacobian(f)(a, j, v) for a, j, v in zip(x, i, w, strict=True)])
    )

    def twice(x, i):
        y = x * 1.0
        y[np.stack([i, i])] = np.array([1.0, 2.0])
        return y

    with pytest.raises(OperandError, match="twice"):
        dz.vmap(twice)(x, i)


def test_a_mask_of_each_members_own_is_refused():
    with pytest.raises(OperandError, match=r"np\.where\(mask"):
        dz.vmap(lambda x: x[x > 1.0])(B)


# ---- what a program for one member may not do ----


def truth(x):
    return x if x > 0 else -x


@pytest.mark.parametrize(
    ("program", "error", "says"),
    [
        (truth, ConversionError, r"np\.where.*dz\.cond"),
        (lambda x: x * int(x), ConversionError, "single answer"),
        (lambda x: x * float(x), ConversionError, r"v\.data"),
        (lambda x: [1, 2][x.astype(int)], ConversionError, "single answer"),
        (lambda x: x.item(), ConversionError, "single answer"),
        (np.asarray, ConversionError, r"np\.asarray"),
        (lambda x: x @ x, ShapeError, "number"),
        (lambda x: np.sum(x, axis=1), dz.errors.BoundsError, "axis 1"),
        (lambda x: np.transpose(np.stack([x, x]), (0, 1)), ShapeError, "transpose"),
    ],
)
def test_misuse_inside(program, error, says):
    with pytest.raises(error, match=says):
        dz.vmap(program)(np.arange(3.0))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: dz.vmap(3.0), OperandError, "function"),
        (lambda: dz.vmap(np.sin)(2.0), ShapeError, "no axis"),
        (lambda: dz.vmap(np.sin, 3)(A), ShapeError, r"\(2, 3, 4\) has no axis 3"),
        (lambda: dz.vmap(np.sin, None)(A), OperandError, "no argument is mapped"),
        (lambda: dz.vmap(np.sin, 1.5)(A), OperandError, "integers or None"),
        (lambda: dz.vmap(np.add, (0, 0, 0))(A, A), OperandError, "in_axes"),
        (lambda: dz.vmap(np.add)(A, B), ShapeError, r"2 by shape.*3 by shape"),
        (lambda: dz.vmap(np.sin, 0, None)(A), OperandError, "out_axes is None"),
        (lambda: dz.vmap(np.sin, 0, 5)(A), ShapeError, "axis 5"),
        (lambda: dz.vmap(lambda x: (x, x), 0, (0, 0, 0))(A), OperandError, "out_axes"),
    ],
)
def test_misuse_outside(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_users_function_runs_one_by_one_and_says_so():
    class Cube(dz.Function):
        def forward(self, x):
            return x**3

        def backward(self, gy):
            return 3 * self.input**2 * gy

    with pytest.warns(SequentialWarning, match="Cube has no batching rule and runs once"):
        found = dz.vmap(dz.grad(lambda x: np.sum(Cube()(x))))(B)
    np.testing.assert_allclose(found, 3 * B**2)


def test_a_member_that_escapes_is_no_number():
    kept = []
    dz.vmap(lambda x: kept.append(x) or x)(B)
    with pytest.raises(dz.errors.GraphError, match="vmap"):
        dz.vmap(lambda y: y + kept[0])(B)


# ---- found by review ----


def test_none_among_arguments_and_results():
    f = lambda x, m: (x if m is None else x * m["k"], None)  # noqa: E731
    assert dz.vmap(f, (0, None))(np.arange(2.0), None)[1] is None
    np.testing.assert_array_equal(
        dz.vmap(f, (0, {"k": None, "none": None}))(np.arange(2.0), {"k": 3.0, "none": None})[0],
        [0.0, 3.0],
    )


def test_comparisons_of_whole_members():
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 5.0]])
    for f in (np.allclose, np.array_equal):
        np.testing.assert_array_equal(dz.vmap(f)(x, y), [True, False])
        np.testing.assert_array_equal(dz.vmap(f, (0, None))(x, x[0]), [True, False])
    loose = dz.vmap(lambda a, b: np.allclose(a, b, 0.0, atol=1.5))(x, y)
    np.testing.assert_array_equal(loose, [True, True])
    np.testing.assert_array_equal(dz.vmap(np.array_equal)(x, np.ones((2, 3))), [False, False])
    table = np.arange(5.0)
    np.testing.assert_array_equal(
        dz.vmap(lambda v: np.searchsorted(table, v))(x), np.searchsorted(table, x)
    )
