"""The one machine-code function through which Python calls kernels, whatever their arguments are.

It is written once for the process and reads what to do from tables of words (see `tables` and
`watches`): small programs that check what a function has captured, look at the arguments, make the
results. Whatever does not fit is left to Python.

The references of all that it touches are counted by Python's own functions, so nothing here knows
how they are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from .assembly import Assembly, module
from .layouts import Layout

MISS = "inttoptr (i64 1 to ptr)"
"""What stands for "not these arguments", where a result is an object or NULL."""


class Watch(IntEnum):
    """Steps of a program that compares memory with what it was."""

    END = 0
    WORD = 1  # address, what stands there
    BYTES = 2  # address, a copy, how many
    NAMES = 3  # dict, its tag, how many, (name, object or 0) of each
    ENTRIES = 4  # dict, its tag, how many, (key, object) of all


class Check(IntEnum):
    """Steps of a program that looks at arguments; all have the number of an object and its type.

    Those of arrays and numbers go on with the number of the kernel's pointer to it.
    """

    END = 0
    ARRAY = 1  # the scalar's type, dtype, flags, axes, lengths; or one to write into
    FLOAT = 2
    INT = 3
    COMPLEX = 4
    TUPLE = 5  # how many; the items are objects from then on
    LIST = 6  # how many
    DICT = 7  # how many, keys
    FIELDS = 8  # how many, names of attributes
    SAME = 9  # the object itself in place of its type


class Make(IntEnum):
    """Steps of a program that makes the result, on a stack of objects."""

    END = 0
    RESULT = 1  # the number of a result
    GIVEN = 2  # the number of an object
    CONSTANT = 3  # the object
    TUPLE = 4  # how many
    LIST = 5  # how many
    DICT = 6  # how many, keys
    CALL = 7  # a function of the topmost


class Kind(IntEnum):
    """What a result of a kernel becomes: then come its dtype, bytes, pointer, axes, lengths."""

    ARRAY = 0
    SCALAR = 1
    INTO = 2  # the array that is given: the number of an object in place of the dtype


class Head(IntEnum):
    """The words that a call's table begins with."""

    KERNEL = 0
    OBJECTS = 1  # room for as many
    STACK = 2
    POINTERS = 3  # that the kernel gets, and one for what it does not
    RESULTS = 4
    CONSTANTS = 5  # the last of them
    UNLOCKED = 6  # whether other threads run meanwhile
    CONSTANT = 7  # where they begin, in words
    RESULT = 8
    MAKE = 9
    EMPTY = 10  # an empty dict
    SIZES = 11  # where the numbers of bytes of the inputs and results begin
    IN_PLACE = 12  # whether a result may be written over an input
    CHECK = 13  # the first program


class Words:
    """Reading words one after another, in code that is being written."""

    def __init__(self, asm: Assembly, start: str) -> None:
        self.asm = asm
        self.place = asm.variable("ptr", start)

    def at(self, k: int, kind: str = "i64") -> str:
        """The word `k` after the present one."""
        here = self.asm.get("ptr", self.place)
        return self.asm(f"load {kind}, ptr {self.asm(f'getelementptr i64, ptr {here}, i64 {k}')}")

    def after(self, k: int) -> str:
        """The address of the word `k` after the present one."""
        here = self.asm.get("ptr", self.place)
        return self.asm(f"getelementptr i64, ptr {here}, i64 {k}")

    def skip(self, k: int, more: str = "0", each: int = 1) -> None:
        """Go on by ``k + more * each`` words."""
        many = self.asm(f"mul i64 {more}, {each}")
        here = self.asm(f"getelementptr i64, ptr {self.after(k)}, i64 {many}")
        self.asm.set("ptr", self.place, here)

    def switch(self, head: str, end: str, steps: type[IntEnum]) -> dict[int, str]:
        """A loop over steps, each by its number; gives their blocks' names."""
        asm = self.asm
        labels = {step.value: asm.label() for step in steps if step}
        asm.begin(head)
        cases = " ".join(f"i64 {k}, label %{name}" for k, name in labels.items())
        asm.do(f"switch i64 {self.at(0)}, label %{end} [{cases}]")
        return labels


class Writer(Assembly):
    """A function over Python's objects."""

    def __init__(self, head: str, layout: Layout, outside: dict[str, str]) -> None:
        super().__init__(head, outside=outside)
        self.layout = layout

    def field(self, x: str, offset: int | None, kind: str = "ptr") -> str:
        """What stands in an object."""
        return self(f"load {kind}, ptr {self(f'getelementptr i8, ptr {x}, i64 {offset}')}")

    def item(self, array: str, k: str, kind: str = "ptr") -> str:
        return self(f"load {kind}, ptr {self.element(array, k, kind)}")

    def element(self, array: str, k: str, kind: str = "ptr") -> str:
        return self(f"getelementptr {kind}, ptr {array}, i64 {k}")

    def room(self, n: str, kind: str = "ptr") -> str:
        """An array on the stack."""
        return self(f"alloca {kind}, i64 {n}, align 16")

    def hold(self, x: str) -> None:
        self.call("void", "@Py_IncRef", f"ptr {x}")

    def drop(self, x: str) -> None:
        """An object, or NULL."""
        self.call("void", "@Py_DecRef", f"ptr {x}")

    def equal(self, x: str, y: str, kind: str = "ptr") -> str:
        return self(f"icmp eq {kind} {x}, {y}")

    def same_bytes(self, x: str, y: str, n: str) -> str:
        found = self.call("i32", "@memcmp", f"ptr {x}", f"ptr {y}", f"i64 {n}")
        return self.equal(found, "0", "i32")


# ---- what was captured ----


def holds(layout: Layout, outside: dict[str, str]) -> Assembly:
    """``i8 @holds(ptr %words)``: whether all that a program of watches looks at is as it was."""
    asm = Writer("i8 @holds(ptr %words)", layout, outside)
    words, head, end, no = Words(asm, "%words"), asm.label(), asm.label(), asm.label()
    steps = words.switch(head, end, Watch)
    asm.begin(steps[Watch.WORD])
    asm.unless(asm.equal(asm(f"load i64, ptr {words.at(1, 'ptr')}"), words.at(2), "i64"), no)
    words.skip(3)
    asm.goto(head)
    asm.begin(steps[Watch.BYTES])
    asm.unless(asm.same_bytes(words.at(1, "ptr"), words.at(2, "ptr"), words.at(3)), no)
    words.skip(4)
    asm.goto(head)
    for step, check in ((Watch.NAMES, names), (Watch.ENTRIES, entries)):
        asm.begin(steps[step])
        if_changed(asm, words, no, check)
        asm.goto(head)
    asm.begin(end)
    asm.do("ret i8 1")
    asm.begin(no)
    asm.do("ret i8 0")
    return asm


Comparison = Callable[[Writer, str, str, str, str], None]
"""Writes how a dict is compared with pairs, and where to go if it differs."""


def if_changed(asm: Writer, words: Words, no: str, check: Comparison) -> None:
    """Compare a dict if its tag is another one, and keep that if nothing else is.

    Python 3.13 and later have no tags; there it is compared each time.
    """
    space, n, pairs = words.at(1, "ptr"), words.at(3), words.after(4)
    if asm.layout.tag is None:
        check(asm, space, n, pairs, no)
    else:
        tag = asm.field(space, asm.layout.tag, "i64")
        with asm.when(asm(f"icmp ne i64 {tag}, {words.at(2)}")):
            check(asm, space, n, pairs, no)
            asm.set("i64", words.after(2), tag)
    words.skip(4, n, 2)


def names(asm: Writer, space: str, n: str, pairs: str, no: str) -> None:
    """Names mean what they did, or nothing, as before."""
    with asm.loop(0, n) as k:
        name = asm(f"getelementptr {{ptr, ptr}}, ptr {pairs}, i64 {k}")
        key = asm(f"load ptr, ptr {name}")
        found = asm.call("ptr", "@PyDict_GetItem", f"ptr {space}", f"ptr {key}")
        asm.unless(asm.equal(found, asm.field(name, 8)), no)


def entries(asm: Writer, space: str, n: str, pairs: str, no: str) -> None:
    """A dict has the same keys and values, in the same order."""
    at, key, value = (asm.variable(kind, zero) for kind, zero in VARIABLES)
    asm.set("i64", at, "0")
    following = f"ptr {space}", f"ptr {at}", f"ptr {key}", f"ptr {value}"
    with asm.loop(0, n) as k:
        more = asm.call("i32", "@PyDict_Next", *following)
        asm.unless(asm.equal(more, "1", "i32"), no)
        pair = asm(f"getelementptr {{ptr, ptr}}, ptr {pairs}, i64 {k}")
        asm.unless(asm.equal(asm.get("ptr", key), asm(f"load ptr, ptr {pair}")), no)
        asm.unless(asm.equal(asm.get("ptr", value), asm.field(pair, 8)), no)
    asm.unless(asm.equal(asm.call("i32", "@PyDict_Next", *following), "0", "i32"), no)


VARIABLES = (("i64", "0"), ("ptr", "null"), ("ptr", "null"))
"""Of a walk through a dict: the place, a key and what it means."""


# ---- a call ----


class Attempt:
    """``ptr @attempt(ptr %entry, ptr %args, ptr %kwargs)``: a call of one kernel.

    The result, NULL for an exception, or `MISS`.
    """

    def __init__(self, layout: Layout, outside: dict[str, str], table: int) -> None:
        head = "internal ptr @attempt(ptr %entry, ptr %args, ptr %kwargs)"
        self.asm = asm = Writer(head, layout, outside)
        self.layout = layout
        self.table = asm.field(asm.field("%entry", table), layout.data)
        self.objects = asm.room(self.head(Head.OBJECTS))
        self.pointers, self.results = self.head(Head.POINTERS), self.head(Head.RESULTS)
        most = asm(f"sub i64 {self.pointers}, 1")
        self.values = asm(f"sub i64 {most}, {self.head(Head.CONSTANTS)}")
        self.inputs = asm(f"sub i64 {self.values}, {self.results}")
        self.data = asm.room(self.pointers)
        self.numbers = asm.room(self.pointers, "i128")
        self.made = asm.room(self.results)
        self.in_place = asm(f"icmp ne i64 {self.head(Head.IN_PLACE)}, 0")
        self.stack = asm.room(self.head(Head.STACK))
        self.known = asm.variable("i64", "2")  # objects
        self.top = asm.variable("i64", "0")
        self.answer = asm.variable("ptr", MISS)
        self.leave, self.failed = asm.label(), asm.label()
        self.prepare()
        self.check()
        self.allocate()
        self.run()
        self.finish()
        self.clean()

    def head(self, which: Head, kind: str = "i64") -> str:
        return self.asm.item(self.table, str(which.value), kind)

    def part(self, which: Head) -> str:
        """The address of a part of the table."""
        return self.asm.element(self.table, self.head(which), "i64")

    def prepare(self) -> None:
        asm = self.asm
        asm.set("ptr", asm.element(self.objects, "0"), "%args")
        none, empty = asm.equal("%kwargs", "null"), self.head(Head.EMPTY, "ptr")
        kwargs = asm(f"select i1 {none}, ptr {empty}, ptr %kwargs")
        asm.set("ptr", asm.element(self.objects, "1"), kwargs)
        with asm.loop(0, self.results) as k:
            asm.set("ptr", asm.element(self.made, k), "null")
        with asm.loop(0, self.values) as k:
            self.give(k, "null")

    def give(self, slot: str, pointer: str) -> None:
        """One of the pointers that the kernel gets."""
        self.asm.set("ptr", self.asm.element(self.data, slot), pointer)

    def add(self, x: str) -> None:
        """Another object to look at, and a reference to it that is dropped in the end."""
        asm = self.asm
        k = asm.get("i64", self.known)
        asm.set("ptr", asm.element(self.objects, k), x)
        asm.set("i64", self.known, asm(f"add i64 {k}, 1"))

    # looking at arguments

    def check(self) -> None:
        asm, after = self.asm, self.asm.label()
        words = Words(asm, asm.element(self.table, str(Head.CHECK.value), "i64"))
        head = asm.label()
        steps = words.switch(head, after, Check)
        for step, label in steps.items():
            asm.begin(label)
            x, kind = asm.item(self.objects, words.at(1)), words.at(2, "ptr")
            if step == Check.ARRAY:
                self.array(x, words)
            elif step == Check.SAME:
                asm.unless(asm.equal(x, kind), self.leave)
                words.skip(3)
            else:
                asm.unless(asm.equal(asm.field(x, self.layout.kind), kind), self.leave)
                self.other(Check(step), x, words)
            asm.goto(head)
        asm.begin(after)

    def array(self, x: str, words: Words) -> None:
        """An array of one kind, or a scalar where it has no axes."""
        asm, layout = self.asm, self.layout
        scalar, plain, after = (asm.label() for _ in range(3))
        kind, slot = asm.field(x, layout.kind), words.at(3)
        asm.branch(asm.equal(kind, words.at(2, "ptr")), plain, scalar)
        asm.begin(scalar)
        asm.unless(asm.equal(kind, words.at(4, "ptr")), self.leave)
        self.give(slot, asm(f"getelementptr i8, ptr {x}, i64 {layout.scalar}"))
        asm.goto(after)
        asm.begin(plain)
        asm.unless(asm.equal(asm.field(x, layout.dtype), words.at(5, "ptr")), self.leave)
        flags = asm(f"zext i32 {asm.field(x, layout.flags, 'i32')} to i64")
        wanted = words.at(6)
        asm.unless(asm.equal(asm(f"and i64 {flags}, {wanted}"), wanted, "i64"), self.leave)
        ndim = asm(f"zext i32 {asm.field(x, layout.ndim, 'i32')} to i64")
        asm.unless(asm.equal(ndim, words.at(7), "i64"), self.leave)
        shape = asm.field(x, layout.shape)
        with asm.loop(0, ndim) as k:
            length = asm.item(words.after(8), k, "i64")
            asm.unless(asm.equal(asm.item(shape, k, "i64"), length, "i64"), self.leave)
        self.give(slot, asm.field(x, layout.data))
        asm.begin(after)
        words.skip(8, words.at(7))

    def other(self, step: Check, x: str, words: Words) -> None:
        """A number or a container, whose type is right."""
        asm = self.asm
        if step in (Check.FLOAT, Check.INT, Check.COMPLEX):
            place = asm.element(self.numbers, words.at(3), "i128")
            self.number(step, x, place)
            self.give(words.at(3), place)
            words.skip(4)
        else:
            self.container_of(step, x, words)

    def container_of(self, step: Check, x: str, words: Words) -> None:
        """A container, and what is in it."""
        asm, n = self.asm, words.at(3)
        if step == Check.DICT:
            size = asm.call("i64", "@PyDict_Size", f"ptr {x}")
        elif step == Check.FIELDS:
            size = n  # as the type is right
        else:
            tuples = step == Check.TUPLE
            size = asm.field(x, self.layout.tuple_size if tuples else self.layout.list_size, "i64")
        asm.unless(asm.equal(size, n, "i64"), self.leave)
        with asm.loop(0, n) as k:
            self.add(self.item(step, x, k, words))
        words.skip(4, n if step in (Check.DICT, Check.FIELDS) else "0")

    def item(self, step: Check, x: str, k: str, words: Words) -> str:
        """A new reference to an item of a container."""
        asm = self.asm
        if step == Check.FIELDS:
            return self.attribute(x, asm.item(words.after(4), k))
        if step == Check.TUPLE:
            items = asm(f"getelementptr i8, ptr {x}, i64 {self.layout.tuple_items}")
            found = asm.item(items, k)
        elif step == Check.LIST:
            found = asm.item(asm.field(x, self.layout.list_items), k)
        else:
            key = asm.item(words.after(4), k)
            found = asm.call("ptr", "@PyDict_GetItem", f"ptr {x}", f"ptr {key}")
            asm.unless(asm(f"icmp ne ptr {found}, null"), self.leave)
        asm.hold(found)
        return found

    def attribute(self, x: str, name: str) -> str:
        """What an attribute is; without one, Python shall say so."""
        asm, here = self.asm, self.asm.label()
        found = asm.call("ptr", "@PyObject_GetAttr", f"ptr {x}", f"ptr {name}")
        asm.branch(asm(f"icmp ne ptr {found}, null"), here, missing := asm.label())
        asm.begin(missing)
        asm.call("void", "@PyErr_Clear")
        asm.goto(self.leave)
        asm.begin(here)
        return found

    def number(self, step: Check, x: str, place: str) -> None:
        """Put a Python number where the kernel can read it."""
        asm = self.asm
        if step == Check.FLOAT:
            asm.set("double", place, asm.call("double", "@PyFloat_AsDouble", f"ptr {x}"))
        elif step == Check.INT:
            large = asm.variable("i32", "0")
            name = "@PyLong_AsLongLongAndOverflow"
            asm.set("i64", place, asm.call("i64", name, f"ptr {x}", f"ptr {large}"))
            asm.unless(asm.equal(asm.get("i32", large), "0", "i32"), self.leave)
        else:
            self.complex(x, place)

    def complex(self, x: str, place: str) -> None:
        """Both parts of a number."""
        asm = self.asm
        for k, name in enumerate(("@PyComplex_RealAsDouble", "@PyComplex_ImagAsDouble")):
            part = asm.call("double", name, f"ptr {x}")
            asm.set("double", asm.element(place, str(k), "double"), part)

    # running

    def allocate(self) -> None:
        """Room for the results, then the constants."""
        asm = self.asm
        words = Words(asm, self.part(Head.RESULT))
        with asm.loop(0, self.results) as k:
            array, scalar, into, after = (asm.label() for _ in range(4))
            asm.do(
                f"switch i64 {words.at(0)}, label %{array} "
                f"[i64 {Kind.SCALAR:d}, label %{scalar} i64 {Kind.INTO:d}, label %{into}]"
            )
            asm.begin(array)
            self.give(words.at(3), asm.field(self.new_array(words, k), self.layout.data))
            asm.goto(after)
            asm.begin(scalar)
            self.give(words.at(3), asm.element(self.numbers, words.at(3), "i128"))
            asm.goto(after)
            asm.begin(into)
            self.into(words, k)
            asm.begin(after)
            words.skip(5, words.at(4))
        constants = self.part(Head.CONSTANT)
        with asm.loop(0, self.head(Head.CONSTANTS)) as k:
            self.give(asm(f"add i64 {self.values}, {k}"), asm.item(constants, k))

    def new_array(self, words: Words, k: str) -> str:
        asm = self.asm
        dtype, ndim = words.at(1, "ptr"), asm(f"trunc i64 {words.at(4)} to i32")
        asm.hold(dtype)  # which the call takes
        of = f"i32 {ndim}", f"ptr {words.after(5)}", f"ptr {dtype}", "i32 0"
        y = asm.call("ptr", "@PyArray_Empty", *of)
        asm.unless(asm(f"icmp ne ptr {y}, null"), self.failed)
        asm.set("ptr", asm.element(self.made, k), y)
        return y

    def into(self, words: Words, k: str) -> None:
        """An array that is given, if nothing that is read or written is in its memory."""
        asm = self.asm
        y = asm.item(self.objects, words.at(1))
        start, size = asm.field(y, self.layout.data), words.at(2)
        end = asm(f"getelementptr i8, ptr {start}, i64 {size}")
        sizes = self.part(Head.SIZES)
        with asm.loop(0, self.values) as j:
            other = asm.item(self.data, j)
            other_end = asm(f"getelementptr i8, ptr {other}, i64 {asm.item(sizes, j, 'i64')}")
            before = asm(f"icmp ule ptr {end}, {other}")
            after = asm(f"icmp ule ptr {other_end}, {start}")
            same = asm(f"and i1 {self.in_place}, {asm.equal(start, other)}")
            same = asm(f"and i1 {same}, {asm(f'icmp slt i64 {j}, {self.inputs}')}")
            asm.unless(asm(f"or i1 {same}, {asm(f'or i1 {before}, {after}')}"), self.leave)
        asm.hold(y)
        asm.set("ptr", asm.element(self.made, k), y)
        self.give(words.at(3), start)

    def run(self) -> None:
        """The kernel. Below 0 is an exception, above 0 that it does not go this way."""
        asm = self.asm
        locked, free, done = asm.label(), asm.label(), asm.label()
        status = asm.variable("i32", "0")
        kernel = self.head(Head.KERNEL, "ptr")
        asm.branch(asm.equal(self.head(Head.UNLOCKED), "0", "i64"), locked, free)
        asm.begin(locked)
        asm.set("i32", status, asm(f"call i32 {kernel}(ptr {self.data})"))
        asm.goto(done)
        asm.begin(free)
        thread = asm.call("ptr", "@PyEval_SaveThread")
        asm.set("i32", status, asm(f"call i32 {kernel}(ptr {self.data})"))
        asm.call("void", "@PyEval_RestoreThread", f"ptr {thread}")
        asm.begin(done)
        answer = asm.get("i32", status)
        asm.unless(asm(f"icmp sge i32 {answer}, 0"), self.failed)
        asm.unless(asm.equal(answer, "0", "i32"), self.leave)

    # making the result

    def finish(self) -> None:
        asm = self.asm
        self.scalars()
        words, head, end = Words(asm, self.part(Head.MAKE)), asm.label(), asm.label()
        steps = words.switch(head, end, Make)
        for step, label in steps.items():
            asm.begin(label)
            if step in (Make.TUPLE, Make.LIST, Make.DICT):
                self.container(Make(step), words)
            elif step == Make.CALL:
                self.called(words)
            else:
                k = words.at(1)
                place = {Make.RESULT: self.made, Make.GIVEN: self.objects}.get(Make(step))
                x = asm.item(place, k) if place else words.at(1, "ptr")
                asm.hold(x)
                self.push(x)
                words.skip(2)
            asm.goto(head)
        asm.begin(end)
        asm.set("ptr", self.answer, asm.item(self.stack, "0"))
        asm.set("i64", self.top, "0")
        asm.goto(self.leave)

    def scalars(self) -> None:
        """Numbers of the results that have no axes."""
        asm = self.asm
        words = Words(asm, self.part(Head.RESULT))
        with asm.loop(0, self.results) as k:
            with asm.when(asm.equal(words.at(0), f"{Kind.SCALAR:d}", "i64")):
                place = asm.item(self.data, words.at(3))
                y = asm.call("ptr", "@PyArray_Scalar", f"ptr {place}", f"ptr {words.at(1, 'ptr')}",
                             "ptr null")  # fmt: skip
                asm.unless(asm(f"icmp ne ptr {y}, null"), self.failed)
                asm.set("ptr", asm.element(self.made, k), y)
            words.skip(5, words.at(4))

    def push(self, x: str) -> None:
        """Put a reference on the stack."""
        asm = self.asm
        k = asm.get("i64", self.top)
        asm.set("ptr", asm.element(self.stack, k), x)
        asm.set("i64", self.top, asm(f"add i64 {k}, 1"))

    def container(self, step: Make, words: Words) -> None:
        """Put the topmost objects into one."""
        asm, n = self.asm, words.at(1)
        make = f"@Py{step.name.title()}_New"
        x = asm.call("ptr", make, *([] if step == Make.DICT else [f"i64 {n}"]))
        asm.unless(asm(f"icmp ne ptr {x}, null"), self.failed)
        below = asm(f"sub i64 {asm.get('i64', self.top)}, {n}")
        items = asm.element(self.stack, below)
        failed, good = asm.label(), asm.label()
        with asm.loop(0, n) as k:
            y = asm.item(items, k)
            if step == Make.DICT:
                key = asm.item(words.after(2), k)
                status = asm.call("i32", "@PyDict_SetItem", f"ptr {x}", f"ptr {key}", f"ptr {y}")
            else:  # it takes the reference, which stays on our stack
                asm.hold(y)
                name = f"@Py{step.name.title()}_SetItem"
                status = asm.call("i32", name, f"ptr {x}", f"i64 {k}", f"ptr {y}")
            asm.unless(asm.equal(status, "0", "i32"), failed)
        with asm.loop(0, n) as k:
            asm.drop(asm.item(items, k))
        asm.set("i64", self.top, below)
        self.push(x)
        words.skip(2, n if step == Make.DICT else "0")
        asm.goto(good)
        asm.begin(failed)
        asm.drop(x)
        asm.goto(self.failed)
        asm.begin(good)

    def called(self, words: Words) -> None:
        """Replace the topmost by a function of it."""
        asm = self.asm
        place = asm.element(self.stack, asm(f"sub i64 {asm.get('i64', self.top)}, 1"))
        x = asm(f"load ptr, ptr {place}")
        y = asm.call("ptr", "@PyObject_CallOneArg", f"ptr {words.at(1, 'ptr')}", f"ptr {x}")
        asm.unless(asm(f"icmp ne ptr {y}, null"), self.failed)
        asm.set("ptr", place, y)
        asm.drop(x)
        words.skip(2)

    def clean(self) -> None:
        """Drop what was held, and return."""
        asm = self.asm
        asm.begin(self.failed)
        asm.set("ptr", self.answer, "null")
        asm.begin(self.leave)
        with asm.loop(0, self.results) as k:
            asm.drop(asm.item(self.made, k))
        with asm.loop(2, asm.get("i64", self.known)) as k:
            asm.drop(asm.item(self.objects, k))
        with asm.loop(0, asm.get("i64", self.top)) as k:
            asm.drop(asm.item(self.stack, k))
        asm.do(f"ret ptr {asm.get('ptr', self.answer)}")


class Ours(NamedTuple):
    """Offsets of the slots of our own objects."""

    head: int  # of what is called: its first entry
    words: int  # of an entry
    onward: int
    watches: int
    program: int  # of these: their words


def call(layout: Layout, outside: dict[str, str], ours: Ours) -> Assembly:
    """``ptr @call(ptr %self, ptr %args, ptr %kwargs)``: what Python calls.

    Each entry that hangs on the object in turn, as long as what it watches is as it was; then the
    object's method ``missed``.
    """
    asm = Writer("ptr @call(ptr %self, ptr %args, ptr %kwargs)", layout, outside)
    asm.outside["@missed"] = '@missed = private constant [7 x i8] c"missed\\00"'
    asm.outside["@Entry"] = "declare void @Entry()"  # the class, which is only compared
    missed, again, tried, done, ended = (asm.label() for _ in range(5))
    entry, seen = asm.variable("ptr", "null"), asm.variable("ptr", "null")
    first = asm.field("%self", ours.head)
    asm.hold(first)
    asm.set("ptr", entry, first)
    asm.begin(again)
    e = asm.get("ptr", entry)
    asm.unless(asm(f"icmp ne ptr {e}, null"), missed)
    asm.unless(asm.equal(asm.field(e, layout.kind), "@Entry"), ended)
    watches = asm.field(e, ours.watches)
    with asm.when(asm(f"icmp ne ptr {watches}, {asm.get('ptr', seen)}")):
        asm.hold(watches)
        words = asm.field(asm.field(watches, ours.program), layout.data)
        good = asm(f"call i8 @holds(ptr {words})")
        asm.drop(watches)
        asm.unless(asm.equal(good, "1", "i8"), ended)
        asm.set("ptr", seen, watches)
    y = asm(f"call ptr @attempt(ptr {e}, ptr %args, ptr %kwargs)")
    asm.branch(asm.equal(y, MISS), tried, done)
    asm.begin(tried)
    after = asm.field(e, ours.onward)
    asm.hold(after)  # before its holder may go
    asm.drop(e)
    asm.set("ptr", entry, after)
    asm.goto(again)
    asm.begin(done)
    asm.drop(e)
    asm.do(f"ret ptr {y}")
    asm.begin(ended)
    asm.drop(e)
    asm.begin(missed)
    bound = asm.call("ptr", "@PyObject_GetAttrString", "ptr %self", "ptr @missed")
    with asm.when(asm.equal(bound, "null")):
        asm.do("ret ptr null")
    y = asm.call("ptr", "@PyObject_Call", f"ptr {bound}", "ptr %args", "ptr %kwargs")
    asm.drop(bound)
    asm.do(f"ret ptr {y}")
    return asm


def text(layout: Layout, ours: Ours) -> str:
    """All of it, for where things stand in objects."""
    outside: dict[str, str] = {}
    attempt = Attempt(layout, outside, ours.words).asm
    return module(holds(layout, outside), attempt, call(layout, outside, ours))
