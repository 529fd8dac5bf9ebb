"""Functions that move numbers about: what they refuse, what they cost, and traps."""

import tracemalloc

import numpy as np
import pytest

import dezero as dz
from dezero.errors import (
    AssignmentError,
    BoundsError,
    ConversionError,
    OperandError,
    ShapeError,
    UnsupportedError,
)

X = np.arange(1.0, 7.0).reshape(2, 3)
v, w = dz.Variable(X.copy()), dz.Variable(np.array([1.0, 2.0, 3.0]))

# ---- refused, in words that help ----

REFUSED = [
    (lambda: np.reshape(v, 6, copy=False), UnsupportedError, "copy=False"),
    (lambda: np.reshape(v, 6, order="Z"), OperandError, "order='Z'"),
    (lambda: np.astype(v, float, device="gpu"), UnsupportedError, "device='gpu'"),
    (lambda: np.matrix_transpose(w), ShapeError, "no matrix"),
    (lambda: np.rollaxis(v, 0, 5), BoundsError, "start=5"),
    (lambda: np.rot90(w), ValueError, "axis 1"),
    (lambda: np.rot90(v, 1, (0, 0)), ValueError, "repeated"),
    (lambda: np.broadcast_arrays(v, np.ones(2)), ShapeError, r"\(2, 3\), \(2,\)"),
    (lambda: np.meshgrid(w, w, indexing="yx"), OperandError, "indexing"),
    (lambda: np.concatenate([v, v], dtype=int), OperandError, "casting='same_kind'"),
    (lambda: np.concatenate([v, v], 2), BoundsError, "concatenate"),
    (lambda: np.concatenate([v, w]), ShapeError, "concatenate"),
    (lambda: np.concatenate([v, v], out=np.empty((4, 3))), UnsupportedError, "out="),
    (lambda: np.stack([v, v], dtype="f4", casting="safe"), OperandError, "casting='safe'"),
    (lambda: np.stack([v, w]), ShapeError, "stack"),
    (lambda: np.block([[v], v]), ShapeError, "one depth"),
    (lambda: np.block([[v], []]), ShapeError, "empty"),
    (lambda: np.block([(v, v)]), TypeError, "tuple"),
    (lambda: np.split(w, 2), ShapeError, "np.array_split"),
    (lambda: np.array_split(w, 0), OperandError, "0 sections"),
    (lambda: np.array_split(w, 1.5), TypeError, "integer"),
    (lambda: np.vsplit(w, 1), ShapeError, "np.vsplit"),
    (lambda: np.dsplit(v, 1), ShapeError, "np.dsplit"),
    (lambda: np.unstack(dz.Variable(np.array(1.0))), ShapeError, "no axis"),
    (lambda: np.repeat(w, -1), ShapeError, "negative"),
    (lambda: np.repeat(w, 1.5), OperandError, "whole"),
    (lambda: np.repeat(w, [1, 2]), ShapeError, "repeat"),
    (lambda: np.resize(w, -1), ShapeError, "no shape"),
    (lambda: np.diagonal(w), ShapeError, "no diagonal"),
    (lambda: np.diagonal(v, 0, 1, 1), ValueError, "repeated"),
    (lambda: np.diag(dz.Variable(np.zeros((1, 1, 1)))), ShapeError, "np.diag"),
    (lambda: np.delete(w, 3), IndexError, "out of bounds"),
    (lambda: np.delete(v, 0.5), IndexError, "integer"),
    (lambda: np.insert(w, 4, 0.0), IndexError, "out of bounds"),
    (lambda: np.insert(w, [0, 1], [1.0, 2.0, 3.0]), ValueError, "broadcast"),
    (lambda: np.insert(w, 0, 1j * w), AssignmentError, "complex128"),
    (lambda: np.trim_zeros(w, "x"), OperandError, "trim"),
    (lambda: np.pad(w, 1, "empty"), UnsupportedError, "mode='empty'"),
    (lambda: np.pad(w, 1, lambda *_: None), UnsupportedError, "mode="),
    (lambda: np.pad(w, 1, "edge", constant_values=1), OperandError, "constant_values="),
    (lambda: np.pad(w, 1, "reflect", reflect_type="no"), OperandError, "reflect_type"),
    (lambda: np.pad(w, -1), ShapeError, "negative"),
    (lambda: np.pad(w, 1.5), OperandError, "whole"),
    (lambda: np.pad(w, ((1, 1), (1, 1))), ShapeError, "pad_width"),
    (lambda: np.pad(w, 1, "mean", stat_length=-1), ShapeError, "stat_length"),
    (lambda: np.pad(w, 1, "maximum", stat_length=0), ShapeError, "stat_length"),
    (lambda: np.pad(w[:0], 1, "edge"), ShapeError, "empty"),
    (lambda: np.linspace(w, 1, -1), ShapeError, "-1"),
    (lambda: np.linspace(w, 1, 2.5), TypeError, "integer"),
    (lambda: np.linspace(w, 1, device="gpu"), UnsupportedError, "device"),
    (lambda: np.geomspace(w, 0.0), OperandError, "zero"),
    (lambda: np.full_like(dz.Variable(np.arange(3)), w), AssignmentError, "float64"),
    (lambda: np.full_like(v, w, device="gpu"), UnsupportedError, "device"),
    (lambda: np.take(w, 3), BoundsError, "out of bounds"),
    (lambda: np.take(w, 0.5), OperandError, "whole"),
    (lambda: np.take(w, 0, mode="no"), OperandError, "mode"),
    (lambda: np.take(w, 0, out=np.empty(())), UnsupportedError, "out="),
    (lambda: np.take_along_axis(v, np.array([0]), 0), ShapeError, "indices"),
    (lambda: np.choose([0, 2], [w[:2], 1.0]), BoundsError, "out of bounds"),
    (lambda: np.choose([-1], [w, 1.0]), BoundsError, "negative"),
    (lambda: np.compress([[True]], v), ShapeError, "condition"),
    (lambda: np.select([w], [w]), OperandError, "boolean"),
    (lambda: np.select([w > 0], [w, w]), ShapeError, "1 conditions for 2"),
    (lambda: np.piecewise(w, [w > 0], [1, 2, 3]), ShapeError, "1 conditions for 3"),
    (lambda: np.put(w, 3, 0.0), BoundsError, "out of"),
    (lambda: np.put(w, 0.5, 0.0), OperandError, "whole"),
    (lambda: np.place(w, [True], 0.0), ShapeError, "mask"),
    (lambda: np.place(w, w > 0, []), ShapeError, "no values"),
    (lambda: np.place(dz.Variable(np.ones(3, "f4")), w > 0, w), OperandError, "safe"),
    (lambda: np.copyto(dz.Variable(np.ones(3, int)), X[0]), OperandError, "casting='same_kind'"),
    (lambda: np.copyto(w, 0.0, where=[1, 0, 1]), OperandError, "mask"),
    (lambda: np.fill_diagonal(v, []), ShapeError, "no values"),
    (lambda: np.fill_diagonal(w, 1.0), ShapeError, "diagonal"),
    (lambda: np.fill_diagonal(dz.Variable(np.zeros((2, 2, 3))), 1.0), ShapeError, "diagonal"),
    (lambda: np.put_along_axis(v, np.array([[0]]), 1.0, None), ShapeError, "list"),
    (lambda: np.diag_indices_from(v), ShapeError, "n by n"),
    (lambda: np.tril_indices_from(w), ShapeError, "no matrix"),
]


@pytest.mark.parametrize(("call", "kind", "says"), REFUSED)
def test_refused(call, kind, says):
    with pytest.raises(kind, match=says):
        call()


PLAIN = [
    lambda a: np.put(a, [0], w[:1]),
    lambda a: np.place(a, a > 0, w),
    lambda a: np.copyto(a, w),
    lambda a: np.put_along_axis(a, np.array([0]), w[:1], 0),
    lambda a: np.fill_diagonal(np.diag(a), w),
    lambda a: np.insert(a, 0, [w[0], 1.0]),
    lambda a: np.pad(a, 1, constant_values=w[0]),
    lambda a: np.full_like(a, w),
    lambda a: np.select([a > 0], [a], w),
]


@pytest.mark.parametrize("call", PLAIN)
def test_no_box_falls_into_a_plain_array(call):
    with pytest.raises((ConversionError, UnsupportedError)) as caught:
        call(np.ones(3))
    assert "dz.numpy" in str(caught.value)


def test_a_batch_has_no_parts_of_different_lengths():
    for program in (
        np.repeat,
        np.delete,
        lambda x, k: np.insert(x, k, 1.0),
    ):
        with pytest.raises(OperandError, match=r"np\.where"):
            dz.vmap(program)(X, np.array([[1, 0, 2], [2, 2, 0]]))


# ---- keywords and layouts that the tables cannot say ----


def test_out_of_a_box_is_assigned():
    for call in (
        lambda x, out: np.concatenate([x, x], out=out),
        lambda x, out: np.take(x, [[0, 1, 2], [3, 4, 5]], None, out),
        lambda x, out: np.compress([True, True], x, 0, out),
        lambda x, out: np.choose([0, 1, 1], x, out),
        lambda x, out: np.trace(x[None], out=out),
    ):
        x = dz.Variable(X.copy())
        expected = call(X, None)
        out = dz.Variable(np.zeros_like(expected))
        assert call(x, out) is out
        np.testing.assert_array_equal(out.data, expected)
        np.sum(out).backward()
        assert np.sum(x.grad) == expected.size


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
def test_orders_are_those_in_memory(order):
    for layout in (X, X.T, X[:, ::-1], np.asfortranarray(X), X[:, :0]):
        found = np.ravel(dz.Variable(layout), order).data
        np.testing.assert_array_equal(found, np.ravel(layout, order))
        if order != "K":
            found = np.reshape(dz.Variable(layout), (-1, 2), order).data
            np.testing.assert_array_equal(found, np.reshape(layout, (-1, 2), order))
    members = np.stack([X.T, -X.T]).transpose(0, 2, 1)
    found = dz.vmap(lambda x: np.ravel(x, order))(members)
    np.testing.assert_array_equal(found, [np.ravel(x, order) for x in members])


def test_results_are_copies_where_they_are_numpys():
    for call in (
        lambda x: np.tile(x, 1),
        lambda x: np.tile(x[:, :1], (1, 3)),
        lambda x: np.repeat(x, 1, 0),
        lambda x: np.repeat(x[:1], 2, 0),
        lambda x: np.pad(x, 0),
        lambda x: np.pad(x, 0, "edge"),
        lambda x: np.block([[x]]),
        np.block,
        lambda x: np.insert(x, [], 0.0, 0),
        lambda x: np.take(x, [0, 1], 0),
        lambda x: np.meshgrid(x)[0],
        lambda x: np.full_like(x, x),
        lambda x: np.resize(x, x.shape),
    ):
        x = dz.Variable(X.copy())
        y = call(x)
        y[..., :1] = 0.0  # a view would refuse
        np.testing.assert_array_equal(x.data, X)


def test_pieces_of_a_split_are_views_and_their_gradient_is_no_copy_each():
    x = dz.Variable(np.ones(400_000))
    pieces = np.split(x, 200)
    assert all(np.shares_memory(piece, x) for piece in pieces)
    total = sum(np.sum(piece * piece) for piece in pieces)
    assert peak(total.backward) < 6 * x.data.nbytes
    np.testing.assert_array_equal(x.grad, 2.0)


def peak(call):
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


LARGE = [
    lambda x: np.tile(x, 8),
    lambda x: np.repeat(x, 8),
    lambda x: np.repeat(x, np.full(x.size, 8)),
    lambda x: np.pad(x, 3 * x.size, "wrap"),
    lambda x: np.pad(x, 3 * x.size, "reflect"),
    lambda x: np.pad(x, 3 * x.size),
    lambda x: np.roll(x, 5),
    lambda x: np.delete(x, 5),
    lambda x: np.insert(x, 5, 0.0),
]


@pytest.mark.parametrize("call", LARGE)
def test_no_gradient_needs_much_more_memory_than_the_result(call):
    """The cotangent, its sum and what is on the way: a small multiple of the result."""
    x = dz.Variable(np.ones(100_000))
    y = call(x)
    y.grad = np.ones(y.shape)
    assert peak(y.backward) < 3 * y.data.nbytes


def test_a_diagonal_costs_no_more_than_its_matrix():
    x = dz.Variable(np.ones(2000))
    assert np.diag(x).shape == (2000, 2000)
    y = np.diagonal(np.diag(x))
    y.grad = np.ones(2000)
    assert peak(y.backward) < 3 * 8 * 2000**2


# ---- traps ----


def test_python_numbers_do_not_widen_single_precision():
    x = dz.Variable(np.ones(3, "f4"))
    assert np.linspace(x, 2.0, 3).dtype == np.float32
    assert np.select([x.data > 0], [x], 2.0).dtype == np.float32
    assert np.choose([0, 1, 0], [x, 2.0]).dtype == np.float32
    assert np.concatenate([x, 2.0], axis=None).dtype == np.float32
    assert np.pad(x, 1, constant_values=2.0).dtype == np.float32
    assert np.insert(x, 0, 2.0).dtype == np.float32


def test_the_step_of_a_line_has_a_gradient():
    y, step = np.linspace(w, 7.0, 5, retstep=True)
    np.testing.assert_array_equal(step.data, np.linspace(w.data, 7.0, 5, retstep=True)[1])
    assert y.shape == (5, 3)
    assert dz.grad(lambda x: np.linspace(x, 7.0, 5, retstep=True)[1])(1.0) == -0.25
    assert np.isnan(np.linspace(w, 7.0, 1, retstep=True)[1])


def test_an_empty_list_is_a_list_of_places():
    assert np.take(w, []).shape == np.delete(w, [0, 1, 2]).shape == (0,)
    a = dz.numpy.zeros(3)
    np.put(a, [], w)
    np.testing.assert_array_equal(a.data, 0.0)


def test_booleans_as_indices_of_take_are_numbers():
    np.testing.assert_array_equal(np.take(w, [True, False]).data, [2.0, 1.0])


def test_a_negative_zero_stays_one():
    x = dz.Variable(np.array([-0.0]))
    for y in (np.diag(x), np.pad(x, 1)[1:2], np.tile(x, 2), np.roll(x, 1)):
        assert np.signbit(y.data).all()


def test_what_was_written_has_the_gradient():
    for write in (
        lambda a, b: np.put(a, [0, 4], b),
        lambda a, b: np.place(a, X > 4, b),
        np.fill_diagonal,
        lambda a, b: np.copyto(a, b[:, None]),
        lambda a, b: np.put_along_axis(a, np.array([[0, 2]]), b, 1),
    ):
        a, b = dz.numpy.zeros((2, 3)), dz.Variable(np.array([2.0, 5.0]))
        write(a, b)
        np.sum(a * a).backward()
        assert np.all(b.grad != 0)


def test_repeated_places_of_put_keep_the_last():
    a, b = dz.numpy.zeros(3), dz.Variable(np.array([2.0, 5.0]))
    np.put(a, [1, 1], b)
    np.sum(a).backward()
    np.testing.assert_array_equal(a.data, [0, 5, 0])
    np.testing.assert_array_equal(b.grad, [0, 1])


def test_unique_with_all_that_it_returns():
    x = np.array([[3.0, 1], [3, 2]])
    found = np.unique(dz.Variable(x), True, True, True)
    for ours, theirs in zip(found, np.unique(x, True, True, True), strict=True):
        np.testing.assert_array_equal(dz.as_array(getattr(ours, "data", ours)), theirs)
    named = np.unique_all(dz.Variable(x))
    assert type(named).__name__ == "UniqueAllResult"
    assert isinstance(named.values, dz.Variable)
    assert not isinstance(named.indices, dz.Variable)
