"""Differences, slopes, integrals and interpolation."""
