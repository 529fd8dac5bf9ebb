"""A progress bar on stderr: tqdm's where it is installed, else a plain one of text."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

try:
    from tqdm import tqdm
except ImportError:  # the extra dezero-autodiff[cli]
    tqdm = None

__all__ = ["progress"]

T = TypeVar("T")
WIDTH = 30


def progress(items: Sequence[T], label: str, shown: bool) -> Iterable[T]:
    """`items`, with a bar that tells how many of them were taken."""
    if not shown:
        return items
    if tqdm is None:
        return _plain(items, label)
    bar: Iterable[T] = tqdm(items, desc=label, file=sys.stderr, leave=False)
    return bar


def _plain(items: Sequence[T], label: str) -> Iterator[T]:
    start = drawn = time.perf_counter()
    width = 0
    try:
        for done, item in enumerate(items):
            now = time.perf_counter()
            if done == 0 or now - drawn > 0.1:
                line = _line(label, done, len(items), now - start)
                width = max(width, len(line))
                print(f"\r{line:{width}}", end="", file=sys.stderr, flush=True)
                drawn = now
            yield item
    finally:
        print(f"\r{'':{width}}\r", end="", file=sys.stderr, flush=True)


def _line(label: str, done: int, total: int, elapsed: float) -> str:
    filled = WIDTH * done // total
    left = f", {elapsed * (total - done) / done:.0f} s left" if done else ""
    bar = "#" * filled + "." * (WIDTH - filled)
    return f"{label} [{bar}] {100 * done // total:3d} %  {done:,}/{total:,}{left}"
