"""Problems that the command tells in a line, each with its exit code."""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dezero.errors import DeZeroError

__all__ = ["Problem", "UserCodeProblem", "did_you_mean", "one_line", "user_code"]


class Problem(Exception):
    """Something in the command line, or in a file it names, that cannot be used."""

    exit_code = 2


class UserCodeProblem(Problem):
    """The user's own code raised. `__cause__` is its exception."""

    exit_code = 3


@contextmanager
def user_code(path: Path, doing: str) -> Iterator[None]:
    """Turn an exception of the user's code into a `UserCodeProblem` with the line of `path`."""
    try:
        yield
    except (Exception, SystemExit) as error:
        told = _taught(error)
        message = f"{doing} raised {type(told).__name__}: {one_line(told)}"
        raise UserCodeProblem(message + _place(error, path)) from error


def one_line(error: BaseException) -> str:
    """The message of an exception, on one line."""
    return " ".join(str(error).split())


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``"; did you mean 'x'?"``, or nothing when no name is near."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _taught(error: BaseException) -> BaseException:
    """The library's own error where NumPy wrapped it in one of its own, which says less."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, DeZeroError):
        cause = cause.__cause__ or cause.__context__
    return cause or error


def _place(error: BaseException, path: Path) -> str:
    """The last line of the user's file that the exception went through, as a traceback shows it."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f'\n  File "{_shown(path)}", line {error.lineno}\n    {(error.text or "").strip()}'
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    if not frames:
        return ""
    last = frames[-1]
    return f'\n  File "{_shown(path)}", line {last.lineno}, in {last.name}\n    {last.line}'


def _shown(path: Path) -> str:
    """The shorter of the absolute path and the one from here."""
    try:
        return min(os.path.relpath(path), str(path), key=len)
    except ValueError:  # another drive, on Windows
        return str(path)
