"""Calls of every row of the table, for the tests that go through rows × interpreters × orders.

Each module has the tables of one area, of those that it needs:

``CASES``      keyed like `dezero.rows.TABLE`; smooth points only
``SPELLINGS``  the functions of NumPy that are short programs over other rows, by name
``CONSTANT``   calls without a derivative
``METHODS``    an array's methods, each with the function that it is
``POLICIES``   what happens at kinks, ties and singular points (`test_conventions.py`)
"""

import importlib
import pkgutil

from .methods import METHODS, OPERATORS
from .tools import Case, X

CASES, SPELLINGS, CONSTANT, POLICIES = {}, {}, {}, {}
for _, name, _ in pkgutil.iter_modules(__path__):
    module = importlib.import_module(f".{name}", __name__)
    for table in ("CASES", "SPELLINGS", "CONSTANT", "POLICIES"):
        entries = getattr(module, table, {})
        twice = entries.keys() & globals()[table].keys()
        if twice:
            raise KeyError(f"{table} has {twice} twice")
        globals()[table].update(entries)


def some(table, n):
    """At most `n` cases of each function, evenly spaced: for tests that follow from the rows'."""
    return {title: cases[:: -(-len(cases) // n) or 1] for title, cases in table.items()}


__all__ = [
    "CASES",
    "CONSTANT",
    "METHODS",
    "OPERATORS",
    "POLICIES",
    "SPELLINGS",
    "Case",
    "X",
    "some",
]
