"""Special functions: digits, parameters, refusals, and how SciPy's functions find their rows.

The numbers are from mpmath, with 60 digits.
"""

import subprocess
import sys

import numpy as np
import pytest
import scipy.special as sp

import dezero as dz
import dezero.scipy.special as mirror
from dezero.errors import ConversionError, UnsupportedError
from dezero.testing import check_grads

DIGITS = [
    (sp.log_ndtr, -10000.0, 10000.000099999998),
    (sp.log_ndtr, -38.0, 38.026279466575869),
    (sp.log_ndtr, -3.0, 3.2830986549304365),
    (sp.log_ndtr, 10.0, 7.6945986267064193e-23),
    (sp.erfcx, 6.9, -0.011495165421043479),
    (sp.erfcx, 7.1, -0.010874449244412466),
    (sp.erfcx, 100000.0, -5.6418958346312785e-11),
    (sp.dawsn, -20.0, -0.0012547170561468779),
    (sp.dawsn, 6.9, -0.010851659569168347),
    (sp.dawsn, 7.1, -0.010229562139533135),
    (sp.expit, -700.0, 9.8596765437597709e-305),
    (sp.expit, 40.0, 4.248354255291589e-18),
    (sp.logit, 0.9999999999999991, 1125899906842625.0),
    (sp.erfinv, 0.9999999, 1284925.6873251493),
    (sp.rgamma, -10.0, 3628800.0),
    (sp.rgamma, -10.00001, 3628970.682067427),
    (sp.rgamma, 0.49, 1.113749406906283),
    (sp.rgamma, 100.0, -4.9291207522511698e-156),
    (lambda a: sp.betaln(a, 2.5), 1e-08, -100000001.28037229),
    (lambda a: sp.betaln(a, 2.5), 5.0, -0.44063981581428632),
    (lambda a: sp.betaln(a, 2.5), 10000.0, -0.00024998125249964849),
    (lambda a: sp.betaln(a, 2.5), 1000000000000.0, -2.499999999998125e-12),
    (lambda a: sp.betaln(a, 1e-12), 0.1, -1.0143329914979181e-10),
    (lambda a: sp.betaln(a, 1e-12), 100.0, -1.0050166663333521e-14),
    (lambda a: sp.betaln(a, 1e300), 1.0, -691.3527435631152),
    (lambda a: sp.poch(a, 1e-3), 0.1, 0.099405730883810905),
    (lambda a: sp.poch(a, 1e-3), 1000000.0, 1.013911891679136e-9),
    (sp.i0e, -1000.0, 6.3101989626271155e-6),
    (sp.i0e, 24.9, -0.0016305377294290844),
    (sp.i0e, 25.1, -0.0016108820759278226),
    (sp.i0e, 10000.0, -1.9947862106984188e-7),
    (sp.i1e, -100.0, -0.00019721525628487255),
    (sp.i1e, 25.9, -0.0014461966476568196),
    (sp.i1e, 26.1, -0.0014301250123213588),
    (sp.i1e, 10000.0, -1.9944869852852435e-7),
    (lambda x: sp.ive(3, x), -100.0, -0.00017402213226000666),
    (lambda x: sp.ive(3, x), 33.9, -0.00065116713481868401),
    (lambda x: sp.ive(3, x), 34.1, -0.00064735604960959302),
    (lambda x: sp.ive(3, x), 10000.0, -1.9920940795737924e-7),
    (sp.k0e, 24.9, -0.0049702354267923478),
    (sp.k0e, 25.1, -0.0049115054317689807),
    (sp.k0e, 10000.0, -6.266335712204455e-7),
    (sp.k1e, 25.9, -0.0049567684785918071),
    (sp.k1e, 26.1, -0.0048983977576223602),
    (sp.k1e, 10000.0, -6.2672756390660508e-7),
    (lambda x: sp.kve(3, x), 33.9, -0.0045080071980940527),
    (lambda x: sp.kve(3, x), 34.1, -0.004460044247869963),
    (lambda x: sp.kve(3, x), 10000.0, -6.2747978739978796e-7),
    (np.i0, -3.0, -3.9533702174026094),
    (np.i0, 1e-10, 5.0000000000000002e-11),
    (np.i0, 29.9, 696528308361.09269),
    (np.i0, 30.1, 847983630191.54143),
    (np.i0, 700.0, 1.5285003902339007e302),
    (lambda x: dz.jvp(np.i0, (x,), (1.0,))[1], 1e-10, 0.5),
    (lambda x: dz.jvp(np.i0, (x,), (1.0,))[1], 30.9, 1833860310473.2512),
    (lambda x: dz.jvp(np.i0, (x,), (1.0,))[1], 31.1, 2233072423220.39),
    (lambda x: dz.jvp(np.i0, (x,), (1.0,))[1], 700.0, 1.5274097756858253e302),
    (sp.exprel, 1e-12, 0.50000000000033333),
    (sp.exprel, -0.99, 0.26585285671475266),
    (sp.exprel, 1.01, 1.007211067689608),
    (sp.exprel, -50.0, 0.0004),
    (lambda p: sp.boxcox(3.0, p), 1e-10, 0.60347448045048995),
    (lambda p: sp.boxcox(3.0, p), 0.1, 0.64954894321858305),
    (lambda p: sp.boxcox(3.0, p), -3.0, 0.093432770098747617),
    (lambda p: sp.inv_boxcox(0.7, p), 1e-10, -0.4933694132721313),
    (lambda p: sp.inv_boxcox(0.7, p), 0.1, -0.44026573082315553),
    (lambda p: sp.inv_boxcox(0.7, p), -1.0, -3.7645350966913228),
    (sp.spence, 1e-10, -23.025850932243042),
    (sp.spence, 0.9, -1.053605156578263),
    (sp.spence, 1.00001, -0.99999500003333305),
    (sp.spence, 100000.0, -0.00011513040595376182),
    (lambda x: sp.kl_div(x, 1.0), 1.0000000001, 1.000000082690371e-10),
    (lambda x: sp.kl_div(x, 1.0), 1e-05, -11.512925464970228),
    (lambda x: sp.kl_div(x, 1.0), 100000000.0, 18.420680743952365),
    (lambda d: sp.pseudo_huber(d, 1e-3), 1.0, 2.499997500002344e-13),
    (lambda d: sp.pseudo_huber(d, 1e-3), 1000.0, 2.4999999999975002e-22),
    (lambda d: sp.pseudo_huber(d, 1e-3), 1e-06, 0.00099800149999937502),
    (sp.ellipk, -10000.0, 2.4955576098909522e-6),
    (sp.ellipk, -1e-10, 0.39269908165454551),
    (sp.ellipk, 0.999, 499.16399313007707),
    (lambda x: sp.gammainc(1000000.0, x), 1000300.0, 0.00038127683236186635),
    (lambda x: sp.gammainc(0.01, x), 1e-05, 896.32792368914718),
    (lambda x: sp.gammainc(3.0, x), 50.0, 2.4109373099548972e-19),
    (lambda x: sp.betainc(100000.0, 200000.0, x), 0.3334, 462.09398204474416),
    (lambda x: sp.betainc(0.01, 0.02, x), 1e-05, 594.36443589367119),
    (lambda x: sp.betainc(3.0, 50.0, x), 0.2, 0.047313261013202543),
]

BY_SHAPE = [  # a, x, ∂P/∂a
    (1e-05, 0.5, -0.5597794622765575),
    (0.1, 0.001, -3.4160028418675261),
    (0.5, 2.0, -0.13561933520399724),
    (1.0, 1.0, -0.4317297106348987),
    (2.5, 25.0, -3.5426712309951495e-9),
    (9.9, 9.9, -0.12786651084152126),
    (30.0, 3.0, -9.933782875422915e-20),
    (100.0, 150.0, -2.538946697261135e-6),
    (1000.0, 900.0, -6.2457090358415652e-5),
    (100000.0, 100000.0, -0.001261567312316086),
]

BY_SHAPES = [  # a, b, x, ∂I/∂a, ∂I/∂b
    (0.001, 0.002, 0.3, -222.59772234711885, 111.01807409338759),
    (0.3, 300.0, 0.05, -6.2671271829917145e-8, 5.3497009912479197e-10),
    (1.0, 1.0, 0.5, -0.34657359027997265, 0.34657359027997265),
    (5.0, 3.0, 0.999999, -1.7833253585009452e-17, 4.5695817410684985e-16),
    (9.9, 0.5, 0.99, -0.016515577138859944, 0.813037343875416),
    (15.0, 20.0, 0.3, -0.025768314551829933, 0.014641316478979373),
    (120.0, 300.0, 0.3, -0.024477802809331087, 0.010127024019898936),
    (120.0, 0.002, 0.5, -1.7609895970704866e-41, 1.267074581227079e-38),
]

each = pytest.mark.parametrize


@each(("f", "x", "expected"), DIGITS)
def test_slopes_of_special_functions_keep_their_digits(f, x, expected):
    for found in (dz.grad(f)(x), dz.jvp(f, (x,), (1.0,))[1]):
        np.testing.assert_allclose(found, expected, 2e-12)


# ---- by parameters ----


@each(("a", "x", "expected"), BY_SHAPE)
def test_the_incomplete_gamma_function_by_its_parameter(a, x, expected):
    np.testing.assert_allclose(dz.grad(sp.gammainc)(a, x), expected, 1e-11)
    np.testing.assert_allclose(dz.grad(sp.gammaincc)(a, x), -expected, 1e-11)


@each(("a", "b", "x", "by_a", "by_b"), BY_SHAPES)
def test_the_incomplete_beta_function_by_its_parameters(a, b, x, by_a, by_b):
    np.testing.assert_allclose(dz.grad(sp.betainc, (0, 1))(a, b, x), [by_a, by_b], 1e-10)
    np.testing.assert_allclose(dz.grad(sp.betaincc, (0, 1))(a, b, x), [-by_a, -by_b], 1e-10)


def test_parameters_of_distributions_to_third_order():
    """Also where a small parameter is raised, and on both sides of the mean."""
    for a, x in [(0.4, 0.2), (2.0, 3.4), (14.0, 7.0)]:
        check_grads(sp.gammainc, [a, x], order=3)
    check_grads(sp.betainc, [0.4, 3.0, 0.3], order=3, modes=["reverse"], rtol=1e-6)


def test_a_quantile_moves_with_the_parameter():
    """The median of the gamma distribution, whose slope by a is near 1 for large a."""
    median = lambda a: sp.gammaincinv(a, 0.5)  # noqa: E731
    np.testing.assert_allclose(dz.grad(median)(1e4), 1.0, 1e-8)
    np.testing.assert_allclose(
        dz.grad(lambda b: sp.betaincinv(1.0, b, 0.5))(2.0), -np.log(2) / 4 / np.sqrt(2), 1e-13
    )


ORDERS = [
    *((f, (1.5, 2.0)) for f in (sp.jv, sp.yv, sp.iv, sp.kv, sp.jve, sp.yve, sp.ive, sp.kve)),
    *((f, (1.5, 2.0)) for f in (sp.hankel1, sp.hankel2, sp.hyp0f1)),
    *((f, (2.0, 2.0)) for f in (sp.yn, sp.kn, sp.expn, sp.zeta)),
    (sp.hyp1f1, (0.5, 1.5, 0.3)),
    (sp.hyp2f1, (0.5, 1.5, 2.5, 0.3)),
    (mirror.zeta, (2.0, 2.0)),
]


@each(("f", "xs"), ORDERS)
def test_orders_and_other_parameters_are_refused(f, xs):
    """By name, in both modes; as constants they may be boxes too."""
    name = f.__name__
    for k in range(len(xs) - 1):
        with pytest.raises(UnsupportedError, match=f"{name} has no derivative by"):
            dz.grad(lambda v, k=k: np.real(f(*xs[:k], v, *xs[k + 1 :])))(xs[k])
        with pytest.raises(UnsupportedError, match="only by"):
            dz.jvp(lambda v, k=k: f(*xs[:k], v, *xs[k + 1 :]), (xs[k],), (1.0,))
    constants = [dz.stop_gradient(np.array(x)) for x in xs[:-1]]
    assert np.isfinite(dz.grad(lambda v: np.real(f(*constants, v)))(xs[-1]))


def test_more_refusals():
    v = dz.Variable(np.array([2.0, 3.0]))
    for call, message in [
        (lambda: mirror.comb(v, 2, exact=True), "exact=True"),
        (lambda: mirror.factorial(v, exact=True), "exact=True"),
        (lambda: mirror.polygamma(v, 2.0), "its order"),
        (lambda: mirror.zeta(v), "only argument"),
        (lambda: mirror.logsumexp(v * 1j, return_sign=True), "return_sign"),
    ]:
        with pytest.raises(UnsupportedError, match=message):
            call()
    for f in (sp.ive, sp.jve, sp.yve):
        with pytest.raises(UnsupportedError, match="no complex derivative"):
            dz.grad(lambda z, f=f: np.real(f(1, z)))(1 + 1j)
    with pytest.raises(ValueError, match="not met"):
        mirror.multigammaln(v, 5)
    with pytest.raises(UnsupportedError, match=r"^pbdv has no derivative"):
        sp.pbdv(1.0, v)
    with pytest.raises(ConversionError, match=r"`dezero\.scipy`"):
        sp.softmax(v)


# ---- SciPy's names ----

A, B = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]]), np.array([0.5, 2.0, 1.5])
PLAIN = [
    ("logsumexp", (A,), {}),
    ("logsumexp", (A, 1, B), {"keepdims": True}),
    ("logsumexp", (A.astype("f4"),), {"axis": (0, 1)}),
    ("logsumexp", (1.5,), {"keepdims": True}),
    ("logsumexp", (A * 1j, 0), {}),
    ("softmax", (A,), {}),
    ("softmax", (A.astype("f4"), -1), {}),
    ("log_softmax", (A,), {"axis": 0}),
    ("log_softmax", (np.array([-np.inf, 0.0]),), {}),
    ("polygamma", (2, np.abs(A)), {}),
    ("polygamma", ([0, 1, 2], np.abs(A)), {}),
    ("multigammaln", (np.abs(A) + 2, 3), {}),
    ("comb", (np.abs(A) + 3, 2.0), {}),
    ("comb", (np.array([3.0, 4.0, 0.0]), np.array([5.0, 2.0, 0.0])), {}),
    ("comb", (np.array([3.0, 0.0, 2.0]), np.array([5.0, 0.0, 0.0])), {"repetition": True}),
    ("factorial", (np.abs(A),), {}),
    ("factorial", (np.abs(A).astype("f4"),), {}),
    ("factorial", (np.array([-1.0, 2.0]),), {"extend": "complex"}),
    ("comb", (np.abs(A).astype("f4") + 3, 2.0), {}),
    ("logsumexp", (A.astype("f4"), 0, 2.0), {}),
    ("factorial", (np.array([-1.5, 0.0, 4.0]),), {}),
    ("factorial", (np.array([-1.5, 0.5]),), {"extend": "complex"}),
    ("zeta", (2.0, np.abs(A)), {}),
    ("zeta", (2.5,), {}),
    ("softplus", (A,), {}),
]


@each(("name", "args", "kwargs"), PLAIN)
def test_programs_give_what_scipy_gives(name, args, kwargs):
    """On plain arrays, and on boxes."""
    expected = getattr(sp, name)(*args, **kwargs)
    boxed = [dz.Variable(x) if isinstance(x, np.ndarray) else x for x in args]
    for found in (getattr(mirror, name)(*args, **kwargs), getattr(mirror, name)(*boxed, **kwargs)):
        found = found.data if isinstance(found, dz.Variable) else found
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(found, expected, 1e-15)


def test_what_is_refused_on_boxes_is_scipys_elsewhere():
    assert mirror.comb(5, 2, exact=True) == 10
    assert mirror.factorial(25, exact=True) == sp.factorial(25, exact=True)
    assert mirror.logsumexp([1j], return_sign=True) == sp.logsumexp([1j], return_sign=True)


def test_orders_may_differ_between_members():
    orders, z = np.array([0.0, 1.0, 3.0]), np.array([0.5, 40.0])
    for f in (sp.jv, sp.yv, sp.iv, sp.kv, sp.ive, sp.kve, sp.expn, lambda s, q: sp.zeta(s + 2, q)):
        slope = dz.grad(lambda z, v, f=f: np.sum(f(v, z)))
        found = dz.vmap(slope, (None, 0))(z, orders)
        np.testing.assert_allclose(found, np.stack([slope(z, v) for v in orders]), 1e-13)


@each("name", [name for name in mirror.__all__ if isinstance(getattr(sp, name), np.ufunc)])
def test_a_nan_stays_where_it_is_and_warns_of_nothing(name):
    f = getattr(sp, name)
    if f.nout > 1 or name == "gammasgn":
        return
    rest = {1: (), 2: (2.0,), 3: (2.0, 2.5), 4: (0.5, 1.5, 2.5)}[f.nin]
    x, y, z = dz.grad(lambda x: np.sum(np.real(f(*rest, x))))(
        np.array([0.4, np.nan, 0.6]) - (name == "ndtri_exp")
    )
    assert np.isnan(y)
    assert np.all(np.isfinite([x, z]))


def test_the_sign_of_a_sum_is_plain():
    weights = np.array([1.0, -3.0])
    out, sign = mirror.logsumexp(dz.Variable(np.zeros(2)), b=weights, return_sign=True)
    assert type(out) is dz.Variable
    assert type(sign) is not dz.Variable
    assert sign == -1.0
    np.testing.assert_allclose(out.data, np.log(2.0))


def test_the_mirror_has_scipys_names():
    for name in mirror.__all__:
        ours, theirs = getattr(mirror, name), getattr(sp, name)
        assert ours is theirs if isinstance(theirs, np.ufunc) else callable(ours)


def run(code):
    """The output of a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


def test_rows_are_found_by_themselves():
    """Whatever is imported first; and without SciPy nothing of it is loaded."""
    use = "print(round(dz.grad(scipy.special.erf)(0.0), 6))"
    for imports in ("import dezero as dz, scipy.special;", "import scipy.special, dezero as dz;"):
        assert run(imports + use) == ["1.128379"]
    assert run(
        "import sys, numpy as np, dezero as dz;"
        "print(round(dz.grad(np.i0)(1.0), 6), 'scipy' in sys.modules)"
    ) == ["0.565159", "False"]


def test_a_ufuncs_keywords():
    v, out = dz.Variable(np.array([0.5, 1.5])), dz.numpy.zeros(2)
    y = sp.erf(v, dtype=np.float64)
    y.backward()
    np.testing.assert_allclose(v.grad, 2 / np.sqrt(np.pi) * np.exp(-(v.data**2)))
    assert sp.erf(v, out=out) is out
    np.testing.assert_array_equal(out.data, y.data)


# ---- complex numbers ----


def test_derivatives_of_psi_at_complex_numbers():
    """SciPy has them of real numbers; at both sides of the imaginary axis."""
    z = np.array([0.3 + 0.4j, -3.7 + 0.2j, 20 - 5j, -0.5 - 30j])
    slope = dz.jvp(sp.psi, (z,), (np.ones(4, complex),))[1]
    h = 1e-3
    differences = (8 * (sp.psi(z + h) - sp.psi(z - h)) - sp.psi(z + 2 * h) + sp.psi(z - 2 * h)) / (
        12 * h
    )
    np.testing.assert_allclose(slope, differences, 1e-9)
    np.testing.assert_allclose(slope[0] + slope[0].conj(), 2 * slope[0].real)


# ---- cost ----


def test_many_members_of_a_long_batch_are_one_call():
    xs = np.linspace(0.5, 2.0, 1000)
    found = dz.vmap(dz.grad(sp.gammainc, (0, 1)))(xs, xs[::-1].copy())
    alone = dz.grad(lambda a, x: np.sum(sp.gammainc(a, x)), (0, 1))(xs, xs[::-1].copy())
    for a, b in zip(found, alone, strict=True):
        np.testing.assert_allclose(a, b, 1e-14)


def test_large_arrays_are_taken_in_blocks():
    """Of any layout, dtype and broadcast; the numbers are the same, and memory is not needed."""
    n = 3 * 8192 + 5
    a, x = np.linspace(0.2, 30, n), np.linspace(25, 0.1, n)
    whole = dz.grad(lambda a, x: np.sum(sp.gammainc(a, x)), (0, 1))(a, x)
    parts = [
        dz.grad(lambda a, x: np.sum(sp.gammainc(a, x)), (0, 1))(*(v[k : k + 5000] for v in (a, x)))
        for k in range(0, n, 5000)
    ]
    for found, expected in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(found, np.concatenate(expected))
    grid = np.asfortranarray(a[: 100 * 90].reshape(100, 90), np.float32)
    for f in (
        sp.exprel,
        sp.erfcx,
        sp.psi,
        sp.j1,
        sp.rgamma,
        sp.ellipe,
        lambda z: sp.beta(z, a[:90]),
    ):
        z = grid / 40
        slope = dz.jvp(f, (z,), (np.ones_like(z),))[1]
        rows = np.stack([dz.jvp(f, (row,), (np.ones_like(row),))[1] for row in z])
        assert slope.dtype == rows.dtype
        np.testing.assert_allclose(slope, rows, 2e-6)
