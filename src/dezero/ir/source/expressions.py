"""The right-hand sides of equations: how each row is written."""

from __future__ import annotations

from ..steps import Equation
from .axes import broadcast, expanded, reshaped, turned
from .calls import (
    Form,
    by_position,
    called,
    converted,
    fixed,
    joined,
    of_complex,
    plainly,
    summed_products,
)
from .operators import INFIX, added, infix, of_truths, raised, squared, subtracted, truth
from .places import gathered, taken
from .text import POWER, UNARY, Text, negative

FORMS: dict[str, Form] = {
    **dict.fromkeys(INFIX, infix),
    "not_equal": truth,
    "add": added,
    "subtract": subtracted,
    "power": lambda xs, _: raised(xs[0].inside(POWER + 1), xs[1].inside(UNARY)),
    "square": squared,
    "negative": lambda xs, _: negative(xs[0]),
    "invert": lambda xs, _: Text(f"~{xs[0].inside(UNARY)}", UNARY),
    "getitem": taken,
    "gather": gathered,
    "reshape": reshaped,
    "expand_dims": expanded,
    "broadcast_to": broadcast,
    "transpose": turned("transpose", "axes"),
    "swapaxes": turned("swapaxes", "axis1", "axis2"),
    "moveaxis": turned("moveaxis", "source", "destination"),
    "real": of_complex,
    "conjugate": of_complex,
    "astype": converted,
    "whole": converted,
    "concatenate": joined("concatenate"),
    "stack": joined("stack"),
    "einsum": summed_products,
    "einsum_of_one": summed_products,
    "repeat": by_position("np.repeat", "counts", "axis"),
    "length": fixed("np.linalg.norm({})"),
    "nonzero": fixed("np.nonzero({})[0]"),  # of one axis
    "by_size": lambda xs, step: called("np.argsort", xs, step.params | {"kind": "stable"}),
    "stop_gradient": lambda xs, _: xs[0],
    "frexp": fixed("np.frexp({})[0]"),
    "exponent": fixed("np.frexp({})[1]"),
}
"""How calls are written that are not ``np.title(…)``, by the title of the row."""


def expression(xs: list[Text], step: Equation) -> Text:
    """The right-hand side of an equation."""
    form = FORMS.get(step.p.title, plainly)
    plain = of_truths(step) or (form is infix and step.params)
    return (plainly if plain else form)(xs, step)
