"""Programs written down: tracing gives a `Graph`, which runs, prints, and can be traced again."""

from .graph import Equation, Graph, Guard, Value
from .tracer import Tracer, trace

__all__ = ["Equation", "Graph", "Guard", "Tracer", "Value", "trace"]
