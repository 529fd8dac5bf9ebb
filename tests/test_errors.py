"""Bad input: each is an error of the library's own, and its message helps.

A row is a piece of a user's program, our error class, and what the message must contain: the
operation, the shapes or types that it met, and what to write instead.
"""

import contextlib
import operator
import re
import threading
import warnings

import numpy as np
import pytest

import dezero as dz
from dezero import errors
from dezero.errors import (
    AssignmentError,
    BoundsError,
    ConfigError,
    ConversionError,
    DataError,
    DeZeroError,
    DifferentiationError,
    GradientError,
    GraphError,
    MutationError,
    NonScalarError,
    OperandError,
    ShapeError,
    UnsupportedError,
)

BUILTIN = {  # what a user of NumPy would catch
    AssignmentError: ValueError,
    BoundsError: IndexError,
    ConfigError: AttributeError,
    ConversionError: TypeError,
    DataError: TypeError,
    DifferentiationError: TypeError,
    GradientError: ValueError,
    GraphError: RuntimeError,
    MutationError: RuntimeError,
    NonScalarError: ValueError,
    OperandError: TypeError,
    ShapeError: ValueError,
    UnsupportedError: TypeError,
}


class Hand(dz.Function):
    """A user's Function with the given forward and backward."""

    def __init__(self, forward=np.copy, backward=lambda *gs: gs[0]):
        self.forward, self.backward = forward, backward


def world():
    """What the rows' programs find: fresh each time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # that np.matrix is going
        matrix = np.matrix(np.ones((2, 3)))
    return {
        "np": np, "dz": dz, "V": dz.Variable, "Dual": dz.Dual, "Hand": Hand, "op": operator,
        "v": dz.Variable(np.array([1.0, 2.0, 3.0])),
        "w": dz.Variable(np.ones(4)),
        "m": dz.Variable(np.ones((2, 3))),
        "s": dz.Variable(np.array(2.0)),
        "k": dz.Variable(np.arange(3)),
        "z": dz.Variable(np.ones(2, complex)),
        "none": dz.Variable(None),
        "d": dz.Dual(2.0, 1.0),
        "a": np.zeros(3),
        "masked": np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]),
        "matrix": matrix,
        "objects": np.array([1.0, None, "x"], dtype=object),
        "text": np.array(["a", "b", "c"]),
        "days": np.array(["2020-01-01"] * 3, dtype="M8[D]"),
    }  # fmt: skip


DATA = [  # what no box can hold
    ("V(1.0)", DataError, "<class 'float'> is not supported | np.array(data) | dz.as_variable"),
    ("V(1)", DataError, "<class 'int'> is not supported | np.array(data)"),
    ("V([1.0])", DataError, "<class 'list'> is not supported | np.array(data)"),
    ("V(np.float64(1))", DataError, "<class 'numpy.float64'> is not supported | np.array(data)"),
    ("V('a')", DataError, "<class 'str'> is not supported"),
    ("V({})", DataError, "<class 'dict'> is not supported"),
    ("V(v)", DataError, "Variable'> is not supported | box already | dz.as_variable"),
    ("V(d)", DataError, "Dual'> is not supported | box already"),
    ("V(masked)", DataError, "MaskedArray'> is not supported | np.asarray(data)"),
    ("V(matrix)", DataError, "matrix'> is not supported | np.asarray(data)"),
    ("V(objects)", DataError, "array of object | numbers only"),
    ("V(text)", DataError, "array of <U1 | numbers only"),
    ("V(days)", DataError, "array of datetime64[D] | numbers only"),
    ("V(np.zeros(2, [('x', float)]))", DataError, "('x', '<f8') | numbers only"),
    ("v.data = [1.0]", DataError, "<class 'list'> is not supported"),
    ("v.data = v", DataError, "Variable'> is not supported"),
    ("v.data = text", DataError, "array of <U1"),
    ("dz.as_variable('a')", DataError, "not supported"),
    ("dz.as_variable([[1.0], [1.0, 2.0]])", DataError, "inhomogeneous"),
    ("dz.square(None)", DataError, "not supported"),
    ("dz.Square()('a')", DataError, "not supported"),
    ("none.backward()", DataError, "variable(None) | no data"),
]
OPERANDS = [  # neither array nor number
    ("v + None", OperandError, "add(float64[3], None)"),
    ("'a' * v", OperandError, "multiply('a', float64[3])"),
    ("v - {}", OperandError, "subtract(float64[3], {})"),
    ("v / object()", OperandError, "divide(float64[3], <object"),
    ("v @ None", OperandError, "matmul(float64[3], None)"),
    ("v ** text", OperandError, "power | <U1[3]"),
    ("v * objects", OperandError, "multiply | object[3]"),
    ("v * np.array([1, 2, 3], object)", OperandError, "multiply | object"),
    ("v + days", OperandError, "add | datetime64[D][3]"),
    ("v * np.timedelta64(1, 'D')", OperandError, "multiply | timedelta64"),
    ("v + masked", OperandError, "add | MaskedArray | np.asarray"),
    ("masked * v", ConversionError, "plain ndarray | v.data"),
    ("m * matrix", OperandError, "multiply | matrix | np.asarray"),
    ("np.exp(none)", OperandError, "exp(None)"),
    ("none + 1.0", OperandError, "add(None, 1.0)"),
    ("none.sum()", OperandError, "sum(None)"),
    ("none.reshape(3)", OperandError, "reshape(None)"),
    ("dz.Square()(none)", OperandError, "square(None)"),
    ("dz.Square()(v, v)", OperandError, "square(float64[3], float64[3])"),
    ("dz.Add()(v)", OperandError, "add(float64[3])"),
    ("d * 'a'", OperandError, "multiply(float64[], 'a')"),
    ("d + None", OperandError, "add(float64[], None)"),
    ("d * s", OperandError, "multiply | Dual | Variable | do not mix"),
    ("s * d", OperandError, "multiply | Dual | Variable | do not mix"),
    ("np.sum(d * v)", OperandError, "multiply | Dual | Variable"),
    ("v.reshape('a')", OperandError, "reshape(float64[3])"),
    ("m.sum(axis='a')", OperandError, "sum(float64[2, 3])"),
    ("m.sum(depth=1)", OperandError, "np.sum takes | axis | keepdims"),
]
SHAPES = [
    *(
        (f"v {sign} {other}", ShapeError, f"{name}(float64[3], float64[4]) | broadcast")
        for sign, name in {
            "+": "add",
            "-": "subtract",
            "*": "multiply",
            "/": "divide",
            "**": "power",
            "//": "floor_divide",
            "%": "remainder",
            "<": "less",
            "==": "equal",
        }.items()
        for other in ("w", "np.ones(4)")
    ),
    ("np.ones(4) - v", ShapeError, "subtract(float64[4], float64[3]) | broadcast"),
    ("np.maximum(v, w)", ShapeError, "maximum(float64[3], float64[4])"),
    ("np.where(v > 0, w, 0.0)", ShapeError, "where(bool[3], float64[4], 0.0)"),
    ("np.clip(v, np.zeros(4), 9.0)", ShapeError, "clip(float64[3], float64[4], 9.0)"),
    ("v @ w", ShapeError, "matmul(float64[3], float64[4])"),
    ("m @ m", ShapeError, "matmul(float64[2, 3], float64[2, 3])"),
    ("m @ 2.0", ShapeError, "matmul(float64[2, 3], 2.0)"),
    ("np.dot(v, w)", ShapeError, "float64[3], float64[4]"),
    ("np.inner(v, w)", ShapeError, "float64[3], float64[4]"),
    ("np.tensordot(m, m, 1)", ShapeError, "tensordot(float64[2, 3], float64[2, 3])"),
    ("np.concatenate([v, m])", ShapeError, "concatenate(float64[3], float64[2, 3])"),
    ("np.concatenate([s, s])", ShapeError, "concatenate(float64[], float64[])"),
    ("np.stack([v, w])", ShapeError, "stack(float64[3], float64[4])"),
    ("v.reshape(2, 2)", ShapeError, "reshape(float64[3]) | (2,2)"),
    ("v.reshape(-1, -1)", ShapeError, "reshape(float64[3])"),
    ("np.broadcast_to(v, (2, 4))", ShapeError, "broadcast_to(float64[3]) | (2,4)"),
    ("np.squeeze(m, 0)", ShapeError, "squeeze(float64[2, 3])"),
    ("np.transpose(m, (0, 0))", ShapeError, "transpose(float64[2, 3])"),
    ("m.max(axis=2)", BoundsError, "max(float64[2, 3]) | axis 2"),
    ("m.mean(axis=-3)", BoundsError, "mean(float64[2, 3]) | axis -3"),
    ("m.cumsum(axis=5)", BoundsError, "cumsum(float64[2, 3]) | axis 5"),
    ("np.stack([v, v], axis=5)", BoundsError, "stack(float64[3], float64[3]) | axis 5"),
    ("np.swapaxes(m, 0, 5)", BoundsError, "swapaxes(float64[2, 3]) | axis 5"),
    ("v[3]", BoundsError, "getitem(float64[3]) | index 3 | size 3"),
    ("m[:, -4]", BoundsError, "getitem(float64[2, 3]) | index -4"),
    ("v[0, 0]", BoundsError, "getitem(float64[3]) | too many indices"),
    ("v[[0, 7]]", BoundsError, "getitem(float64[3]) | index 7"),
    ("v[np.array([True, False])]", BoundsError, "getitem(float64[3]) | boolean"),
    ("v[1.0]", BoundsError, "getitem(float64[3]) | integers"),
    ("v[s]", BoundsError, "getitem(float64[3]) | integer"),
    ("Dual(np.ones(2), np.ones(3))", ShapeError, "Dual | (2,) | (3,)"),
]
ASSIGNMENT = [
    ("v[5] = 1.0", BoundsError, "setitem(float64[3] | index 5"),
    ("v[:2] = w", ShapeError, "setitem(float64[3], float64[4])"),
    ("v[0] = 'a'", OperandError, "setitem(float64[3] | numbers"),
    ("v[0] = None", OperandError, "setitem(float64[3] | None | numbers"),
    ("v[0] = 1j", AssignmentError, "complex128 | float64 | astype"),
    ("v[:2] = z", AssignmentError, "complex128 | float64 | v.astype('complex128')"),
    ("k[0] = s", AssignmentError, "float64 | int64 | v.astype('float64')"),
    ("d[()] = s", OperandError, "Variable | Dual | made by hand"),
    ("none[0] = 1.0", AssignmentError, "variable(None)"),
    ("u = v[:2]; u[0] = 1.0", AssignmentError, "view of another one of shape (3,) | v.copy()"),
    ("u = v[:2]; v[0] = 1.0", AssignmentError, "view of shape (2,) | alive | copy"),
]
PLAIN = "`v.data` | dz.numpy.array([v, w]) | dz.numpy.zeros(shape)"
CONVERSION = [
    ("float(s)", ConversionError, "float(v) | " + PLAIN),
    ("int(s)", ConversionError, "int(v) | " + PLAIN),
    ("complex(s)", ConversionError, "complex(v) | " + PLAIN),
    ("'%f' % s", ConversionError, "float(v)"),
    ("__import__('math').sin(s)", ConversionError, "float(v)"),
    ("np.asarray(v)", ConversionError, "np.asarray(v) | " + PLAIN),
    ("np.array([s, s])", ConversionError, "np.array([v]) | " + PLAIN),
    ("np.array([v, v])", ConversionError, "np.array([v]) | " + PLAIN),
    ("np.full(3, s)", ConversionError, PLAIN),
    ("np.ma.exp(v)", ConversionError, PLAIN),
    ("a[:] = v", ConversionError, "a[i] = v | " + PLAIN),
    ("a[[0, 1]] = s", ConversionError, "a[i] = v | " + PLAIN),
    ("a += v", UnsupportedError, "np.add | `a = a + v` | dz.numpy.zeros(shape)"),
    ("a[:] *= s", UnsupportedError, "np.multiply | dz.numpy.zeros(shape)"),
    ("float(d)", ConversionError, "float(v) | v.data"),
]
UNSUPPORTED = [
    ("np.pad(v, 1, mode='empty')", UnsupportedError, "np.pad | mode='empty'"),
    ("np.linalg.qr(m, 'raw')", UnsupportedError, "np.linalg.qr | raw"),
    ("np.emath.sqrt(v)", UnsupportedError, "np.lib.scimath.sqrt | v.data"),
    ("np.add(v, v, out=a)", UnsupportedError, "np.add | out= | a = a + v"),
    ("np.exp(v, where=a > 0)", UnsupportedError, "np.exp | where= | np.where(mask"),
    ("np.exp(v, out=s)", OperandError, "out= has shape"),
    ("np.add(v, v, where=a > 0)", UnsupportedError, "np.add | where="),
    ("np.multiply(v, v, dtype='i4')", OperandError, "multiply"),
    ("np.sum(v, out=a)", UnsupportedError, "np.sum | out="),
    ("np.concatenate([v, v], dtype='i4')", OperandError, "np.concatenate | casting='same_kind'"),
    ("np.clip(v, 0, 1, out=a)", UnsupportedError, "np.clip | out="),
    ("np.reshape(v, 3, copy=False)", UnsupportedError, "np.reshape | copy"),
    ("np.add.at(a, [0], s)", UnsupportedError, "np.add.at"),
    ("np.multiply.at(v, [0, 0], 2.0)", UnsupportedError, "np.multiply.at | twice | np.add.at"),
    ("np.subtract.reduce(m, axis=None)", OperandError, "np.subtract.reduce | order"),
    ("np.fmax.reduce(v[:0])", OperandError, "np.fmax.reduce"),
    ("np.add.reduceat(v, [0, 1])", UnsupportedError, "np.add.reduceat"),
]
DIFFERENTIATION = [
    ("k.backward()", DifferentiationError, "backward() | int64 | x.astype(float)"),
    ("(k * 2).backward()", DifferentiationError, "int64 | x.astype(float)"),
    ("V(np.array(True)).backward()", DifferentiationError, "bool | x.astype(float)"),
    ("(k * v).sum().backward()", DifferentiationError, "multiply | int64 | x.astype(float)"),
    ("np.concatenate([v, k]).sum().backward()", DifferentiationError, "concatenate | int64"),
    ("dz.grad(np.sum)(np.arange(3))", DifferentiationError, "grad(sum) | int64 | x.astype(float)"),
    ("dz.grad(np.sin)(np.int64(3))", DifferentiationError, "grad(sin) | int64"),
    ("dz.value_and_grad(np.sin)(np.array(True))", DifferentiationError, "bool"),
    ("dz.grad(lambda p: p['a'])({'a': np.array(1)})", DifferentiationError, "int64"),
    ("dz.vjp(np.sin, np.arange(3))", DifferentiationError, "vjp | int64 | x.astype(float)"),
    ("dz.jvp(np.sin, (np.arange(3),), (np.ones(3),))", DifferentiationError, "jvp | int64"),
    ("dz.grad(np.sin)(np.ones(3))", NonScalarError, "grad(sin) | (3,) | .sum()"),
    ("dz.grad(np.sin)(np.ones((1, 1)))", NonScalarError, "(1, 1) | .sum()"),
    ("dz.grad(lambda x: 1j * x)(1.0)", NonScalarError, "complex | abs(y)**2"),
    ("dz.grad(lambda x: None)(1.0)", NonScalarError, "NoneType | not one real number"),
    ("dz.grad(lambda x: (x, x))(1.0)", NonScalarError, "tuple | not one real number"),
    ("dz.grad(lambda x: [x])(1.0)", NonScalarError, "list | not one real number"),
    ("dz.grad(lambda x: x > 0)(1.0)", NonScalarError, "bool | not one real number"),
    ("dz.grad(lambda x: 'a')(1.0)", NonScalarError, "str | not one real number"),
    ("dz.grad(lambda x: np.str_('a'))(1.0)", NonScalarError, "not one real number"),
    ("dz.grad(np.sin)('a')", DataError, "grad(sin) | <class 'str'>"),
    ("dz.grad(np.sum)(objects)", DataError, "grad(sum) | object"),
    ("dz.grad(np.sum)(days)", DataError, "grad(sum) | datetime64"),
    ("dz.grad(np.sum)(masked)", DataError, "grad(sum) | MaskedArray"),
    ("dz.grad(np.sum)(matrix)", DataError, "grad(sum) | matrix"),
    ("dz.grad(np.sum)([[1.0], [1.0, 2.0]])", DataError, "grad(sum)"),
    ("dz.grad(np.sin, argnums=5)(1.0)", OperandError, "grad(sin) | argnums=5 | 1 positional"),
    ("dz.grad(np.sin, argnums=())(1.0)", OperandError, "grad(sin) | argnums=()"),
    ("dz.grad(np.sin, argnums='0')(1.0)", OperandError, "grad(sin) | argnums='0'"),
    ("dz.grad(np.sin, argnums=0.5)(1.0)", OperandError, "grad(sin) | argnums=0.5"),
    ("dz.grad(np.sin, argnums=None)(1.0)", OperandError, "grad(sin) | argnums=None"),
    ("dz.grad(np.add, argnums=(0, 0))(1.0, 2.0)", OperandError, "grad(add) | argnums=(0, 0)"),
    ("dz.grad(np.add, argnums=(1, -1))(1.0, 2.0)", OperandError, "grad(add) | argnums=(1, -1)"),
    ("dz.grad(np.sin)()", OperandError, "grad(sin) | 0 positional"),
    ("dz.grad(lambda x: x)(x=1.0)", OperandError, "0 positional"),
    ("dz.grad(None)(1.0)", OperandError, "grad | None"),
    ("dz.grad(lambda x: x, has_aux=True)(1.0)", OperandError, "has_aux | (value, aux)"),
    ("dz.grad(lambda x: [x, x], has_aux=True)(1.0)", OperandError, "has_aux | (value, aux)"),
    ("dz.vjp(np.sin, 1.0)[1]((1.0, 2.0))", GradientError, "cotangent | structure"),
    ("dz.vjp(np.sin, 1.0)[1](None)", GradientError, "cotangent | structure"),
    ("dz.vjp(np.sin, np.ones(2))[1](np.ones(3))", GradientError, "pullback | (3,) | (2,)"),
    ("dz.vjp(np.sin, 1.0)[1]('a')", GradientError, "pullback"),
    ("dz.vjp(np.sin, 1.0)[1](1j)", GradientError, "pullback | complex"),
    ("dz.jvp(np.sin, (np.ones(2),), (np.ones(3),))", GradientError, "jvp | (3,) | (2,)"),
    ("dz.jvp(np.sin, (1.0,), (1.0, 2.0))", GradientError, "jvp | primals | tangents"),
    ("dz.jvp(np.sin, (1.0,), (None,))", GradientError, "jvp | primals | tangents"),
    ("dz.jvp(np.sin, (1.0,), ('a',))", GradientError, "jvp | tangent"),
    ("dz.jvp(np.sin, (1.0,), (1j,))", GradientError, "jvp | tangent | complex"),
    ("dz.jvp(np.sin, 1.0, 1.0)", OperandError, "jvp | tuple"),
    ("Dual('a', 1.0)", DataError, "not supported"),
    ("Dual(masked, np.ones(3))", DataError, "MaskedArray"),
    ("Dual(1.0, None)", DataError, "tangent"),
    ("Dual(1.0, 'a')", DataError, "tangent"),
]
ENGINE = [
    ("s.grad = np.ones(3); s.backward()", GradientError, "seed | (3,) | ()"),
    ("y = v + 1; y.grad = [1.0, 1.0]; y.backward()", GradientError, "seed | (2,) | (3,)"),
    ("y = s + 1; y.grad = 'a'; y.backward()", GradientError, "seed"),
    ("y = s + 1; y.grad = np.array(None); y.backward()", GradientError, "seed | object"),
    ("with dz.using_config('speed', 1): pass", ConfigError, "speed | enable_backprop"),
    ("dz.Config.speed = 1", ConfigError, "speed | enable_backprop"),
    ("v.set_creator('exp')", OperandError, "set_creator | Function | str"),
    ("v.set_creator(dz.Exp)", OperandError, "set_creator | instance"),
    ("v.set_creator(dz.Square()); v.backward()", GraphError, "square | recorded call"),
    ("dz.Square().backward(a)", GraphError, "square | recorded call"),
    ("y = v * v; v.data += 1.0; y.backward()", MutationError, "multiply | (3,) | v.data = v.data"),
]
FUNCTIONS = [  # a user's own, whose forward or backward returns the wrong thing
    ("Hand(lambda x: None)(v)", OperandError, "Hand.forward | NoneType"),
    ("Hand(lambda x: 'a')(v)", OperandError, "Hand.forward | str"),
    ("Hand(lambda x: objects)(v)", OperandError, "Hand.forward"),
    ("Hand(lambda x: (x, None))(v)", OperandError, "Hand.forward | NoneType"),
    ("Hand(lambda x: ())(v)", OperandError, "Hand.forward"),
    ("Hand(lambda: a)()", OperandError, "Hand"),
    ("Hand(backward=lambda g: (g, g))(v).backward()", GradientError, "Hand.backward | 2 | 1"),
    ("Hand(backward=lambda g: ())(v).backward()", GradientError, "Hand.backward | 0 | 1"),
    ("Hand(np.add, lambda g: g)(v, v).backward()", GradientError, "Hand.backward | 1 | 2"),
    ("Hand(backward=lambda g: g[:2])(v).backward()", GradientError, "Hand | (3,) | (2,)"),
    ("Hand(backward=lambda g: g.sum())(v).backward()", GradientError, "Hand | (3,) | ()"),
    ("Hand(backward=lambda g: 'a')(v).backward()", GradientError, "Hand.backward | no array"),
    ("Hand(backward=lambda g: {'x': g})(v).backward()", GradientError, "Hand.backward | no array"),
    ("Hand(backward=lambda g: None)(v).backward()", GradientError, "Hand.backward | None"),
    ("dz.jvp(Hand(np.copy, lambda g: g.data), (1.0,), (1.0,))", GraphError, "Hand | forward mode"),
]  # fmt: skip
TABLE = [
    *DATA, *OPERANDS, *SHAPES, *ASSIGNMENT, *CONVERSION, *UNSUPPORTED, *DIFFERENTIATION, *ENGINE,
    *FUNCTIONS,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize(("program", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_bad_input(program, kind, says):
    with pytest.raises(kind) as caught:
        exec(program, world())
    assert isinstance(caught.value, BUILTIN[kind])
    missing = [part for part in says.split(" | ") if part not in str(caught.value)]
    assert not missing, str(caught.value)


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (np.rot90, BoundsError, "np.rot90(float64[3]"),
        (np.fft.fft2, BoundsError, "np.fft.fft2(float64[3]"),
        (lambda v: np.split(v, 2, axis=1), BoundsError, "np.split(float64[3]"),
        (lambda v: np.partition(v, 7), ShapeError, "np.partition(float64[3]"),
        (lambda v: v.argpartition(7), ShapeError, "argpartition(float64[3]"),
        (lambda v: np.unwrap(v, axis=None), OperandError, "np.unwrap(float64[3]"),
        (lambda v: np.tril(v.sum()), ShapeError, "triangles"),
        (lambda v: v.repeat(2, "x"), OperandError, "np.repeat(float64[3]"),
    ],
)
def test_what_goes_wrong_inside_a_program_names_the_function(call, kind, says):
    with pytest.raises(kind, match=re.escape(says)):
        call(dz.Variable(np.ones(3)))


def test_the_table_is_long_enough():
    assert len({program for program, *_ in TABLE}) == len(TABLE) >= 100
    assert {kind for _, kind, _ in TABLE} == set(BUILTIN)


def test_the_hierarchy():
    """Every class is ours and a built-in's, and is drawn in the module's tree."""
    for error in vars(errors).values():
        warns = isinstance(error, type) and issubclass(error, Warning)
        if isinstance(error, type) and error is not DeZeroError and not warns:
            assert issubclass(error, DeZeroError)
            builtin = [base for base in error.__mro__ if base.__module__ == "builtins"]
            assert builtin[0] not in (Exception, BaseException), error
            assert error.__name__ in errors.__doc__
    for error, builtin in BUILTIN.items():
        assert issubclass(error, builtin)


@pytest.mark.parametrize("program", ["a[0] = s", "a[0] = v", "a[-1] += s"])
def test_numpy_hides_our_error_behind_its_own(program):
    """NumPy takes whatever `a[0] = v` raises for "no number" and names ours as the cause."""
    with pytest.raises(ValueError, match="setting an array element") as caught:
        exec(program, world())
    assert isinstance(caught.value.__cause__, ConversionError)
    assert "dz.numpy.zeros(shape)" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "program",
    ["v[5] = 1.0", "v[:2] = w", "v + w", "v.backward(create_graph='x') if 0 else v[9]",
     "with dz.no_grad(): v @ w", "Hand(lambda x: None)(v)"],
)  # fmt: skip
def test_a_failed_operation_leaves_no_trace(program):
    """Afterwards the operands work as before."""
    names = world()
    with contextlib.suppress(DeZeroError):
        exec(program, names)
    v = names["v"]
    assert v.data.tolist() == [1.0, 2.0, 3.0]
    assert v.creator is None
    assert dz.Config.enable_backprop
    (v * v).sum().backward()
    assert v.grad.tolist() == [2.0, 4.0, 6.0]


def test_a_failed_sweep_can_be_repeated():
    """A `backward` that raised half-way has put nothing anywhere."""
    x, good = dz.Variable(np.array(3.0)), [False]

    def backward(g):
        return 2 * g if good[0] else (g, g)

    y = Hand(lambda x: 2 * x, backward)(x) + x * x
    with pytest.raises(GradientError):
        y.backward()
    assert x.grad is None
    good[0] = True
    y.backward()
    assert x.grad == 8.0


def test_an_exception_of_the_users_own_passes_through():
    def stop(*_):
        raise ZeroDivisionError("mine")

    x = dz.Variable(np.array(3.0))
    with pytest.raises(ZeroDivisionError, match="mine"):
        Hand(forward=stop)(x)
    y = Hand(backward=stop)(x)
    with pytest.raises(ZeroDivisionError, match="mine"):
        y.backward()
    with pytest.raises(ZeroDivisionError, match="mine"):
        dz.grad(stop)(1.0)

    class Own(ValueError):
        pass

    def other(_line):
        raise Own("mine")

    with pytest.raises(Own, match="mine"):
        np.apply_along_axis(other, 0, x[None])


def test_one_instance_in_two_threads_at_once():
    """Each call works on a copy of the instance: both are right."""
    inside, leave, results = threading.Event(), threading.Event(), []

    class Scaled(dz.Function):
        def forward(self, x):
            self.x = x
            if x.size == 2:
                inside.set()
                leave.wait(10)
            return x * self.x

        def backward(self, gy):
            return 2 * self.x * gy

    def run(n):
        x = dz.Variable(np.full(n, float(n)))
        f(x).backward()
        results.append(x.grad.tolist())

    f = Scaled()
    first = threading.Thread(target=run, args=(2,))
    first.start()
    assert inside.wait(10)
    run(3)
    leave.set()
    first.join()
    assert results == [[6.0] * 3, [4.0] * 2]


def test_config_refuses_what_is_no_truth_value():
    with pytest.raises(DeZeroError, match="enable_backprop"):
        dz.Config.enable_backprop = "no"
