"""The same as `numpy.fft`."""

from numpy import fft as _same


def __getattr__(name):
    return getattr(_same, name)
