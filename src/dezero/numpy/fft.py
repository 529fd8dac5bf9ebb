"""The same as `numpy.fft`, so that it can be imported from here."""

from numpy.fft import *  # noqa: F403
from numpy.fft import __all__
