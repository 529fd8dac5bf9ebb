"""Einstein's summation: rows for one and two operands; more of them are contracted in pairs.

With subscripts written out (no ellipsis, ``->`` and what follows it), the way back to an operand is
again a sum of this kind: of the cotangent and the other operand, over all letters that the operand
does not have. Two things are left to `embed`: letters that only the operand has, and letters that
it repeats, whose cotangent lies on a diagonal.
"""

from __future__ import annotations

import functools
import operator
import string
from typing import Any

import numpy as np

from ..box import as_array, unsupported
from ..dispatch import implements
from ..errors import OperandError, ShapeError
from ..rows import General

LETTERS = string.ascii_uppercase + string.ascii_lowercase
"""In the order in which NumPy sorts the letters of a result that is not written out."""

HARMLESS = {"dtype": None, "order": "K", "casting": "safe", "out": None}
"""Keywords that change nothing at these values."""


def distinct(letters: str) -> str:
    """Each letter once, in order."""
    return "".join(dict.fromkeys(letters))


# ---- rows ----


@functools.lru_cache(maxsize=4096)
def _split(subscripts: str) -> tuple[str, ...]:
    """Each operand's letters and then the result's."""
    inputs, output = subscripts.split("->")
    return (*inputs.split(","), output)


def _with_members(mine: Any, subscripts: str) -> str:
    """The subscripts with a new letter in front for the operands that are batches."""
    *inputs, output = _split(subscripts)
    new = next(letter for letter in LETTERS if letter not in subscripts)
    inputs = [new + each if m else each for each, m in zip(inputs, mine, strict=True)]
    return f"{','.join(inputs)}->{new}{output}"


def _members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    return p(*xs, **{**params, "subscripts": _with_members(mine, params["subscripts"])})


def _embedded(g: Any, *, subscripts: str, shape: tuple[int, ...]) -> Any:
    source, target = _split(subscripts)
    out = np.zeros(shape, g.dtype)
    letters = distinct(target)
    seen = np.einsum(f"{target}->{letters}", out)  # a view, of a diagonal where a letter repeats
    size = dict(zip(source, g.shape, strict=True))
    seen[...] = g.reshape([size.get(letter, 1) for letter in letters])
    return out


def _embed_members(p: Any, n: int, mine: Any, xs: Any, params: Any) -> Any:
    new = _with_members((True,), params["subscripts"])
    return p(*xs, subscripts=new, shape=(n, *params["shape"]))


embed: General = General(
    _embedded,
    "embed",
    (
        lambda g, *, subscripts, shape: einsum_of_one(
            g, subscripts="->".join(reversed(_split(subscripts))), optimize=False
        ),
    ),
    None,
    batching=_embed_members,
)
"""The transpose of a sum over one operand: what it repeats is copied, the rest is 0."""


def _back(g: Any, x: Any, subscripts: str) -> Any:
    """`g` in the shape of the operand `x`, from a part of its letters to all of them."""
    source, target = _split(subscripts)
    if source == target:
        return g
    return embed(g, subscripts=subscripts, shape=x.shape)


einsum_of_one: General = General(
    lambda x, *, subscripts, optimize: np.einsum(subscripts, x, optimize=optimize),
    "einsum_of_one",
    (lambda g, x, *, subscripts, optimize: _back_of_one(g, x, subscripts),),
    None,
    batching=_members,
)


def _back_of_one(g: Any, x: Any, subscripts: str) -> Any:
    source, target = _split(subscripts)
    kept = "".join(letter for letter in distinct(source) if letter in target)
    if kept != target:
        g = np.transpose(g, [target.index(letter) for letter in kept])
    return _back(g, x, f"{kept}->{source}")


def _back_of_two(g: Any, x: Any, y: Any, letters: tuple[str, ...], optimize: Any) -> Any:
    """The cotangent of `x`; `letters` are those of `x`, `y` and the result."""
    mine, other, output = letters
    kept = _kept(letters, (x.shape, np.shape(y), g.shape))
    moved = einsum_of_two(g, y, subscripts=f"{output},{other}->{kept}", optimize=optimize)
    return _back(moved, x, f"{kept}->{mine}")


@functools.lru_cache(maxsize=4096)
def _kept(letters: tuple[str, ...], shapes: tuple[tuple[int, ...], ...]) -> str:
    """An operand's letters but those that only it has, or that are 1 long here or there only."""
    mine, other, output = (
        dict(zip(*pair, strict=True)) for pair in zip(letters, shapes, strict=True)
    )
    size = other | output
    return "".join(letter for letter, n in mine.items() if size.get(letter) == n)


def _back_to_x(g: Any, x: Any, y: Any, *, subscripts: str, optimize: Any) -> Any:
    return _back_of_two(g, x, y, _split(subscripts), optimize)


def _back_to_y(g: Any, x: Any, y: Any, *, subscripts: str, optimize: Any) -> Any:
    mine, other, output = _split(subscripts)
    return _back_of_two(g, y, x, (other, mine, output), optimize)


einsum_of_two: General = General(
    lambda x, y, *, subscripts, optimize: np.einsum(subscripts, x, y, optimize=optimize),
    "einsum",
    (_back_to_x, _back_to_y),
    None,
    batching=_members,
)


# ---- NumPy's words ----


def _lettered(labels: Any) -> str:
    """A list of labels as a string of letters."""
    letters = dict(enumerate(LETTERS))
    return "".join("..." if k is ... else letters[operator.index(k)] for k in labels)


def _read(operands: tuple[Any, ...]) -> tuple[tuple[str, ...], str | None, list[Any]]:
    """Each operand's letters, the result's if they are given, and the operands."""
    if isinstance(operands[0], str):
        text, *given = operands
        inputs, arrow, output = text.replace(" ", "").partition("->")
        terms = tuple(inputs.split(","))
        result = output if arrow else None
    else:
        pairs = len(operands) // 2
        given = list(operands[: 2 * pairs : 2])
        try:
            terms = tuple(_lettered(each) for each in operands[1 : 2 * pairs : 2])
            result = _lettered(operands[-1]) if len(operands) % 2 else None
        except (TypeError, KeyError) as error:
            raise OperandError(
                f"np.einsum: labels are lists of whole numbers from 0 to 51 and `...` ({error})"
            ) from error
    if len(terms) != len(given):
        raise OperandError(f"np.einsum: subscripts for {len(terms)} operands, not {len(given)}")
    return terms, result, [as_array(x) for x in given]


@functools.lru_cache(maxsize=4096)
def _written_out(
    terms: tuple[str, ...], output: str | None, ndims: tuple[int, ...]
) -> tuple[tuple[str, ...], str]:
    """Subscripts without ellipsis, and those of the result."""
    free = [letter for letter in LETTERS if not any(letter in term for term in terms)]
    widths = [
        ndim - len(term.replace("...", "")) if "..." in term else 0
        for term, ndim in zip(terms, ndims, strict=True)
    ]
    if min(widths, default=0) < 0:
        raise ShapeError(f"np.einsum({','.join(terms)}): more subscripts than axes, {ndims}")
    wide = "".join(free[: max(widths, default=0)])
    shared = tuple(
        term.replace("...", wide[len(wide) - width :])
        for term, width in zip(terms, widths, strict=True)
    )
    if output is None:
        named = "".join(terms).replace(".", "")
        output = "..." + "".join(sorted(k for k in set(named) if named.count(k) == 1))
    elif wide and "..." not in output:
        raise ShapeError(f"np.einsum({','.join(terms)}->{output}): the result needs its `...`")
    return shared, output.replace("...", wide)


@implements(np.einsum)
def np_einsum(*operands: Any, optimize: Any = False, **kwargs: Any) -> Any:
    """The sum that subscripts say; more than two operands are contracted in pairs."""
    kwargs = {k: v for k, v in kwargs.items() if HARMLESS.get(k, ...) != v}
    if kwargs:
        raise unsupported(np.einsum, kwargs=sorted(kwargs))
    terms, output, xs = _read(operands)
    terms, output = _written_out(terms, output, tuple(x.ndim for x in xs))
    if len(xs) == 1:
        return einsum_of_one(*xs, subscripts=f"{terms[0]}->{output}", optimize=optimize)
    if len(xs) == 2:
        return einsum_of_two(*xs, subscripts=f"{','.join(terms)}->{output}", optimize=optimize)
    return _contracted(terms, output, xs, optimize)


def _contracted(terms: tuple[str, ...], output: str, xs: list[Any], optimize: Any) -> Any:
    """Along NumPy's path, each of whose steps is taken in pairs."""
    way = "greedy" if optimize is False else optimize
    way = way if isinstance(way, (str, bool)) else tuple(way)
    path = _path(f"{','.join(terms)}->{output}", tuple(x.shape for x in xs), way)
    left = list(zip(terms, xs, strict=True))
    for step in path:
        chosen = [left.pop(k) for k in sorted(step, reverse=True)]
        while chosen:
            pair, chosen = chosen[:2], chosen[2:]
            wanted = output + "".join(term for term, _ in (*chosen, *left))
            inputs = [term for term, _ in pair]
            last = not chosen and not left
            kept = output if last else "".join(k for k in distinct("".join(inputs)) if k in wanted)
            row = einsum_of_two if len(pair) == 2 else einsum_of_one
            found = row(
                *(x for _, x in pair),
                subscripts=f"{','.join(inputs)}->{kept}",
                optimize=optimize is not False,
            )
            if chosen:
                chosen.insert(0, (kept, found))
            else:
                left.append((kept, found))
    return found


@functools.lru_cache(maxsize=1024)
def _path(subscripts: str, shapes: tuple[tuple[int, ...], ...], way: Any) -> list[Any]:
    """NumPy's path for operands of these shapes."""
    stand_ins = [np.broadcast_to(np.empty(()), shape) for shape in shapes]
    way = list(way) if isinstance(way, tuple) else way
    try:
        way = list(way) if isinstance(way, tuple) else way  # hashable here, a list to NumPy
        return np.einsum_path(subscripts, *stand_ins, optimize=way)[0][1:]
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ShapeError(f"np.einsum({subscripts}): {error}") from error


@implements(np.einsum_path)
def np_einsum_path(*operands: Any, optimize: Any = "greedy") -> Any:
    """How NumPy would contract arrays of these shapes."""
    terms, output, xs = _read(operands)
    stand_ins = [np.broadcast_to(np.empty((), x.dtype), x.shape) for x in xs]
    subscripts = ",".join(terms) + ("" if output is None else f"->{output}")
    return np.einsum_path(subscripts, *stand_ins, optimize=optimize)
