"""The same as `numpy.linalg`, and two helpers that a test takes from HIPS autograd's module."""

import numpy as np


def T(x):  # HIPS autograd's name
    """The transposed matrices of a stack."""
    return np.swapaxes(x, -1, -2)


_dot = np.matmul


def __getattr__(name):
    return getattr(np.linalg, name)
