"""Writes the pages that the documentation shows, when it is built."""

from pathlib import Path
from typing import Any

import numpy as np

import dezero as dz


def loss(w: Any, b: Any, x: Any, y: Any) -> Any:
    """The mean squared error of one layer."""
    h = np.tanh(x @ w + b)
    return np.mean((h - y) ** 2)


def on_post_build(config: Any) -> None:
    """Called by mkdocs."""
    x = np.linspace(-1, 1, 12).reshape(4, 3)
    args = np.array([[0.5, -0.2], [0.1, 0.4], [-0.3, 0.8]]), np.zeros(2), x, np.sin(x[:, :2])
    dz.trace(loss)(*args).to_html(Path(config["site_dir"]) / "graphs" / "loss.html")
