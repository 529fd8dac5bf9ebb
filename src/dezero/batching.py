"""Many at once: a `Batch` holds the values of all members, and each call is made for all."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np
import optree

from .box import Box, as_array, check_data, deciding, new_level
from .core import apart, new, open_levels, opened
from .errors import ConversionError, DeZeroError, GraphError, OperandError, ShapeError
from .memory import note_views
from .rules.nondiff import stopped
from .trees import (
    NAMESPACE,
    NUMBER,
    bare,
    derived,
    flatten,
    is_numbers,
    peeled,
    settled,
    unflatten,
)  # fmt: skip


class Roof:
    """The most numbers in one array of the next batch, for who can do with fewer members."""

    def __init__(self, limit: int) -> None:
        self.limit, self.level = limit, 0


roof: ContextVar[Roof | None] = ContextVar("roof", default=None)


class TooLarge(Exception):
    """An array of a batch is above the roof."""

    def __init__(self, each: int) -> None:
        super().__init__(each)
        self.each = each  # numbers of one member


def check_roof(out: Any, n: int, level: int) -> None:
    """Raise if an array of a batch of a level is above the roof."""
    top = roof.get()
    if top is not None and top.level == level and out.size > top.limit:
        raise TooLarge(out.size // n)


class Batch(Box):
    """The values of all members of a batch, along a first axis that a program does not see.

    Programs are written for one member: shapes, axes and indices are the member's. Made by `vmap`.
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape[1:]  # type: ignore[no-any-return]  # any array's shape

    @shape.setter
    def shape(self, _shape: Any) -> None:
        self._set("shape", "reshape(shape)")

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def data(self) -> Any:
        """The same values, cut from the graph."""
        return stopped(self)

    def __reduce__(self) -> Any:
        raise GraphError("a Batch inside a running vmap cannot be pickled or copied")

    def __repr__(self) -> str:
        return f"batch({deciding(self)})"

    def _differs(self, what: str) -> ConversionError:
        return ConversionError(
            f"{what} inside vmap has no single answer: each member has its own. Choose "
            "between values with np.where(condition, x, y), and between programs with dz.cond; "
            "to read a plain array at a place of each member's own, dz.numpy.array(x)[i]"
        )

    def __array__(self, *_args: Any, **_kwargs: Any) -> Any:
        if self.dtype.kind in "iub":
            raise self._differs("A batch of whole numbers as a plain array, or as its index,")
        return super().__array__()

    def __bool__(self) -> bool:
        raise self._differs("The truth value of a batch (`if`, `while`, `and`)")

    def __index__(self) -> int:
        raise self._differs("A batch as a Python integer (range(n), an index of a list)")

    def __int__(self) -> int:
        raise self._differs("int(v)")

    def _numbers(self, deed: str) -> Any:
        raise self._differs(f"What {deed}")

    def _sample(self) -> Any:
        members = super()._sample()
        return as_array(members[0]) if len(members) else np.zeros(self.shape, self.dtype)

    def _around(self, fact: Any) -> Any:
        return batch(fact, self._level)

    @staticmethod
    def process(p: Any, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
        """Compute for all members, one level below."""
        if level not in open_levels:
            raise GraphError(
                f"{p.title}: a value of one member came out of its vmap another way than by return"
            )
        mine = tuple([isinstance(x, Batch) and x._level == level for x in operands])
        xs = tuple([x._value if m else x for x, m in zip(operands, mine, strict=True)])
        n = xs[mine.index(True)].shape[0]
        try:
            out = p.batching(p, n, mine, xs, params)
        except DeZeroError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            raise p.explained(error, operands) from error
        if isinstance(out, tuple):
            return tuple(batch(y, level) for y in out)
        if not hasattr(out, "dtype"):
            return out  # a text
        check_roof(out, n, level)
        b = batch(out, level)
        if not p.pointwise:
            note_views(b, operands)
        return b


def batch(value: Any, level: int) -> Batch:
    """A Batch of a level, its members along the first axis."""
    b: Batch = new(Batch)
    b._value, b._level = value, level
    return b


# ---------------------------------------------------------------------------- vmap


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """The function that maps `f` over an axis of its arguments, in one pass instead of a loop.

    Parameters
    ----------
    f : callable
        A function of one member's arrays, written with NumPy. Arguments that are given by keyword
        are the same for all members.
    in_axes : int, None, or nested container of them
        Which axis of the arguments counts the members; None for what all members share. A tuple has
        one entry for each argument, and an entry may be a container like (the top of) its argument.
    out_axes : int, None, or nested container of them
        Where that axis goes in the results; None for a result that is the same for all.

    Returns
    -------
    callable
        With the arguments of `f`; the results have one axis more.

    Raises
    ------
    ShapeError
        If the arguments count different numbers of members, or lack the axis.
    OperandError
        If `in_axes` does not fit the arguments, or nothing is mapped over.
    ConversionError
        Where `f` asks for the truth of a value that differs between the members.

    Warns
    -----
    SequentialWarning
        Where `f` calls something that can only be called for one member after the other.

    Examples
    --------
    >>> distance = lambda a, b: np.sqrt(np.sum((a - b) ** 2))
    >>> points = np.array([[0.0, 0.0], [3.0, 4.0]])
    >>> vmap(distance, in_axes=(0, None))(points, np.zeros(2))
    array([0., 5.])
    >>> vmap(vmap(distance, (None, 0)), (0, None))(points, points)
    array([[0., 5.],
           [5., 0.]])
    """
    return derived(_vmap, f, in_axes, out_axes)


def _vmap(f: Any, in_axes: Any, out_axes: Any, /, *args: Any, **kwargs: Any) -> Any:
    leaves, spec = flatten(args, is_numbers)
    leaves = [as_array(x) if isinstance(x, list) else x for x in leaves]
    given = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    axes = _axes(given, unflatten(spec, leaves), "in_axes")
    n = _members(leaves, axes)
    level = new_level()
    top = roof.get()
    if top is not None and not top.level:
        top.level = level
    boxes = [
        apart(x) if axis is None else batch(_in_front(apart(as_array(x)), axis), level)
        for x, axis in zip(leaves, axes, strict=True)
    ]
    with opened(level):
        result = f(*unflatten(spec, boxes), **kwargs)
    ys, spec = flatten(result)
    places = _axes(out_axes, result, "out_axes")
    return unflatten(
        spec, [_unboxed(y, axis, n, level) for y, axis in zip(ys, places, strict=True)]
    )


SHARED = object()
"""In place of None in `in_axes`: in an argument, None is an empty container."""


def _axes(axes: Any, tree: Any, name: str) -> list[Any]:
    """An axis for each leaf of a tree, from one for each of its upper parts."""
    marked: Any = optree.tree_map(
        lambda axis: SHARED if axis is None else axis,
        axes,
        none_is_leaf=True,
        namespace=NAMESPACE,
    )
    try:
        found = optree.broadcast_prefix(marked, tree, namespace=NAMESPACE)
    except ValueError as error:
        raise OperandError(f"vmap: {name}={axes!r} does not fit the arguments: {error}") from error
    return [None if axis is SHARED else axis for axis in found]


def _members(leaves: list[Any], axes: list[Any]) -> int:
    """How many members there are, by the axes that count them."""
    sizes: dict[int, tuple[int, ...]] = {}
    for x, axis in zip(leaves, axes, strict=True):
        if axis is None:
            continue
        if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
            raise OperandError(f"vmap: in_axes are integers or None, not {axis!r}")
        if isinstance(x, NUMBER) or not hasattr(as_array(x), "shape"):
            raise ShapeError(f"vmap: {x!r} has no axis to map over; give it the in_axes None")
        if not isinstance(x, Box):
            check_data(as_array(x), "vmap: ")
        shape = np.shape(x)
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(f"vmap: an argument of shape {shape} has no axis {axis}")
        sizes.setdefault(shape[axis], shape)
    if not sizes:
        raise OperandError("vmap: no argument is mapped over; in_axes is None for all of them")
    if len(sizes) > 1:
        shown = ", ".join(f"{n} by shape {shape}" for n, shape in sizes.items())
        raise ShapeError(f"vmap: the arguments count different numbers of members: {shown}")
    (n,) = sizes
    return n


def _in_front(x: Any, axis: int) -> Any:
    return np.moveaxis(x, axis, 0) if axis % x.ndim else x


def _unboxed(y: Any, axis: Any, n: int, level: int) -> Any:
    """A result with its members along `axis`, repeated if it is the same for all."""
    y = peeled(y, level)
    if not isinstance(y, Batch) or y._level != level:
        if axis is None:
            return y
        y = as_array(y)
        value = np.broadcast_to(y, (n, *y.shape)).copy()
    elif axis is None:
        raise OperandError("vmap: out_axes is None for a result that differs between the members")
    else:
        value = y._value
    if not isinstance(axis, (int, np.integer)) or not -value.ndim <= axis < value.ndim:
        raise ShapeError(f"vmap: results of shape {value.shape[1:]} get no axis {axis!r}")
    axis = axis % value.ndim
    return bare(settled(np.moveaxis(value, 0, axis) if axis else value))
