"""Linear algebra that SciPy has beside NumPy's."""
