"""Flat vectors of containers."""

import numpy as np

from dezero.trees import flatten as leaves_of
from dezero.trees import unflatten as around

__all__ = ["const_graph", "flatten"]


def flatten(value):
    """One vector of all numbers in a container, and the way back."""
    leaves, spec = leaves_of(value)
    ends = np.cumsum([np.size(leaf) for leaf in leaves])

    def unflatten(flat):
        parts = np.split(flat, ends[:-1]) if leaves else []
        return around(
            spec,
            [np.reshape(part, np.shape(leaf)) for part, leaf in zip(parts, leaves, strict=True)],
        )

    flat = np.concatenate([np.ravel(leaf) for leaf in leaves]) if leaves else np.array([])
    return flat, unflatten


def const_graph(fun, *args, **kwargs):
    """HIPS's replay of a recorded graph."""
    raise NotImplementedError("DeZero does not replay graphs")
