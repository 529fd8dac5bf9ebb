"""The names of HIPS autograd's core that have a meaning here."""

from autograd.extend import primitive, vspace
from autograd.operators import jvp_of as make_jvp
from autograd.operators import vjp_of as make_vjp

__all__ = ["make_jvp", "make_vjp", "primitive", "primitive_vjps", "vspace"]

primitive_vjps = {}  # private there; empty, so that the module of tests that imports it loads
