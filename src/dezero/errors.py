"""Every error of the library, in one small tree.

Each class also derives from the built-in exception that a user of NumPy would catch::

    DeZeroError
    ├── DataError             TypeError      data that no box can hold
    ├── OperandError          TypeError      an operand that is no array and no number
    ├── ShapeError            ValueError     shapes that do not go together
    │   └── BoundsError       IndexError     an index or axis out of bounds
    ├── LinAlgError           np.linalg.LinAlgError  a matrix that has no inverse, …
    ├── ConvergenceError      RuntimeError   an iteration that did not end
    ├── UnsupportedError      TypeError      a function, or an argument of one, without a row
    ├── ConversionError       TypeError      a box where only plain numbers can live
    ├── DifferentiationError  TypeError      a derivative by, or of, something without one
    │   └── NonScalarError    ValueError     a gradient of something that is no scalar
    ├── GradientError         ValueError     a `backward` that returns the wrong thing
    ├── NonFiniteError        FloatingPointError  a NaN or an infinity, inside `debug`
    ├── GraphError            RuntimeError   a graph that cannot be swept
    │   ├── MutationError                    … because an array it kept was written over
    │   └── GuardError                       a traced graph, on arguments of another path
    ├── AssignmentError       ValueError     `v[i] = w` that cannot be honoured
    ├── ConfigError           AttributeError a setting that `Config` does not have
    └── CheckError            AssertionError a derivative that is not what differences say

`SequentialWarning` and `EagerWarning`, both `UserWarning`s, say that something is right but slow.
"""

import numpy as np


class DeZeroError(Exception):
    """Base of every error that the library raises by itself."""


class DataError(DeZeroError, TypeError):
    """Data that no box can hold: a float, a list, an array of objects or strings."""


class OperandError(DeZeroError, TypeError):
    """An operand that is neither an array nor a number."""


class ShapeError(DeZeroError, ValueError):
    """Operands whose shapes do not go together in the named operation."""


class BoundsError(ShapeError, IndexError):
    """An index or an axis that the operand does not have."""


class LinAlgError(DeZeroError, np.linalg.LinAlgError):
    """A matrix without the inverse or the factors that were asked for."""


class ConvergenceError(DeZeroError, RuntimeError):
    """An iteration that came to no end within its steps."""


class UnsupportedError(DeZeroError, TypeError):
    """A NumPy function that has no row here, or an argument that its row does not honour."""


class ConversionError(DeZeroError, TypeError):
    """A box was asked to turn into plain numbers, which would cut its graph without a word."""


class DifferentiationError(DeZeroError, TypeError):
    """A derivative by something that has none, such as integers."""


class NonScalarError(DifferentiationError, ValueError):
    """A gradient was asked of a result that is not one real number."""


class GradientError(DeZeroError, ValueError):
    """A `backward` returned the wrong number, shape or kind of gradients."""


class NonFiniteError(DeZeroError, FloatingPointError):
    """An operation, or its derivative, gave a NaN or an infinity inside `debug`."""


class GraphError(DeZeroError, RuntimeError):
    """A graph cannot be swept: a part of it does not know its own derivative."""


class MutationError(GraphError):
    """An array that the graph had kept was written over before the backward pass."""


class GuardError(GraphError):
    """A traced graph met arguments for which the program takes another path."""


class AssignmentError(DeZeroError, ValueError):
    """An assignment into a Variable that cannot be differentiated truthfully."""


class ConfigError(DeZeroError, AttributeError):
    """A name that is no setting of `Config`."""


class CheckError(DeZeroError, AssertionError):
    """A derivative disagrees with differences, or the two modes with each other."""


class SequentialWarning(UserWarning):
    """`vmap` has to call a function once for each member: right, but not fast."""


class EagerWarning(UserWarning):
    """A compiled function takes too many paths, and runs as it is written: right, but not fast."""
