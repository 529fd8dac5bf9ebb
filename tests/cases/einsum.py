"""Einstein's summation: letters alone, together, repeated, and 1 long in one place only."""

import numpy as np

from dezero.rules.einsum import embed

from .tools import Case, X, cplx, real


def sums(subscripts, *shapes, **kwargs):
    """Real and complex, with each operand's own."""
    exact = len(shapes) < 3
    return [
        Case(
            lambda *xs: np.einsum(subscripts, *xs, **kwargs),
            tuple(map(draw, shapes)),
            exact=exact,
        )
        for draw in (real, cplx)
    ]


def listed(call, *shapes):
    return Case(call, tuple(map(real, shapes)), exact=len(shapes) < 3)


CASES = {
    "einsum": [
        *sums("ij,jk->ik", (2, 3), (3, 4)),
        *sums("ij,jk", (2, 3), (3, 4)),
        *sums("ba,ca", (2, 3), (4, 3)),
        *sums("i,i", (3,), (3,)),
        *sums("i,j->ji", (3,), (2,)),
        *sums("i,j->", (3,), (2,)),
        *sums("ij,jk->", (2, 3), (3, 2)),
        *sums(",ij->ij", (), (2, 3)),
        *sums(",", (), ()),
        *sums("ij,i->j", (2, 3), (2,)),
        *sums("ij,kl->jk", (2, 3), (4, 2)),
        # an ellipsis
        *sums("...i,...i", (2, 3), (3,)),
        *sums("...ij,...jk->...ik", (5, 2, 3), (3, 2)),
        *sums("...ij,...jk->...ik", (4, 1, 2, 3), (5, 3, 2)),
        *sums("i...,i...->...", (3, 2), (3,)),
        *sums("...,...->...", (2, 3), (3,)),
        *sums("a...b,b->...a", (2, 4, 3), (3,)),
        # repeated letters: diagonals
        *sums("ii,ij->j", (3, 3), (3, 2)),
        *sums("ii,jj->", (3, 3), (2, 2)),
        *sums("iij,jj->i", (2, 2, 3), (3, 3)),
        *sums("ii,i->i", (3, 3), (3,)),
        # 1 long in one operand
        *sums("i,i", (2,), (1,)),
        *sums("i,i", (1,), (2,)),
        *sums("i,i->i", (1,), (3,)),
        *sums("ij,jk->ik", (2, 1), (3, 2)),
        *sums("ij,ij->j", (2, 1), (1, 3)),
        *sums("ii,i->i", (1, 1), (3,)),
        *sums("...i,...i->...", (2, 1, 3), (4, 1)),
        # nothing to sum, or to give
        *sums("i,i", (0,), (0,)),
        *sums("ij,jk->ik", (2, 0), (0, 3)),
        *sums("ij,j->i", (0, 3), (3,)),
        *sums("ij,j->i", (2, 3), (3,), optimize=True),
        *sums("ijk,kj->i", (2, 3, 4), (4, 3), optimize="optimal"),
        # lists of labels
        listed(lambda x, y: np.einsum(x, [0, 1], y, [1, 2]), (2, 3), (3, 4)),
        listed(lambda x, y: np.einsum(x, [5, 2], y, [2, 7], [7, 5]), (2, 3), (3, 4)),
        listed(lambda x, y: np.einsum(x, [..., 0], y, [..., 0], [...]), (4, 3), (3,)),
        # plain operands, on either side
        listed(lambda x: np.einsum("ij,j", np.arange(6.0).reshape(2, 3), x), (3,)),
        listed(lambda x: np.einsum("ij,j", x, [1, 2, 3]), (2, 3)),
        listed(lambda x: np.einsum("i,->i", x, 2.0), (3,)),
        listed(lambda x: np.einsum("ij,ji", x, x), (3, 3)),
        Case(lambda x, y: np.einsum("i,ij->j", x, y), (real(3), cplx((3, 2)))),
        # three and more
        *sums("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
        *sums("ij,jk,kl->il", (2, 3), (3, 4), (4, 2), optimize=True),
        *sums("i,i,i", (3,), (1,), (3,)),
        *sums("i,j,k->kij", (2,), (3,), (2,)),
        *sums("ij,ij,ij->ij", (2, 3), (2, 3), (2, 3)),
        *sums("...i,...ij,...j->...", (2, 3), (3, 3), (2, 3), optimize="greedy"),
        *sums("ii,ij,jk,k->", (2, 2), (2, 3), (3, 2), (2,)),
        listed(
            lambda x, y, z: np.einsum(
                "ij,jk,kl->li", x, y, z, optimize=["einsum_path", (1, 2), (0, 1)]
            ),
            (2, 3),
            (3, 4),
            (4, 2),
        ),
        listed(
            lambda x, y, z: np.einsum("ij,jk,kl->li", x, y, z, optimize=["einsum_path", (0, 1, 2)]),
            (2, 3),
            (3, 4),
            (4, 2),
        ),
    ],
    "einsum_of_one": [
        *sums("ij->ji", (2, 3)),
        *sums("ij", (2, 3)),
        *sums("ba", (2, 3)),
        *sums("ij->", (2, 3)),
        *sums("ij->j", (2, 3)),
        *sums("ii", (3, 3)),
        *sums("ii->i", (3, 3)),
        *sums("iji->ji", (2, 3, 2)),
        *sums("iji->j", (2, 3, 2)),
        *sums("iii->i", (2, 2, 2)),
        *sums("iijj", (2, 2, 3, 3)),
        *sums("...->...", (2, 3)),
        *sums("...ii->...i", (4, 2, 2)),
        *sums("...ij->...ji", (4, 2, 3)),
        *sums("i->", (0,)),
        *sums("ii->i", (0, 0)),
        *sums("", ()),
        *sums("ij->j", (2, 3), optimize=True),
        listed(lambda x: np.einsum(x, [0, 0]), (3, 3)),
        listed(lambda x: np.einsum(x, [1, 0]), (3, 2)),
    ],
    "embed": [
        Case(lambda x, s=s, shape=shape: embed(x, subscripts=s, shape=shape), (draw(given),))
        for s, given, shape in [
            ("i->ii", (3,), (3, 3)),
            ("->ij", (), (2, 3)),
            ("j->iji", (3,), (2, 3, 2)),
            ("ij->ij", (2, 3), (2, 3)),
        ]
        for draw in (real, cplx)
    ],
}


CONSTANT = {
    "einsum_path": [
        lambda x: np.einsum_path("ij,kj->ik", x, X)[1],
        lambda x: np.einsum_path(x, [0, 1], X, [2, 1], X, [2, 3], optimize="optimal")[1],
    ],
}

POLICIES = {
    "einsum": [
        (lambda x, y: np.einsum("i,i", x, y), [[1.0, 2], [3.0]], [[3, 3], [3]]),
        (
            lambda x, y: np.einsum("ij,ij->j", x, y),
            [[[1.0, 2]], [[3.0], [4]]],
            [[[7, 7]], [[3], [3]]],
        ),
        (lambda x: np.einsum("ii", x), [[[1.0, 2], [3, 4]]], [[[1, 0], [0, 1]]]),
        (lambda x: np.einsum("ii->i", x), [[[1.0, 2], [3, 4]]], [[[1, 0], [0, 1]]]),
        (
            lambda x, y: np.einsum("ii,i", x, y),
            [[[1.0, 2], [3, 4]], [5.0]],
            [[[5, 0], [0, 5]], [5]],
        ),
    ],
}
