"""SciPy's own: DeZero has no `scipy.integrate`, and its functions refuse boxes."""

from scipy import integrate as _same


def __getattr__(name):
    return getattr(_same, name)
