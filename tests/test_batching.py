"""`vmap` of every row, and what a program for one member may and may not do."""

import itertools
import warnings

import numpy as np
import pytest
from cases import CASES, CONSTANT, SPELLINGS, X

import dezero as dz
from dezero.errors import ConversionError, OperandError, SequentialWarning

ALL = CASES | SPELLINGS
SCALES = np.array([1.0, 0.999, 1.001])
OTHER_LENGTHS = ("nonzero", "flatnonzero", "argwhere")
ONE_BY_ONE = ("allclose", "array_equal", "searchsorted")


def over(table):
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(case, id=f"{title}-{k}")
            for title, cases in table.items()
            for k, case in enumerate(cases)
        ],
    )


def members(xs, mapped):
    """Three points near by, as batches of the operands that are `mapped`."""
    stacked = [
        np.stack([x * s for s in SCALES]).astype(x.dtype) if on else x
        for x, on in zip(xs, mapped, strict=True)
    ]
    axes = tuple(0 if on else None for on in mapped)
    each = [[x[k] if on else x for x, on in zip(stacked, mapped, strict=True)] for k in range(3)]
    return stacked, axes, each


def close(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    np.testing.assert_allclose(a, b, 1e-12, 1e-12 * max(1.0, np.max(np.abs(b), initial=0.0)))


@over(ALL)
def test_a_batch_is_its_members(case):
    """Values, tangents and gradients, for each choice of the operands that differ."""
    rng = np.random.default_rng(3)
    for mapped in itertools.product([True, False], repeat=len(case.args)):
        if not any(mapped):
            continue
        xs, axes, each = members(case.args, mapped)
        if case.fills and not mapped[0]:  # a plain array cannot hold what differs
            with pytest.raises((ConversionError, ValueError)) as caught:
                dz.vmap(case.call, axes)(*xs)
            assert "dz.numpy.zeros" in str(caught.value.__cause__ or caught.value)
            continue
        ys = dz.vmap(case.call, axes)(*xs)
        close(ys, np.stack([case.call(*one) for one in each]))
        gy = np.asarray(rng.normal(size=ys.shape), ys.dtype)

        def pulled(g, *one):
            return dz.vjp(case.call, *one)[1](g)

        for found, alone in zip(
            dz.vmap(pulled, (0, *axes))(gy, *xs),
            zip(*(pulled(g, *one) for g, one in zip(gy, each, strict=True)), strict=True),
            strict=True,
        ):
            close(found, np.stack(alone))
        _, outside = dz.vjp(lambda *a, axes=axes: dz.vmap(case.call, axes)(*a), *xs)
        for x, on, found, alone in zip(
            xs,
            mapped,
            outside(gy),
            zip(*(pulled(g, *one) for g, one in zip(gy, each, strict=True)), strict=True),
            strict=True,
        ):
            assert found.shape == x.shape
            close(found, np.stack(alone) if on else sum(alone))
        if "forward" in case.modes:
            ts = [np.asarray(rng.normal(size=x.shape), x.dtype) for x in xs]
            _, tys = dz.jvp(lambda *a, axes=axes: dz.vmap(case.call, axes)(*a), xs, ts)
            moves = [
                [t[k] if on else t for t, on in zip(ts, mapped, strict=True)] for k in range(3)
            ]
            alone = [dz.jvp(case.call, one, t)[1] for one, t in zip(each, moves, strict=True)]
            close(tys, np.stack(alone))


@over({title: calls for title, calls in CONSTANT.items() if title not in OTHER_LENGTHS})
def test_functions_without_a_derivative(case, request):
    xs = np.stack([X, X[:, ::-1], -X])
    with warnings.catch_warnings():
        if request.node.callspec.id.split("-")[0] in ONE_BY_ONE:
            warnings.simplefilter("ignore", SequentialWarning)
        expected = [case(x) for x in xs]
        if isinstance(expected[0], (str, tuple)):
            return  # a text, a shape: no array to have members
        found = dz.vmap(case)(xs)
    np.testing.assert_array_equal(found, np.stack([np.asarray(y) for y in expected]))


@over({title: CONSTANT[title] for title in OTHER_LENGTHS})
def test_results_of_different_lengths_are_refused(case):
    with pytest.raises(OperandError, match=r"np\.where"):
        dz.vmap(case)(X)
