"""Numbers that the formulas need: formats, constants in several parts, polynomials.

The polynomials go through the function at Chebyshev's points of the interval (the zeros of
``cos(n arccos x)``, Press et al., Numerical Recipes, sec. 5.8): close to the best polynomial of
that degree. ``tests/test_native_vectors.py`` solves for them again.
"""

from __future__ import annotations

from fractions import Fraction
from math import frexp

from ..kinds import FRACTIONS

BIAS = {"double": 1023, "float": 127}
"""What is added to exponents."""

SMALLEST = {"double": 2.0**-1022, "float": 2.0**-126}
"""The smallest numbers with all of their digits."""

INFINITY, NAN = float("inf"), float("nan")

LN2 = Fraction("0.69314718055994530941723212145817656807550013436025525412068000949339362196969472")
LN10 = Fraction("2.302585092994045684017991454684364207601101488628772976033327900967572609677352")
PI = Fraction("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def split(value: Fraction, *digits: int) -> tuple[float, ...]:
    """A number as a sum of numbers that have so many binary digits (Cody and Waite 1980, ch. 2)."""
    parts = []
    for each in digits:
        unit = Fraction(2) ** (frexp(float(value))[1] - each)
        parts.append(float(round(value / unit) * unit))
        value -= Fraction(parts[-1])
    return tuple(parts)


def magic(kind: str) -> float:
    """What rounds small numbers to whole ones when it is added: its last digit counts ones."""
    return float(3 << FRACTIONS[kind] - 1)


POLYNOMIALS: dict[str, dict[str, tuple[float, ...]]] = {
    # (exp r - 1 - r) / r² for |r| <= ln 2 / 2
    "exp": {
        "double": (
            0.5000000000000001,
            0.16666666666666666,
            0.041666666666623824,
            0.008333333333330039,
            0.0013888888917367081,
            0.00019841269863171557,
            2.4801521057868204e-05,
            2.7557268276905696e-06,
            2.7620201591031547e-07,
            2.5100472505694996e-08,
        ),
        "float": (
            0.5,
            0.16666576666119928,
            0.04166655421298415,
            0.008363232883682618,
            0.0013926250831497611,
        ),
    },
    # (2^r - 1) / r for |r| <= 1/2
    "exp2": {
        "double": (
            0.6931471805599453,
            0.24022650695910097,
            0.0555041086648216,
            0.009618129107606715,
            0.0013333558146416842,
            0.0001540353044202707,
            1.525273382999124e-05,
            1.321544241071187e-06,
            1.0178062351388103e-07,
            7.072621356539349e-09,
            4.454979471176061e-10,
        ),
        "float": (
            0.6931471805599453,
            0.24022650923651495,
            0.05550410884014512,
            0.009618056388057775,
            0.001333350216258813,
            0.00015461560778872135,
            1.529741310727295e-05,
        ),
    },
    # (2 artanh(s)/s - 2) / s² as a function of s², for |s| <= 3 - √8
    "log": {
        "double": (
            0.666666666666667,
            0.3999999999989889,
            0.28571428626253836,
            0.22222211089379496,
            0.1818289243253687,
            0.15331611722055008,
            0.14617807153417325,
        ),
        "float": (0.6666668509542907, 0.39988757716604845, 0.29580985929974424),
    },
    # the same, to fewer digits
    "short log": {
        "double": (
            0.6666666666737868,
            0.3999999879244169,
            0.28571755535032944,
            0.22191337428065783,
            0.19363884986633198,
        ),
    },
    # ((artanh(s)/s - 1) / s² - 1/3) / s² as a function of s², for |s| <= 3 - √8
    "artanh": {
        "double": (
            0.2,
            0.14285714285714685,
            0.11111111110826383,
            0.09090909168049924,
            0.0769229744350359,
            0.0666740439940617,
            0.05853063232281699,
            0.058621635304233734,
        ),
    },
    # (sin(r)/r - 1) / r² as a function of r², for |r| <= π/4
    "sin4": {
        "double": (
            -0.16666666666666666,
            0.008333333333330925,
            -0.00019841269836722418,
            2.755731608381636e-06,
            -2.5051127944014188e-08,
            1.5917848524808262e-10,
        ),
        "float": (-0.16666664, 0.008332746, -0.00019587387),
    },
    # (cos r - 1 + r²/2) / r⁴ as a function of r², for |r| <= π/4
    "cos4": {
        "double": (
            0.041666666666666664,
            -0.0013888888888887382,
            2.480158729874307e-05,
            -2.7557317260008837e-07,
            2.0876143827993133e-09,
            -1.1382456778061306e-11,
        ),
        "float": (0.041666664, -0.00138883, 2.4547437e-05),
    },
    # (sin(r)/r - 1) / r² as a function of r², for |r| <= π/2
    "sin2": {
        "double": (
            -0.16666666666666666,
            0.008333333333333316,
            -0.00019841269841254795,
            2.7557319219115013e-06,
            -2.505210761086116e-08,
            1.6058976915095007e-10,
            -7.643957622560617e-13,
            2.7312868913092307e-15,
        ),
        "float": (-0.16666667, 0.008333333, -0.00019841085, 2.753638e-06, -2.4078282e-08),
    },
}
