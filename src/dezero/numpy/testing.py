"""The same as `numpy.testing`, so that it can be imported from here."""

from numpy.testing import *  # noqa: F403
from numpy.testing import __all__
