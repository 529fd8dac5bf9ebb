"""SciPy's convolutions: modes, boundaries and methods, of either operand the larger."""

import itertools

import scipy.signal

from dezero.box import Box
from dezero.scipy import signal

from .tools import Case, cplx, real

MODES = ("full", "same", "valid")


def mirrored(name, *args, **kwargs):
    """SciPy's function on arrays, its mirror on boxes."""

    def call(*xs):
        library = signal if any(isinstance(x, Box) for x in xs) else scipy.signal
        return getattr(library, name)(*xs, *args, **kwargs)

    return call


def cases(name, shapes, *settings, draws=(real, cplx), **traits):
    """Each pair of shapes with each setting."""
    return [
        Case(mirrored(name, **each), (draw(s), draw(t)), exact=False, **traits)
        for (s, t), each, draw in itertools.product(shapes, settings, draws)
    ]


in_modes = [{"mode": mode} for mode in MODES]
bounded = [
    {"mode": mode, "boundary": boundary, **extra}
    for mode in MODES
    for boundary, extra in [("fill", {"fillvalue": 1.5}), ("wrap", {}), ("symm", {})]
]
directly = [{**each, "method": "direct"} for each in in_modes]
by_transform = [{**each, "method": "fft"} for each in in_modes]

CASES = {
    "fftconvolve": [
        *cases("fftconvolve", [((4,), (3,)), ((2,), (4,)), ((3, 4), (2, 2))], *in_modes),
        *cases("fftconvolve", [((3, 4), (3, 2))], {"axes": 1}),
        *cases("fftconvolve", [((1, 4), (3, 3)), ((3, 4), (1, 2))], *in_modes),
        *cases("fftconvolve", [((4, 3, 2), (2, 3, 2))], {"axes": [0, -1], "mode": "same"}),
        *cases("convolve", [((3, 4), (2, 2)), ((5,), (3,))], *by_transform),
        *cases("correlate", [((3, 4), (2, 2)), ((2,), (4,))], *by_transform),
        Case(mirrored("fftconvolve"), (real(4), cplx(2)), exact=False),
    ],
}

SPELLINGS = {
    "scipy.signal.fftconvolve": cases("fftconvolve", [((1, 4), (3, 1))], *in_modes, {"axes": 0}),
    "scipy.signal.convolve": [
        *cases(
            "convolve", [((4,), (3,)), ((2,), (4,)), ((3, 4), (2, 2)), ((2, 2), (3, 3))], *directly
        ),
        *cases("convolve", [((), ()), ((2, 3, 2), (2, 1, 2))], {"method": "direct"}, {}),
    ],
    "scipy.signal.correlate": [
        *cases("correlate", [((4,), (3,)), ((2,), (4,)), ((3, 4), (2, 2))], *directly),
        *cases("correlate", [((), ()), ((2, 3, 2), (2, 1, 2))], {"method": "direct"}, {}),
    ],
    "scipy.signal.convolve2d": [
        *cases(
            "convolve2d",
            [((3, 4), (2, 2)), ((2, 3), (3, 3)), ((2, 1), (2, 3))],
            {},
            {"mode": "same"},
        ),
        *cases("convolve2d", [((3, 4), (2, 3)), ((4, 3), (3, 2))], *bounded),
        *cases("convolve2d", [((2, 3), (4, 3))], *bounded, draws=(real,)),
        Case(
            lambda x, y, f: mirrored("convolve2d")(x, y, "full", "fill", f),
            (real((2, 3)), real((2, 2)), real()),
            exact=False,
        ),
    ],
    "scipy.signal.correlate2d": cases("correlate2d", [((3, 4), (2, 3))], *in_modes, *bounded)
    + cases("correlate2d", [((2, 3), (3, 4))], *in_modes),
    "scipy.signal.detrend": [
        Case(mirrored("detrend", **settings), (draw(s),), exact=False)
        for s, settings in [
            ((5,), {}),
            ((2, 5), {}),
            ((5, 2), {"axis": 0}),
            ((2, 5), {"type": "constant"}),
            ((5, 2), {"type": "constant", "axis": 0}),
            ((7,), {"bp": 3}),
            ((2, 7), {"bp": [2, 5, 6]}),
            ((1,), {}),
        ]
        for draw in (real, cplx)
    ],
}
