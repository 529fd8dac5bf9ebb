"""LLVM's assembly language, written by a program: lines with fresh names, blocks, loops.

A variable that changes is a place on the stack (`Assembly.variable`); LLVM turns it into a
register. So no line needs to know from which block it is reached.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Assembly:
    """One function, as it is being written.

    Parameters
    ----------
    head : str
        What stands before its body, such as ``"i32 @add(ptr %x, ptr %y)"``.
    attributes : str
        What stands after that.

    Attributes
    ----------
    outside : dict
        Declarations, constants and other functions that the text needs, by their names; all of the
        functions of a module may share it.
    """

    def __init__(
        self, head: str, attributes: str = "nounwind", outside: dict[str, str] | None = None
    ) -> None:
        self.head, self.attributes = head, attributes
        self.outside: dict[str, str] = {} if outside is None else outside
        self.first: list[str] = []  # of the first block: the places of variables
        self.lines: list[str] = []
        self.fresh = itertools.count()

    # ---- lines ----

    def __call__(self, instruction: str) -> str:
        """Write an instruction that has a result; the result's name."""
        name = f"%v{next(self.fresh)}"
        self.lines.append(f"  {name} = {instruction}")
        return name

    def do(self, instruction: str) -> None:
        """Write an instruction that has none."""
        self.lines.append(f"  {instruction}")

    def need(self, name: str, text: str) -> str:
        """Something outside of the function, written once; its name."""
        self.outside[name] = text
        return name

    def call(self, kind: str, name: str, *arguments: str, attributes: str = "") -> str:
        """Call a function that is declared for it; the result's name.

        Each argument is its type and its name: ``"double %x"``.
        """
        types = ", ".join(map(type_of, arguments))
        self.outside.setdefault(name, f"declare {kind} {name}({types}) {attributes}")
        line = f"call {kind} {name}({', '.join(arguments)})"
        if kind == "void":
            self.do(line)
            return ""
        return self(line)

    # ---- variables ----

    def variable(self, kind: str, start: str) -> str:
        """A place for a value that changes, with a value to start with."""
        name = f"%p{next(self.fresh)}"
        self.first.append(f"  {name} = alloca {kind}")
        self.set(kind, name, start)
        return name

    def get(self, kind: str, place: str) -> str:
        return self(f"load {kind}, ptr {place}")

    def set(self, kind: str, place: str, value: str) -> None:
        self.do(f"store {kind} {value}, ptr {place}")

    # ---- blocks ----

    def label(self) -> str:
        """A name for a block."""
        return f"b{next(self.fresh)}"

    def begin(self, label: str) -> None:
        """Start a block; the one before it goes on into it, unless it has ended."""
        if not self.ended():
            self.goto(label)
        self.lines.append(f"{label}:")

    def ended(self) -> bool:
        """Whether the block has gone elsewhere already."""
        last = self.lines[-1].split(None, 1)[0] if self.lines else ""
        return last in ("br", "ret", "unreachable")

    def goto(self, label: str) -> None:
        self.do(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        self.do(f"br i1 {condition}, label %{yes}, label %{no}")

    def unless(self, condition: str, other: str) -> None:
        """Go to another block if the condition does not hold."""
        here = self.label()
        self.branch(condition, here, other)
        self.begin(here)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Lines for when a condition holds."""
        inside, after = self.label(), self.label()
        self.branch(condition, inside, after)
        self.begin(inside)
        yield
        self.begin(after)

    @contextmanager
    def loop(self, start: Any, stop: Any, step: Any = 1) -> Iterator[str]:
        """``for i in range(start, stop, step)``, with a step above 0; gives the name of ``i``."""
        place = self.variable("i64", str(start))
        head, inside, after = self.label(), self.label(), self.label()
        self.begin(head)
        i = self.get("i64", place)
        self.branch(self(f"icmp slt i64 {i}, {stop}"), inside, after)
        self.begin(inside)
        yield i
        self.set("i64", place, self(f"add nsw i64 {i}, {step}"))
        self.goto(head)
        self.begin(after)

    # ---- the whole ----

    def text(self) -> str:
        """The function alone."""
        body = [*self.first, *self.lines]
        return "\n".join([f"define {self.head} {self.attributes} {{", *body, "}"])


def type_of(argument: str) -> str:
    """The type that an argument begins with."""
    end = argument.index(">") + 1 if argument.startswith("<") else argument.index(" ")
    return argument[:end]


def imports(text: str) -> list[str]:
    """What a module's text takes from outside of it, but for LLVM's own functions."""
    found = re.findall(r'^(?:declare .*?@"?|@)([\w.]+)"?(?:\(| = external)', text, re.MULTILINE)
    return [name for name in found if not name.startswith("llvm.")]


def module(*functions: Assembly) -> str:
    """The text of functions with all that they need outside of them."""
    outside: dict[str, str] = {}
    for each in functions:
        outside |= each.outside
    return "\n\n".join([*outside.values(), *(each.text() for each in functions)]) + "\n"
