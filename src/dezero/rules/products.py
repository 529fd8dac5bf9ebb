"""Products that are programs over `matmul`, `dot`, `einsum` and elementwise rows."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..axes import pointwise
from ..box import as_array, unsupported
from ..dispatch import implements
from ..errors import LinAlgError, OperandError, ShapeError
from ..rows import linear
from .linalg import matmul


def conjugated(x: Any) -> Any:
    """The conjugate; of real numbers, nothing is done."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def flattened(x: Any) -> Any:
    """An operand in one dimension."""
    x = as_array(x)
    return x if x.ndim == 1 else np.reshape(x, -1)


@implements(np.vdot)
def np_vdot(a: Any, b: Any) -> Any:
    """The sum of all products, with the first operand conjugated."""
    return np.dot(conjugated(flattened(a)), flattened(b))


# ---- ufuncs over vectors and matrices ----


def over_cores(
    ufunc: Any, x: Any, y: Any, cores: Sequence[int], program: Callable[[Any, Any], Any], axes: Any
) -> Any:
    """A generalised ufunc as NumPy calls it with ``axes=``, from one over the last axes.

    `cores` are the numbers of axes of a vector or matrix among the operands and the result.
    """
    places = [(k,) if np.ndim(k) == 0 else tuple(k) for k in axes]
    if len(places) == 2 and not cores[2]:
        places.append(())
    if [len(each) for each in places] != list(cores):
        raise OperandError(f"np.{ufunc.__name__}: axes={axes} does not say {cores} axes")
    first, second, last = places
    out = program(
        np.moveaxis(x, first, range(-len(first), 0)),
        np.moveaxis(y, second, range(-len(second), 0)),
    )
    return np.moveaxis(out, range(-len(last), 0), last)


def operands(ufunc: Any, x: Any, y: Any, cores: tuple[int, int]) -> tuple[Any, Any]:
    """Both as arrays that have at least the axes of a vector or matrix."""
    x, y = as_array(x), as_array(y)
    if x.ndim < cores[0] or y.ndim < cores[1]:
        raise ShapeError(f"np.{ufunc.__name__}: shapes {x.shape} and {y.shape} have too few axes")
    return x, y


@implements(np.matmul)
def np_matmul(x1: Any, x2: Any, *, axes: Any = None, **kwargs: Any) -> Any:
    """The matrix product."""
    if kwargs:
        raise unsupported(np.matmul, kwargs=sorted(kwargs))
    if axes is None:
        return matmul(x1, x2)
    x1, x2 = operands(np.matmul, x1, x2, (1, 1))
    cores = [min(x1.ndim, 2), min(x2.ndim, 2), (x1.ndim > 1) + (x2.ndim > 1)]
    return over_cores(np.matmul, x1, x2, cores, matmul, axes)


@implements(np.vecdot)
def np_vecdot(
    x1: Any, x2: Any, *, axes: Any = None, axis: Any = None, keepdims: bool = False, **kwargs: Any
) -> Any:
    """The sums of products along an axis, with the first operand conjugated."""
    if kwargs:
        raise unsupported(np.vecdot, kwargs=sorted(kwargs))
    x1, x2 = operands(np.vecdot, x1, x2, (1, 1))
    if axes is None and axis in (None, -1) and not keepdims:
        return _sums_of_products(x1, x2)
    places = [-1 if axis is None else axis] * 2 if axes is None else axes
    out = over_cores(np.vecdot, x1, x2, (1, 1, 0), _sums_of_products, list(places)[:2])
    if not keepdims:
        return out
    return np.expand_dims(out, places[2 if len(places) > 2 else 0])


def _sums_of_products(x: Any, y: Any) -> Any:
    if x.shape[-1] != y.shape[-1]:  # einsum would repeat a vector of length 1
        raise ShapeError(f"np.vecdot: vectors of lengths {x.shape[-1]} and {y.shape[-1]}")
    return np.einsum("...i,...i->...", conjugated(x), y)


def _matvec(x: Any, y: Any) -> Any:
    """A product that only reads a matrix, of which the gradient has to be written."""
    return matmul(x, y) if y.ndim == 1 else matmul(x, np.expand_dims(y, -1))[..., 0]


def _vecmat(x: Any, y: Any) -> Any:
    x = conjugated(x)
    return matmul(x, y) if x.ndim == 1 else matmul(np.expand_dims(x, -2), y)[..., 0, :]


def _with_vectors(ufunc: Any, cores: tuple[int, int, int], program: Callable[..., Any]) -> None:
    """Register a product of matrices and vectors."""

    @implements(ufunc)
    def call(x1: Any, x2: Any, *, axes: Any = None, **kwargs: Any) -> Any:
        if kwargs:
            raise unsupported(ufunc, kwargs=sorted(kwargs))
        x1, x2 = operands(ufunc, x1, x2, cores[:2])
        if axes is None:
            return program(x1, x2)
        return over_cores(ufunc, x1, x2, cores, program, axes)


if hasattr(np, "matvec"):  # since NumPy 2.2
    _with_vectors(np.matvec, (2, 1, 1), _matvec)
    _with_vectors(np.vecmat, (1, 2, 1), _vecmat)


# ---- cross products ----

cross = linear(
    np.cross,
    lambda g, _x, y: np.cross(y, g),
    lambda g, x, _y: np.cross(g, x),
    broadcasts=True,
    batching=pointwise,
)
"""Of vectors along the last axis, each of 3 numbers: g · (t × y) is t · (y × g)."""


@implements(np.cross)
def np_cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """The cross product of vectors along any axis, of 3 numbers or, as NumPy still has it, of 2."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = as_array(a), as_array(b)
    if not (a.ndim and b.ndim):
        raise ShapeError("np.cross: a number is no vector")
    a, b = (x if k == -1 else np.moveaxis(x, k, -1) for x, k in ((a, axisa), (b, axisb)))
    lengths = {a.shape[-1], b.shape[-1]}
    if not lengths <= {2, 3}:
        raise ShapeError(
            f"np.cross: vectors of {a.shape[-1]} and {b.shape[-1]} numbers; both must have 3"
        )
    if 2 in lengths:
        warnings.warn(
            "np.cross of vectors of 2 numbers is deprecated by NumPy; give them a third, 0",
            DeprecationWarning,
            stacklevel=3,
        )
    if lengths == {2}:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    out = cross(*(_in_space(x) for x in (a, b)))
    return out if axisc in (-1, out.ndim - 1) else np.moveaxis(out, -1, axisc)


def _in_space(x: Any) -> Any:
    """Vectors of 2 numbers with a third, 0."""
    if x.shape[-1] == 3:
        return x
    return np.concatenate([x, np.zeros((*x.shape[:-1], 1), x.dtype)], axis=-1)


# ---- Kronecker's product, chains and powers ----


@implements(np.kron)
def np_kron(a: Any, b: Any) -> Any:
    """Each element of `a` times all of `b`, as one array of blocks."""
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    ndim = max(a.ndim, b.ndim)
    left, right = ([*range(k, 2 * ndim, 2)][-x.ndim :] for k, x in enumerate((a, b)))
    blocks = np.einsum(a, left, b, right, sorted(left + right))
    shapes = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    return np.reshape(blocks, [m * n for m, n in zip(*shapes, strict=True)])


@implements(np.linalg.multi_dot)
def np_multi_dot(arrays: Any) -> Any:
    """The product of a chain of matrices, in the order that needs the fewest multiplications.

    T. H. Cormen et al., "Introduction to Algorithms", section 15.2.
    """
    parts = [as_array(x) for x in arrays]
    if len(parts) < 2:
        raise OperandError("np.linalg.multi_dot: at least two arrays")
    if len(parts) == 2:
        return np.dot(*parts)
    row, column = parts[0].ndim == 1, parts[-1].ndim == 1
    if row:
        parts[0] = np.expand_dims(parts[0], 0)
    if column:
        parts[-1] = np.expand_dims(parts[-1], 1)
    if any(x.ndim != 2 for x in parts):
        raise ShapeError(f"np.linalg.multi_dot: matrices, not {[x.shape for x in parts]}")
    out = _chain(parts)
    if row and column:
        return out[0, 0]
    return np.reshape(out, -1) if row or column else out


def _chain(parts: list[Any]) -> Any:
    sizes = [*(x.shape[0] for x in parts), parts[-1].shape[1]]

    @functools.cache
    def cheapest(i: int, j: int) -> tuple[int, int]:
        """The multiplications that parts i to j need, and after which part to cut them."""
        if i == j:
            return 0, i
        return min(
            (cheapest(i, k)[0] + cheapest(k + 1, j)[0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
            for k in range(i, j)
        )

    def product(i: int, j: int) -> Any:
        if i == j:
            return parts[i]
        _, k = cheapest(i, j)
        return np.dot(product(i, k), product(k + 1, j))

    return product(0, len(parts) - 1)


def square(x: Any, name: str) -> Any:
    """An operand as a stack of square matrices."""
    x = as_array(x)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"np.linalg.{name}: square matrices, not an array of shape {x.shape}")
    return x


@implements(np.linalg.matrix_power)
def np_matrix_power(a: Any, n: int) -> Any:
    """A product of equal matrices, by squaring; of their inverses where `n` is negative."""
    a = square(a, "matrix_power")
    try:
        n = operator.index(n)
    except TypeError:
        raise OperandError(f"np.linalg.matrix_power: {n!r} is no whole number") from None
    if n == 0:
        return a**0 * np.eye(a.shape[-1], dtype=a.dtype)  # a derivative, of zeros
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:
        return matmul(matmul(a, a), a)
    out = None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            out = a if out is None else matmul(out, a)
        if not n:
            return out
        a = matmul(a, a)


# ---- equations between arrays of many axes ----


@implements(np.linalg.tensorsolve)
def np_tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x for which ``tensordot(a, x, x.ndim)`` is b."""
    a, b = as_array(a), as_array(b)
    if axes is not None:
        order = list(range(a.ndim))
        for k in axes:
            order.remove(k)
            order.insert(a.ndim, k)
        a = np.transpose(a, order)
    shape = a.shape[-(a.ndim - b.ndim) :]
    n = int(np.prod(shape))
    if a.size != n * n or b.size != n:
        raise LinAlgError(
            f"np.linalg.tensorsolve: shapes {a.shape} and {b.shape} are not those of a square "
            "matrix and a vector"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.reshape(b, n)), shape)


@implements(np.linalg.tensorinv)
def np_tensorinv(a: Any, ind: int = 2) -> Any:
    """The array that undoes ``tensordot(a, x, x.ndim)``."""
    a = as_array(a)
    if ind <= 0:
        raise OperandError(f"np.linalg.tensorinv: ind={ind} is not positive")
    left, right = a.shape[:ind], a.shape[ind:]
    matrix = square(np.reshape(a, (int(np.prod(left)), int(np.prod(right)))), "tensorinv")
    return np.reshape(np.linalg.inv(matrix), (*right, *left))


# ---- the names that `numpy.linalg` has of its own ----


@implements(np.linalg.matmul)
def np_linalg_matmul(x1: Any, x2: Any) -> Any:
    """The same as `numpy.matmul`."""
    return np.matmul(x1, x2)


@implements(np.linalg.vecdot)
def np_linalg_vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """The same as `numpy.vecdot`."""
    return np_vecdot(x1, x2, axis=axis)


@implements(np.linalg.tensordot)
def np_linalg_tensordot(x1: Any, x2: Any, *, axes: Any = 2) -> Any:
    """The same as `numpy.tensordot`."""
    return np.tensordot(x1, x2, axes=axes)


@implements(np.linalg.outer)
def np_linalg_outer(x1: Any, x2: Any) -> Any:
    """`numpy.outer` of vectors only."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"np.linalg.outer: vectors, not shapes {x1.shape} and {x2.shape}")
    return np.outer(x1, x2)


@implements(np.linalg.cross)
def np_linalg_cross(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """`numpy.cross` of vectors of 3 numbers only."""
    x1, x2 = as_array(x1), as_array(x2)
    for x in (x1, x2):
        if x.shape[normalize_axis_index(axis, x.ndim)] != 3:
            raise ShapeError(f"np.linalg.cross: no vectors of 3 numbers in shape {x.shape}")
    return np.cross(x1, x2, axis=axis)


@implements(np.linalg.matrix_transpose)
def np_linalg_matrix_transpose(x: Any) -> Any:
    """The transposed matrices of a stack."""
    x = as_array(x)
    if x.ndim < 2:
        raise ShapeError(f"np.linalg.matrix_transpose: no matrix in shape {x.shape}")
    return np.swapaxes(x, -1, -2)


@implements(np.linalg.trace)
def np_linalg_trace(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    """`numpy.trace` over the last two axes."""
    return np.trace(x, offset, -2, -1, dtype=dtype)


@implements(np.linalg.diagonal)
def np_linalg_diagonal(x: Any, *, offset: int = 0) -> Any:
    """`numpy.diagonal` of the last two axes."""
    return np.diagonal(x, offset, -2, -1)
