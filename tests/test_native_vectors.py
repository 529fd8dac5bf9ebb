"""Vector mathematics: each function from each source, against more digits and against NumPy."""

import ctypes
import functools

import numpy as np
import pytest

mpmath = pytest.importorskip("mpmath")
runtime = pytest.importorskip("dezero.jit.native.runtime", reason="llvmlite is not here")
assembly = pytest.importorskip("dezero.jit.native.assembly")
vectors = pytest.importorskip("dezero.jit.native.vectors")
operators = pytest.importorskip("dezero.jit.native.vectors.operators")
numbers = pytest.importorskip("dezero.jit.native.vectors.numbers")

MP = mpmath.MPContext()
MP.prec = 240
DTYPES = {"double": np.float64, "float": np.float32}
WIDTHS = {"double": 16, "float": 32}


def kernel(kind, width, write, count, results=1):
    """A function of arrays, from one that writes what happens to vectors."""
    asm = assembly.Assembly("void @kernel(i64 %n, ptr %p)")
    t, size = operators.typed(kind, width), {"double": 8, "i64": 8}.get(kind, 4)
    places = [asm(f"getelementptr ptr, ptr %p, i64 {i}") for i in range(count + results)]
    arrays = [asm.get("ptr", each) for each in places]
    with asm.loop(0, "%n", width) as i:
        at = [asm(f"getelementptr {kind}, ptr {each}, i64 {i}") for each in arrays]
        ys = write(asm, *(asm(f"load {t}, ptr {each}, align {size}") for each in at[:count]))
        ys = (ys,) if isinstance(ys, str) else ys
        for y, each in zip(ys, at[count:], strict=True):
            asm.do(f"store {t} {y}, ptr {each}, align {size}")
    asm.do("ret void")
    text = assembly.module(asm)
    imports = assembly.imports(text)
    code = runtime.Code(runtime.compiled(text), ["kernel"], imports)
    f = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(code["kernel"])

    def run(*xs):
        more = -len(xs[0]) % width
        xs = [np.concatenate([x, np.ones(more, x.dtype)]) for x in xs]
        ys = [np.empty_like(xs[0]) for _ in range(results)]
        f(len(xs[0]), np.array([each.ctypes.data for each in [*xs, *ys]]).ctypes.data)
        ys = [y[: len(y) - more] for y in ys]
        return ys[0] if results == 1 else ys

    run.keep, run.imports = code, imports
    return run


def of(title, kind, count=1, width=None):
    width = width or WIDTHS[kind]
    return kernel(kind, width, lambda asm, *xs: vectors.apply(asm, title, kind, width, *xs), count)


# ---- where functions come from ----


def ours(_patch):
    """What is used."""


def plainly(patch):
    """Ours, on a processor that neither fuses multiplication and addition nor scales."""
    has = runtime.has
    patch.setattr(runtime, "has", lambda name: not name.startswith("avx512") and has(name))
    for each in (operators, *vectors.MODULES):
        if hasattr(each, "fuses"):
            patch.setattr(each, "fuses", lambda: False)


def from_libmvec(patch):
    if vectors.library.vector_function("sin", "double", 16, 1) is None:
        pytest.skip("no libmvec here")
    patch.setattr(vectors, "OWN", {})


def by_lane(patch):
    """From functions of single numbers."""
    find = runtime.find
    patch.setattr(runtime, "find", lambda name: None if name.startswith("_ZGV") else find(name))
    patch.setattr(vectors, "OWN", {})


SOURCES = (ours, plainly, from_libmvec, by_lane)


@pytest.fixture(params=SOURCES, ids=lambda each: each.__name__)
def source(request, monkeypatch):
    request.param(monkeypatch)
    return request.param


# ---- functions, where they are looked at, and the truth ----

UNARY = {
    "exp": (MP.exp, (-750, 715)),
    "exp2": (lambda x: MP.mpf(2) ** x, (-1080, 1030)),
    "expm1": (MP.expm1, (-40, 3)),
    "log": (MP.log, (0.3, 3)),
    "log2": (lambda x: MP.log(x) / MP.log(2), (0.3, 3)),
    "log10": (MP.log10, (0.3, 3)),
    "log1p": (lambda x: MP.log1p(x) if abs(x) < 0.1 else MP.log(1 + x), (-1, 3)),
    "sin": (MP.sin, (-40, 40)),
    "cos": (MP.cos, (-40, 40)),
    "tan": (MP.tan, (-40, 40)),
    "sinh": (MP.sinh, (-3, 3)),
    "cosh": (MP.cosh, (-3, 3)),
    "tanh": (MP.tanh, (-3, 3)),
    "arcsin": (MP.asin, (-1, 1)),
    "arccos": (MP.acos, (-1, 1)),
    "arctan": (MP.atan, (-3, 3)),
    "arcsinh": (MP.asinh, (-3, 3)),
    "arccosh": (MP.acosh, (1, 3)),
    "arctanh": (MP.atanh, (-1, 1)),
    "cbrt": (lambda x: MP.sign(x) * MP.cbrt(abs(x)), (-9, 9)),
}
BINARY = {
    "power": lambda x, y: x**y,
    "arctan2": MP.atan2,
    "hypot": lambda x, y: MP.sqrt(x * x + y * y),
}


def edges(dtype):
    """Zeros, the ends of the range, thresholds of overflow, and where reductions change."""
    info = np.finfo(dtype)
    tiny, small, big = info.smallest_subnormal, info.tiny, info.max
    special = [0, np.inf, np.nan, tiny, 3 * tiny, small, big, info.eps, 0.5, np.sqrt(0.5), 2, 1e22]
    limits = [709.782712893384, 710.475860073944, 744.44, 745.1332191019412, 1023, 1024, 1074, 1075]
    limits += [88.722839, 89.415986, 103.278929, 103.972084, 126, 127, 128, 149, 150, 22, 44]
    limits += [2.0**k for k in (8, 13, 20, 22, 24, 31, 40, 52, 53, 64, 100)] + [1e5, 1e300]
    breaks = [k * np.pi / 4 for k in (1, 2, 3, 4, 6, 8, 11, 355, 710)] + [np.log(2) / 2, np.log(2)]
    with np.errstate(over="ignore"):
        x = np.array([*special, *limits, *breaks, 1, 3, 10, 100, 1000]).astype(dtype)
        x = np.concatenate([x, np.nextafter(x, dtype(0)), np.nextafter(x, dtype(np.inf))])
    return np.concatenate([x, -x])


@functools.cache
def points(title, kind):
    """Edges, numbers of all sizes, numbers near 1, and those where the function has its form."""
    dtype, rng = DTYPES[kind], np.random.default_rng(len(title))
    info = np.finfo(dtype)
    ends = np.log10([float(info.smallest_subnormal) * 2, float(info.max) / 2])
    sizes = 10.0 ** np.linspace(*ends, 40) * rng.choice([-1, 1], 40)
    near = 1 + 10.0 ** rng.uniform(-17, -1, 20) * rng.choice([-1, 1], 20)
    form = rng.uniform(*UNARY[title][1], 60)
    with np.errstate(over="ignore"):
        return np.concatenate([edges(dtype), *(x.astype(dtype) for x in (sizes, near, form))])


def exactly(f, *xs):
    """The true values, where they are numbers."""
    return [f(*(MP.mpf(float(x)) for x in each)) for each in zip(*xs, strict=True)]


@functools.cache
def truth(title, kind):
    x = points(title, kind)
    with np.errstate(all="ignore"):
        known = np.isfinite(getattr(np, title)(x)) & np.isfinite(x)
    return x[known], exactly(UNARY[title][0], x[known])


def off(got, true):
    """The largest distance from true values, in units of their last place."""
    unit = np.spacing(np.abs(np.array([float(each) for each in true]).astype(got.dtype)))
    pairs = zip(got, true, unit, strict=True)
    return max(float(abs(MP.mpf(float(y)) - t) / MP.mpf(float(u))) for y, t, u in pairs)


def agree(got, want, ulps=4):
    """As NumPy's: NaN for NaN, signs of zeros, infinities, and few units of the last place."""
    assert got.dtype == want.dtype
    with np.errstate(all="ignore"):
        near = (got == want) | (np.abs(got - want) <= ulps * np.spacing(np.abs(want)))
    zero = want == 0
    same = np.where(zero, np.signbit(got) == np.signbit(want), True) & near
    right = np.where(np.isfinite(want), same, (got == want) | (np.isnan(got) & np.isnan(want)))
    assert right.all(), np.flatnonzero(~right)[:5]


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("title", UNARY)
@pytest.mark.usefixtures("source")
def test_a_function_is_right(title, kind):
    """Within 4 units of the last place of the truth, and in special cases what NumPy says."""
    f = of(title, kind)
    x, true = truth(title, kind)
    assert off(f(x), true) <= 4
    special = edges(DTYPES[kind])
    with np.errstate(all="ignore"):
        agree(f(special), getattr(np, title)(special))


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("title", BINARY)
@pytest.mark.usefixtures("source")
def test_a_function_of_two_is_right(title, kind):
    f, dtype = of(title, kind, 2), DTYPES[kind]
    x, y = (each.ravel() for each in np.meshgrid(edges(dtype), edges(dtype)))
    with np.errstate(all="ignore"):
        agree(f(x, y), getattr(np, title)(x, y))
    rng = np.random.default_rng(1)
    x = (10.0 ** rng.uniform(-30, 30, 100)).astype(dtype)
    y = (rng.uniform(-1, 1, 100) if title == "power" else rng.permutation(x)).astype(dtype)
    assert off(f(x, y), exactly(BINARY[title], x, y)) <= 4


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no more digits than float64")
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("title", [title for title in UNARY if title in vectors.OWN])
def test_many_numbers(title, kind):
    """Of all sizes and where the function has its form, against the next longer format."""
    dtype, rng = DTYPES[kind], np.random.default_rng(2)
    sizes = np.array(10.0 ** rng.uniform(-30, 12, 30_000)) * rng.choice([-1, 1], 30_000)
    x = np.concatenate([sizes, rng.uniform(*UNARY[title][1], 70_000)]).astype(dtype)
    longer = np.longdouble if kind == "double" else np.float64
    with np.errstate(all="ignore"):
        want = getattr(np, title)(x.astype(longer))
        error = np.abs(of(title, kind)(x) - want) / np.spacing(np.abs(want.astype(dtype)))
        assert np.nanmax(error[np.isfinite(want.astype(dtype))]) <= 4


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("source", [ours, plainly], ids=lambda each: each.__name__)
def test_sine_and_cosine_together(kind, source, monkeypatch):
    source(monkeypatch)
    w = WIDTHS[kind]
    f = kernel(kind, w, lambda asm, x: vectors.sincos(asm, kind, w, x), 1, results=2)
    for k, title in enumerate(["sin", "cos"]):
        x, true = truth(title, kind)
        assert off(f(x)[k], true) <= 4
        with np.errstate(all="ignore"):
            agree(f(edges(x.dtype.type))[k], getattr(np, title)(edges(x.dtype.type)))


@pytest.mark.parametrize("width", [1, 2, 3, 4, 8, 24, 64])
@pytest.mark.parametrize("title", ["exp", "sin", "log", "arctan", "cbrt"])
def test_any_width(title, width):
    for kind, dtype in DTYPES.items():
        x = np.linspace(0.1, 3, 40, dtype=dtype)
        agree(of(title, kind, width=width)(x), getattr(np, title)(x))


# ---- remainders, powers, composed functions ----


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("title", ["fmod", "remainder", "floor_divide"])
@pytest.mark.parametrize("source", [ours, plainly], ids=lambda each: each.__name__)
def test_remainders_are_exactly_those_of_numpy(title, kind, source, monkeypatch):
    source(monkeypatch)
    rng, dtype = np.random.default_rng(3), DTYPES[kind]
    x, y = (each.ravel() for each in np.meshgrid(edges(dtype), edges(dtype)))
    whole = rng.integers(-50, 50, (2, 2000)) * 0.25
    x, y = np.concatenate([x, whole[0]]).astype(dtype), np.concatenate([y, whole[1]]).astype(dtype)
    with np.errstate(all="ignore"):
        agree(of(title, kind, 2)(x, y), getattr(np, title)(x, y), ulps=0)


@pytest.mark.parametrize("kind", ["i8", "i16", "i32", "i64"])
@pytest.mark.parametrize("title", ["fmod", "remainder", "floor_divide"])
def test_remainders_of_integers(title, kind):
    dtype = np.dtype(f"int{kind[1:]}")
    info = np.iinfo(dtype)
    some = np.array([0, 1, -1, 2, -2, 3, -3, 7, -7, 100, info.min, info.max, info.min + 1], dtype)
    x, y = (each.ravel() for each in np.meshgrid(some, some))
    with np.errstate(all="ignore"):
        want = getattr(np, title)(x, y)
    f = kernel(kind, 16, lambda asm, *xs: vectors.apply(asm, title, kind, 16, *xs), 2)
    np.testing.assert_array_equal(f(x, y), want)


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("n", [-1, 0.5, 1, 2, 3, 4])
def test_powers_with_a_literal(kind, n):
    x = edges(DTYPES[kind])
    w = WIDTHS[kind]
    y = operators.literal(n, kind, w)
    f = kernel(kind, w, lambda asm, x: vectors.apply(asm, "power", kind, w, x, y), 1)
    with np.errstate(all="ignore"):
        agree(f(x), np.power(x, n))
    assert not f.imports


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("title", ["logaddexp", "logaddexp2"])
def test_sums_of_exponentials(title, kind):
    """To 4 units of the last place of the operands, which is what NumPy's steps keep."""
    x, y = (each.ravel() for each in np.meshgrid(edges(DTYPES[kind]), edges(DTYPES[kind])))
    got = of(title, kind, 2)(x, y)
    with np.errstate(all="ignore"):
        want = getattr(np, title)(x, y)
        size = np.maximum(np.maximum(abs(x), abs(y)), abs(want))
        close = np.abs(got - want) <= 4 * np.spacing(size)
    assert np.all(close | (got == want) | (np.isnan(got) & np.isnan(want)))


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("title", ["sqrt", "reciprocal", "sinc"])
def test_composed_functions(title, kind):
    x = edges(DTYPES[kind])
    with np.errstate(all="ignore"):
        agree(of(title, kind)(x), getattr(np, title)(x))


@pytest.mark.parametrize("kind", DTYPES)
def test_functions_of_scipy(kind):
    """Ours, and those that SciPy publishes, with its values."""
    special = pytest.importorskip("scipy.special")
    x = edges(DTYPES[kind])
    x = x[np.abs(x) < 1e5]
    for title in (
        "expit",
        "log_expit",
        "gammaln",
        "psi",
        "ndtr",
        "j0",
        "special.i0",
        "special.cbrt",
    ):
        got, name = of(title, kind)(x), title.removeprefix("special.")
        agree(got, getattr(special, name)(x))
    pairs = [each.ravel() for each in np.meshgrid(x, x)]
    for title in ("xlogy", "xlog1py"):
        agree(of(title, kind, 2)(*pairs), getattr(special, title)(*pairs))
    for title, f in (("erf", MP.erf), ("erfc", MP.erfc)):
        y = np.linspace(-5, 9, 50).astype(x.dtype)
        assert off(of(title, kind)(y), exactly(f, y)) <= 4
        agree(of(title, kind)(x[np.abs(x) < 1]), getattr(special, title)(x[np.abs(x) < 1]))


# ---- the rest ----


def test_what_is_called_is_known():
    asm = assembly.Assembly("void @f(<8 x double> %x)")
    vectors.apply(asm, "exp", "double", 8, "%x")
    assert assembly.imports(assembly.module(asm)) == []
    vectors.apply(asm, "sin", "double", 8, "%x")
    assert assembly.imports(assembly.module(asm)) == ["sin"]


def test_what_is_called_once_stands_in_its_place():
    asm = assembly.Assembly("void @f(<8 x double> %x)")
    y = vectors.apply(asm, "exp", "double", 8, "%x")
    assert "alwaysinline" in asm.outside["@exp.double.8"]
    vectors.apply(asm, "exp", "double", 8, y)
    assert "alwaysinline" not in asm.outside["@exp.double.8"]


def test_a_function_that_is_nowhere():
    asm = assembly.Assembly("void @f(double %x)")
    assert not vectors.known("round", "double", 1)
    assert vectors.known("exp", "double", 1)
    with pytest.raises(LookupError, match="no function round of double"):
        vectors.apply(asm, "round", "double", 1, "%x")


def root(f, *subtracted):
    """A function of s by its square z, divided by s, without its first terms, divided by z."""

    def of_square(z):
        s = MP.sqrt(z)
        y = f(s) / s
        for each in subtracted:
            y = (y - each) / z
        return y

    return of_square


HALF, EIGHTH, QUARTER = MP.log(2) / 2, (MP.pi / 4) ** 2, (MP.pi / 2) ** 2
RATIO = (3 - 2 * MP.sqrt(2)) ** 2
FORMS = {
    "exp": (lambda r: (MP.exp(r) - 1 - r) / r**2, -HALF, HALF),
    "exp2": (lambda r: (MP.mpf(2) ** r - 1) / r, -MP.mpf(0.5), MP.mpf(0.5)),
    "log": (root(lambda s: 2 * MP.atanh(s), 2), MP.mpf(0), RATIO),
    "short log": (root(lambda s: 2 * MP.atanh(s), 2), MP.mpf(0), RATIO),
    "artanh": (root(MP.atanh, 1, MP.mpf(1) / 3), MP.mpf(0), RATIO),
    "sin4": (root(MP.sin, 1), MP.mpf(0), EIGHTH),
    "cos4": (lambda z: (MP.cos(MP.sqrt(z)) - 1 + z / 2) / z**2, MP.mpf(0), EIGHTH),
    "sin2": (root(MP.sin, 1), MP.mpf(0), QUARTER),
}


@pytest.mark.parametrize("name", numbers.POLYNOMIALS)
def test_polynomials_go_through_the_function_at_chebyshevs_points(name):
    f, low, high = FORMS[name]
    low, high = low * MP.mpf("1.001"), high * MP.mpf("1.001")
    middle, half = (low + high) / 2, (high - low) / 2
    for kind, coefficients in numbers.POLYNOMIALS[name].items():
        n = len(coefficients)
        for k in range(n):
            x = middle + half * MP.cos((2 * k + 1) * MP.pi / (2 * n)) + MP.mpf(10) ** -20
            y, bits = (
                MP.polyval([MP.mpf(c) for c in coefficients[::-1]], x),
                operators.FRACTIONS[kind],
            )
            assert abs(y - f(x)) < abs(f(x)) * MP.mpf(2) ** -min(bits + 1, 50), (k, n)


def test_constants_in_parts_have_their_digits_and_their_sum():
    high, low = numbers.split(numbers.LN2, 42, 53)
    assert abs(MP.mpf(high) + low - MP.log(2)) < MP.mpf(2) ** -95
    assert float(high * 2**42).is_integer()
    assert abs(sum(map(MP.mpf, numbers.split(numbers.PI, 53, 53, 53))) - MP.pi) < MP.mpf(2) ** -138
    assert float(numbers.LN10) == float(MP.log(10))
