"""Where things stand in Python's and NumPy's objects, found by looking at some.

Machine code reads them there without asking the interpreter. Each place is found in an object where
a known address or number stands exactly once; what is relied on is tried. Where something is not
as expected, `layout` gives None, and nothing is read that way.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import sysconfig
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

WORD = 8
"""Bytes of a pointer, and of all that machine code reads here but a few flags."""

CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400
"""Bits of an array's flags (NumPy's C-API: ``NPY_ARRAY_C_CONTIGUOUS``, …)."""

SCALARS = (
    np.float64, np.float32, np.int64, np.int32, np.bool_, np.complex128, np.complex64,
)  # fmt: skip
"""NumPy's scalars that are taken where an array of no axes is."""


class LayoutError(Exception):
    """An object is not built as expected."""


class Layout(NamedTuple):
    """Offsets in bytes from an object's address."""

    kind: int  # of any object: its type
    tuple_size: int
    tuple_items: int
    list_size: int
    list_items: int  # a pointer to them
    set_mask: int  # its room, less one
    set_table: int  # a pointer to entries of two words
    data: int  # of an array
    ndim: int  # 32 bits
    shape: int  # a pointer
    strides: int
    dtype: int
    flags: int  # 32 bits
    scalar: int  # the number in one of NumPy's
    cell: int
    code: int  # of a function
    defaults: int
    kwdefaults: int
    attributes: int
    bases: int  # of a class
    member: int  # of a slot's descriptor: its offset in objects, behind one more pointer
    tag: int | None  # of a dict: a number that is another one after any change
    managed: int | None  # of an object: its ``__dict__``, where the interpreter manages it


def word(address: int) -> int:
    """What stands in memory."""
    return ctypes.c_uint64.from_address(address).value


def half(address: int) -> int:
    """The same of 32 bits."""
    return ctypes.c_uint32.from_address(address).value


def words(x: Any, start: int = 0) -> dict[int, int]:
    """All words of an object, by their offsets."""
    return {k: word(id(x) + k) for k in range(start, type(x).__basicsize__, WORD)}


def place(x: Any, value: int) -> int:
    """The one offset in an object where a word stands."""
    places = [k for k, found in words(x).items() if found == value]
    if len(places) != 1:
        raise LayoutError(f"{len(places)} places in a {type(x).__name__} for what has one")
    return places[0]


def expect(fact: bool, what: str) -> None:
    """Go on only if something is so."""
    if not fact:
        raise LayoutError(what)


def sequences() -> tuple[int, int, int, int]:
    """Sizes and items of tuples and lists."""
    things = [object() for _ in range(7)]
    pair, more = tuple(things), [*things]
    size, items = place(more, len(more)), tuple.__basicsize__
    expect(word(id(pair) + size) == len(pair), "the size of a tuple")
    expect(all(word(id(pair) + items + WORD * k) == id(x) for k, x in enumerate(pair)), "its items")
    # A list is a count of references, its type, size, items and room: items are what is left.
    room = max(words(more))
    expect(len(words(more)) == 5 and len(more) <= word(id(more) + room) < 100, "a list's room")
    pointer = word(id(more) + room - WORD)
    expect(size == room - 2 * WORD, "the size of a list")
    expect(all(word(pointer + WORD * k) == id(x) for k, x in enumerate(more)), "its items")
    return size, items, size, room - WORD


def sets() -> tuple[int, int]:
    """Room and entries of a set: in itself while it is small, then elsewhere."""
    small, large = ({object() for _ in range(n)} for n in (3, 100))
    start, end = id(small), id(small) + set.__basicsize__
    inside = [k for k, found in words(small).items() if start < found < end]
    expect(len(inside) == 1, "a pointer to a set's entries")
    (table,), mask = inside, place(small, 7)
    for x in (small, large):
        room = word(id(x) + mask) + 1
        expect(len(x) < room < 1 << 12 and not room & (room - 1), "a set's room")
        entries = [word(word(id(x) + table) + 2 * WORD * k) for k in range(room)]
        expect({each for each in entries if each} == set(map(id, x)), "a set's entries")
    return mask, table


def arrays() -> tuple[int, int, int, int, int, int]:
    """The fields of an array: NumPy promises their order to compiled extensions."""
    x = np.empty((3, 5, 7), np.float32)
    data, dtype = place(x, x.ctypes.data), place(x, id(x.dtype))
    ndim, shape, strides, flags = data + 8, data + 16, data + 24, dtype + 8
    expect(dtype == data + 40, "the place of an array's dtype")
    expect(half(id(x) + ndim) == x.ndim and half(id(x) + flags) == x.flags.num, "its flags")
    for field, numbers in ((shape, x.shape), (strides, x.strides)):
        pointer = word(id(x) + field)
        expect(all(word(pointer + 8 * k) == n for k, n in enumerate(numbers)), "its shape")
    expect(bool(np.eye(2).flags.num & CONTIGUOUS), "a flag")
    expect(not np.eye(3)[:, :2].flags.num & CONTIGUOUS, "a flag")
    return data, ndim, shape, strides, dtype, flags


def scalars() -> int:
    """Where the number is in NumPy's scalars."""
    offset = object.__basicsize__
    for kind in SCALARS:
        for value in (kind(0), kind(1), kind(-3)):
            size = np.dtype(kind).itemsize
            expect(ctypes.string_at(id(value) + offset, size) == value.tobytes(), "a scalar")
    return offset


def functions() -> tuple[int, int, int, int, int]:
    """A cell's content; code, defaults, keyword defaults and attributes of a function."""
    inside = object()

    def f(x: Any = object(), *, y: Any = object()) -> Any:  # noqa: B008  # any two objects
        return inside, x, y

    f.mark = 1  # type: ignore[attr-defined]  # so that it has attributes
    (cell,) = f.__closure__ or ()
    held = (f.__code__, f.__defaults__, f.__kwdefaults__, vars(f))
    code, defaults, kwdefaults, attributes = (place(f, id(x)) for x in held)
    return place(cell, id(inside)), code, defaults, kwdefaults, attributes


def bases() -> int:
    """The classes that a class derives from."""
    kind = type("kind", (Slotted, Sample), {})
    return place(kind, id(kind.__bases__))


class Slotted:
    """Has two slots, whose descriptors tell where they are."""

    __slots__ = ("first", "second")


def members() -> int:
    """Where a slot's descriptor points to what it knows."""
    sample = Slotted()
    sample.first, sample.second = things = object(), object()  # type: ignore[attr-defined]
    offsets = [place(sample, id(x)) for x in things]
    member = 5 * WORD  # after the count, the type, and the class, name and qualified name
    first = inspected(Slotted.first, member)  # type: ignore[attr-defined]  # a descriptor
    second = inspected(Slotted.second, member)  # type: ignore[attr-defined]
    expect([first, second] == offsets, "the descriptor of a slot")
    return member


def inspected(descriptor: Any, member: int) -> int:
    """The offset that a slot's descriptor holds: its definition is a name, a type, the offset."""
    expect(type(descriptor) is types.MemberDescriptorType, "a slot")
    return word(word(id(descriptor) + member) + 2 * WORD)


class Sample:
    """An object with attributes."""


def instances() -> int | None:
    """Where an object's ``__dict__`` is when the interpreter manages it: before the object."""
    x = Sample()
    x.a = 1  # type: ignore[attr-defined]  # any attribute
    inside = id(vars(x))
    places = [k for k in range(-4 * WORD, 0, WORD) if word(id(x) + k) == inside]
    return places[0] if len(places) == 1 else None


CHANGES = """
def change(x):
    global a
    for k in range(100):  # long enough to be specialised
        x.a = k + 0.5; look()
        a = k + 0.5; look()
x.a = 2; look()
setattr(x, "b", 1); look()
del x.b; look()
a = 1; look()
b = 1; look()
del b; look()
for space in (globals(), vars(x), plain):
    space["k"] = 1; look()
    space["k"] = 2; look()
    space.update(k=3); look()
    space |= {"k": 4}; look()
    space.setdefault("new", 1); look()
    space.pop("new"); look()
    del space["k"]; look()
    space["k"] = 1; look()
    space.popitem(); look()
change(x)
plain.clear(); look()
plain.update({"a": 1}); look()
plain.__init__({"a": 2}); look()
"""
"""Programs' ways to change a dict, with a look at the tags after each."""


def tags() -> int | None:
    """Where a dict has a number that changes with it; None if there is none to rely on."""
    sample = {"a": object()}
    before = words(sample)
    sample["a"] = object()
    changed = [k for k, found in words(sample).items() if before[k] != found]
    if len(changed) != 1:
        return None
    (tag,) = changed
    x, plain = Sample(), {"a": 1, "b": 2}
    space: dict[str, Any] = {"x": x, "plain": plain}
    dicts = [space, vars(x), plain]
    seen = [word(id(d) + tag) for d in dicts]
    contents = [d.copy() for d in dicts]
    unnoticed = 0

    def look() -> None:
        nonlocal unnoticed
        for k, d in enumerate(dicts):
            now = word(id(d) + tag)
            unnoticed += (d != contents[k]) and now == seen[k]
            seen[k], contents[k] = now, d.copy()

    space["look"] = look
    exec(CHANGES, space)
    return None if unnoticed else tag


def found() -> Layout:
    """The layout of this process' objects.

    Raises
    ------
    LayoutError
        If they are not built as expected.
    """
    expect(platform.python_implementation() == "CPython", "another interpreter")
    expect(not sysconfig.get_config_var("Py_GIL_DISABLED"), "threads without a lock")
    expect(ctypes.sizeof(ctypes.c_void_p) == WORD, "32 bits")
    return Layout(
        place(Slotted(), id(Slotted)), *sequences(), *sets(), *arrays(), scalars(), *functions(),
        bases(), members(), tags(), instances(),
    )  # fmt: skip


@functools.cache
def layout() -> Layout | None:
    """Where things stand, or None where machine code shall not look."""
    try:
        return found()
    except LayoutError:
        return None


# ---- NumPy's functions for compiled callers ----

API = {"PyArray_Empty": 184, "PyArray_Scalar": 60}
"""Their numbers in its table, which never change (NumPy's C-API)."""


@functools.cache
def numpy_functions() -> dict[str, int]:
    """Addresses of NumPy's C functions, tried out; none if they do not do what is expected."""
    capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]  # C's, public
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = pointer(capsule, None)
    if ctypes.CFUNCTYPE(ctypes.c_uint)(word(table))() >> 24 != 2:  # another kind of table
        return {}
    addresses = {name: word(table + WORD * k) for name, k in API.items()}
    empty, scalar = addresses["PyArray_Empty"], addresses["PyArray_Scalar"]
    dtype, shape = np.dtype(np.float32), (ctypes.c_ssize_t * 2)(3, 5)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(dtype))  # which is given away
    make = c_function(empty, ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_int)
    x = make(2, ctypes.addressof(shape), dtype, 0)
    take = c_function(scalar, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    number = np.full(1, 1.5, dtype)
    y = take(number.ctypes.data, dtype, None)
    good = type(x) is np.ndarray and x.shape == (3, 5) and x.dtype is dtype
    return addresses if good and type(y) is np.float32 and y == number[0] else {}


def c_function(address: int, *kinds: Any) -> Callable[..., Any]:
    """A C function with the interpreter's lock, which returns an object."""
    return ctypes.PYFUNCTYPE(ctypes.py_object, *kinds)(address)
