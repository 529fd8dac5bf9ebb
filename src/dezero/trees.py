"""Nested containers: what transforms take and return, and how boxes come in and out of them.

Dicts, lists, tuples, named tuples, dataclasses and whatever else is registered with `optree` may
be nested in any way: what counts are the arrays and numbers in them. A list of plain numbers is an
array. A field of a dataclass that is declared with ``field(metadata={"static": True})`` is handed
through untouched.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import optree

from .box import Box, as_array, check_data
from .core import Variable, apart, node_of
from .errors import DataError, DifferentiationError, GradientError, OperandError

NUMBER = (bool, int, float, complex)
NUMBER_OR_LIST = (*NUMBER, list)
NAMESPACE = "dezero"
"""Where dataclasses are registered as they are met, so that other users of optree do not see it."""


def is_numbers(x: Any) -> bool:
    """Whether a list holds only numbers, in lists of lists or not: then it is an array."""
    return (
        isinstance(x, list) and bool(x) and all(isinstance(e, NUMBER) or is_numbers(e) for e in x)
    )


ATOMS = frozenset({np.ndarray, np.float64, Variable, *NUMBER})
"""Types of leaves that are known without asking optree, alone or in a tuple, …"""


@functools.cache
def _structure(n: int | None) -> Any:
    """That of a tuple of `n` leaves, or of one leaf alone."""
    tree: Any = 0 if n is None else (0,) * n
    return optree.tree_structure(tree, namespace=NAMESPACE)


LEAF = _structure(None)
"""… and the structure of one."""

_registered: set[type[Any]] = set()
_registering = threading.Lock()


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Any]:
    """The leaves of nested containers, and the structure to put others in their place."""
    kind = type(tree)
    if kind in ATOMS or (kind is tuple and ATOMS.issuperset(map(type, tree))):
        return ([tree], LEAF) if kind is not tuple else (list(tree), _structure(len(tree)))
    leaves, spec = optree.tree_flatten(tree, is_leaf, namespace=NAMESPACE)
    new = {type(leaf) for leaf in leaves if hasattr(type(leaf), "__dataclass_fields__")}
    if not new:
        return leaves, spec
    with _registering:
        for kind in new - _registered:
            _register(kind)
            _registered.add(kind)
    return flatten(tree, is_leaf)


@functools.cache
def _call_structure(n: int) -> Any:
    """That of `n` leaves as arguments."""
    tree: Any = ((0,) * n, {})
    return optree.tree_structure(tree, namespace=NAMESPACE)


def leaves_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Any]:
    """The arrays and numbers in the arguments of a call, and their structure."""
    if not kwargs and ATOMS.issuperset(map(type, args)):
        return list(args), _call_structure(len(args))
    return flatten((args, kwargs), is_numbers)


def _register(kind: type[Any]) -> None:
    """Make a dataclass a container: its fields are its parts, but for those marked static."""
    fields = dataclasses.fields(kind)
    static = {f.name for f in fields if f.metadata.get("static")}
    names = tuple(f.name for f in fields if f.name not in static)

    def parts(instance: Any) -> tuple[Any, Any, tuple[str, ...]]:
        kept = tuple((name, getattr(instance, name)) for name in sorted(static))
        return [getattr(instance, name) for name in names], kept, names

    def rebuilt(kept: Any, children: Iterable[Any]) -> Any:
        instance = object.__new__(kind)
        for name, value in (*kept, *zip(names, children, strict=True)):
            object.__setattr__(instance, name, value)
        return instance

    optree.register_pytree_node(kind, parts, rebuilt, namespace=NAMESPACE)


def unflatten(spec: Any, leaves: Iterable[Any]) -> Any:
    """The containers of a structure around other leaves."""
    if spec is LEAF:
        (leaf,) = leaves
        return leaf
    return spec.unflatten(leaves)


def tree_map(f: Callable[[Any], Any], tree: Any) -> Any:
    """The same containers with `f` of each leaf."""
    leaves, spec = flatten(tree)
    return unflatten(spec, map(f, leaves))


def as_primal(x: Any, who: str) -> Any:
    """A leaf of an argument as floating or complex data that can be differentiated by.

    Python's own numbers are made floating; an integer array is refused.
    """
    if type(x) is float or (type(x) is np.ndarray and x.dtype.kind in "fc"):
        return np.asarray(x)
    if isinstance(x, NUMBER_OR_LIST):
        try:
            x = np.asarray(x)
        except ValueError as error:
            raise DataError(f"{who}: no array can be made of this list: {error}") from error
        if x.dtype.kind in "iub":
            x = x.astype(np.float64)
    elif isinstance(x, np.generic):
        x = np.asarray(x)
    if not isinstance(x, Box):
        check_data(x, f"{who}: ")
    else:
        x = apart(x)
    if x.dtype.kind not in "fc":
        raise DifferentiationError(
            f"{who}: cannot differentiate by {x.dtype} data; make it floating: x.astype(float)"
        )
    return x


def moving(t: Any, x: Any, what: str, of: str) -> Any:
    """A tangent or cotangent of `x`, checked, in its dtype."""
    t, shape = as_array(t), np.shape(x)
    dtype = getattr(x, "dtype", None) or np.result_type(x)
    if t.shape != shape:
        raise GradientError(f"{what} of shape {t.shape} for a {of} of {shape}")
    if t.dtype.kind not in "fciub" or (t.dtype.kind == "c" and dtype.kind != "c"):
        raise GradientError(f"{what} of dtype {t.dtype} for a {of} of {dtype}")
    return t if t.dtype == dtype or dtype.kind not in "fc" else t.astype(dtype)


def peeled(y: Any, level: int) -> Any:
    """A value without the boxes above a level: what put them on has ended."""
    while isinstance(y, Box) and y._level > level:
        y = y._value
    return y


def settled(y: Any) -> Any:
    """A result as its plain array, unless a Variable is alive that it could be differentiated by.

    Variables that a function makes for itself (`dz.numpy.zeros`, ``dz.exp(array)``) are gone when
    it returns, and leave a graph behind that ends nowhere; one that it found outside, or that
    somebody still holds, can gather a gradient.
    """
    if not isinstance(y, Variable) or y._level:
        return y
    seen, stack = set(), [node_of(y)]
    while stack:
        node = stack.pop()
        v = node.variable
        if not node.depth and v is not None and v is not y and not v.generation:
            return y
        for edge in node.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return y._value


def bare(y: Any) -> Any:
    """A 0-d array as NumPy itself would return it: a scalar."""
    return y[()] if type(y) is np.ndarray and y.ndim == 0 else y


def derived(run: Callable[..., Any], f: Any, *settings: Any) -> Callable[..., Any]:
    """The function ``run(f, *settings, …)``, with the name and the docstring of `f`."""
    if not callable(f):
        raise OperandError(f"{run.__name__.lstrip('_')} takes a function, not {f!r}")
    return functools.update_wrapper(Derived(run, f, *settings), f)


class Derived(functools.partial[Any]):
    """A derivative of a function; on a class, a method like the function itself."""

    def __repr__(self) -> str:
        f = self.args[0]
        name = repr(f) if isinstance(f, Derived) else getattr(f, "__qualname__", repr(f))
        return f"<dezero.{self.func.__name__.lstrip('_')} of {name}>"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)
