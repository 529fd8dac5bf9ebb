"""A graph in Graphviz's language, and drawn by it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

from ..errors import GraphError
from ..ir.graph import Graph
from ..ir.steps import Guard, Step, Value
from ..ir.tape import short, written
from .folds import Fold, folded
from .outline import FOLD_FROM, flat, title_of

OVAL = 'shape=box, style="rounded,filled", fillcolor="#e7f0f7"'


def to_dot(graph: Graph) -> str:
    r"""The graph in the language of Graphviz: a box for each step, an arrow for each value read.

    A loop has a frame, with the graphs that it calls in it. In a long program, repeated blocks are
    one box.

    Examples
    --------
    >>> from dezero.ir import trace
    >>> print(to_dot(trace(lambda x: x * x + 1)(3.0)))
    digraph "<lambda>" {
      node [shape=box, fontname="monospace", fontsize=10];
      edge [color="#555555"];
      nslimit=1;
      i0 [label="x\nfloat64[]", shape=box, style="rounded,filled", fillcolor="#e7f0f7"];
      s0 [label="v1 = x * x\nfloat64[]"];
      i0 -> s0;
      s1 [label="v2 = v1 + 1\nfloat64[]"];
      s0 -> s1;
      o0 [label="result", shape=plaintext];
      s1 -> o0;
    }
    """
    return "\n".join([f"digraph {quoted(graph.name)} {{", *lines(graph), "}"])


def lines(graph: Graph) -> Iterator[str]:
    """What stands between the braces."""
    yield '  node [shape=box, fontname="monospace", fontsize=10];'
    yield '  edge [color="#555555"];'
    yield "  nslimit=1;"  # a graph of many long arrows would take minutes
    yield from program(graph, "", "  ")


def program(graph: Graph, prefix: str, pad: str) -> Iterator[str]:
    """The boxes of a graph, whose names in the language begin with `prefix`."""
    names, made = graph.names, {}
    for k, value in enumerate(graph.inputs):
        made[value] = f"{prefix}i{k}"
        yield f"{pad}{made[value]} [label={quoted(names[value], value.kind)}, {OVAL}];"
    for item in outline(graph):
        numbers = [*flat(item)]
        box, steps = f"{prefix}s{numbers[0]}", [graph.steps[k] for k in numbers]
        if len(steps) > 1:
            yield f"{pad}{box} [label={quoted(repeated(item, steps))}, peripheries=2];"
        else:
            yield from step_box(steps[0], names, box, pad)
        read: dict[str, None] = {}
        for step in steps:
            read.update(dict.fromkeys(made[value] for value in step.reads))
            made.update(dict.fromkeys(step.results, box))
        yield from (f"{pad}{source} -> {box};" for source in read if source != box)
    for k, y in enumerate(graph.outputs):
        label, box = "result" if len(graph.outputs) == 1 else f"result {k}", f"{prefix}o{k}"
        if isinstance(y, Value):
            yield f"{pad}{box} [label={quoted(label)}, shape=plaintext];"
            yield f"{pad}{made[y]} -> {box};"
        else:
            yield f"{pad}{box} [label={quoted(f'{label} = {short(y)}')}, shape=plaintext];"


def step_box(step: Step, names: dict[Value, str], box: str, pad: str) -> Iterator[str]:
    """A step; a loop with the graphs that it calls beside it, in a frame."""
    kinds = (value.kind for value in step.results)
    guard = ", style=dashed" if isinstance(step, Guard) else ""
    label = f"{box} [label={quoted(written(step, names), *kinds)}{guard}];"
    if not step.parts:
        yield pad + label
        return
    yield f"{pad}subgraph cluster_{box} {{"
    yield f'{pad}  style=rounded; color="#888888"; fontname="monospace"; fontsize=10;'
    yield f"{pad}  {label}"
    for name, graph in step.parts.items():
        yield f"{pad}  subgraph cluster_{box}_{name} {{"
        yield f"{pad}    label={quoted(name)};"
        yield from program(graph, f"{box}_{name}_", pad + "    ")
        yield f"{pad}  }}"
    yield f"{pad}}}"


def outline(graph: Graph) -> list[Any]:
    """The steps by number; in a long program what is repeated is folded, as on the page."""
    if len(graph.steps) < FOLD_FROM:
        return [*range(len(graph.steps))]
    return folded([(title_of(step), step.line) for step in graph.steps])


def repeated(fold: Fold, steps: list[Step]) -> str:
    """A fold in words."""
    titles = list(dict.fromkeys(map(title_of, steps)))
    more = ", …" if len(titles) > 4 else ""
    return f"{fold.times} × ({', '.join(titles[:4])}{more})"


def quoted(*rows: str) -> str:
    """Rows of text as a string of the language, where quotes and backslashes are special."""
    plain = ("".join(c if c.isprintable() else " " for c in row) for row in rows)
    text = "\\n".join(row.replace("\\", "\\\\").replace('"', '\\"') for row in plain)
    return f'"{text}"'


def to_svg(graph: Graph) -> str:
    """The graph drawn as SVG by Graphviz's program ``dot``.

    Raises
    ------
    GraphError
        If Graphviz is not installed, or fails.
    """
    program = shutil.which("dot")
    if program is None:
        raise GraphError(
            "to_svg needs Graphviz's program `dot`, which is not installed "
            "(https://graphviz.org/download); to_html(path) draws without it"
        )
    ran = subprocess.run(
        [program, "-Tsvg"], input=to_dot(graph), capture_output=True, encoding="utf-8", check=False
    )
    if ran.returncode:
        raise GraphError(f"to_svg: Graphviz failed: {ran.stderr.strip()}")
    return ran.stdout
