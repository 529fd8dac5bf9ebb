"""Functions that take and put elements by index, condition or choice."""
