"""Sorting, and what is defined by order: medians and quantiles."""
