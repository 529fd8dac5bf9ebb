"""Formulas: their LaTeX, the same numbers through them, and what has none."""

import ast
import contextlib
import sys
import warnings

import numpy as np
import pytest
import scipy.special

import dezero as dz
import dezero.scipy.special  # its rows
from dezero.errors import GraphError, OperandError
from dezero.ir import formula
from dezero.ir.reading import KNOWN, WORDS
from dezero.rows import TABLE

LATEX = [
    (lambda x, y: x + y - 2, "x + y - 2"),
    (lambda x, y: x - (y - 2), "x - y + 2"),
    (lambda x, y: x * (y + 1), r"x \left(y + 1\right)"),
    (lambda x, y: -(x + y), r"-\left(x + y\right)"),
    (lambda x, y: x * -y, "-x y"),
    (lambda x, y: -x + y, "y - x"),
    (lambda x, y: x * 2 * y * 3, "6 x y"),
    (lambda x: x + x, "2 x"),
    (lambda x: 0.1 * x + 1e-7, r"0.1 x + 1 \cdot 10^{-7}"),
    (lambda x: 0.5 * x, r"\frac{x}{2}"),
    (lambda x, y: x / y, r"\frac{x}{y}"),
    (lambda x, y: (x + 1) / (2 * y), r"\frac{x + 1}{2 y}"),
    (lambda x, y: -x / (x / y), "-y"),
    (lambda x: 1 / (1 / x + 1), r"\frac{1}{\frac{1}{x} + 1}"),
    (lambda x: (x + 1) ** 2, r"\left(x + 1\right)^{2}"),
    (lambda x: (-x) ** 3, "-x^{3}"),
    (lambda x: x**-2, r"\frac{1}{x^{2}}"),
    (lambda x, y: x**y, "x^{y}"),
    (lambda x: 2**x, "2^{x}"),
    (lambda x: 2 * 3**x, r"2 \cdot 3^{x}"),
    (lambda x, y: (x**y) ** x, r"\left(x^{y}\right)^{x}"),
    (lambda x: x**0.5, r"\sqrt{x}"),
    (lambda x: x**1.5, r"x^{\frac{3}{2}}"),
    (lambda x: np.sqrt(x + 1) ** 2, "x + 1"),
    (lambda x: np.sqrt(x**2), r"\sqrt{x^{2}}"),
    (np.cbrt, r"\sqrt[3]{x}"),
    (lambda x: np.sin(x) ** 2 + np.cos(2 * x), r"\sin^{2}\left(x\right) + \cos\left(2 x\right)"),
    (lambda x: np.arctan2(x, 1), r"\operatorname{atan2}\left(x, 1\right)"),
    (lambda x: np.exp(-(x**2)) * x, "e^{-x^{2}} x"),
    (lambda x: np.exp(x) ** 2, "e^{2 x}"),
    (lambda x: np.log(x) / np.log10(x), r"\frac{\log\left(x\right)}{\log_{10}\left(x\right)}"),
    (lambda x: np.log1p(x) + np.expm1(x), r"\log\left(1 + x\right) + e^{x} - 1"),
    (lambda x: np.pi * x + np.e, r"\pi x + e"),
    (lambda x: np.sin(2 * np.pi * x), r"\sin\left(2 \pi x\right)"),
    (lambda x: np.abs(x - 1), r"\left|x - 1\right|"),
    (
        lambda x: np.floor(x) + np.ceil(x),
        r"\left\lfloor x\right\rfloor + \left\lceil x\right\rceil",
    ),
    (lambda x, y: x % y, r"x \bmod y"),
    (lambda x, y: np.maximum(y, x), r"\max\left(y, x\right)"),
    (lambda x, y: np.hypot(2 * x, y), r"\sqrt{4 x^{2} + y^{2}}"),
    (lambda x: np.mean(np.sum(x, initial=2) ** 2), r"\left(x + 2\right)^{2}"),
    (
        lambda x: np.where((x > 0) & (x <= 2), x, 0),
        r"\begin{cases} x & \text{if } x > 0 \wedge x \le 2 \\ 0 & \text{otherwise} \end{cases}",
    ),
    (lambda x: (x > 1) * x + np.where(~(x > 0), 1, x), None),
    (lambda x, y: np.where((x > y) | (y > 2), (x > 1).astype(float), np.sum(y < 1)), None),
    (lambda x, y: (x + y, x * y), r"\left(x + y, x y\right)"),
    (lambda alpha, x1, t_max: alpha * x1 + t_max, r"\alpha x_{1} + t_{\mathrm{max}}"),
    (lambda rate, lambda_: rate * lambda_, r"\mathrm{rate} \lambda"),
    (lambda _x: 3.0, "3"),
    # derivatives
    (dz.grad(lambda x: x**3), "3 x^{2}"),
    (dz.grad(dz.grad(lambda x: x**3)), "6 x"),
    (dz.grad(np.sqrt), r"\frac{1}{2 \sqrt{x}}"),
    (dz.grad(np.tanh), r"1 - \tanh^{2}\left(x\right)"),
    (dz.grad(lambda x, y: x * np.sin(x * y)), None),
    (dz.grad(lambda x, y: x**y, (0, 1)), r"\left(y x^{y - 1}, x^{y} \log\left(x\right)\right)"),
    (dz.grad(lambda x: np.maximum(2 * x, x + x)), "2"),
    (dz.hessian(lambda x: np.exp(-x)), "e^{-x}"),
    (lambda x: dz.jvp(np.sin, (x,), (1.0,))[1], r"\cos\left(x\right)"),
]


def points(found):
    rng = np.random.default_rng(3)
    return rng.uniform(0.4, 2.4, len(found.names))


@pytest.mark.parametrize(("f", "text"), [case for case in LATEX if case[1] is not None])
def test_latex(f, text):
    assert str(formula(f)) == text


@pytest.mark.parametrize("f", [f for f, _ in LATEX])
def test_the_formula_has_the_programs_numbers(f):
    found = formula(f)
    xs = points(found)
    value = eval(ast.unparse(found.tree), vars(np) | dict(zip(found.names, xs, strict=True)))
    np.testing.assert_allclose(value, f(*xs), 1e-12)


@pytest.mark.parametrize("f", [f for f, _ in LATEX])
def test_sympy_has_the_programs_numbers(f):
    pytest.importorskip("sympy", reason="SymPy is the extra `sympy`")
    found = formula(f)
    xs = points(found)
    value = found.sympy()
    values = value if isinstance(value, tuple) else (value,)
    by = dict(zip(found.names, xs, strict=True))
    numbers = [float(each.subs({s: by[s.name] for s in each.free_symbols})) for each in values]
    np.testing.assert_allclose(numbers, np.ravel(f(*xs)), 1e-12)


def test_sympy_symbols_and_numbers_are_exact():
    sympy = pytest.importorskip("sympy", reason="SymPy is the extra `sympy`")
    x, rate = sympy.symbols("x rate", real=True)
    found = formula(lambda x, rate: 0.5 * x + np.pi * rate).sympy()
    assert found == x / 2 + sympy.pi * rate
    second = formula(dz.grad(dz.grad(lambda x: np.sin(x) ** 2))).sympy()
    assert sympy.simplify(second - 2 * sympy.cos(2 * x)) == 0


def test_without_sympy_the_error_is_pythons(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError):
        formula(np.sin).sympy()


def test_names_and_points():
    f = lambda x, y, n=2: x * y**n  # noqa: E731
    assert str(formula(f)) == "x y^{2}"
    assert str(formula(f, "a", "b")) == "a b^{2}"
    assert str(formula(f, "a", 3.0)) == "a y^{2}"
    assert str(formula(f, at={"x": -1.0})) == "x y^{2}"
    assert str(formula(f, "x", "y", "n")) == "x y^{n}"
    assert str(formula(lambda *xs: xs[0] + xs[1], "a", "b")) == "a + b"
    assert str(formula(lambda *xs: xs[0] + xs[1], 1.0, 2.0)) == "x_{0} + x_{1}"
    assert str(formula(np.sin)) == r"\sin\left(x\right)"
    assert str(formula(dz.trace(f)(1.0, 2.0), "x", "y")) == "x y^{2}"


def test_notebooks_show_latex():
    found = formula(np.exp)
    assert found._repr_latex_() == r"$\displaystyle e^{x}$"
    assert repr(found) == "<formula exp(x)>"


def test_points_apart_are_told():
    sinc = lambda x: np.where(x == 0, 1.0, np.sin(x) / x)  # noqa: E731
    found = formula(sinc)
    assert str(found) == r"\frac{\sin\left(x\right)}{x}"
    assert found.except_where == ("x = 0",)
    assert formula(dz.grad(np.sqrt)).except_where == ()
    assert formula(lambda x: np.where(x != np.inf, x, 0)).except_where == ()


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda x: x * np.arange(2.0), GraphError, r"multiply gives float64\[2\].*test_formula"),
        (lambda _x: np.ones(2), GraphError, "of real numbers"),
        (lambda x: x if x > 0 else -x, GraphError, r"asks for a number \(bool\).*test_formula"),
        (lambda x: x * float(x), GraphError, r"asks for a number \(float\)"),
        (lambda x: (x > 1) + (x < 3), GraphError, "has no formula"),
        (lambda x: x.astype(bool), GraphError, "has no formula"),
        (lambda x: np.any(x) * x, GraphError, "has no formula"),
        (np.i0, GraphError, "i0 has no formula"),
        (lambda x: np.mod(x, 1, dtype=np.float64) + np.frexp(x)[0], GraphError, "frexp"),
        (lambda x: x.astype(int), GraphError, "has no formula"),
        (lambda x: x * 1j, GraphError, "complex128"),
        (lambda x: {"y": x}, GraphError, "not a dict"),
        (lambda *xs: xs, OperandError, "give each argument a name"),
        (lambda x, y: x + y, OperandError, None),
    ],
)  # fmt: skip
def test_what_has_no_formula(f, error, message):
    if message is None:
        with pytest.raises(error, match="give each argument a name"):
            formula(f, "x", "x")
        with pytest.raises(error, match="no name and no number"):
            formula(f, "x", np.ones(2))
        with pytest.raises(error, match="no name and no number"):
            formula(f, "x", "2y")
        with pytest.raises(error, match="in `at` only those"):
            formula(f, at={"z": 1.0})
        return
    with pytest.raises(error, match=message):
        formula(f)


def test_long_programs_are_refused_in_no_time():
    def f(x):
        for _ in range(60):
            x = np.sin(x) + x * x
        return x

    with pytest.raises(GraphError, match="too long"):
        formula(f)


# ---- every elementwise row ----

SPECIAL = "gamma", "gammaln", "digamma", "psi", "erf", "erfc"
NAMESPACE = vars(np) | {name: getattr(scipy.special, name) for name in SPECIAL}
POINTS = [(0.3, 0.7), (1.7, 2.3), (-0.4, 1.2)]
WITHOUT = {"gammaln", "psi", "digamma", "gamma", "copysign", "heaviside", "i0", "rint", "spacing"}
"""Rows that have no formula, in whole or in part."""


def elementwise_rows():
    """Real functions of one and two numbers, each with a point in general position."""
    for title, row in sorted(TABLE.items()):
        spoken = title in WORDS or title in KNOWN
        f = getattr(np, title, getattr(scipy.special, title, None) if spoken else None)
        for n in (1, 2) if f and row.pointwise else ():
            for point in POINTS:
                with contextlib.suppress(TypeError, ValueError), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    y = np.asarray(f(*point[:n]))
                    if y.ndim == 0 and y.dtype.kind in "fiu" and np.isfinite(y):
                        yield pytest.param(title, f, point[:n], id=f"{title}-{n}")
                        break


@pytest.mark.parametrize(("title", "f", "point"), [*elementwise_rows()])
def test_a_formula_has_the_numbers_of_the_function_and_its_derivatives(title, f, point):
    """To 1e-12, at a point in general position; or there is none, and a reason."""

    def g(*xs):
        return f(*xs)

    names = "xy"[: len(point)]
    for order in (g, dz.grad(g), dz.grad(dz.grad(g)), dz.grad(g, len(point) - 1)):
        with np.errstate(all="ignore"):
            try:
                found = formula(order, *names, at=dict(zip(names, point, strict=True)))
            except GraphError:
                assert title in WITHOUT, title
                continue
            values = NAMESPACE | dict(zip(names, map(np.float64, point), strict=True))
            y = eval(ast.unparse(found.tree), values)
            np.testing.assert_allclose(y, order(*point), 1e-12, 1e-12)


def test_what_rules_ask_for_accuracy_is_told():
    assert formula(dz.grad(np.arctan2), "x", "y").except_where == (r"x^{2} + y^{2} = 0",)
    assert formula(dz.grad(np.sinc)).except_where == (r"\left|x\right| < 0.05",)
    slope = formula(dz.grad(np.fmax, 1), "x", "y")
    assert str(slope) == r"\begin{cases} 1 & \text{if } y > x \\ 0 & \text{otherwise} \end{cases}"


def test_an_equality_on_an_interval_is_refused():
    with pytest.raises(GraphError, match="equal that is so on whole intervals"):
        formula(lambda x: np.where(np.floor(x) == 0, x, 2 * x))
