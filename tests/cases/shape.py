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
    "copy": shaped(
        ((), np.copy),
        ((2, 3), np.copy),
        ((2, 3), lambda x: x.copy()),
        ((2, 3), lambda x: np.copy(x, order="F", subok=True)),
    ),
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
        ((2, 3), lambda x: np.ravel(x, order="A")),
        ((2, 3), lambda x: np.ravel(x.T, order="A")),
        ((2, 3), lambda x: np.ravel(x.T, "K")),
        ((2, 3, 4), lambda x: np.ravel(np.transpose(x[:, ::-1], (1, 2, 0)), "K")),
        ((0, 3), lambda x: np.ravel(x, "K")),
        draws=(real, cplx),
    ),
    "matrix_transpose": shaped(((2, 3), np.matrix_transpose), ((2, 0, 3), np.matrix_transpose)),
    "permute_dims": shaped(((2, 3, 4), lambda x: np.permute_dims(x, (2, 0, 1)))),
    "rollaxis": shaped(
        ((2, 3, 4), lambda x: np.rollaxis(x, 2)),
        ((2, 3, 4), lambda x: np.rollaxis(x, 0, 3)),
        ((2, 3, 4), lambda x: np.rollaxis(x, -3, start=-1)),
        ((2, 3, 4), lambda x: np.rollaxis(x, 1, 1)),
    ),
    "fliplr": shaped(((2, 3), np.fliplr), ((2, 3, 2), np.fliplr), ((2, 0), np.fliplr)),
    "flipud": shaped(((3,), np.flipud), ((2, 3), np.flipud)),
    "rot90": [
        *shaped(*(((2, 3), lambda x, k=k: np.rot90(x, k)) for k in (-1, 0, 1, 2, 3, 6))),
        *shaped(*(((2, 3, 4), lambda x, k=k: np.rot90(x, k, (-1, 0))) for k in (1, 2, 3))),
        Case(np.rot90, (cplx((2, 3)),)),
        Case(np.rot90, (real((0, 3)),)),
    ],
    "atleast_1d": shaped(
        *((shape, np.atleast_1d) for shape in ((), (3,), (2, 3))),
        ((), lambda x: np.atleast_1d(x, 2.0)[0]),
    ),
    "atleast_2d": shaped(*((shape, np.atleast_2d) for shape in ((), (3,), (2, 3), (0,)))),
    "atleast_3d": shaped(*((shape, np.atleast_3d) for shape in ((), (3,), (2, 3), (2, 3, 2)))),
    "broadcast_arrays": [
        Case(lambda x, y: np.multiply(*np.broadcast_arrays(x, y)), (real((2, 1)), real(3))),
        Case(lambda x, y: np.add(*np.broadcast_arrays(x, y)), (real((2, 3)), cplx(3))),
        Case(lambda x: np.broadcast_arrays(x, np.ones((2, 1)), 1.0)[0], (real(3),)),
        Case(lambda x: np.broadcast_arrays(x, np.ones((0, 1)))[0], (real(3),)),
        Case(lambda x: np.broadcast_arrays([1.0, 2.0], x)[1], (real(),)),
    ],
    "meshgrid": [
        Case(lambda x, y: np.multiply(*np.meshgrid(x, y)), (real(3), real(2))),
        Case(lambda x, y: np.divide(*np.meshgrid(y, x, indexing="ij")), (real(3, 1, 2), real(2))),
        Case(lambda x, y: np.divide(*np.meshgrid(x, y, sparse=True)), (real(3), real(2, 0.5, 1))),
        Case(lambda x, y: sum(np.meshgrid(x, [1, 2], y, copy=False)), (real(3), cplx(2))),
        Case(lambda x: np.meshgrid(x, 2.0)[0], (real(),)),
        Case(lambda x: np.meshgrid(x)[0], (real((2, 2)),)),
        Case(lambda x: np.meshgrid(x, [])[0], (real(3),)),
    ],
}
