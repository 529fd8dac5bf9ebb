"""The same as `numpy.random`."""

from numpy import random as _same


def __getattr__(name):
    return getattr(_same, name)
