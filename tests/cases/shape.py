"""Functions that move numbers about without changing them."""

import numpy as np

from .tools import Case, cplx, real, shaped

CASES = {
    "reshape": shaped(
        ((), lambda x: np.reshape(x, 1)),
        ((1,), lambda x: np.reshape(x, ())),
        ((2, 3), lambda x: np.reshape(x, (3, 2))),
        ((2, 3), lambda x: np.reshape(x, -1)),
        ((2, 3), lambda x: np.reshape(x, (1, -1, 2), order="F")),
        ((2, 3), lambda x: x.reshape(3, -1)),
        ((2, 3), lambda x: x.reshape((6,), order="F")),
        ((0, 3), lambda x: np.reshape(x, (3, 0, 2))),
        ((2, 3), lambda x: np.reshape(x.T, (2, 3))),
        draws=(real, cplx),
    ),
    "transpose": shaped(
        ((), np.transpose),
        ((3,), np.transpose),
        ((2, 3), np.transpose),
        ((2, 3), lambda x: x.T),
        ((2, 3, 4), lambda x: np.transpose(x, (1, 2, 0))),
        ((2, 3, 4), lambda x: np.transpose(x, axes=[-1, 0, -2])),
        ((2, 3, 4), lambda x: x.transpose(2, 0, 1)),
        ((0, 3), np.transpose),
    ),
    "swapaxes": shaped(
        ((2, 3), lambda x: np.swapaxes(x, 0, 1)), ((2, 3, 4), lambda x: np.swapaxes(x, -1, 0))
    ),
    "moveaxis": shaped(
        ((2, 3, 4), lambda x: np.moveaxis(x, 0, -1)),
        ((2, 3, 4), lambda x: np.moveaxis(x, 2, 0)),
        ((2, 3, 4), lambda x: np.moveaxis(x, (0, 1), (-1, 0))),
    ),
    "squeeze": shaped(
        ((1,), np.squeeze),
        ((1, 3, 1), np.squeeze),
        ((1, 3, 1), lambda x: np.squeeze(x, 0)),
        ((1, 3, 1), lambda x: np.squeeze(x, axis=(0, -1))),
        ((2, 3), np.squeeze),
    ),
    "expand_dims": shaped(
        ((), lambda x: np.expand_dims(x, 0)),
        ((2, 3), lambda x: np.expand_dims(x, 1)),
        ((2, 3), lambda x: np.expand_dims(x, (0, -1))),
    ),
    "broadcast_to": shaped(
        ((), lambda x: np.broadcast_to(x, (2, 3))),
        ((3,), lambda x: np.broadcast_to(x, (2, 3))),
        ((2, 1), lambda x: np.broadcast_to(x, (4, 2, 3))),
        ((1, 1), lambda x: np.broadcast_to(x, (1, 1))),
        ((1, 3), lambda x: np.broadcast_to(x, (0, 3))),
        ((1,), lambda x: np.broadcast_to(x, 3)),
        draws=(real, cplx),
    ),
    "copy": shaped(((), np.copy), ((2, 3), np.copy), ((2, 3), lambda x: x.copy())),
    "real": shaped(((), np.real), ((2, 3), np.real), draws=(real, cplx)),
    "imag": shaped(((), np.imag), ((2, 3), np.imag), draws=(real, cplx)),
    "astype": [
        Case(lambda x: x.astype(np.float64), (real((2, 3)),)),
        Case(lambda x: x.astype(np.complex128) * 1j, (real((2, 3)),)),
        *(
            Case(call, (x,), modes=(mode,), rtol=2e-3)  # differences of what single precision says
            for mode in ("forward", "reverse")
            for call, x in [
                (lambda x: x.astype("f4") * 1.5, real((2, 3))),
                (lambda x: np.astype(x, np.complex64) * 1j, cplx((2, 3))),
            ]
        ),
    ],
}

SPELLINGS = {
    "ravel": shaped(
        ((), np.ravel),
        ((2, 3), np.ravel),
        ((2, 3), lambda x: np.ravel(x.T)),
        ((2, 3), lambda x: np.ravel(x, "F")),
        ((2, 3), lambda x: x.flatten()),
    ),
}
