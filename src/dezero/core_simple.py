"""The whole idea in one file: computing leaves a trail, and derivatives come back along it.

``x y``    values, and the Variables that hold them; ``xs ys`` are several
``gx gy``  their gradients: the derivatives of the final result by ``x``, by ``y``
``f``      a function: forward it makes ``ys`` from ``xs``, backward ``gxs`` from ``gys``

A Variable knows the function that created it, and a function knows the Variables that went in:
``x ← f ← y``. `Variable.backward` starts at the result and follows this trail to the leaves.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

as_array = np.asarray  # NumPy makes a scalar of an array without axes; this makes it an array again


def as_variable(x: Any, dtype: Any = None) -> Variable:
    """A Variable of x, if it is none yet."""
    return x if isinstance(x, Variable) else Variable(np.asarray(x, dtype))


class _Config:
    """The settings, of which every thread and every asynchronous task has its own."""

    __slots__ = ()  # a misspelt setting is an error
    _recording: ContextVar[bool] = ContextVar("recording", default=True)
    enable_backprop = property(lambda c: c._recording.get(), lambda c, on: c._recording.set(on))


Config = _Config()


@contextmanager
def using_config(name: str, value: Any) -> Iterator[None]:
    """Set ``Config.<name>`` inside a ``with`` block, and set it back whatever happens there."""
    old = getattr(Config, name)
    setattr(Config, name, value)
    try:
        yield
    finally:
        setattr(Config, name, old)


no_grad = partial(using_config, "enable_backprop", False)  # leave no trail, keep no memory


class Function:
    """Base of every operation. A subclass says how to compute, forward and backward, on arrays."""

    xs: tuple[NDArray[Any], ...] = ()  # the arrays that f saw: rebinding `x.data` does no harm
    inputs: tuple[Variable, ...] = ()
    outputs: tuple[ref[Variable], ...] = ()  # weak, so that a graph has no cycle and dies at once
    zeros: tuple[NDArray[Any], ...] = ()  # the gradients of outputs that nobody used
    generation = 0

    input = property(lambda f: f.inputs[0])
    output = property(lambda f: f.outputs[0]())

    def forward(self, *xs: Any, **_: Any) -> Any:
        """One array, or a tuple of them, from arrays."""
        raise NotImplementedError

    def backward(self, *gys: Any, **_: Any) -> Any:
        """The gradient by the input, or a tuple of them, from those by the outputs."""
        raise NotImplementedError

    def __call__(self, *operands: Any) -> Any:
        """One Variable, or a tuple of them, from Variables, arrays and numbers."""
        in_use = any(y() is not None for y in self.outputs)
        f = copy.copy(self) if in_use else self  # in f(f(x)), two trails must not share one f
        dtype = np.result_type(*(x.data if isinstance(x, Variable) else x for x in operands))
        inputs = tuple(as_variable(x, dtype) for x in operands)
        xs = tuple(x.data for x in inputs)
        ys = f.forward(*xs)
        outputs = [Variable(as_array(y)) for y in (ys if isinstance(ys, tuple) else (ys,))]
        if Config.enable_backprop:
            f.xs, f.inputs, f.outputs = xs, inputs, tuple(map(ref, outputs))
            f.zeros = tuple(np.broadcast_to(y.dtype.type(0), y.shape) for y in outputs)
            f.generation = max(x.generation for x in inputs)
            for y in outputs:
                y.set_creator(f)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


def sum_to(g: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Undo broadcasting: an entry that was copied along an axis gathers the gradients there."""
    new = np.ndim(g) - len(shape)
    stretched = (new + axis for axis, n in enumerate(shape) if n == 1)
    return as_array(np.sum(g, axis=(*range(new), *stretched))).reshape(shape)


def define(name: str, forward: Any, *pullbacks: Any) -> tuple[type[Function], Any]:
    """The class and the function of y = forward(*xs), where gx = pullback(gy, *xs) for each x."""

    def backward(f: Function, gy: Any) -> Any:
        rules = zip(f.xs, pullbacks, strict=True)
        gxs = tuple(sum_to(pullback(gy, *f.xs), x.shape) for x, pullback in rules)
        return gxs if len(gxs) > 1 else gxs[0]

    cls = type(name, (Function,), {"forward": staticmethod(forward), "backward": backward})
    return cls, lambda *operands: cls()(*operands)  # noqa: PLW0108 (a new node for every call)


# The calculus. Each row: a function, and what the chain rule makes of the gradient g of its result.
Neg, neg = define("Neg", np.negative, lambda g, _: -g)
Exp, exp = define("Exp", np.exp, lambda g, x: g * np.exp(x))
Log, log = define("Log", np.log, lambda g, x: g / x)
Sin, sin = define("Sin", np.sin, lambda g, x: g * np.cos(x))
Tanh, tanh = define("Tanh", np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2))
Square, square = define("Square", np.square, lambda g, x: g * 2 * x)
Sum, sum = define("Sum", np.sum, lambda g, x: np.broadcast_to(g, x.shape))
Add, add = define("Add", np.add, lambda g, *_: g, lambda g, *_: g)
Sub, sub = define("Sub", np.subtract, lambda g, *_: g, lambda g, *_: -g)
Mul, mul = define("Mul", np.multiply, lambda g, _, y: g * y, lambda g, x, _: g * x)
Div, div = define("Div", np.divide, lambda g, _, y: g / y, lambda g, x, y: -g * x / y**2)
Pow, pow = define(
    "Pow",
    np.power,
    lambda g, x, y: g * y * x ** np.where(y == 0, 1, y - 1),  # x**0 is flat, even at 0
    lambda g, x, y: g * x**y * np.log(np.where(x < 0, np.nan, x + (x == 0))),  # so is 0**y
)
MatMul, matmul = define("MatMul", np.matmul, lambda g, _, y: g @ y.mT, lambda g, x, _: x.mT @ g)
rsub, rdiv, rpow, rmatmul = (lambda x, y, f=f: f(y, x) for f in (sub, div, pow, matmul))


class Variable:
    """A box that holds an array and knows which function created it.

    >>> x = Variable(np.array(3.0))
    >>> (x**2 + 1).backward()
    >>> print(x.grad)
    6.0
    """

    __array_priority__ = 200  # `array + x` is for x to answer

    def __init__(self, data: Any, name: str | None = None) -> None:
        if data is not None and not isinstance(data, np.ndarray):
            raise TypeError(f"{type(data)} is not supported; make it an array: np.array(data)")
        self.data: Any = data
        self.name = name
        self.grad: NDArray[Any] | None = None
        self.creator: Function | None = None
        self.generation = 0  # the length of the longest trail back to a leaf

    shape, ndim = property(lambda x: x.data.shape), property(lambda x: x.data.ndim)
    size, dtype = property(lambda x: x.data.size), property(lambda x: x.data.dtype)

    __neg__ = neg
    __add__ = __radd__ = add
    __mul__ = __rmul__ = mul
    __sub__, __rsub__ = sub, rsub
    __truediv__, __rtruediv__ = div, rdiv
    __pow__, __rpow__ = pow, rpow
    __matmul__, __rmatmul__ = matmul, rmatmul

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return "variable(" + str(self.data).replace("\n", "\n" + " " * 9) + ")"

    def set_creator(self, f: Function) -> None:
        """Make this Variable a result of f."""
        self.creator, self.generation = f, f.generation + 1

    def clear_grad(self) -> None:
        """Forget the gradient, before another computation adds its own."""
        self.grad = None

    cleargrad = clear_grad

    def backward(self, retain_grad: bool = False) -> None:
        """Add to every leaf's `grad` the derivative of this Variable by it, from `grad` or ones.

        Results on the way have a `grad` afterwards only if it is to be retained.
        """
        seed = np.ones_like(self.data) if self.grad is None else self.grad
        grads: dict[Any, NDArray[Any]] = {self: checked(seed, self.data, "backward()")}
        self.grad = None
        for f in history(self):
            ys = [y() for y in f.outputs]
            gys = [grads.pop(y, zero) for y, zero in zip(ys, f.zeros, strict=True)]
            for y, gy in zip(ys, gys, strict=True):
                if y is not None:
                    y.grad = gy if retain_grad else None
            gxs, name = f.backward(*gys), f"{type(f).__name__}.backward"
            gxs = gxs if isinstance(gxs, tuple) else (gxs,)
            if len(gxs) != len(f.xs):
                raise ValueError(f"{name} gave {len(gxs)} gradients for {len(f.xs)} inputs")
            for x, data, gx in zip(f.inputs, f.xs, gxs, strict=True):
                gx = checked(gx, data, name)
                grads[x] = as_array(grads[x] + gx) if x in grads else gx
        for leaf, g in grads.items():
            leaf.grad = g if leaf.grad is None else as_array(leaf.grad + g)


def history(y: Variable) -> list[Function]:
    """Every function that y was computed by, once, and before those that it builds on."""
    found, trail = dict[Function, None](), [y.creator]
    while trail:
        f = trail.pop()
        if f is not None and f not in found:
            found[f] = None
            trail.extend(x.creator for x in f.inputs)
    return sorted(found, key=lambda f: -f.generation)


def checked(g: Any, x: NDArray[Any], name: str) -> NDArray[Any]:
    """A copy of g, the gradient by x, in the dtype of x; or an error that says who gave it."""
    g = as_array(g)
    if x.dtype.kind != "f" or g.dtype.kind not in "fiu":
        raise TypeError(f"{name}: no {g.dtype} gradient of {x.dtype} data; use x.astype(float)")
    if g.shape != x.shape:
        raise ValueError(f"{name} gave a gradient of shape {g.shape} for shape {x.shape}")
    return np.array(g, x.dtype)


def numerical_diff(f: Callable[..., Any], x: Variable, eps: float = 1e-4) -> NDArray[Any]:
    """The derivative of f (of the sum of its entries) by each entry of x, by central difference."""
    gx = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = eps
        with no_grad():
            after, before = (f(Variable(as_array(x.data + h))) for h in (step, -step))
        gx[i] = np.sum(after.data - before.data) / (2 * eps)
    return gx


def check_grad(f: Callable[..., Any], *xs: Variable, rtol: float = 1e-5) -> None:
    """Raise AssertionError if `backward` and `numerical_diff` disagree about f at xs."""
    copies = [Variable(x.data) for x in xs]
    y = f(*copies)
    y.grad = weights = as_array(np.random.default_rng(0).normal(size=y.shape))  # nothing cancels
    y.backward()
    for i, x in enumerate(copies):
        gx = numerical_diff(lambda v, i=i: mul(f(*copies[:i], v, *copies[i + 1 :]), weights), x)
        np.testing.assert_allclose(0 if x.grad is None else x.grad, gx, rtol, rtol)
