"""Fourier transforms: lengths, axes and norms, of odd and even lengths, real and complex."""

import itertools

import numpy as np

from .tools import Case, cplx, real

LENGTHS = [((5,), None), ((4,), None), ((1,), None), ((4,), 3), ((4,), 6), ((5,), 2), ((5,), 1)]
NORMS = (None, "backward", "ortho", "forward")


def transforms(fn, *, from_real=True, from_complex=True, halves=False):
    """Over lengths, axes and norms, and both kinds of numbers."""
    draws = [real] * from_real + [cplx] * from_complex
    found = [
        Case(lambda x, n=n: fn(x, n), (draw(s),))
        for (s, n), draw in itertools.product(LENGTHS, draws)
        if n or not halves or s != (1,)
    ]
    found += [
        Case(lambda x, n=n, a=a, k=norm: fn(x, n=n, axis=a, norm=k), (draw((3, 4)),))
        for n, a, norm, draw in [
            *((None, 0, norm, draws[-1]) for norm in NORMS),
            *((5, -1, norm, draws[0]) for norm in NORMS),
            *((4, -2, norm, draws[-1]) for norm in NORMS),
            *((3, 1, norm, draws[0]) for norm in NORMS),
        ]
    ]
    return [*found, Case(fn, (draws[0]((2, 3, 4)),)), Case(fn, (draws[-1]((0, 3)),))]


AXES = [
    {},
    {"axes": (0,)},
    {"axes": (1, 0)},
    {"axes": (-1, 0), "norm": "ortho"},
    {"axes": (1, 1)},
    {"axes": (0, 1), "s": (3, 3), "norm": "forward"},
    {"axes": (0, 1), "s": (2, 5)},
    {"axes": (-2, -1), "s": (-1, 3)},
]


def over_axes(fn, *, from_real=True, from_complex=True):
    """Over axes, also repeated ones, and lengths along them."""
    draws = [real] * from_real + [cplx] * from_complex
    return [
        *(
            Case(lambda x, k=kwargs: fn(x, **k), (draw((3, 4)),))
            for kwargs, draw in itertools.product(AXES, draws)
        ),
        Case(fn, (draws[0]((2, 3, 2)),)),
    ]


def shifts(fn):
    return [
        Case(lambda x, a=a: fn(x, axes=a), (draw(s),))
        for s, a in [
            ((5,), None),
            ((4,), 0),
            ((3, 4), None),
            ((3, 4), -1),
            ((3, 4), (1, 0)),
            ((2, 3, 5), (0, -1)),
            ((0, 3), 0),
        ]
        for draw in (real, cplx)
    ]


CASES = {
    "fft": transforms(np.fft.fft),
    "ifft": transforms(np.fft.ifft),
    "rfft": transforms(np.fft.rfft, from_complex=False),
    "irfft": transforms(np.fft.irfft, halves=True),
    "fftshift": shifts(np.fft.fftshift),
    "ifftshift": shifts(np.fft.ifftshift),
}

SPELLINGS = {
    "hfft": transforms(np.fft.hfft, halves=True),
    "ihfft": transforms(np.fft.ihfft, from_complex=False),
    "fft2": over_axes(np.fft.fft2),
    "ifft2": over_axes(np.fft.ifft2),
    "fftn": over_axes(np.fft.fftn),
    "ifftn": over_axes(np.fft.ifftn),
    "rfft2": over_axes(np.fft.rfft2, from_complex=False),
    "rfftn": over_axes(np.fft.rfftn, from_complex=False),
    "irfft2": over_axes(np.fft.irfft2),
    "irfftn": over_axes(np.fft.irfftn),
}
