"""Kernels as functions that Python calls at the speed of C.

An `Entry` is a kernel with the kind of arguments that it is for. Entries hang on a `Called` object
one behind the other. Calling that runs machine code (see `caller`): it tries each, and what none of
them takes goes to the object's method ``missed``. Where objects are not laid out as machine code
expects, all calls go there.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
from collections.abc import Sequence
from typing import Any

from . import caller
from .assembly import imports
from .layouts import inspected, layout, numpy_functions
from .runtime import KNOWN, Code, compiled, find
from .tables import Callee, Result, Table, Unfit
from .watches import ALWAYS, Watches

LOOK = ctypes.PYFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)
"""`holds` in machine code. Once: each such type is a new class."""


class Entry:
    """A kernel, for arguments of one kind.

    Parameters
    ----------
    kernel : Callee
    example : tuple
        Arguments of the kind, ``(args, kwargs)``.
    results : sequence of Fresh, Given, Constant
        The leaves of what is returned.
    structure : PyTreeSpec
        The containers around them.
    into : bool
        Whether it writes into arrays given as ``out=``.

    Attributes
    ----------
    watches : Watches
        The entry is good for as long as they hold.
    onward : Entry or None
        The one that is tried after it.

    Raises
    ------
    Unfit
        If arguments or results are of a kind that only Python can handle.
    """

    __slots__ = ("onward", "table", "watches", "words")

    def __init__(
        self,
        kernel: Callee,
        example: tuple[tuple[Any, ...], dict[str, Any]],
        results: Sequence[Result],
        structure: Any,
        into: bool = False,
    ) -> None:
        self.table = Table(kernel, example, results, structure, into)
        self.words = self.table.words
        self.watches = ALWAYS
        self.onward: Entry | None = None


def entries(kernel: Callee, example: Any, results: Sequence[Result], structure: Any) -> list[Entry]:
    """An `Entry` that makes its results and, where that can be, one that is given ``out=``.

    Raises
    ------
    Unfit
        As `Entry`.
    """
    found = [Entry(kernel, example, results, structure)]
    with contextlib.suppress(Unfit):
        found.append(Entry(kernel, example, results, structure, into=True))
    return found


class Slots:
    """What hangs on an object that is called: the first entry."""

    __slots__ = ("head",)

    head: Entry | None


class Slow(Slots):
    """The same, where machine code does not look into objects."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.missed(*args, **kwargs)  # type: ignore[attr-defined]  # the subclass has it


class TypeSlot(ctypes.Structure):
    """``PyType_Slot`` (Python's C-API)."""

    _fields_ = (("slot", ctypes.c_int), ("function", ctypes.c_void_p))


class TypeSpec(ctypes.Structure):
    """``PyType_Spec`` (Python's C-API)."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(TypeSlot)),
    )


CALL, BASETYPE = 50, 1 << 10
"""``Py_tp_call`` and ``Py_TPFLAGS_BASETYPE``, which never change (Python's stable ABI)."""


@functools.cache
def code() -> Code | None:
    """The machine code of calls, once for the process; None if it would not know its way."""
    at, functions = layout(), numpy_functions()
    KNOWN.update(functions, Entry=id(Entry))
    if at is None:
        return None
    slots = ((Slots, "head"), (Entry, "words"), (Entry, "onward"), (Entry, "watches"))
    places = (inspected(vars(kind)[name], at.member) for kind, name in (*slots, (Watches, "words")))
    text = caller.text(at, caller.Ours(*places))
    if not all(map(find, imports(text))):
        return None
    made = Code(compiled(text), ["call", "holds"], imports(text))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))  # objects may be called until the very end
    return made


@functools.cache
def called() -> type[Slots]:
    """A base class whose objects are called in machine code, if that can be."""
    machine = code()
    if machine is None:
        return Slow
    slots = (TypeSlot * 2)(TypeSlot(CALL, machine["call"]), TypeSlot(0, None))
    size = Slots.__basicsize__
    spec = TypeSpec(b"dezero.jit.native.entry.Called", size, 0, BASETYPE, slots)
    make = ctypes.pythonapi.PyType_FromSpecWithBases
    make.restype, make.argtypes = ctypes.py_object, [ctypes.POINTER(TypeSpec), ctypes.py_object]
    made: type[Slots] = make(ctypes.byref(spec), (Slots,))
    return made


def holds(watches: Watches) -> bool:
    """Whether all that is watched is as it was."""
    machine = code()
    return machine is not None and LOOK(machine["holds"])(watches.words.ctypes.data)
