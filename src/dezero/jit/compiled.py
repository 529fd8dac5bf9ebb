"""`jit`: the signature cache and its guards."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import operator
import random
import sys
import time
import types
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ..box import Box, as_array, sample
from ..config import observing
from ..debugging import user_frame
from ..errors import DataError, EagerWarning, GraphError, GuardError, OperandError
from ..ir import Graph, trace
from ..ir.tracer import names_of
from ..trees import flatten, leaves_of, unflatten
from .captured import THE_FUNCTION, Captured, Place, Unwatched, shown
from .explaining import Lowered, difference, explained, through_numpy
from .outputs import takes_out, written
from .path import KINDS, PATHS, Path, Stepwise, is_fact, kind, seen
from .replay import OtherPath
from .standing import in_place_of, truth


class Known:
    """What was traced while the function read the same besides its arguments."""

    def __init__(self, f: Any) -> None:
        self.paths: OrderedDict[Any, list[Path]] = OrderedDict()
        self.eager: set[Any] = set()
        self.captured = Captured(f)
        self.present: Any = None  # the watches of `native.hanging`

    def met(self, key: Any) -> list[Path]:
        """The paths for arguments of a kind, which are asked for."""
        paths = self.paths.setdefault(key, [])
        with contextlib.suppress(KeyError):  # another thread has dropped it
            self.paths.move_to_end(key)
        while len(self.paths) > KINDS:
            self.eager.discard(self.paths.popitem(last=False)[0])
        return paths


class Backend(NamedTuple):
    """What runs graphs.

    Attributes
    ----------
    name : str
    path : callable
        Makes a `Path` of a graph and the arguments that it was traced with, ``(args, kwargs)``;
        None if Python calls it with something else.
    hang : callable
        ``hang(jitted, known, path)`` after a call that took a path, so that later ones can take it
        without Python.
    parts : callable
        The graph of kernels and calls of NumPy that a path runs, and the kernels.
    about, surroundings : callable
        What `explain` says of a path, and of all of them.
    """

    name: str
    path: Callable[[Graph, Any], Path]
    hang: Callable[[Jitted, Known, Path], None]
    parts: Callable[[Path], tuple[Graph, list[Any]]] = lambda path: (path.graph, [])
    about: Callable[[Jitted, Path], Iterable[str]] = through_numpy
    surroundings: Callable[[], str] = str


NUMPY = Backend("numpy", lambda graph, _example: Path(graph), lambda _jitted, _known, _path: None)


class Jitted:
    """A function that is traced at its first call on arguments of a kind, and replayed after.

    Made by `jit`.

    Attributes
    ----------
    head : Entry or None
        The first of the kernels that are called without Python (see `native.entry`).
    """

    head: Any

    def __init__(self, f: Callable[..., Any], backend: Backend = NUMPY) -> None:
        functools.update_wrapper(self, f, updated=())
        others = getattr(f, "__dict__", {}).items()
        vars(self).update((k, x) for k, x in others if not hasattr(type(self), k))
        self.f, self.backend = f, backend
        self.known: Known | None
        self.off = False
        self.forget()

    def forget(self) -> None:
        """Drop all that was traced."""
        self.head, self.known = None, None

    @property
    def paths(self) -> dict[Any, list[Path]]:
        """What was traced, by kinds of arguments."""
        return self.known.paths if self.known is not None else {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.missed(*args, **kwargs)

    def missed(self, *args: Any, **kwargs: Any) -> Any:
        """The result of a call that needs Python."""
        if "out" in kwargs and not self.own_out:
            out = kwargs.pop("out")
            result = self.missed(*args, **kwargs)
            return result if out is None else written(result, out)
        known = self.up_to_date()
        if known is None:
            return self.f(*args, **kwargs)
        leaves, spec = leaves_of(args, kwargs)
        leaves = [x if type(x) is np.ndarray else given(x) for x in leaves]
        hidden = known.captured.variables
        if seen(leaves) or (hidden and observing() is not None):
            return self.f(*args, **kwargs)  # it becomes a part of what is traced, or looked at
        key = spec, *map(kind, leaves), *map(kind, hidden), *map(truth, hidden)
        paths = known.met(key)
        if key in known.eager:
            return self.f(*args, **kwargs)
        numbers = [*(x for x in leaves if not is_fact(x)), *hidden]
        for path in paths:
            with contextlib.suppress(OtherPath, GuardError):
                return self.taken(known, path, numbers)
        if len(paths) >= PATHS:
            known.eager.add(key)
            *others, last = (path.graph for path in paths)
            why = f"the last because {difference(last, others)}"
            self.warn(f"took more than {PATHS} paths for arguments of one kind, {why}")
            return self.f(*args, **kwargs)
        try:
            paths.append(self.new_path(known, spec, leaves))
        except Unwatched as reason:
            result = self.f(*args, **kwargs)  # if it fails too, that is what there is to say
            self.give_up(reason)
            return result
        return self.taken(known, paths[-1], numbers)

    def taken(self, known: Known, path: Path, numbers: list[Any]) -> Any:
        """The result by a path, which is now the one to try first."""
        result = path.call(numbers)
        if path.entries and not any(isinstance(x, Box) for x in numbers):
            self.backend.hang(self, known, path)
        return result

    def new_path(self, known: Known, spec: Any, leaves: list[Any]) -> Path:
        """The path that these arguments take, traced and compiled."""
        start = time.perf_counter()
        graph = self.traced(known, spec, leaves)
        between = time.perf_counter()
        example = None if known.captured.variables else unflatten(spec, [*map(sample, leaves)])
        path = self.backend.path(graph, example)
        path.again, path.stepwise = self.backend.path, self.stepwise(known, path, spec, leaves)
        path.seconds = between - start, time.perf_counter() - between
        return path

    def stepwise(self, known: Known, path: Path, spec: Any, leaves: list[Any]) -> Stepwise:
        """The outputs of a path for boxes: by the function itself, which may decide otherwise.

        If what it reads has changed since, by the path's graph.
        """
        me, captured, graph = weakref.ref(self), known.captured, path.graph
        facts, hidden = [x if is_fact(x) else 0.0 for x in leaves], captured.variables

        def run(numbers: list[Any]) -> list[Any]:
            jitted = me()
            if jitted is None or captured.changed():
                return graph.run(numbers)
            return flatten(in_place_of(hidden, jitted.program(spec, facts))(*numbers))[0]

        return run

    def explain(self) -> str:
        """What was traced, and what became of it; prints itself.

        For each kind of arguments and each path: the question that made it another one, the time
        of tracing and compiling; kernels with their stages, time and memory; what runs through
        NumPy, and why; and what keeps calls from doing without Python.

        Examples
        --------
        >>> twice = jit(lambda x: x * 2, backend="numpy")
        >>> twice.explain()
        <jit of <lambda>, backend 'numpy'>
        was not called yet
        """
        return explained(self)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """What the program becomes for arguments: its graph, LLVM's text, the processor's code.

        Raises
        ------
        GraphError
            If it runs as it is written.

        Examples
        --------
        >>> print(jit(lambda x: x * 2, backend="numpy").lower(np.ones(3)).graph)
        v1 = x * 2
        """
        known = self.up_to_date()
        if known is None:
            raise GraphError(f"{self!r} runs as it is written: there is nothing to lower")
        leaves, spec = leaves_of(args, kwargs)
        try:
            path = self.new_path(known, spec, list(map(given, leaves)))
        except Unwatched as reason:
            raise GraphError(f"{self!r} {reason}") from reason
        return Lowered(path.graph, *self.backend.parts(path))

    @functools.cached_property
    def own_out(self) -> bool:
        """Whether the function itself takes ``out=``."""
        return takes_out(self.f)

    def up_to_date(self) -> Known | None:
        """What is known; None if the program runs as it is written."""
        if self.off:
            return None
        known = self.known
        try:
            if known is None or known.captured.changed():
                self.forget()
                known = self.known = Known(self.f)
        except Unwatched as reason:
            self.give_up(reason)
            return None
        return known

    def give_up(self, reason: Unwatched) -> None:
        """Run as it is written from now on, unless it is only so now."""
        if not reason.passing:
            self.off = True
            self.forget()
            self.warn(str(reason))

    def __reduce__(self) -> Any:
        """Pickled, and copied, without what was traced; one that decorates is found by name."""
        found: Any = sys.modules.get(getattr(self.f, "__module__", ""))
        path = getattr(self.f, "__qualname__", "")
        for name in path.split("."):
            found = getattr(found, name, None)
        made = functools.partial(jit, backend=self.backend.name), (self.f,)
        return path if found is self else made

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def warn(self, why: str) -> None:
        """Say that nothing is compiled from now on."""
        text = f"jit: {self!r} {why}; it runs as it is written from now on"
        frame: Any = user_frame() or sys._getframe()
        warnings.warn_explicit(text, EagerWarning, frame.f_code.co_filename, frame.f_lineno)

    def traced(self, known: Known, spec: Any, leaves: list[Any]) -> Graph:
        """The graph of the path that these arguments take.

        What a function changes when it runs first, such as a cache, it may leave alone after that.

        Raises
        ------
        GraphError
            If the function changes what it reads, or draws random numbers: a replay would not.
        """
        hidden = known.captured.variables
        numbers = [sample(x) for x in (*leaves, *hidden) if not is_fact(x)]
        changed: Place | None
        for _ in range(2):
            state = drawn_so_far()
            try:
                graph = trace(in_place_of(hidden, self.program(spec, leaves)))(*numbers)
            except Exception as error:  # whatever it is: the program itself will meet it
                if not hidden:
                    raise
                raise known.captured.beyond(error) from error
            try:
                later = Captured(self.f)
            except Unwatched as now:
                changed, drawn = now.place, False
                break
            changed, drawn = known.captured.difference(later), drawn_so_far() != state
            if changed is None and not drawn:
                self.name(graph, spec, leaves)
                return graph
            if [*map(id, later.variables)] != [*map(id, hidden)]:
                self.forget()
                raise later.beyond("it makes them when it is called", passing=True)
            known.captured = later
        self.forget()
        what = "draws random numbers" if drawn else f"changes {shown(changed or THE_FUNCTION)}"
        raise GraphError(
            f"{self!r}: the function {what}, which would happen when it is traced and not "
            "when it is replayed: make it an argument, or a result"
        )

    def name(self, graph: Graph, spec: Any, leaves: list[Any]) -> None:
        """Call the inputs of a graph what the function calls its arguments."""
        args, kwargs = unflatten(spec, leaves)
        names = names_of(self.f, args, kwargs)
        given = (name for name, x in zip(names, leaves, strict=False) if not is_fact(x))
        for value, name in zip(graph.inputs, given, strict=False):
            value.name = name

    def program(self, spec: Any, leaves: list[Any]) -> Callable[..., Any]:
        """The function, of the numbers in its arguments."""

        def program(*numbers: Any) -> Any:
            fresh, before = iter(numbers), [getattr(x, "_slot", None) for x in numbers]
            boxes = [x if is_fact(x) else next(fresh) for x in leaves]
            arguments = unflatten(spec, boxes)
            args, kwargs = arguments
            result = self.f(*args, **kwargs)
            after, structure = leaves_of(*arguments)
            held = structure == spec and all(map(operator.is_, after, boxes))
            if not held or before != [getattr(x, "_slot", None) for x in numbers]:
                raise GraphError(
                    f"{self!r}: the function writes into its arguments, which would happen to "
                    "copies: write `x = x + y` for `x += y`, and return what is new"
                )
            return result

        program.__name__ = getattr(self.f, "__name__", type(self.f).__name__)
        return program

    def __repr__(self) -> str:
        return f"<jit of {getattr(self.f, '__qualname__', self.f)}, backend {self.backend.name!r}>"


def drawn_so_far() -> Any:
    """The states of the global random numbers of NumPy and Python, to see whether one draws.

    Where NumPy's are not even imported, which takes long, nobody has drawn any.
    """
    state = getattr(sys.modules.get("numpy.random"), "get_state", None)
    leaves = flatten(state(legacy=False))[0] if state else []
    return [np.asarray(x).tolist() for x in leaves], random.getstate()


def given(x: Any) -> Any:
    """An argument, as it is traced: an array, a box, a number, or a fact that is none."""
    if isinstance(x, Box) or type(x) in (int, float, complex) or is_fact(x):
        return x
    array = as_array(x)
    if array.dtype.kind not in "fciub":
        raise DataError(
            f"jit: an argument of type {type(x).__name__}: it takes arrays, numbers, strings and "
            "containers of them; for what else a function needs, use a closure, functools.partial "
            "or, of a method, jit(model.method)"
        )
    return array


def jit(f: Callable[..., Any] | None = None, *, backend: str | None = None) -> Any:
    """The same function, compiled.

    It is traced at the first call for arguments of a structure, shapes and dtypes; later calls
    replay what NumPy was asked to do, without Python's program around it. Where the program asks
    for a number (``if``, ``while``, ``int``), the answer is checked at each replay; when it is
    another one, that path is traced too, up to 8 for arguments of one kind. What the function reads
    besides its arguments is compared before each call, and traced again if it changed; Variables
    among that are inputs, and their gradients are as without `jit`.

    Parameters
    ----------
    f : callable
        A function of arrays written with NumPy, without side effects; derivatives are such too.
        Strings, flags and dtypes among its arguments are traced anew when they change.
    backend : "llvm" or "numpy", optional
        What runs it: machine code, where the extra ``jit`` is installed (``dezero[jit]``), or calls
        of NumPy. By default the first if it is there. ``repr`` tells.

    Returns
    -------
    Jitted
        Takes and returns what `f` does, and can be differentiated and batched like it. With
        ``out=`` (unless `f` has its own), an array or as many as there are results in the same
        containers, results are written into these, and no memory is asked for.

    Raises
    ------
    OperandError
        If `backend` is something else, or not installed.
    GraphError
        When it is called: if the function changes what it reads, writes into its arguments, or
        draws random numbers.

    Warns
    -----
    EagerWarning
        When there are more paths than that, or the function reads more than 10,000 objects, or
        does more with a Variable that it reads than calls; it then runs as it is written.

    Examples
    --------
    >>> from dezero import grad
    >>> slope = jit(grad(lambda x: np.sum(np.sin(x) ** 2)))
    >>> slope(np.array([0.0, 1.0]))
    array([0.        , 0.90929743])
    """
    if backend not in (None, *BACKENDS):
        known = ", ".join(map(repr, BACKENDS))
        raise OperandError(f"jit: backend is one of {known} (or None), not {backend!r}")
    if f is None:
        return functools.partial(jit, backend=backend)
    if not callable(f):
        raise OperandError(f"jit takes a function, not {f!r}")
    return BACKENDS[backend or fastest()](f)


def fastest() -> str:
    """The name of the best backend that is installed."""
    return "llvm" if importlib.util.find_spec("llvmlite") else "numpy"


def native(f: Callable[..., Any]) -> Jitted:
    """A function whose paths are machine code.

    Raises
    ------
    OperandError
        If llvmlite is not installed.
    """
    if not importlib.util.find_spec("llvmlite"):
        raise OperandError('jit: backend="llvm" needs llvmlite: pip install "dezero-autodiff[jit]"')
    from .native import hanging, paths  # noqa: PLC0415  # an extra

    made: Jitted = hanging.jitted()(f, paths.LLVM)
    return made


BACKENDS: dict[str, Callable[[Callable[..., Any]], Jitted]] = {"llvm": native, "numpy": Jitted}
"""What makes a compiled function, by the names of backends."""
