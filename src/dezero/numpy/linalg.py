"""The same as `numpy.linalg`, so that it can be imported from here."""

from numpy.linalg import *  # noqa: F403
from numpy.linalg import __all__
