"""A graph as NumPy source: a function that stands alone and that a person would sign.

| file | purpose |
|---|---|
| `text.py` | expressions as text, and constants |
| `expressions.py` | the right-hand side of an equation |
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
