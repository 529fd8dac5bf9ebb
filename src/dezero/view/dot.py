"""A graph in Graphviz's language, and drawn by it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

from ..errors import GraphError
from ..ir.graph import Graph
from ..ir.steps import Guard, Value
from ..ir.tape import short, written

OVAL = 'shape=box, style="rounded,filled", fillcolor="#e7f0f7"'


def to_dot(graph: Graph) -> str:
    r"""The graph in the language of Graphviz: a box for each step, an arrow for each value read.

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
    names, made = graph.names, {}
    for k, value in enumerate(graph.inputs):
        made[value] = f"i{k}"
        yield f"  i{k} [label={quoted(names[value], value.kind)}, {OVAL}];"
    for k, step in enumerate(graph.steps):
        kinds = (value.kind for value in step.results)
        guard = ", style=dashed" if isinstance(step, Guard) else ""
        yield f"  s{k} [label={quoted(written(step, names), *kinds)}{guard}];"
        for value in dict.fromkeys(step.reads):
            yield f"  {made[value]} -> s{k};"
        made.update(dict.fromkeys(step.results, f"s{k}"))
    for k, y in enumerate(graph.outputs):
        label = "result" if len(graph.outputs) == 1 else f"result {k}"
        if isinstance(y, Value):
            yield f"  o{k} [label={quoted(label)}, shape=plaintext];"
            yield f"  {made[y]} -> o{k};"
        else:
            yield f"  o{k} [label={quoted(f'{label} = {short(y)}')}, shape=plaintext];"


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
