"""Fourier transforms: what the tables of cases cannot say."""

import warnings

import numpy as np
import pytest

import dezero as dz

X = np.arange(12.0).reshape(3, 4)
TRANSFORMS = [
    *(np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft),
    *(np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn),
    *(np.fft.rfft2, np.fft.irfft2, np.fft.rfftn, np.fft.irfftn),
]
OVER_AXES = [fn for fn in TRANSFORMS if fn.__name__[-1] in "2n"]


@pytest.mark.parametrize("fn", TRANSFORMS)
def test_what_numpy_refuses_is_refused(fn):
    """No points, no such axis, no such norm, complex numbers where only real ones make sense."""
    v = dz.Variable(X)
    first = {"s": (0, 2), "axes": (0, 1)} if fn in OVER_AXES else {"n": 0}
    other = {"axes": (5,)} if fn in OVER_AXES else {"axis": 5}
    with pytest.raises(ValueError, match="0"):
        fn(v[:0], **({"axes": (0,)} if fn in OVER_AXES else {"axis": 0}))
    for kwargs, kind in [(first, ValueError), (other, IndexError), ({"norm": "none"}, ValueError)]:
        with pytest.raises(kind):
            fn(X, **kwargs)
        with pytest.raises((kind, TypeError)):
            fn(v, **kwargs)
    if fn.__name__ in ("rfft", "rfft2", "rfftn", "ihfft"):
        with pytest.raises(TypeError):
            fn(v * 1j)


@pytest.mark.parametrize("fn", OVER_AXES)
def test_lengths_and_axes_must_agree(fn):
    for a in (X, dz.Variable(X)):
        with pytest.raises(ValueError, match=r"(?i)axes"):
            fn(a, s=(2,), axes=(0, 1))


@pytest.mark.parametrize("fn", OVER_AXES)
def test_what_numpy_calls_deprecated_warns(fn):
    for a in (X, dz.Variable(X)):
        with pytest.warns(DeprecationWarning, match="None"):
            fn(a, s=(None, 3), axes=(0, 1))
        if fn.__name__.endswith("n"):
            with pytest.warns(DeprecationWarning, match="axes"):
                fn(a, s=(2, 3))
    with warnings.catch_warnings(action="ignore"):
        y, z = (fn(a, s=(None, 3), axes=(0, 1)) for a in (X, dz.Variable(X)))
    np.testing.assert_array_equal(z.data, y)


@pytest.mark.parametrize("fn", [np.fft.rfftn, np.fft.irfftn, np.fft.rfft2, np.fft.irfft2])
def test_a_transform_of_real_numbers_needs_an_axis(fn):
    with pytest.raises(ValueError, match="no axis"):
        fn(dz.Variable(X), axes=())
    assert np.fft.fftn(dz.Variable(X), axes=()).dtype == float  # as in NumPy, nothing is done


def test_frequencies_of_a_step_that_moves():
    step = 0.5
    for name in ("fftfreq", "rfftfreq"):
        fn = getattr(np.fft, name)
        y, moved = dz.jvp(lambda d, fn=fn: fn(5, d), (step,), (1.0,))
        np.testing.assert_array_equal(y, fn(5, step))
        np.testing.assert_allclose(moved, -y / step)


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("n", [6, 7])
def test_there_and_back_is_the_identity(n, norm):
    x = np.linspace(-1, 1, n)
    jacobian = dz.jacobian(lambda x: np.fft.irfft(np.fft.rfft(x, norm=norm), n, norm=norm))(x)
    np.testing.assert_allclose(jacobian, np.eye(n), atol=1e-14)


def test_the_gradient_by_a_half_spectrum():
    """Of a signal's energy: 2/n for bins that stand for themselves, 4/n for the others (Parseval);
    nothing by the imaginary part of bins that have none.
    """
    z = np.array([1 + 2j, 3 - 1j, 2 + 5j])
    for n, weights in [(4, [1, 2, 1]), (5, [1, 2, 2])]:
        g = dz.grad(lambda z, n=n: np.sum(np.fft.irfft(z, n) ** 2))(z)
        seen = np.where([True, False, n == 4], z.real, z)
        np.testing.assert_allclose(g, 2 / n * np.array(weights) * seen, atol=1e-15)


def test_the_way_back_is_a_transform():
    """And no matrix: a million points take no memory beyond some arrays of them."""
    n = 1 << 20
    g = dz.grad(lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 2))(np.ones(n))
    np.testing.assert_allclose(
        g[:3], 2.0 * n * np.fft.irfft(np.fft.rfft(np.ones(n)), n)[:3] / 2 + n
    )


def test_out_is_written():
    out = dz.numpy.zeros(3, dtype=complex)
    y = np.fft.fft(dz.Variable(X[:, 0]), out=out)
    np.testing.assert_array_equal(y.data, np.fft.fft(X[:, 0]))
