"""Reading and writing elements: ``v[i]`` and ``v[i] = w``.

Reading is a gather and its transpose a scatter that adds, so repeated indices count as often as
they occur. Writing keeps NumPy's meaning and the graph's truth at once: the values that the graph
already kept are never written over, and what `v` is afterwards is a result like any other.
"""

from __future__ import annotations

import operator
import sys
import weakref
from typing import Any

import numpy as np

from ..axes import lined_up, spread
from ..box import ROWS, Box, arrayed, as_array, describe, new_level, plain
from ..config import observing, records
from ..core import Node, Variable, edge_of, is_constant, node_of, revive
from ..dispatch import implements
from ..errors import AssignmentError, OperandError
from ..memory import Spent, forget_views, views_of
from ..rows import General, Jointly
from .gather import in_batches, is_mask, read, write
from .nondiff import stopped


def _is_once(index: Any) -> bool:
    """Whether an index means no element twice."""
    return _is_basic(index) or is_mask(index)


def _is_basic(index: Any) -> bool:
    """Whether an index only slices."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        each is None or each is Ellipsis or isinstance(each, (int, np.integer, slice))
        for each in parts
    )


def _scattered(g: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `g` added at `index`."""
    out = np.zeros(shape, g.dtype)
    if _is_once(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def add_at(x: Any, index: Any, g: Any) -> None:
    """``x[index] += g`` where an index may occur several times."""
    if _is_once(index):
        x[index] += g
    else:
        np.add.at(x, index, g)


def _members(index: Any) -> tuple[tuple[Any, ...], int]:
    """An index of members as one of the batch, and the axis at which the members end up.

    Arrays that stand apart (``x[i, :, j]``, ``x[i, ..., j]``) put what they choose in front, also
    of the members.
    """
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [k for k, each in enumerate(parts) if np.ndim(each) or isinstance(each, (bool, list))]
    between = [each is None or each is ... or isinstance(each, slice) for each in parts]
    chosen = [k for k, other in enumerate(between) if not other] if arrays else []
    apart = bool(chosen) and chosen[-1] - chosen[0] + 1 != len(chosen)
    width = np.broadcast(*(_places(parts[k]) for k in chosen)).ndim if apart else 0
    return (slice(None), *parts), width


def _places(each: Any) -> Any:
    """What stands for one array of an index in broadcasting; a mask chooses along one axis."""
    each = np.asarray(each)
    return np.empty(1) if each.dtype == bool else each


def _getitem_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    (x,) = xs
    index, front = _members(params["index"])
    return np.moveaxis(p(x, index=index), front, 0) if front else p(x, index=index)


def _scatter_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    (g,), shape = xs, params["shape"]
    index, front = _members(params["index"])
    return p(np.moveaxis(g, 0, front) if front else g, index=index, shape=(n, *shape))


scatter = General(
    _scattered,
    "scatter",
    (lambda g, *, index, shape: g[index],),
    None,
    batching=_scatter_members,
)
getitem = General(
    lambda x, *, index: arrayed(x)[index],
    "getitem",
    (lambda g, x, *, index: scatter(g, index=index, shape=x.shape),),
    None,
    masks=True,
    adds=lambda total, g, saved: add_at(total, saved[-1]["index"], g),
    batching=_getitem_members,
)


def _plain_index(index: Any) -> Any:
    """An index without boxes but batches: it says where, and where has no derivative."""
    if isinstance(index, tuple):
        return tuple(_plain_index(each) for each in index)
    if isinstance(index, list):
        parts = [_plain_index(each) for each in index]
        return np.stack(list(map(as_array, parts))) if in_batches(tuple(parts)) else parts
    index = stopped(index) if isinstance(index, Box) else index
    return index.copy() if isinstance(index, np.ndarray) else index  # the user may write into it


@implements(operator.getitem)
def _getitem(x: Any, index: Any) -> Any:
    index = _plain_index(index)
    if in_batches(index):
        return read(x, index)
    y = getitem(x, index=index)
    if isinstance(x, Box) and hasattr(y, "_root") and y._root() is x and _is_basic(index):
        y._window = index
        if isinstance(x, Variable) and x._node is not None and x._node.p is setitem:
            # An array that is being filled: what keeps a view of it would make the next
            # assignment copy all of it.
            y._value = y._value.copy()
    return y


def _written(x: Any, w: Any, *, index: Any) -> Any:
    """A copy of `x` with `w` at `index`."""
    out = as_array(x).copy()  # a 0-d cotangent may be a NumPy scalar
    out[index] = w
    return out


def _unwritten(g: Any, specs: tuple[Any, ...], *, index: Any) -> tuple[Any, Any]:
    """What was written over has no say any more; what was written has that place's."""
    shape = specs[1].shape
    gw = g[index] if _is_once(index) else g[index] * _last(g, index)
    ones = (1,) * (len(shape) - gw.ndim)  # NumPy takes a value with more axes, if they are 1
    return setitem(g, 0, index=index), np.reshape(gw, (*ones, *gw.shape)) if ones else gw


def _last(g: Any, index: Any) -> Any:
    """1 where a write was the last one to its place, 0 where a repeated index wrote over it."""
    places = np.zeros(g.shape, np.intp)
    turns = np.arange(1, 1 + np.size(places[index])).reshape(np.shape(places[index]))
    places[index] = turns
    return places[index] == turns


def _setitem_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    x, w = (spread(each, n, m) for each, m in zip(xs, mine, strict=True))
    index, front = _members(params["index"])
    rank = np.ndim(np.empty(x.shape[1:])[params["index"]])
    # NumPy takes a value with more axes than the place has, if they are 1.
    w = lined_up(w, rank) if w.ndim <= rank else w.reshape((n, *w.shape[w.ndim - rank :]))
    return p(x, np.moveaxis(w, 0, front) if front else w, index=index)


setitem = Jointly(
    _written,
    "setitem",
    _unwritten,
    broadcasts=True,
    masks=True,
    batching=_setitem_members,
)


@implements(operator.setitem)
def assign(v: Any, index: Any, w: Any) -> None:
    """``v[index] = w``, differentiable.

    Where nothing else holds the array of `v`, it is written in place; otherwise a copy is, and
    whoever kept the old values still has them. A leaf that is given plain numbers stays a leaf,
    as it does when its `data` is replaced.

    Raises
    ------
    AssignmentError
        If `v` is a view of another Variable, or has living views that the assignment would change:
        NumPy would change them together, and a graph of values cannot.
    """
    observer = observing()
    if observer is None:
        write_into(v, index, w)
    else:
        observer.call(setitem, (v, w), None, lambda: write_into(v, index, w))


def write_into(v: Any, index: Any, w: Any) -> Any:
    """Assign, and return what was assigned to."""
    index = _plain_index(index)
    if not isinstance(w, Box):
        written = as_array(w)
        if written.dtype.kind not in "biufc":
            raise OperandError(f"setitem({describe(v)}, {describe(w)}): numbers only")
        w = written
    check_kinds(v, w)
    batches = in_batches(index)
    if any(view is w for view in views_of(v)):  # v[1:] = v[:-1]: it is taken at its value …
        view, w = w, own_copy(w)
        view._value = Spent(view._value)  # … and NumPy would change it now
        forget_views(view)
    check_views(v, index)
    level, ours = v._level, isinstance(w, Variable) and w._level == v._level
    value = w._value if ours else w
    variable = isinstance(v, Variable)
    if not variable or type(v._value) is not np.ndarray or isinstance(value, Box) or batches:
        # Inside a transform, an array made outside of any is no more than its numbers.
        made = variable and not level and not v.generation
        x = v._value if made else v
        turn_into(v, write(x, index, w) if batches else setitem(x, w, index=index))
        return v
    edges = (v._node, edge_of(w) if ours else None)
    # Two references are ours: the Variable's and the argument's.
    alone = sys.getrefcount(v._value) == 2 and v._value.base is None
    data = v._value if alone and v._value.flags.writeable else v._value.copy()
    try:
        data[index] = value
    except (ValueError, TypeError, IndexError) as error:
        raise setitem.explained(error, (v, w)) from error
    node = None
    leaf_of_its_own = not level and not v.generation and edges[1] is None
    if records(level) and not leaf_of_its_own:
        edges = (node_of(v), edges[1])
        node = setitem.node(data, (data, value), edges, {"index": index})
    become(v, data, node, level)
    return v


def own_copy(w: Box) -> Box:
    """A box of the same value and the same derivative, in other memory."""
    if isinstance(w, Variable) and not is_constant(w):
        return revive(w._value.copy(), node_of(w), w._level, fresh=True)
    return ROWS[np.copy](w)  # type: ignore[no-any-return]  # of a box


def turn_into(v: Box, out: Any) -> None:
    """Make a box be another one, or hold another kind: of a level above, at which nothing moves."""
    if isinstance(v, Variable) and isinstance(out, Variable):
        become(v, out._value, out._node, out._level)
    elif isinstance(v, Variable):
        become(v, out, None, new_level())
    elif type(v) is not type(out) and v._resting(out) is not None:
        turn_into(v, v._resting(out))
    elif type(v) is type(out):
        for name in (*v._marks, *v._parts):
            setattr(v, name, getattr(out, name))
    else:
        raise AssignmentError(
            f"a {type(out).__name__} cannot be assigned into a {type(v).__name__}; "
            "build the array with np.stack, np.concatenate or np.where"
        )


def become(v: Variable, data: Any, node: Node | None, level: int) -> None:
    """Give a Variable another value, in place."""
    v._value, v._node, v._level = data, node, level
    if node is not None:
        node._variable = weakref.ref(v)


def check_kinds(v: Box, w: Any) -> None:
    """Refuse an assignment that would drop a derivative with the fraction or imaginary part."""
    if v._value is None:
        raise AssignmentError("variable(None) has no elements to assign to")
    kinds = "biufc"
    kind = w.dtype.kind
    lossy = kinds.index(kind) > kinds.index(v.dtype.kind)
    if kind in "fc" and lossy and (isinstance(w, Box) or kind == "c"):
        raise AssignmentError(
            f"{w.dtype} values cannot be assigned into {v.dtype} data without loss; "
            f"make it {w.dtype} first: v = v.astype({str(w.dtype)!r})"
        )


def check_views(v: Box, index: Any) -> None:
    """Refuse an assignment that would have to change two Variables at once."""
    root = v._root() if hasattr(v, "_root") else None
    if root is not None:
        raise AssignmentError(
            f"this Variable is a view of another one of shape {root.shape}: assign into that "
            "one, or into a copy (v.copy())"
        )
    for view in views_of(v):
        if overlaps(v, getattr(view, "_window", None), index):
            raise AssignmentError(
                f"a view of shape {view.shape} of this Variable is alive, and the assignment "
                "would have to change it too: take the view again afterwards, or a copy before"
            )


def overlaps(v: Box, window: Any, index: Any) -> bool:
    """Whether writing ``v[index]`` would show in ``v[window]``; True when in doubt."""
    array = plain(v)
    if window is None or not _is_basic(index):
        return True
    try:
        return bool(np.shares_memory(_part(array, window), _part(array, index)))
    except IndexError:  # the assignment itself will say so
        return False


def _part(array: Any, index: Any) -> Any:
    """A basic part of an array as an array, also where it is one number."""
    parts = index if isinstance(index, tuple) else (index,)
    return array[parts] if Ellipsis in parts else array[(*parts, Ellipsis)]
