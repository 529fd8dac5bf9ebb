"""`jit`: the signature cache and its guards."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..box import Box, plain
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


class Known:
    """What was found out about a function, as long as nothing that it reads besides changes."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.captured = Captured(f)
        self.paths: dict[Any, list[Any]] = {}
        self.eager: set[Any] = set()


class Backend(NamedTuple):
    """What runs graphs.

    Attributes
    ----------
    name : str
    path : callable
        Makes a graph ready to be called: an object with a method ``call(leaves)``, as `Path`.
    hang : callable
        ``hang(jitted, known)`` after a call, to do without Python from the next one on.
    """

    name: str
    path: Callable[[Graph], Any]
    hang: Callable[[Any, Known], None]


NUMPY = Backend("numpy", Path, lambda jitted, known: None)


class Jitted:
    """A function that is traced at its first call on arguments of a kind, and replayed after.

    Made by `jit`.
    """

    head: Any
    """The first of the kernels that are called without Python (see `native.entry`)."""

    def __init__(self, f: Callable[..., Any], backend: Backend = NUMPY) -> None:
        functools.update_wrapper(self, f)
        self.f, self.backend = f, backend
        self.forget()

    def forget(self) -> None:
        """Drop all that was traced."""
        self.known: Known | None = None
        self.head = None

    @property
    def paths(self) -> dict[Any, list[Any]]:
        """The paths that were traced, by the kinds of arguments."""
        return self.known.paths if self.known else {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.missed(*args, **kwargs)

    def missed(self, *args: Any, **kwargs: Any) -> Any:
        """The result of a call that takes Python."""
        known = self.known
        if known is None or known.captured.changed():
            self.forget()
            self.known = known = Known(self.f)
        leaves, spec = flatten((args, kwargs), is_numbers)
        leaves = [np.asarray(x) if isinstance(x, (list, np.generic)) else x for x in leaves]
        key = spec, *map(kind, leaves)
        if key in known.eager:
            return self.f(*args, **kwargs)
        paths = known.paths.setdefault(key, [])
        for path in paths:
            try:
                result = path.call(leaves)
            except (OtherPath, GuardError):
                continue
            self.backend.hang(self, known)
            return result
        if len(paths) >= PATHS:
            known.eager.add(key)
            warnings.warn(
                f"jit: {self!r} took more than {PATHS} paths for arguments of one kind, and runs "
                "as it is written from now on",
                EagerWarning,
                stacklevel=3,
            )
            return self.f(*args, **kwargs)
        paths.append(self.backend.path(self.traced(known, spec, [plain(x) for x in leaves])))
        result = paths[-1].call(leaves)
        self.backend.hang(self, known)
        return result

    def traced(self, known: Known, spec: Any, leaves: list[Any]) -> Graph:
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
        if drawn or known.captured.changed():
            self.forget()
            what = "draws random numbers" if drawn else "changes something outside of it"
            raise GraphError(
                f"{self!r}: the function {what}, which would happen when it is traced and not "
                "when it is replayed: make it an argument, or a result"
            )
        return graph

    def __reduce__(self) -> Any:
        """As functions are pickled: by name, if that stands for it, else by its parts."""
        found: Any = sys.modules.get(self.__module__)
        for name in self.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is self:
            return self.__qualname__
        return functools.partial(jit, backend=self.backend.name), (self.f,)

    def __repr__(self) -> str:
        name = getattr(self.f, "__qualname__", self.f)
        return f"<jit of {name}, backend {self.backend.name!r}>"


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
    return Jitted(f)
