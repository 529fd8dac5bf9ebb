"""Means, spreads, correlations and histograms."""
