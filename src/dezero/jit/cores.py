"""How many threads compiled functions use."""

from __future__ import annotations

import ctypes
import os

from ..errors import OperandError

MOST = 64
"""Threads at most."""

COUNT = ctypes.c_int64(1)
"""Machine code reads it."""


def set_num_threads(n: int) -> None:
    """Use this many threads for large loops of compiled functions.

    Parameters
    ----------
    n : int
        From 1 to 64. At first, what the environment's ``OMP_NUM_THREADS`` says, or as many as there
        are processors.

    Raises
    ------
    OperandError
        If it is another number.

    Examples
    --------
    >>> set_num_threads(get_num_threads())
    """
    if type(n) is not int or not 1 <= n <= MOST:
        raise OperandError(f"set_num_threads takes a whole number from 1 to {MOST}, not {n!r}")
    COUNT.value = n


def get_num_threads() -> int:
    """The number of threads that large loops of compiled functions use."""
    return COUNT.value


def at_first() -> int:
    """The number of threads that the environment asks for."""
    said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(int(said) if said.isdigit() and int(said) else here or 1, MOST)


set_num_threads(at_first())
