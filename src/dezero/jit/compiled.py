"""`jit`: the signature cache and its guards."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..box import Box, sample
from ..errors import EagerWarning, GraphError, GuardError, OperandError
from ..ir import Graph, simplified, trace
from ..trees import bare, flatten, is_numbers, unflatten
from .captured import Captured
from .replay import OtherPath, compiled

PATHS = 8
"""Paths that are traced for one signature; past them, the program runs as it is written."""


class Path:
    """One way through the program, ready to be taken again."""

    def __init__(self, graph: Graph) -> None:
        self.graph = simplified(graph)
        self.replay = compiled(self.graph)

    def call(self, leaves: list[Any]) -> Any:
        """The result, or `OtherPath`, or `GuardError`."""
        if any(isinstance(x, Box) for x in leaves):
            outs = self.graph.run(leaves)
        else:
            with np.errstate(all="ignore"):
                outs = list(self.replay(*leaves))
        return unflatten(self.graph.specs[1], [bare(y) for y in outs])


class Jitted:
    """A function that is traced at its first call on arguments of a kind, and replayed after.

    Made by `jit`.
    """

    def __init__(self, f: Callable[..., Any], backend: str) -> None:
        functools.update_wrapper(self, f)
        self.f, self.backend = f, backend
        self.forget()

    def forget(self) -> None:
        """Drop all that was traced."""
        self.captured: Captured | None = None
        self.paths: dict[Any, list[Path]] = {}
        self.eager: set[Any] = set()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.captured is None or self.captured.changed():
            self.forget()
            self.captured = Captured(self.f)
        leaves, spec = flatten((args, kwargs), is_numbers)
        leaves = [np.asarray(x) if isinstance(x, (list, np.generic)) else x for x in leaves]
        key = spec, *map(kind, leaves)
        if key in self.eager:
            return self.f(*args, **kwargs)
        paths = self.paths.setdefault(key, [])
        for path in paths:
            try:
                return path.call(leaves)
            except (OtherPath, GuardError):
                continue
        if len(paths) >= PATHS:
            self.eager.add(key)
            warnings.warn(
                f"jit: {self!r} took more than {PATHS} paths for arguments of one kind, and runs "
                "as it is written from now on",
                EagerWarning,
                stacklevel=2,
            )
            return self.f(*args, **kwargs)
        paths.append(Path(self.traced(spec, [sample(x) for x in leaves])))
        return paths[-1].call(leaves)

    def traced(self, spec: Any, leaves: list[Any]) -> Graph:
        """The graph of the path that these arguments take.

        Raises
        ------
        GraphError
            If the function changed what it reads, or drew random numbers: a replay would not.
        """
        args, kwargs = unflatten(spec, leaves)
        state = drawn_so_far()
        graph = trace(self.f)(*args, **kwargs)
        drawn = drawn_so_far() != state
        if drawn or (self.captured is not None and self.captured.changed()):
            self.forget()
            what = "draws random numbers" if drawn else "changes something outside of it"
            raise GraphError(
                f"{self!r}: the function {what}, which would happen when it is traced and not "
                "when it is replayed: make it an argument, or a result"
            )
        return graph

    def __repr__(self) -> str:
        return f"<jit of {getattr(self.f, '__qualname__', self.f)}, backend {self.backend!r}>"


def drawn_so_far() -> str:
    """The state of NumPy's global random numbers, which old code draws from."""
    return repr(np.random.get_state(legacy=False))  # noqa: NPY002  # to see whether it was


def kind(x: Any) -> Any:
    """What a trace depends on, of an argument."""
    if isinstance(x, (np.ndarray, Box)):
        return x.shape, x.dtype.str
    return type(x)


def jit(f: Callable[..., Any] | None = None, *, backend: str | None = None) -> Any:
    """The same function, compiled.

    It is traced at the first call for arguments of a structure, shapes and dtypes; later calls
    replay what NumPy was asked to do, without Python's program around it. Where the program asks
    for a number (``if``, ``while``, ``int``), the answer is checked at each replay; when it is
    another one, that path is traced too, up to 8 for arguments of one kind. What the function reads
    besides its arguments is compared before each call, and traced again if it changed.

    Parameters
    ----------
    f : callable
        A function of arrays written with NumPy, without side effects; derivatives are such too.
    backend : "numpy", optional
        What runs it.

    Returns
    -------
    Jitted
        Takes and returns what `f` does, and can be differentiated and batched like it.

    Raises
    ------
    OperandError
        If `backend` is something else.

    Warns
    -----
    EagerWarning
        When there are more paths than that; the function then runs as it is written.

    Examples
    --------
    >>> from dezero import grad
    >>> slope = jit(grad(lambda x: np.sum(np.sin(x) ** 2)))
    >>> slope(np.array([0.0, 1.0]))
    array([0.        , 0.90929743])
    """
    if backend not in (None, "numpy"):
        raise OperandError(f'jit: backend is "numpy" (or None), not {backend!r}')
    if f is None:
        return functools.partial(jit, backend=backend)
    if not callable(f):
        raise OperandError(f"jit takes a function, not {f!r}")
    return Jitted(f, backend or "numpy")
