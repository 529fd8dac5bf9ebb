"""The page on which a person steps through a run, and what notebooks show of it.

The page is one file. Its policy lets run nothing but its own script, and load nothing.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from importlib import resources
from pathlib import Path
from string import Template

from ..ir.graph import Graph
from .formulas import rule_html
from .replay import replay

HEIGHT = 720
"""Pixels of the page in a notebook."""


def to_html(graph: Graph, path: str | os.PathLike[str] | None = None) -> str:
    """A page that steps through the graph's run on its example, and through its backward pass.

    Parameters
    ----------
    graph : Graph
    path : path, optional
        A file to write the page to, in UTF-8.

    Returns
    -------
    str
        The page. It needs no network and no other file.
    """
    data = replay(graph)
    titles = sorted({part["title"] for part in data["parts"] if part["role"] == "step"})
    rules = "\n".join(
        f'<div data-rule="{html.escape(title)}" hidden>{rule_html(title)}</div>' for title in titles
    )
    script = "".join(map(piece, ("run.js", "layout.js", "page.js")))
    page = Template(piece("page.html")).substitute(
        title=html.escape(data["name"]),
        policy=digest(script),
        style=piece("page.css"),
        rules=rules,
        data=json_in_html(data),
        script=script,
    )
    if path is not None:
        Path(path).write_text(page, encoding="utf-8")
    return page


def mimebundle(graph: Graph) -> dict[str, str]:
    """What notebooks show: the text, and the page in a frame of its own."""
    frame = (
        f'<iframe srcdoc="{html.escape(to_html(graph))}" sandbox="allow-scripts" '
        f'title="{html.escape(f"The graph of {graph.name}")}" '
        f'style="width:100%;height:{HEIGHT}px;border:1px solid #8888"></iframe>'
    )
    return {"text/plain": repr(graph), "text/html": frame}


def piece(name: str) -> str:
    """A part of the page."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def digest(script: str) -> str:
    """By what the page's policy knows a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def json_in_html(data: object) -> str:
    """JSON that can stand inside a script element: no text in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
