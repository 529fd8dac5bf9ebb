"""A call of every row and every program of the table, on about `n` numbers.

`CALLS` has them by name, as (function, makers of its arguments); what is not there is called on one
vector for each operand (`call_of`). A maker takes `n`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable
from math import isqrt
from typing import Any

import numpy as np

import dezero as dz
from dezero.box import ROWS, Box
from dezero.rows import TABLE
from dezero.rules.gather import deposit, gather
from dezero.rules.indexing import scatter
from dezero.trees import flatten

Maker = Callable[[int], Any]
Call = tuple[Callable[..., Any], tuple[Any, ...]]
rng = np.random.default_rng(0)

# ---- arguments ----


def vector(n: int) -> Any:
    """Numbers between 0.1 and 0.9: inside the domain of nearly everything."""
    return rng.uniform(0.1, 0.9, n)


def above(n: int) -> Any:
    """Numbers between 1.1 and 1.9."""
    return 1 + vector(n)


def rows(n: int) -> Any:
    """A matrix with 10 rows."""
    return vector(n // 10 * 10).reshape(10, -1)


def tall(n: int) -> Any:
    """A matrix with 10 columns."""
    return vector(n // 10 * 10).reshape(-1, 10)


def square(n: int) -> Any:
    """A well-conditioned square matrix."""
    side = max(isqrt(n), 2)
    return rng.normal(size=(side, side)) / side**0.5 + 3 * np.eye(side)


def definite(n: int) -> Any:
    """A positive definite matrix."""
    a = square(n)
    return a @ a.T


def number(_n: int) -> Any:
    """One number."""
    return np.array(0.4)


def root(n: int) -> Any:
    """As many numbers as a square matrix has rows."""
    return vector(max(isqrt(n), 2))


def third(n: int) -> Any:
    """A vector of a third of the numbers."""
    return vector(n // 3)


def banded(n: int) -> Any:
    """Three diagonals of a well-conditioned matrix."""
    return vector(n // 3 * 3).reshape(3, -1) + np.array([[0.0], [3.0], [0.0]])


def waves(n: int) -> Any:
    """Complex numbers."""
    return vector(n) + 1j * vector(n)


def few(_n: int) -> Any:
    """Ten numbers."""
    return vector(10)


def patch(_n: int) -> Any:
    """Three by three numbers."""
    return vector(9).reshape(3, 3)


@functools.cache
def places(n: int) -> Any:
    """As many places in a vector, in no order, some twice."""
    return np.random.default_rng(1).integers(0, n, n)


@functools.cache
def mask(n: int) -> Any:
    """Half of a vector's places."""
    return np.arange(n) % 2 == 0


@functools.cache
def grid(n: int) -> Any:
    """Places in order, for interpolation."""
    return np.linspace(0, 1, n)


# ---- calls ----


def written(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that writes into a copy of its first argument."""

    def call(x: Any, *args: Any) -> Any:
        y = np.copy(x)
        function(y, *args)
        return y

    return call


def assigned(x: Any, w: Any) -> Any:
    """Half a vector, written over."""
    y = np.copy(x)
    y[::2] = w[::2]
    return y


def gauge_free(function: Callable[..., Any]) -> Callable[..., Any]:
    """Eigenvalues, and vectors without their phases."""

    def call(x: Any) -> Any:
        w, v = function(x)
        return w, np.abs(v)

    return call


def joined(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a list of two arrays."""
    return lambda x, y: function([x, y])


def halved(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes a number of parts."""
    return lambda x: function(x, 2)


def scipys(area: str, name: str, *first: Any) -> Callable[..., Any]:
    """A function of SciPy, or of its mirror in `dezero`, with its first arguments given."""

    def call(*xs: Any) -> Any:
        scipy = importlib.import_module(f"scipy.{area}")
        mirror = importlib.import_module(f"dezero.scipy.{area}")
        return getattr(mirror if hasattr(mirror, name) else scipy, name)(*first, *xs)

    return call


def symmetric(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a symmetric matrix."""
    return lambda x: function(x + x.T)


CALLS: dict[str, tuple[Any, ...]] = {
    # elementwise
    "arccosh": (np.arccosh, above),
    "where": (lambda x, y: np.where(mask(len(x)), x, y), vector, vector),
    "clip": (lambda x: np.clip(x, 0.3, 0.7), vector),
    "round": (np.round, vector),
    "around": (np.around, vector),
    "divmod": (lambda x, y: np.divmod(x, y)[1], vector, vector),
    "astype": (lambda x: np.astype(x, np.float32), vector),
    "real": (np.real, waves),
    "imag": (np.imag, waves),
    "angle": (np.angle, waves),
    "real_if_close": (np.real_if_close, waves),
    "ldexp": (lambda x: np.ldexp(x, 3), vector),
    # elements
    "getitem": (lambda x: x[places(len(x))], vector),
    "setitem": (assigned, vector, vector),
    "scatter": (lambda g: scatter(g, index=places(len(g)), shape=g.shape), vector),
    "gather": (lambda x: gather(x, places(len(x))[None], pattern=(0,)), vector),
    "deposit": (lambda g: deposit(g, places(len(g))[None], pattern=(0,), shape=g.shape), vector),
    "take": (lambda x: np.take(x, places(len(x))), vector),
    "take_along_axis": (lambda x: np.take_along_axis(x, places(len(x)), 0), vector),
    "choose": (lambda x, y: np.choose(mask(len(x)) * 1, [x, y]), vector, vector),
    "compress": (lambda x: np.compress(mask(len(x)), x), vector),
    "extract": (lambda x: np.extract(mask(len(x)), x), vector),
    "select": (lambda x, y: np.select([mask(len(x))], [x], y), vector, vector),
    "piecewise": (
        lambda x: np.piecewise(x, [mask(len(x))], [np.sin, np.cos]),
        vector,
    ),
    "delete": (lambda x: np.delete(x, slice(2, 8)), vector),
    "insert": (lambda x, w: np.insert(x, 3, w), vector, vector),
    "put": (written(lambda y, w: np.put(y, np.arange(0, len(w), 2), w[::2])), vector, vector),
    "put_along_axis": (
        written(lambda y, w: np.put_along_axis(y, np.arange(len(w)), w, 0)),
        vector,
        vector,
    ),
    "place": (written(lambda y, w: np.place(y, mask(len(y)), w)), vector, vector),
    "copyto": (written(np.copyto), vector, vector),
    "fill_diagonal": (written(np.fill_diagonal), square, root),
    # products
    "matmul": (np.matmul, square, square),
    "dot": (np.dot, square, square),
    "inner": (np.inner, square, square),
    "outer": (np.outer, root, root),
    "tensordot": (lambda x, y: np.tensordot(x, y, 1), square, square),
    "einsum": (lambda x, y: np.einsum("ij,jk->ik", x, y), square, square),
    "kron": (np.kron, root, root),
    "cross": (
        np.cross,
        lambda n: vector(n // 3 * 3).reshape(-1, 3),
        lambda n: vector(n // 3 * 3).reshape(-1, 3),
    ),
    "vecdot": (np.vecdot, rows, rows),
    "matvec": (np.matvec, square, root),
    "vecmat": (np.vecmat, root, square),
    "multi_dot": (lambda x, y, z: np.linalg.multi_dot([x, y, z]), square, square, square),
    "matrix_power": (lambda x: np.linalg.matrix_power(x, 5), square),
    "tensorsolve": (np.linalg.tensorsolve, square, root),
    "tensorinv": (lambda x: np.linalg.tensorinv(x, ind=1), square),
    "convolve": (np.convolve, vector, few),
    "correlate": (np.correlate, vector, few),
    "einsum_path": (lambda x, y: np.einsum_path("ij,jk", x, y), square, square),
    "einsum_of_one": (lambda x: np.einsum("ii->i", x), square),
    # polynomials
    "poly": (np.poly, few),
    "polyval": (np.polyval, few, vector),
    "polyfit": (lambda y: np.polyfit(grid(len(y)), y, 5), vector),
    "polydiv": (lambda x, y: np.polydiv(x, y)[0], few, lambda _n: above(4)),
    "polymul": (np.polymul, vector, few),
    "roots": (np.roots, lambda _n: np.array([1.0, -6.0, 11.0, -6.1])),
    "vander": (lambda x: np.vander(x, 8), vector),
    # decompositions
    **{
        name: (getattr(np.linalg, name), square)
        for name in ("inv", "det", "slogdet", "eig", "eigvals", "svd", "svdvals", "qr", "pinv")
    },
    **{name: (symmetric(getattr(np.linalg, name)), square) for name in ("eigh", "eigvalsh")},
    "eig": (gauge_free(np.linalg.eig), square),
    "cholesky": (np.linalg.cholesky, definite),
    "solve": (np.linalg.solve, square, square),
    "lstsq": (lambda a, b: np.linalg.lstsq(a, b)[0], tall, lambda n: vector(n // 10)),
    "cond": (np.linalg.cond, square),
    "norm": (np.linalg.norm, square),
    "matrix_norm": (np.linalg.matrix_norm, square),
    # folds
    "var": (np.var, vector),
    "cov": (np.cov, rows),
    "corrcoef": (np.corrcoef, rows),
    "average": (lambda x, w: np.average(x, weights=w), vector, vector),
    "percentile": (lambda x: np.percentile(x, 30), vector),
    "quantile": (lambda x: np.quantile(x, 0.3), vector),
    "nanpercentile": (lambda x: np.nanpercentile(x, 30), vector),
    "nanquantile": (lambda x: np.nanquantile(x, 0.3), vector),
    "partition": (lambda x: np.partition(x, len(x) // 2), vector),
    "interp": (np.interp, vector, grid, vector),
    "trapezoid": (np.trapezoid, vector, grid),
    "gradient": (np.gradient, vector),
    "bincount": (lambda w: np.bincount(places(len(w)) % 100, w), vector),
    "histogram": (lambda w: np.histogram(grid(len(w)), 100, weights=w)[0], vector),
    "apply_along_axis": (lambda x: np.apply_along_axis(np.sum, 1, x), rows),
    "apply_over_axes": (lambda x: np.apply_over_axes(np.sum, x, [0]), rows),
    # shapes
    "reshape": (lambda x: np.reshape(x, (10, -1)), rows),
    "swapaxes": (lambda x: np.swapaxes(x, 0, 1), rows),
    "moveaxis": (lambda x: np.moveaxis(x, 0, 1), rows),
    "rollaxis": (lambda x: np.rollaxis(x, 1), rows),
    "transpose": (np.transpose, rows),
    "matrix_transpose": (np.matrix_transpose, rows),
    "squeeze": (np.squeeze, lambda n: vector(n)[None]),
    "expand_dims": (lambda x: np.expand_dims(x, 0), vector),
    "broadcast_to": (lambda x: np.broadcast_to(x, (10, len(x))), lambda n: vector(n // 10)),
    "broadcast_arrays": (np.broadcast_arrays, rows, lambda n: vector(n // 10)),
    "flip": (np.flip, vector),
    "fliplr": (np.fliplr, rows),
    "flipud": (np.flipud, rows),
    "rot90": (np.rot90, rows),
    "roll": (lambda x: np.roll(x, 7), vector),
    "sums_of_runs": (lambda x: np.repeat(x, places(len(x)) % 3), vector),
    **{
        f"{name}_indices_from": (getattr(np, f"{name}_indices_from"), square)
        for name in ("diag", "tril", "triu")
    },
    "repeat": (lambda x: np.repeat(x, 3), vector),
    "tile": (lambda x: np.tile(x, 3), vector),
    "resize": (lambda x: np.resize(x, 2 * len(x)), vector),
    "pad": (lambda x: np.pad(x, 5, "reflect"), vector),
    "trace": (np.trace, square),
    "tril": (np.tril, square),
    "triu": (np.triu, square),
    "diag": (np.diag, root),
    "diagflat": (np.diagflat, root),
    "diagonal": (np.diagonal, square),
    "linspace": (lambda x, y: np.linspace(x, y, 1000), few, few),
    "logspace": (lambda x, y: np.logspace(x, y, 1000), few, few),
    "geomspace": (lambda x, y: np.geomspace(x, y, 1000), few, few),
    "full_like": (lambda w, x: np.full_like(x, w), number, vector),
    # joining and splitting
    **{
        name: (joined(getattr(np, name)), vector, vector)
        for name in ["concatenate", "stack", "hstack", "vstack", "dstack", "column_stack", "block"]
    },
    "append": (np.append, vector, vector),
    "meshgrid": (np.meshgrid, root, root),
    **{
        name: (halved(getattr(np, name)), lambda n: vector(n // 40 * 40).reshape(10, -1, 2))
        for name in ["split", "array_split", "hsplit", "vsplit", "dsplit"]
    },
    "unstack": (np.unstack, rows),
    # Fourier
    **{
        f"fft.{name}": (getattr(np.fft, name), maker)
        for maker, names in [
            (waves, "fft ifft hfft irfft fftshift ifftshift"),
            (vector, "rfft ihfft"),
            (lambda n: waves(n // 10 * 10).reshape(10, -1), "fft2 ifft2 fftn ifftn irfft2 irfftn"),
            (rows, "rfft2 rfftn"),
        ]
        for name in names.split()
    },
    # SciPy
    **{
        f"special.{name}": (scipys("special", name, *first), vector)
        for first, names in [
            ((1.5,), "jv yv hankel1 hankel2 iv kv ive kve jve yve hyp0f1 zeta"),
            ((2,), "yn kn jn expn"),
            ((1.5, 2.5), "hyp1f1"),
            ((0.5, 1.5, 2.5), "hyp2f1"),
        ]
        for name in names.split()
    },
    **{
        f"scipy.special.{name}": (scipys("special", name, *first), vector)
        for name, first in {"polygamma": (2,)}.items()
    },
    "scipy.special.multigammaln": (lambda x: scipys("special", "multigammaln")(x, 2), above),
    **{
        f"scipy.linalg.{name}": (scipys("linalg", name), *makers)
        for makers, names in [
            ((square,), "det expm inv logm lu lu_factor qr sqrtm svd"),
            ((definite,), "cholesky"),
            ((square, square), "expm_frechet solve solve_triangular solve_continuous_lyapunov"),
            ((square, square), "block_diag"),
            ((square, square, square), "solve_sylvester"),
            ((root,), "circulant companion fiedler hankel toeplitz"),
        ]
        for name in names.split()
    },
    "log_weighted_sum": (
        lambda x, b: scipys("special", "logsumexp")(x, None, b), vector, vector
    ),
    "scipy.signal.convolve2d": (scipys("signal", "convolve2d"), rows, patch),
    "scipy.signal.correlate2d": (scipys("signal", "correlate2d"), rows, patch),
    "scipy.linalg.eigh": (symmetric(scipys("linalg", "eigh")), square),
    "scipy.linalg.cho_factor": (lambda x: scipys("linalg", "cho_factor")(x)[0], definite),
    "scipy.linalg.leslie": (
        scipys("linalg", "leslie"), root, lambda n: vector(max(isqrt(n), 2) - 1)
    ),
    "scipy.linalg.solve_banded": (scipys("linalg", "solve_banded", (1, 1)), banded, third),
    "scipy.linalg.cho_solve": (
        lambda c, b: scipys("linalg", "cho_solve")((c, True), b), definite, square
    ),
    "scipy.linalg.lu_solve": (
        lambda a, b: scipys("linalg", "lu_solve")(scipys("linalg", "lu_factor")(a), b),
        square,
        square,
    ),
}  # fmt: skip
"""Calls whose arguments are more than vectors between 0.1 and 0.9."""


PLAIN = {"out=", "ufunc.__call__", "ufunc.outer", "ufunc.reduce", "ufunc.accumulate", "ufunc.at"}
PLAIN |= {"array", "asarray", "asanyarray", "ascontiguousarray", "full", "fromiter", "zeros"}
PLAIN |= {"ones", "empty", "arange", "fromfunction", "eye", "identity", "tri"}
"""Names that are the machinery's own: what other calls go through, and what makes boxes."""


def titled(function: Any) -> str:
    """NumPy's name of a key of the table of rows, without `np.`."""
    if isinstance(function, tuple):
        return f"{function[0].__name__}.{function[1]}"
    name = str(getattr(function, "__name__", function))
    if function is getattr(sys.modules.get("scipy.special"), name, None):
        return f"special.{name}"
    module = str(getattr(function, "__module__", None))
    return f"{module.removeprefix('numpy.')}.{name}" if module.startswith("numpy.") else name


def private(function: Any) -> bool:
    """Whether a row is for other rows only."""
    module, name = (str(getattr(function, key, "")) for key in ("__module__", "__name__"))
    return module.startswith(("dezero.", "scipy.")) or name.startswith("_")


@functools.cache
def functions() -> dict[str, Any]:
    """What may have a derivative, by name: all that NumPy's users call, and rows in `CALLS`."""
    found: dict[str, Any] = {}
    for name in ("special", "linalg", "signal"):
        library = f"dezero.scipy.{name}"
        with contextlib.suppress(ImportError):
            mirror = vars(importlib.import_module(library))
            own = {
                k: f
                for k, f in mirror.items()
                if str(getattr(f, "__module__", "")).startswith(library) and not isinstance(f, type)
            }
            found |= {f"scipy.{name}.{k}": f for k, f in own.items() if k[0] != "_"}
    found |= {titled(key): key for key in ROWS if not private(key)}
    found = {name: key for name, key in found.items() if name not in PLAIN}
    found |= {title: row for title, row in TABLE.items() if title in CALLS and title not in found}
    plain = {title for title, row in TABLE.items() if row.nondifferentiable}
    return {name: key for name, key in found.items() if name.rpartition(".")[2] not in plain}


def call_of(name: str, n: int) -> Call:
    """A function and its arguments, of about `n` numbers."""
    key = functions()[name]
    names = (name, name.removeprefix("scipy."), name.rpartition(".")[2])
    entry = next((CALLS[each] for each in names if each in CALLS), None)
    if entry is None and isinstance(key, tuple):
        entry = getattr(*key), vector
    if entry is None:
        entry = key, *[vector] * operands(key)
    call, *makers = entry
    return call, tuple(make(n) for make in makers)


def operands(function: Any) -> int:
    """How many arguments a function needs."""
    if isinstance(function, np.ufunc):
        return function.nin
    parameters = inspect.signature(function).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind <= p.POSITIONAL_OR_KEYWORD]
    return max(len(needed), 1)


def has_derivative(call: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether a result depends on the arguments, to a box."""
    return any(isinstance(y, Box) for y in flatten(call(*map(dz.Variable, args)))[0])


def recorded(call: Callable[..., Any], args: tuple[Any, ...]) -> set[str]:
    """The rows that a call and its gradient go through."""
    found: set[str] = set()

    def gradient(*xs: Any) -> Any:
        ys, pullback = dz.vjp(call, *xs)
        gxs = pullback(ys)  # and not ones, which would leave no trace of linear rows
        stack = [y._node for y in flatten((ys, gxs))[0] if isinstance(y, dz.Variable)]
        seen = set(stack)
        while stack:
            node = stack.pop()
            found.add(node.p.title if node.p else "")
            new = {edge for edge in node.edges if edge is not None} - seen
            seen |= new
            stack += new
        return gxs

    dz.vjp(gradient, *args)
    return found


def ones(y: Any) -> Any:
    """A cotangent, or a tangent."""
    return np.ones(np.shape(y), y.dtype if y.dtype.kind in "fc" else np.float64)


def unfit() -> dict[str, str]:
    """What cannot be measured, and why: it needs another entry in `CALLS`."""
    found, met = {}, set(functions())
    for name in functions():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call, args = call_of(name, 100)
                if has_derivative(call, args):
                    met |= recorded(call, args)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told
            found[name] = repr(error)
    inner = {title for title, row in TABLE.items() if not row.nondifferentiable}
    return found | dict.fromkeys(inner - met, "no call goes through this row")
