"""Folds, order and statistics: what the tables of cases cannot say."""

import itertools
import tracemalloc
import warnings

import numpy as np
import pytest

import dezero as dz
from dezero.core import Variable, node_of
from dezero.errors import BoundsError, OperandError, ShapeError, UnsupportedError
from dezero.rules import cumulative
from dezero.testing import check_grads

X = np.array([[0.3, -1.2, 2.0], [1.1, 0.7, -0.4]])
nan = np.nan


# ---- zeros among factors ----


def slopes_of_products(x):
    """The Jacobian of a running product, by its definition."""
    n = len(x)
    return np.array(
        [[np.prod(np.delete(x[: k + 1], j)) if j <= k else 0.0 for j in range(n)] for k in range(n)]
    )


@pytest.mark.parametrize("zeros", [(), (0,), (3,), (3, 7), (0, 1, 2), range(11)])
@pytest.mark.parametrize("n", [1, 2, 11, 40])
def test_running_products_are_exact_with_zeros(n, zeros):
    x = np.random.default_rng(n).uniform(0.5, 1.5, n)
    x[[k for k in zeros if k < n]] = 0
    expected = slopes_of_products(x)
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(dz.jacobian(np.cumprod, mode=mode)(x), expected, 1e-13, 1e-300)


@pytest.mark.parametrize("zeros", [(), (1,), (1, 3), (0, 1, 2)])
def test_so_are_their_second_and_third_derivatives(zeros):
    x = np.array([1.5, 0.7, -1.2, 0.4, 2.0])
    x[list(zeros)] = 0
    weights = np.array([1.0, -2.0, 0.5, 3.0, 1.5])
    check_grads(lambda x: np.cumprod(x) * weights, [x], order=3)
    check_grads(lambda x: np.cumprod(np.stack([x, x + 1]), 1), [x], order=2)
    last = dz.hessian(lambda x: np.cumprod(x)[-1])(x)
    others = [[0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(5)] for i in range(5)]
    np.testing.assert_allclose(last, others, 1e-13, 1e-15)


def test_products_that_leave_the_range_of_floating_point():
    """The pairs would be 0 * inf; the steps are not."""
    x = np.tile([1e-200, 1e200], 20)
    g = dz.grad(lambda x: np.sum(np.cumprod(x)[1::2]))(x)
    np.testing.assert_allclose(g[::2] * 1e-200, 20.0 - np.arange(20), 1e-10)
    with np.errstate(over="ignore"):
        steep = dz.grad(lambda x: np.cumprod(x)[-1])(np.array([0.0, 1e200, 1e200]))
    np.testing.assert_array_equal(steep, [np.inf, 0, 0])


# ---- cost ----


def peak(call):
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("zeros", [0, 1000])
@pytest.mark.parametrize(
    "f", [np.cumprod, np.cumsum, np.maximum.accumulate, np.sort, np.median, np.diff, np.nanvar]
)
def test_the_gradient_costs_no_matrix(f, zeros):
    """Memory of some arrays of the operand's size; a matrix would be 20,000 times as large."""
    x = np.random.default_rng(0).uniform(0.9, 1.1, 20_000)
    x[:zeros] = 0
    assert peak(lambda: dz.grad(lambda x: np.sum(f(x)))(x)) < 40 * x.nbytes


def test_the_work_of_a_running_products_gradient_grows_with_its_length(monkeypatch):
    """Cyclic reduction halves what is left, and the last few elements are gone step by step."""
    lengths = []

    def watched(name):
        solve = getattr(cumulative, name)
        return lambda a, b: (lengths.append(len(b)), solve(a, b))[1]

    for name in ("recurrence_in_pairs", "recurrence_in_steps"):
        monkeypatch.setattr(cumulative, name, watched(name))
    for n in (1000, 64_000):
        x = np.random.default_rng(0).normal(size=n)
        x[n // 2] = 0
        lengths.clear()
        dz.grad(lambda x: np.sum(np.cumprod(x)))(x)
        assert sum(lengths) < 2.1 * n


def test_only_what_is_needed_is_kept():
    x = Variable(np.arange(5.0))
    assert node_of(np.cumsum(x)).saved[0].shape == (5,)  # a shape, no array
    out, kept, _ = node_of(np.cumprod(x)).saved
    assert (out.shape, kept.shape) == ((5,), (5,))


# ---- masks ----


@pytest.mark.parametrize("bad", [nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("f", "initial"),
    [(np.sum, 0.0), (np.prod, 1.0), (np.max, -9.0), (np.min, 9.0), (np.nanmax, -9.0)],
)
def test_a_mask_may_be_a_box_and_differ_between_members(f, initial, bad):
    x = np.where(X > 0.5, bad, X)

    def masked(x, mask):
        return f(x, axis=0, where=mask, initial=initial)

    mask = X <= 0.5
    expected = masked(x, mask)
    np.testing.assert_allclose(masked(Variable(x), Variable(mask)).data, expected)
    g = dz.grad(lambda x: np.sum(masked(x, mask)))(x)
    assert np.all(np.isfinite(g))
    assert not np.any(g[~mask])
    masks = np.stack([mask, np.zeros_like(mask)])
    found = dz.vmap(masked, (None, 0))(Variable(x), masks)
    np.testing.assert_allclose(found.data, np.stack([masked(x, m) for m in masks]))


def test_answers_under_a_mask_of_each_members_own():
    masks = np.stack([X > 0, X < 0])
    for f in (np.all, np.any):
        found = dz.vmap(lambda m, f=f: f(dz.Variable(X) > 0.5, where=m))(masks)
        np.testing.assert_array_equal(found, [f(X > 0.5, where=m) for m in masks])


@pytest.mark.parametrize("f", [np.mean, np.var, np.std])
def test_folds_of_nothing_warn_as_numpy_does(f):
    nothing = np.zeros(3, bool)
    for x in (np.ones(3), Variable(np.ones(3))):
        with pytest.warns(RuntimeWarning) as caught, np.errstate(all="ignore"):
            assert np.isnan(getattr(f(x, where=nothing), "data", nan))
        assert len(caught) == 1


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (np.nanmean, "Mean of empty slice"),
        (np.nanvar, "Degrees of freedom"),
        (np.nanstd, "Degrees of freedom"),
        (np.nanmax, "All-NaN"),
        (np.nanmedian, "All-NaN|empty slice"),
        (lambda x: np.nanpercentile(x, 30), "All-NaN"),
    ],
)
def test_slices_of_nothing_but_nan_warn(f, says):
    with pytest.warns(RuntimeWarning, match=says):
        y = f(Variable(np.array([nan, nan])))
    assert np.isnan(y.data)


# ---- dtypes ----


@pytest.mark.parametrize(
    "f",
    [
        np.sum,
        np.mean,
        np.std,
        np.cumprod,
        np.median,
        np.ptp,
        np.nanmean,
        np.nansum,
        lambda x: np.sum(x, where=[True, False, True]),
        lambda x: np.var(x, where=[True, True, True]),
        lambda x: np.mean(x, where=[True, True, True]),
        lambda x: np.quantile(x, 0.3),
        np.gradient,
    ],
)
def test_halves_stay_halves(f):
    x = np.array([1.0, 2.5, -0.5], np.float16)
    y = f(Variable(x))
    np.testing.assert_allclose(y.data, f(x), 2e-3)
    assert y.dtype == f(x).dtype == np.float16
    assert dz.grad(lambda x: np.sum(f(x)))(x).dtype == np.float16


@pytest.mark.parametrize("f", [np.sum, np.prod, np.mean, np.cumsum, np.cumprod, np.var])
def test_a_dtype_that_would_lose_something_is_refused(f):
    with pytest.raises(OperandError, match="cannot hold"):
        f(Variable(np.array([1 + 2j])), dtype=float)
    if f is not np.mean:
        with pytest.raises((OperandError, TypeError)):
            f(Variable(np.array([1.5])), dtype=int)
    assert f(Variable(np.float32([1, 2])), dtype=np.float64).dtype == np.float64
    assert dz.grad(lambda x: np.sum(f(x, dtype=np.float64)))(np.float32([1, 2])).dtype == np.float32


@pytest.mark.parametrize("f", [np.max, np.min, np.nanmax, np.nanmin, np.sum, np.prod])
def test_initial_values_take_the_dtype_of_the_fold(f):
    for x in (np.array([[5, 4]], np.int32), np.empty((0, 2), np.int32), np.float32([[3, 4]])):
        for options in ({}, {"where": np.array([True, False])}):
            y, expected = (f(each, initial=2.5, **options) for each in (Variable(x), x))
            assert (y.data, y.dtype) == (expected, expected.dtype)


@pytest.mark.parametrize("dtype", [np.int8, np.int32])
def test_small_integers_that_are_asked_for(dtype):
    for x in (np.array([[3, 4]], np.int32), np.array([True, True])):
        for f in (np.sum, np.prod):
            options = {"dtype": dtype, "where": np.array([True, False])}
            assert f(Variable(x), **options).dtype == f(x, **options).dtype == dtype


def test_a_dtype_that_is_asked_for_is_the_result_of_cov():
    x = np.random.default_rng(1).normal(size=(2, 5))
    for f in (np.cov, np.corrcoef):
        y = f(Variable(x), dtype=np.float32)
        assert y.dtype == f(x, dtype=np.float32).dtype == np.float32
        np.testing.assert_allclose(y, f(x), rtol=1e-5)


# ---- ties ----


def test_sorting_goes_through_every_order_of_derivatives():
    x = np.array([2.0, 1.0, 2.0, 1.0])
    weights = np.arange(1.0, 5.0)
    f = lambda x: np.sum(np.sort(x) ** 3 * weights)  # noqa: E731
    np.testing.assert_array_equal(dz.grad(f)(x), 3 * x**2 * [3, 1, 4, 2])
    np.testing.assert_array_equal(dz.hessian(f)(x), np.diag(6 * x * [3, 1, 4, 2]))
    batch = np.stack([x, -x, x + np.arange(4)])
    each = [dz.grad(f)(row) for row in batch]
    np.testing.assert_array_equal(dz.vmap(dz.grad(f))(batch), np.stack(each))


@pytest.mark.parametrize("method", ["lower", "linear", "inverted_cdf", "hazen"])
def test_the_extreme_quantiles_are_the_extremes(method):
    x = np.array([3.0, 1.0, 3.0, 1.0, 1.0])
    for q, extreme in ((0.0, np.min), (1.0, np.max)):
        quantile = lambda x, q=q: np.quantile(x, q, method=method)  # noqa: E731
        np.testing.assert_allclose(dz.grad(quantile)(x), dz.grad(extreme)(x), 1e-14)


def test_the_gradient_of_a_quantile_sums_to_one():
    x = np.random.default_rng(0).integers(0, 4, 30).astype(float)
    for q in np.linspace(0, 1, 13):
        for f in (np.quantile, np.nanquantile):
            assert abs(np.sum(dz.grad(lambda x, q=q, f=f: f(x, q))(x)) - 1) < 1e-14


def test_a_quantile_of_each_members_own():
    q = np.array([0.1, 0.5, 0.93])
    found = dz.vmap(lambda q: np.quantile(dz.Variable(X), q))(q)
    np.testing.assert_allclose(found.data, np.quantile(X, q), 1e-14)
    slopes = dz.vmap(dz.grad(lambda q: np.quantile(dz.Variable(X), q)))(q)
    np.testing.assert_allclose(slopes, [dz.grad(lambda q: np.quantile(X, q))(each) for each in q])


# ---- one call for all slices, or slice by slice ----


def test_a_function_of_slices_is_called_once_for_all_or_once_for_each():
    calls = []

    def smooth(v, power):
        calls.append(v)
        return np.stack([np.sum(v**power), v[0]])

    def by_cases(v, power):
        calls.append(v)
        return smooth(v, power) if v[0] > 0 else -smooth(v, power)

    for f, most in ((smooth, 1), (by_cases, 6)):
        for axis in (0, 1):
            loss = lambda x, f=f, axis=axis: np.apply_along_axis(f, axis, x, 3)  # noqa: E731
            calls.clear()
            y = loss(Variable(X))
            assert len(calls) <= max(most, 2 * X.shape[1 - axis] + 1) if most > 1 else 1
            np.testing.assert_array_equal(y.data, loss(X))
            check_grads(loss, [X])


def test_a_function_of_slices_that_says_numbers_without_a_derivative():
    assert np.array_equal(np.apply_along_axis(np.argmax, 1, Variable(X)), np.argmax(X, 1))
    assert np.apply_along_axis(len, 0, Variable(X)).tolist() == [2, 2, 2]
    with pytest.raises(ShapeError, match="no slice"):
        np.apply_along_axis(np.sum, 0, Variable(np.zeros((3, 0))))


# ---- places ----


def test_bins_under_vmap():
    w = np.arange(1.0, 7.0).reshape(2, 3)
    places = np.array([[0, 2, 2], [1, 1, 0]])
    found = dz.vmap(lambda p, w: np.bincount(p, w, minlength=3))(places, w)
    np.testing.assert_array_equal(
        found, [np.bincount(p, v, 3) for p, v in zip(places, w, strict=True)]
    )
    with pytest.raises(OperandError, match="minlength=3"):
        dz.vmap(lambda p: np.bincount(p, minlength=2))(places)
    x = np.random.default_rng(0).random((2, 3))
    for bins in ({"bins": 3, "range": (0, 1)}, {"bins": [0, 0.2, 0.5, 1]}):
        f = lambda x, w, bins=bins: np.histogram(x, weights=w, **bins)[0]  # noqa: E731
        found = dz.vmap(f)(x, w)
        np.testing.assert_allclose(found, [f(a, b) for a, b in zip(x, w, strict=True)])
    with pytest.raises(OperandError, match="range="):
        dz.vmap(lambda x: np.histogram(x)[0])(x)


def test_interpolation_in_a_table_of_each_members_own():
    rng = np.random.default_rng(0)
    xp, fp = np.sort(rng.random((4, 6))), rng.random((4, 6))
    x = rng.uniform(-0.1, 1.1, (4, 9))
    x[:, 0], x[:, 1] = xp[:, 2], xp[:, -1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is run one by one
        found = dz.vmap(np.interp)(x, xp, fp)
    np.testing.assert_array_equal(found, [np.interp(*each) for each in zip(x, xp, fp, strict=True)])


def test_infinite_points_do_not_spoil_their_neighbours():
    for fp in ([np.inf, 0.0, 1.0], [np.inf, np.inf, 1.0], [0.0, -np.inf, 1.0]):
        with np.errstate(all="ignore"):
            expected = np.interp([0.0, 0.5, 1.0, 1.5], [0, 1, 2], fp)
            y = np.interp(Variable(np.array([0.0, 0.5, 1.0, 1.5])), [0, 1, 2], fp)
        np.testing.assert_array_equal(y.data, expected)


def test_slopes_by_equal_spacings_count_all_coordinates():
    """NumPy takes one gap for all where they are equal; the derivative is by every coordinate."""
    f, x = np.array([1.0, 4.0, 2.0, 7.0]), np.arange(4.0)
    check_grads(lambda x: np.gradient(f, x), [x])
    check_grads(lambda x: np.gradient(f, x, edge_order=2), [x])


# ---- errors ----

V = Variable(X)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: V.sum(1, axis=0), OperandError, r"np\.sum takes"),
        (lambda: np.sum(V, where=X), OperandError, "mask of booleans"),
        (lambda: np.sum(V, where=[True]), None, ""),
        (lambda: np.sum(V, where=np.ones((3, 2), bool)), ShapeError, "where="),
        (lambda: np.sum(V, initial=np.ones(2)), OperandError, "initial= is a number"),
        (lambda: np.max(V, where=X > 0), OperandError, "initial="),
        (lambda: np.max(Variable(np.zeros(0))), ShapeError, "identity|zero-size"),
        (lambda: np.var(V, ddof=1, correction=1), OperandError, "two names"),
        (lambda: np.sort(V, order="f"), UnsupportedError, "order="),
        (lambda: np.partition(V, 1, order="f"), UnsupportedError, "order="),
        (lambda: np.partition(V, 7), (ShapeError, ValueError), "kth"),
        (lambda: np.sort(Variable(np.array(1.0))), ShapeError, "axis"),
        (lambda: np.quantile(V, 1.5), ShapeError, "out of range"),
        (lambda: np.percentile(V, [10, -1]), ShapeError, "out of range"),
        (lambda: np.quantile(V, 0.5, method="best"), ShapeError, "no method 'best'"),
        (lambda: np.quantile(V, 0.5, weights=X**2), ShapeError, "inverted_cdf"),
        (lambda: np.quantile(V, 0.5, weights=X, method="inverted_cdf"), ShapeError, "not negative"),
        (lambda: np.quantile(V * 1j, 0.5), OperandError, "no order"),
        (lambda: np.quantile(Variable(np.zeros(0)), 0.5), BoundsError, "no elements"),
        (lambda: np.average(V, weights=[1, 2]), OperandError, "axis="),
        (lambda: np.average(V, 1, weights=[1, 2]), ShapeError, "weights="),
        (lambda: np.average(V, 1, weights=[1, -1, 0]), ZeroDivisionError, "zero"),
        (lambda: np.cov(V[None]), ShapeError, "more than 2"),
        (lambda: np.cov(V, ddof=0.5), ShapeError, "whole number"),
        (lambda: np.cov(V, aweights=[1, 2]), ShapeError, "3 observations"),
        (lambda: np.cov(V, aweights=[1, 2, -1]), ShapeError, "not negative"),
        (lambda: np.cov(V, fweights=[1, 2, 1.5]), OperandError, "whole numbers"),
        (lambda: np.bincount([0, -1], V[0, :2]), ShapeError, "non-negative|negative"),
        (lambda: np.bincount([0, 1], V[0]), ShapeError, "shape"),
        (lambda: np.bincount([0, 1, 2], V[0] * 1j), OperandError, "complex"),
        (lambda: np.histogram(X, weights=V[0]), ShapeError, "weights="),
        (lambda: np.histogram(X, bins="auto", weights=V), OperandError, "weighted"),
        (lambda: np.diff(V, -1), ShapeError, "not negative"),
        (lambda: np.diff(Variable(np.array(1.0))), ShapeError, "no axis"),
        (lambda: np.ediff1d(V, to_end=1j), OperandError, "complex128"),
        (lambda: np.gradient(V, 1.0, 2.0, 3.0), OperandError, "3 spacings"),
        (lambda: np.gradient(V, [1.0, 2.0, 3.0], axis=0), ShapeError, "coordinates"),
        (lambda: np.gradient(V, edge_order=3), ShapeError, "edge_order"),
        (lambda: np.gradient(V[:, :1]), ShapeError, "edge_order 1 takes 2"),
        (lambda: np.interp(V, [0, 1], [0, 1, 2]), ShapeError, "one length"),
        (lambda: np.interp(V, [0, 1], [0, 1], period=0), ShapeError, "period"),
        (lambda: np.cumulative_sum(V), ShapeError, "which axis"),
        (lambda: np.median(V, 0, np.zeros(3)), UnsupportedError, "out"),
        (lambda: np.nanargmax(Variable(np.array([nan]))), ShapeError, "All-NaN"),
        (lambda: np.sort(V, kind="foo"), ShapeError, "sort kind"),
        (lambda: np.sort(V, kind="stable", stable=True), ShapeError, "same time"),
        (lambda: np.clip(V, 0, 1, min=0.5), OperandError, "a_min and a_max"),
        (lambda: np.vander(V[0], -1), ShapeError, "-1 columns"),
        (lambda: np.max(V[:0], where=True), ShapeError, "no identity"),
        (lambda: np.sum(V, initial=1j), OperandError, "initial= is complex"),
        (lambda: np.max(V, initial=1j), OperandError, "initial= is complex"),
        (lambda: np.interp(V * 1j, [0, 1], [0, 1]), OperandError, "x and xp are real"),
    ],
)
def test_misuse(call, error, says):
    if error is None:
        call()
        return
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize(
    "f",
    [np.cumsum, np.cumprod, np.nancumsum, np.nansum, np.average, np.median, np.ptp],
)
def test_out_is_filled_or_refused_by_name(f):
    shape = np.shape(f(X))
    if f is not np.average:  # has no out=
        filled = dz.numpy.zeros(shape)
        assert f(V, out=filled) is filled
        np.testing.assert_array_equal(filled.data, f(X))
        with pytest.raises(UnsupportedError, match="existing array"):
            f(V, out=np.zeros(shape))


@pytest.mark.parametrize(
    ("f", "before", "after"),
    [
        (np.sum, (0, None), (True,)),
        (np.nanmean, (0, None), (True,)),
        (np.nanstd, (0, None), (1, True)),
        (np.ptp, (0,), (True,)),
        (np.max, (0,), (True,)),
        (np.quantile, (0.3, 0), (False, "lower", True)),
    ],
)
def test_out_by_position(f, before, after):
    filled = dz.numpy.zeros((1, X.shape[1]))
    assert f(V, *before, filled, *after) is filled
    np.testing.assert_array_equal(filled.data, f(X, *before, None, *after))
    with pytest.raises(UnsupportedError, match="existing array"):
        f(V, *before, np.zeros((1, X.shape[1])), *after)


def test_out_of_methods_by_position():
    filled = dz.numpy.zeros(X.shape[1])
    assert V.max(0, filled) is filled
    assert V.sum(0, None, filled) is filled
    np.testing.assert_array_equal(filled.data, X.sum(0))


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.minimum])
def test_out_of_running_folds(ufunc):
    filled = dz.numpy.zeros(X.shape)
    assert ufunc.accumulate(V, axis=1, out=filled) is filled
    np.testing.assert_array_equal(filled.data, ufunc.accumulate(X, axis=1))


# ---- all keywords at once, against sums written out ----


@pytest.mark.parametrize(("axis", "keepdims"), list(itertools.product([None, 0, 1], [False, True])))
def test_moments_by_their_definitions(axis, keepdims):
    mask = np.array([[True, True, True], [True, True, False]])

    def mean(x):
        n = np.sum(mask, axis=axis, keepdims=keepdims)
        return np.sum(np.where(mask, x, 0), axis=axis, keepdims=keepdims) / n

    np.testing.assert_allclose(
        dz.jacobian(lambda x: np.mean(x, axis=axis, keepdims=keepdims, where=mask))(X),
        dz.jacobian(mean)(X),
        1e-14,
    )
    holes = np.where(mask, X, nan)
    for with_nan, masked in ((np.nanmean, np.mean), (np.nanvar, np.var), (np.nanstd, np.std)):
        np.testing.assert_allclose(
            dz.jacobian(lambda x, f=with_nan: f(x, axis=axis, keepdims=keepdims))(holes),
            dz.jacobian(lambda x, f=masked: f(x, axis=axis, keepdims=keepdims, where=mask))(X),
            1e-13,
            1e-15,
        )


def test_harmonic_norms_of_nothing_and_of_infinities_are_infinite():
    with np.errstate(divide="ignore"):
        for x in (np.empty(0), np.full(2, np.inf)):
            assert np.linalg.vector_norm(Variable(x), ord=-1).data == np.inf
