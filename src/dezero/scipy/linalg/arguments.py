"""What the functions of `scipy.linalg` are given: matrices, right-hand sides, keywords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...box import as_array, deciding
from ...errors import UnsupportedError


def matrix(x: Any, check_finite: bool = True) -> Any:
    """An argument as an array, floating, and of finite numbers if that is asked."""
    x = as_array(x)
    if check_finite and not np.all(np.isfinite(deciding(x))):
        raise ValueError("array must not contain infs or NaNs")
    return x if x.dtype.kind in "fc" else x.astype(float)


def refuse(name: str, **keywords: Any) -> None:
    """Refuse keywords that were given."""
    given = [f"{key}={value!r}" for key, value in keywords.items() if value not in (None, False)]
    if given:
        raise UnsupportedError(f"scipy.linalg.{name} of a box does not take {', '.join(given)}")


def as_columns(solve: Callable[[Any], Any], b: Any) -> Any:
    """The solution for one right-hand side, or for several that are columns."""
    return solve(np.expand_dims(b, -1))[..., 0] if b.ndim == 1 else solve(b)
