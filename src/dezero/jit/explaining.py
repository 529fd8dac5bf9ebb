"""What a compiled function knows: for what it was traced, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..ir.graph import Graph
from ..ir.steps import Equation, Guard
from .replay import Generated

if TYPE_CHECKING:
    from .compiled import Jitted
    from .path import Path


class Text(str):
    """Lines that show themselves as they are."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def explained(jitted: Jitted) -> Text:
    """All that there is to say."""
    return Text("\n".join(lines(jitted)))


def lines(jitted: Jitted) -> Iterator[str]:
    """Line by line."""
    yield f"{jitted!r}{jitted.backend.surroundings()}"
    known = jitted.known
    if jitted.off:
        yield "runs as it is written: it cannot be watched (see the warning)"
    elif known is None or not any(known.paths.values()):
        yield "was not called yet"
    else:
        for key, paths in [*known.paths.items()]:
            if not paths:
                continue
            yield ""
            yield f"for {', '.join(arguments(key, paths[0].graph)) or '()'}"
            for k, path in enumerate(paths):
                yield from of_path(jitted, path, paths[:k])
            if key in known.eager:
                yield "  runs as it is written now: there are too many paths"


def arguments(key: Any, graph: Graph) -> Iterator[str]:
    """What is known of arguments of a kind: shapes and dtypes; what else they are."""
    kinds = [kind for kind in key[1:] if not is_handed(kind)]
    for x, kind in zip(graph.inputs, kinds, strict=False):
        across = isinstance(kind, tuple) and not kind[-1]
        yield f"{x.name}: {x.kind}{' not in the order of rows' * across}"
    yield from (repr(kind[1]) for kind in key[1:] if is_handed(kind))


def is_handed(kind: Any) -> bool:
    """Whether an argument of a kind is handed through as it is."""
    return isinstance(kind, tuple) and len(kind) == 2


def of_path(jitted: Jitted, path: Path, before: list[Path]) -> Iterator[str]:
    """Lines about one way through the program."""
    traced, compiled = (f"{1e3 * t:.1f} ms" for t in path.seconds)
    why = f", because {difference(path.graph, [p.graph for p in before])}" if before else ""
    yield f"  path {len(before) + 1}{why}: traced in {traced}, compiled in {compiled}"
    yield from (f"  {line}" for line in jitted.backend.about(jitted, path))


def difference(graph: Graph, before: list[Graph]) -> str:
    """The question that had another answer than on the paths that were known."""
    found, most = None, -1
    mine = [step for step in graph.steps if isinstance(step, Guard)]
    for other in before:
        theirs = [step for step in other.steps if isinstance(step, Guard)]
        pairs = [*zip(mine, theirs, strict=False)]
        same = next((k for k, (a, b) in enumerate(pairs) if str(a.answer) != str(b.answer)), None)
        if same is not None and same > most:
            found, most = mine[same], same
    if found is None:
        return "a question had another answer"
    where = f" ({found.line})" if found.line else ""
    return f"{found.question}(…) was {found.answer}{where}"


def through_numpy(_jitted: Jitted, path: Path) -> Iterator[str]:
    """Lines about a path of the `numpy` backend."""
    n = sum(isinstance(step, Equation) for step in path.graph.steps)
    yield f"  {many(n, 'call')} of NumPy"


def many(n: int, noun: str) -> str:
    """So many of them."""
    return f"{n} {noun}{'s' * (n != 1)}"


class Lowered:
    """What a program becomes on its way to the processor.

    Attributes
    ----------
    graph : Graph
        After all passes.
    python : str
        The calls of kernels and of NumPy.
    llvm : str
        The kernels in LLVM's language; empty if there are none.
    assembly : str
        The kernels in the processor's language.
    """

    def __init__(self, graph: Graph, parts: Graph, kernels: list[Any]) -> None:
        self.graph, self._kernels = graph, kernels
        self.python = Text("\n".join(Generated(parts).lines))
        self.llvm = Text("\n".join(kernel.text for kernel in kernels))

    @property
    def assembly(self) -> str:
        return Text("\n".join(kernel.assembly() for kernel in self._kernels))

    def __repr__(self) -> str:
        return f"<lowered {self.graph!r}: {many(len(self._kernels), 'kernel')}>"
