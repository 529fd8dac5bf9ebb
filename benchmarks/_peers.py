"""The same chain of operations in DeZero, in NumPy by hand, and in each peer that is installed.

100 times y = y * x + f(y), and the derivative of the result by x: 300 operations.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from _harness import Side

import dezero as dz

STEPS = 100
OPERATIONS = 3 * STEPS

Sides = dict[str, tuple[Side, Side]]  # library: forward, forward and backward (which returns dy/dx)


def chain(x: Any, f: Callable[[Any], Any], steps: int = STEPS) -> Any:
    """The work: 3 operations in each of `steps` steps."""
    y = x
    for _ in range(steps):
        y = y * x + f(y)
    return y


def dezero_sides(f: str, x0: Any) -> Sides:
    """The two ways to write the function: NumPy's, and DeZero's own."""

    def both(function: Callable[[Any], Any]) -> Any:
        x = dz.Variable(x0)
        chain(x, function).backward()
        return x.grad

    plain, own = getattr(np, f), getattr(dz, f)
    return {
        f"DeZero, np.{f}": (lambda: chain(dz.Variable(x0), plain), lambda: both(plain)),
        f"DeZero, dz.{f}": (lambda: chain(dz.Variable(x0), own), lambda: both(own)),
    }


def numpy_sides(f: str, x0: Any) -> Sides:
    """The same work by hand: what the arrays alone cost."""
    function = getattr(np, f)
    slope = {"sin": np.cos, "square": lambda y: 2 * y}[f]

    def both() -> Any:
        ys, y = [], x0
        for _ in range(STEPS):
            ys.append(y)
            y = y * x0 + function(y)
        gy, gx = np.ones_like(y), np.zeros_like(x0)
        for y in reversed(ys):
            gx = gx + gy * y
            gy = gy * x0 + gy * slope(y)
        return gx + gy

    return {"NumPy": (lambda: chain(x0, function), both)}


def torch_sides(f: str, x0: Any) -> Sides:
    """PyTorch, on one thread."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    function = getattr(torch, f)

    def leaf() -> Any:
        return torch.tensor(x0, requires_grad=True)

    def both() -> Any:
        x = leaf()
        chain(x, function).sum().backward()
        return x.grad

    return {"PyTorch": (lambda: chain(leaf(), function), both)}


def hips_sides(f: str, x0: Any) -> Sides:
    """HIPS autograd; its forward pass is the one that records."""
    autograd: Any = importlib.import_module("autograd")
    anp: Any = importlib.import_module("autograd.numpy")
    function = getattr(anp, f)
    gradient = autograd.grad(lambda x: anp.sum(chain(x, function)))
    recorded = autograd.make_vjp(lambda x: chain(x, function))
    return {"HIPS autograd": (lambda: recorded(x0), lambda: gradient(x0))}


def mygrad_sides(f: str, x0: Any) -> Sides:
    """MyGrad, as it is by default."""
    mygrad: Any = importlib.import_module("mygrad")
    function = getattr(mygrad, f)

    def both() -> Any:
        x = mygrad.tensor(x0)
        chain(x, function).sum().backward()
        return x.grad

    return {"MyGrad": (lambda: chain(mygrad.tensor(x0), function), both)}


PEERS = {"torch": torch_sides, "autograd": hips_sides, "mygrad": mygrad_sides}


def sides(f: str, x0: Any) -> Sides:
    """Every library that is here, once it gave the same derivative as the work by hand."""
    found = dezero_sides(f, x0) | numpy_sides(f, x0)
    for module, make in PEERS.items():
        if importlib.util.find_spec(module):
            found |= make(f, x0)
    right = np.asarray(found["NumPy"][1]())
    for library, (_, both) in found.items():
        np.testing.assert_allclose(np.asarray(both()), right, rtol=1e-9, err_msg=library)
    return found
