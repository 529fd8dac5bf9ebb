"""The values of ``--at name=value``: Python literals, or ``@file`` in one of four formats.

Lists of numbers become arrays; tuples, dicts and ragged lists stay containers.
"""

from __future__ import annotations

import ast
import csv
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dezero.cli.problems import Problem, did_you_mean, one_line

__all__ = ["read_assignments"]

FILE = re.compile(r"(?P<path>.*?\.(?P<kind>npy|npz|csv|json))(?::(?P<key>.+))?", re.IGNORECASE)


def read_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """``["x=1.0", "w=@w.npy"]`` as ``{"x": 1.0, "w": array}``."""
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not (name and equals):
            raise Problem(f"--at {assignment}: write it as name=value, for example --at x=2.0")
        if name in values:
            raise Problem(f"--at {assignment}: {name!r} was given before")
        values[name] = _read_file(assignment, text) if text[:1] == "@" else _literal(name, text)
    return values


def _literal(name: str, text: str) -> Any:
    try:
        return _arrays(ast.literal_eval(NamedFloats().visit(ast.parse(text, mode="eval"))))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise Problem(
            f"--at {name}={text}: {text!r} is not a Python literal; write a number, a list or a "
            f"dict of numbers, a quoted string, or @file.npy, @file.npz, @file.csv, @file.json"
        ) from None


class NamedFloats(ast.NodeTransformer):
    """``nan`` and ``inf`` as numbers; Python has no literals for them."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        named = {"nan": ast.Constant(np.nan), "inf": ast.Constant(np.inf)}
        return named.get(node.id, node)


def _arrays(value: Any) -> Any:
    """Lists of numbers, however deep, as arrays; other containers keep their shape."""
    if isinstance(value, list):
        table = _table(value)
        return [_arrays(item) for item in value] if table is None else table
    if isinstance(value, tuple):
        return tuple(_arrays(item) for item in value)
    if isinstance(value, dict):
        return {key: _arrays(item) for key, item in value.items()}
    return value


def _table(items: list[Any]) -> np.ndarray[Any, Any] | None:
    try:
        array = np.array(items)
    except (ValueError, OverflowError):  # ragged, or too large
        return None
    return array if array.dtype.kind in "biufc" else None


# ---- files ----


def _read_file(assignment: str, text: str) -> Any:
    match = FILE.fullmatch(text[1:])
    if match is None:
        raise Problem(f"--at {assignment}: a data file ends in .npy, .npz, .csv or .json")
    path = Path(match["path"]).expanduser()
    if not path.is_file():
        raise Problem(f"--at {assignment}: no such file: {path}")
    kind = match["kind"].lower()
    try:
        return READERS[kind](path, match["key"])
    except Problem as problem:
        raise Problem(f"--at {assignment}: {problem}") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, RecursionError) as error:
        raise Problem(
            f"--at {assignment}: not a readable .{kind} file: {one_line(error)}"
        ) from None


def _read_npy(path: Path, key: str | None) -> Any:
    if key is not None:
        raise Problem(f"a .npy file holds one array; leave out :{key}")
    with path.open("rb") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _read_npz(path: Path, key: str | None) -> Any:
    with zipfile.ZipFile(path):  # or np.load would take a .npy under this name
        pass
    with np.load(path, allow_pickle=False) as arrays:
        return _entry(dict(arrays), key, "arrays")


def _read_json(path: Path, key: str | None) -> Any:
    value = json.loads(path.read_text(encoding="utf-8"))
    if key is not None and not isinstance(value, dict):
        raise Problem(f"{path.name} holds no object, so :{key} names nothing in it")
    return _arrays(_entry(value, key, "keys"))


def _read_csv(path: Path, key: str | None) -> Any:
    """The table as float64, one column as a vector; a first line of words names the columns."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        rows = [(reader.line_num, row) for row in reader if "".join(row).strip()]
    names: list[str] = []
    if rows and not any(_is_number(cell) for cell in rows[0][1]):
        names = [cell.strip() for cell in rows.pop(0)[1]]
    if not rows:
        raise Problem(f"{path.name} holds no numbers")
    if key is not None:
        columns = {name: column for column, name in enumerate(names)}
        column = _entry(columns, key, "columns")
        rows = [(line, row[column : column + 1]) for line, row in rows]
    table = np.array([_numbers(line, row, len(rows[0][1])) for line, row in rows])
    return table[:, 0] if table.shape[1] == 1 else table


def _numbers(line: int, row: list[str], width: int) -> list[float]:
    if len(row) != width or not row:
        raise Problem(f"line {line} has {len(row)} columns, the lines before it {width}")
    for cell in row:
        if not _is_number(cell):
            raise Problem(f"line {line}: {cell.strip()!r} is not a number")
    return [float(cell) for cell in row]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _entry(table: Any, key: str | None, kind: str) -> Any:
    if key is None:
        return table
    if key not in table:
        listed = ", ".join(map(str, table)) or "none"
        raise Problem(f"no {key!r} in it ({kind}: {listed}){did_you_mean(key, table)}")
    return table[key]


READERS: Mapping[str, Callable[[Path, str | None], Any]] = {
    "npy": _read_npy,
    "npz": _read_npz,
    "csv": _read_csv,
    "json": _read_json,
}
