"""SciPy's own: DeZero has no `scipy.stats`, and its functions refuse boxes."""

from scipy import stats as _same


def __getattr__(name):
    return getattr(_same, name)
