"""Every row of the table, replayed by the `numpy` backend: the same bits as the program."""

import numpy as np
from test_ir import ALL, derived, flat, is_exact, over, same

import dezero as dz


@over(ALL)
def test_a_row_is_replayed_to_the_bit(case):
    """At the point where it was traced, and at another one."""
    if case.fills:
        return  # a Tracer cannot be written into a plain array
    near = [np.asarray(x * (1 + 1e-9), x.dtype) for x in case.args]
    for f in derived(case):
        replayed, exact = dz.jit(f, backend="numpy"), is_exact(case, dz.trace(f)(*case.args))
        for xs in (case.args, case.args, near):
            with np.errstate(all="ignore"):
                pairs = zip(flat(replayed(*xs)), flat(f(*xs)), strict=True)
            for a, b in pairs:
                same(a, b, exact)
