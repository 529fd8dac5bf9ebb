"""Special functions: rows for the ufuncs of `scipy.special`, and its other functions."""
