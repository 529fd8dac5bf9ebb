"""Compiled functions: traced once for each signature and path, replayed without boxes."""

from . import derivatives as derivatives  # registers its rules
from .compiled import Jitted, jit
from .cores import get_num_threads, set_num_threads

__all__ = ["Jitted", "get_num_threads", "jit", "set_num_threads"]
