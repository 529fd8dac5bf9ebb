"""Likewise."""

from scipy.stats import multivariate_normal as _same


def __getattr__(name):
    return getattr(_same, name)
