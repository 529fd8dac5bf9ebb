"""Elements at places that differ between the members of a batch: ``v[i]`` with a batch for i.

Such an index is brought to one form: `places`, whose rows are all the index arrays, broadcast
together, as an operand of shape (k, *s), and `pattern`, the index with the number of a row in
place of each array, and with an ellipsis only where it stands for no axis. So an interpreter sees
the places like any other operand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import spread
from ..box import Box, as_array, deciding
from ..errors import BoundsError, OperandError
from ..rows import General

Pattern = tuple[Any, ...]


def _filled(pattern: Pattern, places: Any) -> tuple[Any, ...]:
    return tuple(places[k] if isinstance(k, int) else k for k in pattern)


def _where_chosen(pattern: Pattern) -> int:
    """The axis of a result at which what the arrays choose begins: in front if they stand apart."""
    rows = [at for at, k in enumerate(pattern) if isinstance(k, int)]
    apart = rows[-1] - rows[0] + 1 != len(rows)
    return 0 if apart else sum(k is not ... for k in pattern[: rows[0]])


def _deposited(g: Any, places: Any, *, pattern: Pattern, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, g.dtype)
    np.add.at(out, _filled(pattern, places), g)
    return out


def _with_members(places: Any, pattern: Pattern, n: int) -> tuple[Any, Pattern]:
    """Places that belong to each member, with the member's own number as one more row."""
    rows = np.moveaxis(places, 1, 0)  # (k, n, *s)
    number = np.arange(n).reshape((1, n, *(1,) * (rows.ndim - 2)))
    number = np.broadcast_to(number, (1, *rows.shape[1:]))
    shifted = tuple(k + 1 if isinstance(k, int) else k for k in pattern)
    return np.concatenate([number, rows]), (0, *shifted)


def _turned(x: Any, width: int, start: int, back: bool) -> Any:
    """Move what was chosen from behind the members to its axis, or `back`."""
    front, there = [range(k, k + width) for k in (1, 1 + start)]
    return np.moveaxis(x, there, front) if back else np.moveaxis(x, front, there)


def _gather_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    x, places = xs
    pattern = params["pattern"]
    start = _where_chosen(pattern)
    if not mine[1]:
        pattern = (slice(None), *pattern)
        out = p(x, places, pattern=pattern)
        return out if _where_chosen(pattern) else np.moveaxis(out, places.ndim - 1, 0)
    if not mine[0]:
        return np.moveaxis(p(x, np.moveaxis(places, 1, 0), pattern=pattern), start, 0)
    width = places.ndim - 2
    places, pattern = _with_members(places, pattern, n)
    return _turned(p(x, places, pattern=pattern), width, start, back=False)


def _deposit_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    g, places = xs
    pattern, shape = params["pattern"], (n, *params["shape"])
    start = _where_chosen(pattern)
    if not mine[1]:
        pattern = (slice(None), *pattern)
        g = g if _where_chosen(pattern) else np.moveaxis(g, 0, places.ndim - 1)
        return p(g, places, pattern=pattern, shape=shape)
    width = places.ndim - 2
    places, pattern = _with_members(places, pattern, n)
    g = _turned(spread(g, n, mine[0]), width, start, back=True)
    return p(g, places, pattern=pattern, shape=shape)


deposit: General = General(
    _deposited,
    "deposit",
    (
        lambda g, _x, y, *, pattern, shape: gather(g, y, pattern=pattern),
        lambda g, _x, _y, *, pattern, shape: None,
    ),
    None,
    batching=_deposit_members,
)
gather: General = General(
    lambda x, places, *, pattern: x[_filled(pattern, places)],
    "gather",
    (
        lambda g, x, y, *, pattern: deposit(g, y, pattern=pattern, shape=x.shape),
        lambda g, _x, _y, *, pattern: None,
    ),
    None,
    masks=True,
    batching=_gather_members,
)


def in_batches(index: Any) -> bool:
    """Whether a part of an index is a batch."""
    return any(isinstance(each, Box) for each in (index if isinstance(index, tuple) else (index,)))


def is_mask(each: Any) -> bool:
    """Whether a part of an index is a boolean array."""
    return getattr(each, "dtype", None) == np.dtype(bool)


def brought_to_form(index: Any, shape: tuple[int, ...]) -> tuple[Any, Pattern]:
    """`places` and `pattern` of an index into an array of `shape`."""
    arrays: list[Any] = []
    pattern: list[Any] = []

    def row(places: Any) -> int:
        arrays.append(places)
        return len(arrays) - 1

    parts = index if isinstance(index, tuple) else (index,)
    used = sum(
        each.ndim if is_mask(each) else each is not None and each is not ... for each in parts
    )
    for each in parts:
        if each is ...:  # also where it stands for nothing: it parts what is on its sides
            pattern += [slice(None)] * (len(shape) - used) or [...]
        elif each is None or isinstance(each, slice):
            pattern.append(each)
        else:
            each = as_array(each)
            if not is_mask(each):
                pattern.append(row(each))
            elif isinstance(deciding(each), np.ndarray) and isinstance(each, Box):
                raise OperandError(
                    "vmap: a mask that differs between members chooses different numbers of "
                    "elements; use np.where(mask, v, 0)"
                )
            else:
                pattern += map(row, np.nonzero(np.asarray(each)))
    if used > len(shape):
        raise BoundsError(f"getitem: too many indices for an array of shape {shape}")
    common = np.broadcast_shapes(*(each.shape for each in arrays))
    return np.stack([np.broadcast_to(each, common) for each in arrays]), tuple(pattern)


def read(x: Any, index: Any) -> Any:
    """``x[index]`` where the index has batches in it."""
    places, pattern = brought_to_form(index, x.shape)
    return gather(x, places, pattern=pattern)


def write(x: Any, index: Any, w: Any) -> Any:
    """A copy of `x` with `w` at an index that has batches in it.

    Raises
    ------
    OperandError
        If a place is written twice in one member: which write is the last one is not told.
    """
    places, pattern = brought_to_form(index, x.shape)
    chosen = gather(np.broadcast_to(np.array(True), x.shape), places, pattern=pattern)
    ones = np.ones(chosen.shape, np.intp)
    times = deposit(ones, places, pattern=pattern, shape=x.shape)
    if np.any(deciding(times) > 1):
        raise OperandError("vmap: `v[i] = w` writes a place twice, and it is not told which counts")
    w = np.broadcast_to(as_array(w), chosen.shape)
    there = deposit(w, places, pattern=pattern, shape=x.shape)
    return np.where(times > 0, there, x)
