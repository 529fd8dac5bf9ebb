"""`dezero.scipy.signal`, and SciPy's ufuncs, which take boxes by themselves."""

import contextlib

from scipy import signal as _scipys

_ours = None
with contextlib.suppress(ImportError):
    from dezero.scipy import signal as _ours


def __getattr__(name):
    return getattr(_ours, name, None) or getattr(_scipys, name)
