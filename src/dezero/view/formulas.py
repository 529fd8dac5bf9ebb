"""The rule of each row, for people: a formula where it is one, else a sentence.

The formulas are expressions of Python in the words of rules: `x`, `y`, `z` for the operands, `out`
for the result, `g` for its gradient. So they can be computed (a test compares each with its row),
shown as MathML, and written with the names of a step.
"""

from __future__ import annotations

import html

from ..rows import TABLE, Elementwise, General, Nondifferentiable
from .mathml import letter, mathml, parsed

PARTIALS: dict[str, tuple[str, ...]] = {
    "add": ("1", "1"),
    "subtract": ("1", "-1"),
    "multiply": ("y", "x"),
    "divide": ("1 / y", "-out / y"),
    "power": ("y * x ** (y - 1)", "out * log(x)"),
    "float_power": ("y * x ** (y - 1)", "out * log(x)"),
    "remainder": ("1", "-floor(x / y)"),
    "fmod": ("1", "-trunc(x / y)"),
    "negative": ("-1",),
    "positive": ("1",),
    "reciprocal": ("-(out ** 2)",),
    "square": ("2 * x",),
    "sqrt": ("1 / (2 * out)",),
    "cbrt": ("1 / (3 * out ** 2)",),
    "absolute": ("sign(x)",),
    "fabs": ("sign(x)",),
    "copysign": ("sign(x) * sign(y)", "0"),
    "exp": ("out",),
    "exp2": ("log(2) * out",),
    "expm1": ("exp(x)",),
    "log": ("1 / x",),
    "log2": ("1 / (log(2) * x)",),
    "log10": ("1 / (log(10) * x)",),
    "log1p": ("1 / (1 + x)",),
    "logaddexp": ("exp(x - out)", "exp(y - out)"),
    "logaddexp2": ("2 ** (x - out)", "2 ** (y - out)"),
    "sin": ("cos(x)",),
    "cos": ("-sin(x)",),
    "tan": ("1 + out ** 2",),
    "arcsin": ("1 / sqrt(1 - x ** 2)",),
    "arccos": ("-1 / sqrt(1 - x ** 2)",),
    "arctan": ("1 / (1 + x ** 2)",),
    "sinh": ("cosh(x)",),
    "cosh": ("sinh(x)",),
    "tanh": ("1 - out ** 2",),
    "arcsinh": ("1 / sqrt(1 + x ** 2)",),
    "arccosh": ("1 / sqrt(x ** 2 - 1)",),
    "arctanh": ("1 / (1 - x ** 2)",),
    "deg2rad": ("pi / 180",),
    "radians": ("pi / 180",),
    "rad2deg": ("180 / pi",),
    "degrees": ("180 / pi",),
    "arctan2": ("y / (x ** 2 + y ** 2)", "-x / (x ** 2 + y ** 2)"),
    "hypot": ("x / out", "y / out"),
    "sinc": ("(cos(pi * x) - out) / x",),
    "maximum": ("x > y", "y > x"),
    "minimum": ("x < y", "y < x"),
    "fmax": ("x > y", "y > x"),
    "fmin": ("x < y", "y < x"),
    "where": ("0", "x", "1 - x"),
    "ldexp": ("2 ** y", "0"),
    "exp10": ("log(10) * out",),
    "expit": ("out * (1 - out)",),
    "logit": ("1 / (x * (1 - x))",),
    "erf": ("2 * exp(-(x ** 2)) / sqrt(pi)",),
    "erfc": ("-2 * exp(-(x ** 2)) / sqrt(pi)",),
    "ndtr": ("exp(-(x ** 2) / 2) / sqrt(2 * pi)",),
    "entr": ("-log(x) - 1",),
    "xlogy": ("log(y)", "x / y"),
    **dict.fromkeys(("sign", "floor", "ceil", "rint", "trunc", "spacing"), ("0",)),
    **dict.fromkeys(("floor_divide", "heaviside"), ("0", "0")),
}
"""The partial derivatives of elementwise rows, one for each operand.

A comparison counts 1 where it holds and 0 elsewhere, as it does in NumPy.
"""

TURNS = "The gradient goes back through the turns, from the last to the first."

MATRIX: dict[str, tuple[str, ...]] = {
    "matmul": ("g @ y.T", "x.T @ g"),
    "dot": ("g @ y.T", "x.T @ g"),
    "inner": ("g @ y", "g.T @ x"),
    "inv": ("-(out.T @ g @ out.T)",),
}
"""What matrices' gradients are; the same functions of vectors and stacks are told in words."""

TIES = "At a tie the operands share the gradient equally."
KEPT = "The gradient goes to the element that was taken; ties share it equally."
MOVED = "The gradient, with its axes moved back."
PARTS = "Each operand gets the part of the gradient that belongs to it."
STEPS = "Constant between its jumps: the gradient is 0."

WORDS: dict[str, str] = {
    "maximum": TIES,
    "minimum": TIES,
    "fmax": f"{TIES} A NaN gets nothing.",
    "fmin": f"{TIES} A NaN gets nothing.",
    "where": "The gradient goes where the elements were taken from.",
    "clip": "The gradient goes through inside the limits; outside it goes to the limit.",
    "conjugate": "The gradient, conjugated.",
    "sum": "The gradient, repeated along the axes that were summed.",
    "mean": "The gradient divided by their number, repeated along the axes that were averaged.",
    "cumsum": "The running sum of the gradient, from the other end.",
    "prod": "The gradient times the product of all other elements.",
    "var": "The gradient times 2 (x - mean) / n.",
    "std": "The gradient times (x - mean) / (n · out).",
    "max": KEPT,
    "min": KEPT,
    "nanmax": KEPT,
    "nanmin": KEPT,
    "flip": "The gradient, flipped back.",
    "roll": "The gradient, rolled back.",
    "fftshift": "The gradient, shifted back.",
    "ifftshift": "The gradient, shifted back.",
    "repeat": "The gradient, summed over the repetitions.",
    "reshape": "The gradient in the operand's shape.",
    "squeeze": "The gradient in the operand's shape.",
    "expand_dims": "The gradient in the operand's shape.",
    "transpose": MOVED,
    "swapaxes": MOVED,
    "moveaxis": MOVED,
    "broadcast_to": "The gradient, summed over the axes along which the operand was repeated.",
    "copy": "The gradient itself.",
    "astype": "The gradient in the operand's dtype.",
    "real": "The gradient itself: the imaginary part gets 0.",
    "imag": "The gradient goes to the imaginary part.",
    "getitem": "The gradient goes to where the elements were read; the others get 0.",
    "gather": "The gradient goes to where the elements were read; the others get 0.",
    "scatter": "The elements of the gradient at the places that were written.",
    "deposit": "The elements of the gradient at the places that were written.",
    "setitem": "What was written gets its part of the gradient; the old elements there get 0.",
    "concatenate": PARTS,
    "stack": PARTS,
    "matmul": "The gradient times the other operand, transposed.",
    "dot": "The gradient times the other operand, transposed.",
    "inner": "The gradient times the other operand.",
    "outer": "The gradient times the other operand.",
    "tensordot": "The gradient, contracted with the other operand over the axes that are left.",
    "einsum": "The gradient and the other operands, by the subscripts exchanged.",
    "convolve": "The gradient, correlated with the other operand.",
    "det": "The gradient times det(x) times the transposed inverse of x.",
    "slogdet": "The gradient times the transposed inverse of x.",
    "inv": "The gradient between two transposed inverses, with the sign changed.",
    "cumprod": "Each factor gets the products in which it is, without it.",
    "softmax": "out · (g - the sum of g · out).",
    "solve": "b gets w = solve(Aᵀ, g), and A gets -w xᵀ, where x is the solution.",
    "modf": "The fraction's gradient goes through; the whole part is constant between its jumps.",
    "frexp": "The gradient over the power of two that was taken out.",
    "round": STEPS,
    "stop_gradient": "The gradient stops here.",
    **dict.fromkeys(("scan", "fori_loop", "while_loop"), TURNS),
    "cond": "The gradient goes back through the branch that was taken.",
}


def words(title: str) -> str:
    """The rule of a row in a sentence; never empty, so that a new row is shown too."""
    if title in WORDS:
        return WORDS[title]
    row = TABLE.get(title)
    if isinstance(row, Nondifferentiable):
        return "It has no derivative, or 0 everywhere: no gradient goes through."
    if title in PARTIALS or isinstance(row, Elementwise):
        return "The gradient times the partial derivative, element by element."
    if isinstance(row, General) and row.pushes is None:
        return "It is linear: the gradient goes through its transpose."
    return "A rule of its own turns the result's gradient into those of the operands."


def rule_html(title: str) -> str:
    """The rule as formulas in MathML, one for each operand, where it is one; and in words.

    The letters are elements of their own, so that the page can put the names of a step in place.
    """
    partials = zip("xyz", PARTIALS.get(title, ()), strict=False)
    products = zip("xy", MATRIX.get(title, ()), strict=False)
    shown = [formula(x, slope(x), text) for x, text in partials]
    shown += [formula(x, letter(f"d_{x}"), text) for x, text in products]
    return f"{''.join(shown)}<p>{html.escape(words(title))}</p>"


def formula(x: str, left: str, text: str) -> str:
    """What stands on the left, and the formula, of operand `x`."""
    right = mathml(parsed(text))
    of = f'displaystyle="true" data-operand="{x}"'
    return f"<math {of}><mrow>{left}<mo>=</mo>{right}</mrow></math>"


def slope(x: str) -> str:
    """∂out/∂x."""
    out, by = letter("out"), letter(x)
    return f"<mfrac><mrow><mo>∂</mo>{out}</mrow><mrow><mo>∂</mo>{by}</mrow></mfrac>"
