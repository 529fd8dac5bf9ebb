"""Problems of many parameters, and their Jacobian and Hessian in each library that is installed.

A problem is written once, over a namespace `xp` with NumPy's names; each library brings its own.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from _harness import Side

import dezero as dz

# ---- the problems ----


def rosenbrock(xp: Any, x: Any) -> Any:
    """Rosenbrock's function of many variables."""
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_residuals(xp: Any, x: Any) -> Any:
    """What it is the sum of squares of."""
    return xp.concatenate([10.0 * (x[1:] - x[:-1] ** 2), 1.0 - x[:-1]])


HIDDEN = 10


def network(xp: Any, w: Any, inputs: Any, targets: Any) -> Any:
    """The outputs of two layers, for each input; `w` holds all weights."""
    cut = HIDDEN * inputs.shape[1]
    first = w[:cut].reshape((inputs.shape[1], HIDDEN))
    hidden = xp.tanh(inputs @ first + w[cut : cut + HIDDEN])
    return hidden @ w[cut + HIDDEN :] - targets


def exponentials(xp: Any, x: Any, slopes: Any) -> Any:
    """Exponentials of linear functions, as in geometric programming."""
    return xp.exp(slopes @ x)


def decays(xp: Any, w: Any, times: Any, targets: Any) -> Any:
    """A curve of decaying exponentials, at many times; `w` holds the amplitudes, then the rates."""
    half = w.shape[0] // 2
    return xp.exp(-times * w[half:]) @ w[:half] - targets


def half_squares(residuals: Callable[..., Any]) -> Callable[..., Any]:
    """The loss of a fit: half the sum of the squares."""
    return lambda xp, w, *data: 0.5 * xp.sum(residuals(xp, w, *data) ** 2)


@dataclass(frozen=True)
class Problem:
    """A map with a Jacobian and a scalar function with a Hessian, at a point."""

    name: str
    x: Any
    data: tuple[Any, ...]
    vector: Callable[..., Any]
    scalar: Callable[..., Any]


def problems(sizes: Sequence[int]) -> Iterator[Problem]:
    """Two functions of n numbers at some sizes, and two fits of 100 parameters."""
    rng = np.random.default_rng(0)
    for n in sizes:
        x = rng.uniform(-1, 1, n)
        yield Problem(f"Rosenbrock, {n}", x, (), rosenbrock_residuals, rosenbrock)
    for n in sizes:
        x, slopes = rng.uniform(-1, 1, n), rng.normal(size=(2 * n, n)) / np.sqrt(n)
        yield Problem(
            f"sum of exponentials, {n}",
            x,
            (slopes,),
            exponentials,
            lambda xp, x, slopes: xp.sum(exponentials(xp, x, slopes)),
        )
    samples = (rng.normal(size=(50, 8)), rng.normal(size=50))
    weights = rng.normal(size=100)
    yield Problem("network, 100", weights, samples, network, half_squares(network))
    samples = (np.linspace(0, 3, 200)[:, None], rng.normal(size=200))
    weights = rng.uniform(0.1, 2, 100)
    yield Problem("fit of decays, 100", weights, samples, decays, half_squares(decays))


# ---- the libraries ----

Sides = dict[str, Side]  # "jacobian", "hessian"


def over(xp: Any, problem: Problem, data: tuple[Any, ...]) -> tuple[Any, Any]:
    """The two functions of a problem in a library's namespace."""
    return (
        lambda x: problem.vector(xp, x, *data),
        lambda x: problem.scalar(xp, x, *data),
    )


def dezero_sides(problem: Problem) -> Sides:
    """NumPy's own namespace."""
    vector, scalar = over(np, problem, problem.data)
    jacobian, hessian = dz.jacobian(vector), dz.hessian(scalar)
    return {"jacobian": lambda: jacobian(problem.x), "hessian": lambda: hessian(problem.x)}


def hips_sides(problem: Problem) -> Sides:
    """HIPS autograd."""
    autograd: Any = importlib.import_module("autograd")
    vector, scalar = over(importlib.import_module("autograd.numpy"), problem, problem.data)
    jacobian, hessian = autograd.jacobian(vector), autograd.hessian(scalar)
    return {"jacobian": lambda: jacobian(problem.x), "hessian": lambda: hessian(problem.x)}


def torch_sides(problem: Problem) -> Sides:
    """PyTorch's `torch.func` on one thread; the Jacobian by the better of its two directions."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    x, *data = map(torch.tensor, (problem.x, *problem.data))
    vector, scalar = over(torch, problem, tuple(data))
    forward = vector(x).shape[0] >= x.shape[0]
    jacobian = (torch.func.jacfwd if forward else torch.func.jacrev)(vector)
    hessian = torch.func.hessian(scalar)
    return {"jacobian": lambda: jacobian(x), "hessian": lambda: hessian(x)}


def jax_sides(problem: Problem) -> Sides:
    """JAX without `jit`, in double precision; the Jacobian by the better of its two directions."""
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    jnp: Any = importlib.import_module("jax.numpy")
    x, *data = map(jnp.asarray, (problem.x, *problem.data))
    vector, scalar = over(jnp, problem, tuple(data))
    forward = vector(x).shape[0] >= x.shape[0]
    jacobian, hessian = (jax.jacfwd if forward else jax.jacrev)(vector), jax.hessian(scalar)
    return {
        "jacobian": lambda: jacobian(x).block_until_ready(),
        "hessian": lambda: hessian(x).block_until_ready(),
    }


PEERS = {
    "autograd": ("HIPS autograd", hips_sides),
    "torch": ("PyTorch", torch_sides),
    "jax": ("JAX", jax_sides),
}


def sides(problem: Problem, what: str) -> dict[str, Side]:
    """Every library that is here, once all agree on the "jacobian" or the "hessian"."""
    found = {"DeZero": dezero_sides(problem)[what]}
    for module, (library, make) in PEERS.items():
        if importlib.util.find_spec(module):
            found[library] = make(problem)[what]
    right = np.asarray(found["DeZero"]())
    for library, side in found.items():
        scale = np.max(np.abs(right))
        np.testing.assert_allclose(
            np.asarray(side()), right, rtol=1e-9, atol=1e-9 * scale, err_msg=library
        )
    return found
