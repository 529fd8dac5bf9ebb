"""`dezero.numpy`: what NumPy's protocols do not bring to boxes."""

import numpy as np
import pytest

import dezero as dz

A, B, S = np.arange(6.0).reshape(3, 2), np.ones((3, 2)), np.float32([1, 2])
KEYS = [
    (A,), (A, B), (A[0], 1.0, 2), (A[0], slice(1, 10)), ("0,2", A[0], B[0]), (S, 2.5), (5,),
    (slice(0, 1, 5j), A[0]), ([1.0, 2.0], A[1]), ("-1", A, B), (np.array(2.0), A[0]), (A[0], B[0]),
    ("1,3,0", A[0], A[1]),
]  # fmt: skip


def boxed(x):
    return dz.Variable(x) if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("name", ["r_", "c_"])
def test_pieces_are_put_together_as_by_numpy(name, key):
    try:
        want = getattr(np, name)[key]
    except ValueError:
        with pytest.raises(ValueError, match="dimensions"):
            getattr(dz.numpy, name)[tuple(map(boxed, key))]
        return
    got = getattr(dz.numpy, name)[tuple(map(boxed, key))]
    assert isinstance(got, dz.Variable)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.data, want)


def test_pieces_have_derivatives():
    dz.testing.check_grads(lambda a, b: dz.numpy.r_[a, 1.0, b, 2:4], [A[:, 0], B[0]])
    dz.testing.check_grads(lambda a, b: dz.numpy.c_[a, b, 1:4], [A[:, 0], B])


def test_arrays_are_boxes_whatever_their_dtype():
    assert isinstance(dz.numpy.array(5, int), dz.Variable)
