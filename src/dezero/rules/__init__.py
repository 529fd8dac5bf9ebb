"""The table. Importing a module of this package declares its rows."""

from . import elementwise, indexing, linalg, nondiff, reduce, shape

__all__ = ["elementwise", "indexing", "linalg", "nondiff", "reduce", "shape"]
