"""Functions that join arrays, and their opposites."""
