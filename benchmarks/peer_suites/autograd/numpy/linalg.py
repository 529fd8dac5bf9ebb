"""The same as `numpy.linalg`."""

from numpy import linalg as _same


def __getattr__(name):
    return getattr(_same, name)
