"""Writes what editors and type checkers see of `dezero.numpy`: ``make generated``."""

import inspect
import sys
from pathlib import Path

import numpy as np

import dezero.numpy as mirror
from dezero.numpy import _creation

STUB = Path(mirror.__file__).with_suffix(".pyi")
SUBMODULES = ("fft", "linalg", "random", "testing")
OBJECTS = ("c_", "r_")

HEAD = """\
# Made by tests/numpy_stub.py for NumPy {version}: make generated

from typing import Any

{imports}
from numpy import __version__ as __version__

from ..core import Variable
from . import {submodules}
from ._creation import {objects}

"""


def created():
    """The names of the functions that make boxes."""
    return sorted(name for name in np.__all__ if hasattr(_creation, name) and name not in OBJECTS)


def parameter(each):
    """A parameter as a stub has it: any type, and whether there is a default."""
    star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
    default = "" if each.default is each.empty else " = ..."
    return f"{star}{each.name}: Any{default}"


def signature(name):
    """A NumPy function's own signature, whose result is a Variable."""
    found = list(inspect.signature(getattr(np, name)).parameters.values())
    words, positional = [], [p for p in found if p.kind is p.POSITIONAL_ONLY]
    keywords = [p for p in found if p.kind is p.KEYWORD_ONLY]
    for each in found:
        if keywords and each is keywords[0]:
            words.append("*")
        words.append(parameter(each))
        if positional and each is positional[-1]:
            words.append("/")
    return f"def {name}({', '.join(words)}) -> Variable: ..."


def stub():
    """The whole text."""
    made = created()
    others = [
        name
        for name in sorted(np.__all__)
        if name not in (*made, *OBJECTS, *SUBMODULES) and not name.startswith("_")
    ]
    head = HEAD.format(
        version=np.__version__,
        imports="\n".join(f"from numpy import {name} as {name}" for name in others),
        submodules=", ".join(f"{name} as {name}" for name in SUBMODULES),
        objects=", ".join(f"{name} as {name}" for name in OBJECTS),
    )
    return head + "\n".join(map(signature, made)) + "\n"


if __name__ == "__main__":
    STUB.write_text(stub())
    print(STUB, file=sys.stderr)
