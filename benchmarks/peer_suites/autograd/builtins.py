"""Python's own containers and questions; DeZero's containers are Python's."""

import builtins

from dezero.box import plain

dict, list, tuple = builtins.dict, builtins.list, builtins.tuple


def isinstance(x, kind):
    """As if `x` were no box."""
    return builtins.isinstance(plain(x), kind)


def type(x):
    """Likewise."""
    return builtins.type(plain(x))
