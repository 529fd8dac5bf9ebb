"""A graph as NumPy source: a function that stands alone and that a person would sign.

| file | purpose |
|---|---|
| `text.py` | expressions as text, and constants |
| `literals.py` | constants beside arrays |
| `operators.py`, `calls.py` | arithmetic, and functions |
| `axes.py`, `places.py` | what has a spelling of its own |
| `expressions.py` | the right-hand side of an equation, by its row |
| `parameters.py` | the parameters of the function |
| `names.py`, `gradients.py` | what the user calls things, and their gradients |
| `silence.py` | guards that need no line |
| `writer.py` | the lines of a function, step by step |
| `assignments.py` | arrays that are made, and written into |
| `loops.py` | loops and branches |
| `repeats.py`, `wrapping.py` | arrays that come twice, long lines |
| `function.py` | the function and its file |
"""

from .function import source, to_source

__all__ = ["source", "to_source"]
