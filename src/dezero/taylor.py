"""Taylor arithmetic: a `Series` holds the Taylor coefficients of a value along a line.

Each call finds the coefficients of its result from those of its operands. There is no second table
of derivatives. With x(t) and out(t) along the line, a row's `push` gives the rate of change,

    out'(t) = push(out(t), x(t), x'(t)),

and is plain NumPy code: run on series, its coefficient k - 1 is k times coefficient k of `out`, and
needs no more of `out` than the coefficients before. So `push` runs on the unfinished `out` itself,
and every coefficient is found when it is asked for, once (M. D. McIlroy, "Power series, power
serious", J. Functional Programming 9, 1999). Only sums, products, quotients and a few others have
rules of their own (Griewank & Walther, "Evaluating Derivatives", ch. 13): those in which that would
go round in a circle, or lose digits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .box import Box, as_array, deciding, new_level
from .config import records
from .core import new
from .errors import GradientError, OperandError
from .forward import in_dtype, still
from .memory import note_views
from .rows import TABLE, General, Row
from .rules.reduce import axes_of, count
from .trees import as_primal, bare, flatten, is_numbers, moving, peeled, settled, unflatten

Coefficients = Callable[[int], Any]
"""Which coefficient → the coefficient, None for an exact zero."""


class Series(Box):
    """The Taylor coefficients of a value along a line. Made by `taylor`."""

    __slots__ = ("_rest",)
    _parts = ("_value", "_rest")

    _rest: list[Any]  # the coefficients after the first

    def _resting(self, value: Any) -> Series:
        return series(value, [None] * len(self._rest), new_level())

    def __repr__(self) -> str:
        return f"series({deciding(self)}, …)"

    @staticmethod
    def process(p: Any, operands: tuple[Any, ...], params: dict[str, Any], level: int) -> Any:
        """Compute below this level, and find the coefficients."""
        mine = [isinstance(x, Series) and x._level == level for x in operands]
        if p.nondifferentiable:
            return p(*(x._value if m else x for x, m in zip(operands, mine, strict=True)), **params)
        lines = [x for x, m in zip(operands, mine, strict=True) if m]
        for x in lines:
            if isinstance(x, Unfinished):
                return x._pending.result(p, operands, params)
        out = Pending(level, len(lines[0]._rest)).finished(p, operands, params)
        if not (p.pointwise or isinstance(out, tuple)):
            note_views(out, operands)
        return out


class Unfinished(Series):
    """A series whose coefficients are found when they are asked for."""

    __slots__ = ("_pending", "_rule")

    _pending: Pending
    _rule: Coefficients  # gives the next one

    def _twin(self) -> Unfinished:
        return self  # nobody outside has it

    def at(self, k: int) -> Any:
        """Coefficient k, None for an exact zero."""
        if not k:
            return self._value
        while len(self._rest) < k:
            c = self._rule(len(self._rest) + 1)
            self._rest.append(None if c is None else _fitted(c, self._value))
        return self._rest[k - 1]


def _identity(x: Any) -> Any:
    """What an operand or a parameter is the same by: few plain numbers by what they are.

    A push makes its own, like the orders of the neighbours of a Bessel function.
    """
    if isinstance(x, dict):
        items = tuple(x.items())
        try:
            hash(items)
        except TypeError:
            return id(x)
        return items
    if isinstance(x, (int, float, complex, np.generic, np.ndarray)) and np.size(x) < 9:
        array = np.asarray(x)
        return type(x), array.dtype.char, array.shape, array.tobytes()
    return id(x)


def series(value: Any, rest: list[Any], level: int) -> Series:
    """A series of a level, from its coefficients."""
    s: Series = new(Series)
    s._value, s._rest, s._level = value, rest, level
    return s


def _fitted(c: Any, value: Any) -> Any:
    """A coefficient in the shape and dtype of the value."""
    c = in_dtype(as_array(c), value.dtype)
    return c if c.shape == value.shape else np.broadcast_to(c, value.shape)


class Pending:
    """One call on series, and all calls that it leads to while its coefficients are being found.

    Each is made once: the push of sin calls cos, and that of cos gets this very sin. So the two
    close on each other, instead of a chain as long as the order.
    """

    def __init__(self, level: int, order: int) -> None:
        self.level, self.order = level, order
        self.results: dict[Any, tuple[Any, ...]] = {}

    def unfinished(self, value: Any, rest: list[Any]) -> Unfinished:
        """A series of which the value is known, and perhaps the rest."""
        s: Unfinished = new(Unfinished)
        s._value, s._rest, s._level, s._pending = as_array(value), rest, self.level, self
        return s

    def result(self, p: Any, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """What a call returns, the same for the same operands."""
        key = (p, *map(_identity, operands), _identity(params))
        if key not in self.results:
            out = self.begun(Call(p, tuple(map(self.mine, operands)), params, self))
            self.results[key] = out, operands, params  # alive, so that no other has their id
        return self.results[key][0]

    def mine(self, x: Any) -> Any:
        """An operand as a part of this: a series of this level with what is known of it."""
        finished = isinstance(x, Series) and x._level == self.level
        if not finished or isinstance(x, Unfinished):
            return x
        return self.unfinished(x._value, x._rest)

    def begun(self, call: Call) -> Any:
        """The result of a call, with no more of it computed than the value."""
        value = call.p(*call.terms(0), **call.params)
        if not isinstance(value, tuple):
            out = self.unfinished(self.below(value, call.p), [])
            out._rule = _rule_of(call.p)(call, out)
            return out
        moves = call.terms(1) if call.p.settle and self.order else (None,)
        if all(move is not None for move in moves):
            value = call.p.settle(value, *moves, **call.params)
        outs = tuple(self.unfinished(self.below(y, call.p), []) for y in value)
        rates = call.rate(call.p.push, outs)
        for m, out in enumerate(outs):
            out._rule = call.integral(rates, m)
        return outs

    def below(self, value: Any, p: Any) -> Any:
        """A value from below this level; a series in it got in by no argument."""
        if isinstance(value, Box) and value._level >= self.level:
            raise OperandError(
                f"{p.title} has a derivative rule and uses a value that moves without having it "
                "as an argument: pass it as one"
            )
        return value

    def finished(self, p: Any, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """What a call returns with all its coefficients.

        Where they are infinite, the value has warned, or has a vertical tangent and need not.
        """
        out = self.result(p, tuple(map(self.mine, operands)), params)
        with np.errstate(divide="ignore", invalid="ignore"):
            outs = tuple(map(self.complete, out if isinstance(out, tuple) else (out,)))
        for each, *_ in self.results.values():
            for y in each if isinstance(each, tuple) else (each,):
                del y._rule  # it may refer to `y`
        self.results.clear()
        return outs if isinstance(out, tuple) else outs[0]

    def complete(self, out: Unfinished) -> Series:
        """A result with all its coefficients."""
        if not records(self.level):
            return series(out._value, [None] * self.order, self.level)
        out.at(self.order)
        return series(out._value, out._rest, self.level)


@dataclass(frozen=True, slots=True)
class Call:
    """One call on series, as rules see it."""

    p: Any
    operands: tuple[Any, ...]
    params: dict[str, Any]
    pending: Pending

    def moves(self, x: Any) -> bool:
        """Whether an operand, or what a push makes of them, is a series and no constant."""
        return isinstance(x, Unfinished) and x._pending is self.pending

    def term(self, x: Any, k: int) -> Any:
        """Coefficient k of an operand; a constant has none but the first."""
        if self.moves(x):
            return x.at(k)
        return None if k else x

    def terms(self, k: int) -> tuple[Any, ...]:
        """Coefficient k of each operand."""
        return tuple(self.term(x, k) for x in self.operands)

    def velocity(self, x: Any) -> Any:
        """x'(t) of x(t), None for a constant."""
        if not self.moves(x):
            return None

        def rule(k: int) -> Any:
            c = x.at(k + 1)
            return None if c is None else (k + 1) * c

        first = x.at(1)
        v = self.pending.unfinished(still(x) if first is None else first, [])
        v._rule = rule
        return v

    def rate(self, push: Callable[..., Any], out: Any) -> Callable[[], Any]:
        """out'(t) by the row's push, for when it is asked for; out'(0) if that will do."""

        @functools.cache
        def found() -> Any:
            given = out, self.operands, tuple(map(self.velocity, self.operands))
            if self.pending.order == 1:  # also where the push cannot be differentiated
                given = tuple(map(self.at_0, given))
            return push(*given, self.params)

        return found

    def at_0(self, x: Any) -> Any:
        """The value of a series, or of those in a tuple."""
        return tuple(map(self.at_0, x)) if isinstance(x, tuple) else self.term(x, 0)

    def integral(self, rate: Callable[[], Any], m: int | None = None) -> Coefficients:
        """The coefficients of a value, or of value m of several, from the rate of change."""

        def rule(k: int) -> Any:
            c = self.term(rate() if m is None else rate()[m], k - 1)
            return None if c is None else c / k

        return rule


# ---------------------------------------------------------------------------- rules


def _by_push(call: Call, out: Unfinished) -> Coefficients:
    """Of most rows: the integral of what the row says of the rate."""
    return call.integral(call.rate(call.p.push, out))


def _coefficientwise(call: Call, out: Unfinished) -> Coefficients:
    """Of rows whose push does not depend on where: it takes coefficients like tangents."""
    xs = call.terms(0)

    def rule(k: int) -> Any:
        txs = call.terms(k)
        if all(tx is None for tx in txs):
            return None
        return call.p.push(out._value, xs, txs, call.params)

    return rule


def _convolved(call: Call, _out: Unfinished) -> Coefficients:
    """Of products, by Cauchy: the coefficients multiply whose orders add up."""

    def rule(k: int) -> Any:
        return _sum([call.p(*xs, **call.params) for xs in _splits(call, call.operands, k)])

    return rule


def _splits(call: Call, operands: tuple[Any, ...], k: int) -> Iterator[tuple[Any, ...]]:
    """One coefficient of each operand, in all ways in which their orders add up to k."""
    if not operands:
        yield ()
        return
    x, *others = operands
    for j in range(k + 1) if others else (k,):
        c = call.term(x, j)
        if c is not None:
            yield from ((c, *more) for more in _splits(call, tuple(others), k - j))


def _sum(parts: list[Any]) -> Any:
    return sum(parts[1:], start=parts[0]) if parts else None


def quotient(*divisors: int) -> Callable[[Call, Unfinished], Coefficients]:
    """Of x / y, and of the solution of y out = x: what y out = x says of the coefficients.

    The row's push is what a coefficient of x, or of y times one of `out`, adds to that of `out`.
    There may be several such y: `divisors` says which operands they are. A recurrence is such an
    equation too, of two diagonals.
    """

    def rules(call: Call, out: Unfinished) -> Coefficients:
        xs, places = call.terms(0), range(len(call.operands))
        (dividend,) = set(places) - set(divisors)

        def added(place: int, j: int, c: Any) -> list[Any]:
            t = call.term(call.operands[place], j)
            if t is None or c is None:
                return []
            txs = tuple(t if place == k else None for k in places)
            return [call.p.push(c, xs, txs, call.params)]

        def rule(k: int) -> Any:
            parts = added(dividend, k, out.at(0))
            for j in range(1, k + 1):
                for place in divisors:
                    parts += added(place, j, out.at(k - j))
            return _sum(parts)

        return rule

    return rules


def _power(call: Call, out: Unfinished) -> Coefficients:
    """Of ``x**y``: by products for whole numbers, exact at 0, else by out' = y out x' / x.

    The row's own rule needs ``x**(y - 1)``, and so one more power for each order: it is left for a
    0 to a power that is not whole, where coefficients become infinite.
    """
    x, y = call.operands
    if not isinstance(y, Box) and _is_whole(np.asarray(y)):
        power = _whole_power(x, np.asarray(y))
        return lambda k: call.term(power, k)
    zeros = bool(np.any(deciding(call.term(x, 0)) == 0))
    return call.integral(call.rate(call.p.push if zeros else _push_away_from_zero, out))


def _push_away_from_zero(out: Any, xs: Any, txs: Any, _params: Any) -> Any:
    (x, y), (tx, ty) = xs, txs
    parts = [] if tx is None else [tx * y * out / x]
    return _sum(parts if ty is None else [*parts, TABLE["power"].push(out, xs, (None, ty), {})])


def _is_whole(y: Any) -> bool:
    """Whether these are whole numbers, of a size at which products pay."""
    return y.dtype.kind != "c" and bool(np.all((y >= 0) & (y < 2**20) & (y == np.floor(y))))


def _whole_power(x: Any, n: Any) -> Any:
    """``x**n`` for an array of whole numbers, by squaring."""
    power: Any = 1.0
    while np.any(n):
        odd = n % 2 == 1
        if np.any(odd):
            power = power * (x if np.all(odd) else np.where(odd, x, 1))
        x, n = x * x, n // 2
    return power


def _product(call: Call, out: Unfinished) -> Coefficients:
    """Of ``np.prod``, in pairs: the row's rule divides by factors, also by those near 0."""
    (x,), axis = call.operands, call.params.get("axis")
    axes = axes_of(axis, x.ndim)
    front = np.moveaxis(x, axes, range(len(axes)))
    factors = np.reshape(front, (count(x, axis), *front.shape[len(axes) :]))
    while len(factors) > 1:
        n = len(factors)
        pairs = factors[0 : n - n % 2 : 2] * factors[1::2]
        factors = np.concatenate([pairs, factors[n - 1 :]]) if n % 2 else pairs
    if not len(factors):
        return lambda _k: None
    product = np.reshape(factors[0], out.shape)
    return lambda k: call.term(product, k)


def _polynomial(call: Call, out: Unfinished) -> Coefficients:
    """Of ``np.polyval``, by Horner's rule: the row's slopes are polynomials anew at each order."""
    coefficients, x = call.operands
    if not len(coefficients):
        return lambda _k: None
    total = np.broadcast_to(coefficients[0], out.shape)
    for k in range(1, len(coefficients)):
        total = total * x + coefficients[k]
    return lambda k: call.term(total, k)


def _sinc(call: Call, _out: Unfinished) -> Coefficients:
    """Of ``sin(z) / z``, z = πx: near 0 by its own series, where the quotient would lose digits."""
    (x,), order = call.operands, call.pending.order
    z, near = np.pi * x, np.abs(x) < 1
    far = np.where(near, 1, z)
    sinc: Any = np.sin(far) / far
    if np.any(deciding(near)):
        u = np.where(near, z, 0)
        square = u * u
        total: Any = 1.0
        for m in range(order // 2 + 16, 0, -1):
            total = 1 - square * total / (2 * m * (2 * m + 1))
            if len(x._rest) == order:
                total.at(order)  # now: all of them at the end would need a deep stack
        sinc = np.where(near, total, sinc)
    return lambda k: call.term(sinc, k)


RULES: dict[Any, Callable[[Call, Unfinished], Coefficients]] = {
    TABLE["multiply"]: _convolved,
    TABLE["divide"]: quotient(1),
    TABLE["solve"]: quotient(0),
    TABLE["recurrence"]: quotient(0),
    TABLE["where"]: _coefficientwise,
    TABLE["power"]: _power,
    TABLE["prod"]: _product,
    TABLE["polyval"]: _polynomial,
    TABLE["sinc"]: _sinc,
}
"""The rows that have a rule of their own."""


def _rule_of(p: Any) -> Callable[[Call, Unfinished], Coefficients]:
    """How the coefficients of a primitive's result are found."""
    if p in RULES:
        return RULES[p]
    if isinstance(p, General) and p.pushes is None:
        return _convolved
    return _coefficientwise if isinstance(p, Row) and not p.needs.names else _by_push


# ---------------------------------------------------------------------------- the transform


def taylor(f: Callable[[Any], Any], x: Any, order: int, direction: Any = None) -> tuple[Any, ...]:
    """The Taylor coefficients of `f` at `x` along a direction.

    Of the function t ↦ f(x + t · direction) at 0, so that ``c[0] + c[1] * t + c[2] * t**2 + …`` is
    near it. These are coefficients: the k-th derivative is ``math.factorial(k)`` times ``c[k]``.

    One pass of Taylor arithmetic finds them all. Its cost grows with the square of the order, where
    that of derivatives of derivatives doubles with each order.

    Parameters
    ----------
    f : callable
        A function of one argument, written with NumPy.
    x : number, array, or nested container of them
        Where.
    order : int
        Of the last coefficient, from 0 on.
    direction : like `x`, optional
        In the structure and shapes of `x`; ones by default.

    Returns
    -------
    tuple
        ``(c[0], …, c[order])``, each in the structure, shapes and dtypes of ``f(x)``; ``c[0]`` is
        ``f(x)``.

    Raises
    ------
    OperandError
        If `order` is no whole number from 0 on.
    GradientError
        If `direction` is of another structure or shape than `x`.
    GraphError
        If `f` calls a `Function` whose backward cannot be differentiated, and `order` is above 1.

    Examples
    --------
    >>> taylor(lambda x: 1 / (1 - x), 0.0, 3)
    (np.float64(1.0), np.float64(1.0), np.float64(1.0), np.float64(1.0))
    >>> c = taylor(lambda x: x[0] * x[1] ** 2, np.array([2.0, 3.0]), 3, direction=[0.0, 1.0])
    >>> print(*c)  # 2 (3 + t)²
    18.0 12.0 2.0 0.0
    """
    _check_order(order)
    level = new_level()
    given, spec = flatten(x, is_numbers)
    xs = [as_primal(each, "taylor") for each in given]
    ways, way_spec = (xs, spec) if direction is None else flatten(direction, is_numbers)
    if way_spec != spec:
        raise GradientError(f"taylor: x of structure {spec}, direction of {way_spec}")
    lines = []
    for start, way in zip(xs, ways, strict=True):
        first = np.ones(start.shape, start.dtype) if direction is None else way
        first = moving(first, start, "taylor: a direction", "point")
        lines.append(series(start, [first, *[None] * (order - 1)][:order], level))
    ys, spec = flatten(f(unflatten(spec, lines)))
    found = [_coefficients(peeled(y, level), order, level) for y in ys]
    return tuple(unflatten(spec, [bare(c[k]) for c in found]) for k in range(order + 1))


def _check_order(order: Any) -> None:
    whole = isinstance(order, (int, np.integer)) and not isinstance(order, bool)
    if not whole or order < 0:
        raise OperandError(f"taylor: order={order!r} is no whole number from 0 on")


def _coefficients(y: Any, order: int, level: int) -> list[Any]:
    """The coefficients of one result, as a caller is given them."""
    mine = isinstance(y, Series) and y._level == level
    found = [y._value, *y._rest] if mine else [y, *[None] * order]
    return [still(as_array(found[0])) if c is None else settled(c) for c in found]
