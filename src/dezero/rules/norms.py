"""Norms, and what is made of singular values."""
