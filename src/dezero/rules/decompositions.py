"""Inverses, determinants, decompositions."""
