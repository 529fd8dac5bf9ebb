"""Convolutions and their kin, by SciPy's names."""
