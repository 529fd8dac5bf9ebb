"""Vectors and their mathematics: NumPy's functions of floating-point numbers, many at a time.

Three sources: the project's own formulas, the C library's vector mathematics (glibc's libmvec),
and functions of single numbers (of C and of SciPy) called for each lane. Ours are those of `OWN`:
they keep more in registers, and most are faster (log2 and log10 are a little slower). The rest
comes from the second, or where it is not there from the third.

Largest errors that were seen on one processor (AVX-512), in units of the last place: over a million
random numbers or pairs of them (erf and erfc: 3,000), against more digits. Of our formulas for one
number in single precision, but for exp10 and expit, also over every thirteenth number there is (of
sin, cos and tan: below 2**14). They are not proved bounds.

============  ======  =====    ============  ======  =====    ============  ======  =====
function      double  float    function      double  float    function      double  float
============  ======  =====    ============  ======  =====    ============  ======  =====
exp              1.1    1.1    sinh             2.6    2.3    log10            0.9    0.9
exp2             1.4    1.3    cosh             1.5    1.6    log1p            1.4    1.5
exp10            1.4    1.3    tanh             2.5    2.5    sin, cos         3.0    2.6
expm1            2.3    1.8    log, log2        0.9    0.9    tan              3.2    3.3
power            1.5    0.6    from libmvec     2.5    3.2    expit            2.3    2.4
============  ======  =====    ============  ======  =====    ============  ======  =====

That of expit is where ``exp(-x)`` is finite; of logaddexp, it is relative to the operands, as it is
of NumPy's steps.

Vectors twice as wide as registers are the fastest: two computations at once fill the time in which
each waits for its own steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..assembly import Assembly
from ..kinds import FRACTIONS, typed
from . import composed, exponential, library, logarithm, powers, remainders, trigonometric
from .operators import Vector, call

MODULES: dict[Any, str] = {
    exponential: "exp exp2 exp10 expm1 tanh sinh cosh",
    logarithm: "log log2 log10 log1p",
    powers: "power",
    trigonometric: "sin cos tan",
    remainders: "fmod remainder floor_divide",
    composed: "sqrt reciprocal logaddexp logaddexp2 expit log_expit sinc xlogy xlog1py",
}

OWN: dict[str, Callable[..., Vector]] = {
    name: getattr(each, name) for each, names in MODULES.items() for name in names.split()
}
"""Our formulas."""

ONCE = " alwaysinline"
"""What a function has that is called once. In the place of each of many calls it would be slower
to compile by milliseconds each, and hardly faster to run: such a function works on so many lanes
that the call itself does not count.
"""

NAMES = {"float_power": "power", "mod": "remainder"}
"""Other names of rows."""


def plain(title: str) -> str:
    """A function's name, from a row's title."""
    name = title.removeprefix("special.")
    name = NAMES.get(name, name)
    return name if name in OWN or name in library.C_NAMES else title


CALLS = {name: name for name in ("sin", "cos", "tan")} | {"sinc": "sin"}
CALLS |= dict.fromkeys(("fmod", "remainder", "floor_divide"), "fmod")
"""What ours call for single numbers, in branches that are rarely taken."""

WHOLE = ("fmod", "remainder", "floor_divide")
"""Functions of signed integers too."""


def known(title: str, kind: str, count: int) -> bool:
    """Whether there is a function of so many numbers of a kind."""
    title = plain(title)
    if kind not in FRACTIONS:
        return title in WHOLE and kind.startswith("i") and kind != "i1"
    if title in OWN and title not in CALLS:
        return True
    return library.scalar_function(CALLS.get(title, title), kind, count) is not None


def defined(asm: Assembly, title: str, kind: str, width: int, count: int) -> str:
    """The name of one of our functions, defined once."""
    name = f"@{title}.{kind}.{width}"
    if name in asm.outside:
        asm.outside[name] = asm.outside[name].replace(ONCE, "", 1)
    else:
        t = typed(kind, width)
        arguments = ", ".join(f"{t} %x{i}" for i in range(count))
        code = Assembly(f"internal {t} {name}({arguments})", f"nounwind{ONCE}", asm.outside)
        y = OWN[title](*(Vector(code, kind, width, f"%x{i}") for i in range(count)))
        code.do(f"ret {y}")
        asm.need(name, code.text())
    return name


def sincos(asm: Assembly, kind: str, width: int, x: str) -> tuple[str, str]:
    """Write a call that gives sine and cosine of one argument, for little more than one costs."""
    name, t = f"@sincos.{kind}.{width}", typed(kind, width)
    pair = f"{{ {t}, {t} }}"
    if name in asm.outside:
        asm.outside[name] = asm.outside[name].replace(ONCE, "", 1)
    else:
        code = Assembly(f"internal {pair} {name}({t} %x)", f"nounwind{ONCE}", asm.outside)
        s, c = trigonometric.both(Vector(code, kind, width, "%x"))
        half = code(f"insertvalue {pair} poison, {s}, 0")
        whole = code(f"insertvalue {pair} {half}, {c}, 1")
        code.do(f"ret {pair} {whole}")
        asm.need(name, code.text())
    both = asm(f"call {pair} {name}({t} {x})")
    return asm(f"extractvalue {pair} {both}, 0"), asm(f"extractvalue {pair} {both}, 1")


def apply(asm: Assembly, title: str, kind: str, width: int, *operands: str) -> str:
    """Write a call of a function of vectors; the result's name.

    Parameters
    ----------
    asm : Assembly
        The function that calls.
    title : str
        The row's title: ``"exp"``, ``"power"``, ``"arctan2"``, …
    kind : str
        ``"double"`` or ``"float"``.
    width : int
        How many lanes; 1 for numbers alone.
    *operands : str
        Names of the operands.

    Raises
    ------
    LookupError
        If there is no such function here (see `known`).
    """
    lanes = [Vector(asm, kind, width, each) for each in operands]
    short = powers.short(*lanes) if title == "power" else None
    if short is not None:
        return short.name
    title, count = plain(title), len(operands)
    if not known(title, kind, count):
        raise library.missing(title, kind)
    if title in OWN:
        return call(lanes[0].type, defined(asm, title, kind, width, count), *lanes).name
    vector = library.vector_function(title, kind, width, count)
    if vector is not None:
        return library.vector_call(*vector, *lanes).name
    return library.by_lane(title, *lanes).name
