"""Padding, repeating, turning, and what else lays numbers out anew."""
