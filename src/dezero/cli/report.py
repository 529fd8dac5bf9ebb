"""The answer of ``dezero grad``, as text for people, and JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import dezero as dz
from dezero.cli.check import Check, Slot

__all__ = ["Answer", "Reply", "as_json", "as_text", "headed", "plain"]

SCHEMA = 1

Reply = tuple[str | dict[str, Any], int]
"""What a command prints, text or an object of JSON, and its exit code."""


@dataclass(frozen=True)
class Answer:
    """What there is to tell; `leaves` pairs printed names with arrays and numbers."""

    function: str
    value: float
    gradients: Mapping[str, Any]
    leaves: Sequence[tuple[str, Any]]
    seconds: float
    check: Check | None
    notes: Sequence[str]


# ---- text ----


def as_text(answer: Answer) -> str:
    """Aligned lines: value, derivatives, check, times, notes."""
    lines = [f"{'value':<12}{answer.value:.12g}", "derivative"]
    width = max(len(name) for name, _ in answer.leaves)
    for name, gradient in answer.leaves:
        lines += _derivative(name, gradient, max(width, 8))
    lines += [f"{'check':<12}{_check(answer)}", f"{'time':<12}{_times(answer)}"]
    lines += [f"{'note':<12}{note}" for note in answer.notes]
    return "\n".join(lines)


def _derivative(name: str, gradient: Any, width: int) -> list[str]:
    array = np.asarray(gradient)
    if array.ndim == 0:
        return [f"  {name:<{width}}  {array[()]:.12g}"]
    text = np.array2string(array, threshold=20, edgeitems=3, precision=6, max_line_width=90)
    norm = np.linalg.norm(array.reshape(-1))
    head = f"  {name:<{width}}  {array.dtype} of shape {array.shape}, norm {norm:.6g}"
    return [head, *(f"    {line}" for line in text.splitlines())]


def _check(answer: Answer) -> str:
    check = answer.check
    if check is None:
        return "not made (--no-check)"
    entries = "1 entry" if check.checked == 1 else f"{check.checked:,} entries"
    if check.checked < check.total:
        entries = f"{check.checked:,} of {check.total:,} entries"
    if check.worst is None:
        return "passed: no entries"
    worst = _entry_name(answer, check.worst.slot)
    if check.passed:
        at = f" (at {worst})" if check.max_error else ""
        return (
            f"passed: {entries} against 4th-order differences, "
            f"largest relative error {check.max_error:.1e}{at}"
        )
    return (
        f"FAILED: {check.failed:,} of {entries} off by more than {check.tolerance:.0e}; at {worst} "
        f"automatic {check.worst.automatic:.9g}, numerical {check.worst.numerical:.9g}"
    )


def _entry_name(answer: Answer, slot: Slot) -> str:
    name, gradient = answer.leaves[slot.leaf]
    place = ", ".join(str(i) for i in np.unravel_index(slot.index, np.shape(gradient)))
    imaginary = ".imag" if slot.unit == 1j else ""
    return (f"{name}[{place}]" if place else name) + imaginary


def _times(answer: Answer) -> str:
    automatic = f"automatic {_seconds(answer.seconds)}"
    if answer.check is None:
        return automatic
    sampled = " (from the sample)" if answer.check.checked < answer.check.total else ""
    numerical = f"numerical {_seconds(answer.check.seconds)}{sampled}"
    ratio = answer.check.seconds / answer.seconds
    times = f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2g}"
    return f"{automatic}, {numerical}, {times} times as long"


def _seconds(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


# ---- JSON ----


def headed(**fields: Any) -> dict[str, Any]:
    """An object of JSON, with what all of them have."""
    return {"schema": SCHEMA, "dezero": dz.__version__, **fields}


def as_json(answer: Answer) -> dict[str, Any]:
    """The schema that docs/cli.md describes; what JSON has no word for is a string or an object."""
    check = answer.check
    return {
        **headed(function=answer.function),
        "value": plain(answer.value),
        "gradient": {name: plain(gradient) for name, gradient in answer.gradients.items()},
        "check": None if check is None else _check_json(answer, check),
        "seconds": {
            "automatic": answer.seconds,
            "numerical": None if check is None else check.seconds,
        },
        "notes": list(answer.notes),
    }


def _check_json(answer: Answer, check: Check) -> dict[str, Any]:
    worst = check.worst
    return {
        "passed": check.passed,
        "entries": check.total,
        "checked": check.checked,
        "failed": check.failed,
        "tolerance": check.tolerance,
        "max_relative_error": plain(check.max_error),
        "worst": worst
        and {
            "entry": _entry_name(answer, worst.slot),
            "automatic": plain(worst.automatic),
            "numerical": plain(worst.numerical),
            "relative_error": plain(worst.error),
        },
    }


def plain(value: Any) -> Any:
    """Arrays as lists, complex as ``{"re": …, "im": …}``, else ``"nan"``, ``"inf"``, ``"-inf"``."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, complex):
        return {"re": plain(value.real), "im": plain(value.imag)}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
