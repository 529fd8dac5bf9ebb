"""The parts of SciPy."""
