"""SciPy on boxes: what SciPy has beside its ufuncs, with its names and signatures.

The functions of `scipy.special` that are ufuncs take boxes by themselves; these submodules have
the others (`special`, `linalg`, `signal`). SciPy is an optional dependency, and imported here only.
"""

try:
    import scipy
except ImportError as error:  # pragma: no cover  # the tests have it
    raise ImportError(
        "dezero.scipy needs SciPy: pip install 'dezero-autodiff[scipy]'", name="scipy"
    ) from error

__all__ = ["scipy"]
