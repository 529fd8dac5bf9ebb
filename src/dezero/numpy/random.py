"""The same as `numpy.random`, so that it can be imported from here."""

from numpy.random import *  # noqa: F403
from numpy.random import __all__
