"""The command ``dezero``, also ``python -m dezero``. `main` is its entry point.

| file | purpose |
|---|---|
| `command.py` | the options, and what all commands do |
| `gradient.py` | the steps of ``dezero grad`` |
| `graphs.py` | the steps of ``dezero trace``, ``dezero source`` and ``dezero view`` |
| `values.py` | ``--at name=value``: Python literals and data files |
| `target.py` | the user's file and function |
| `check.py` | numerical differences against the automatic derivative |
| `report.py` | the answer as text and as JSON |
| `progress.py` | the bar |
| `problems.py` | what is told in a line instead of a traceback |

`import dezero` does not import this package.
"""

from dezero.cli.command import main

__all__ = ["main"]
