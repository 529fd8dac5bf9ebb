"""Programs written down: tracing gives a `Graph`, which runs, prints, and can be traced again."""

from . import returning, staging, turning  # noqa: F401  # they enter themselves where loops ask
from .formula import Formula, formula
from .graph import Graph
from .loops import Loop
from .passes import simplified
from .source import source
from .steps import Equation, Guard, Value
from .tracer import Tracer, trace

__all__ = [
    "Equation", "Formula", "Graph", "Guard", "Loop", "Tracer", "Value",
    "formula", "simplified", "source", "trace",
]  # fmt: skip
