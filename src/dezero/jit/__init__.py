"""Compiled functions: traced once for each signature and path, replayed without boxes."""

from .compiled import Jitted, jit

__all__ = ["Jitted", "jit"]
