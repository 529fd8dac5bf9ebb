"""Einstein's summation."""
