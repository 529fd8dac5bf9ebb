"""Kernels as functions that Python calls at the speed of C.

An `Entry` is a kernel with the kind of arguments that it is for. Entries hang on a `Called` object
one behind the other. Calling that runs machine code (see `caller`): it tries each, and what none of
them takes goes to the object's method ``missed``. Where objects are not laid out as machine code
expects, all calls go there, and `Entry.run` calls the kernel through `ctypes`.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...trees import bare
from . import caller
from .layouts import Layout, inspected, layout, numpy_functions
from .runtime import KNOWN, Code, compiled
from .tables import Fresh, Given, Result, Table
from .watches import ALWAYS, Watches

class Entry:
    """A kernel, for arguments of one kind.

    Parameters
    ----------
    kernel : int
        The address of ``i32 kernel(ptr arrays)``. The pointers are those of the inputs' numbers,
        then of the fresh results', then of the constants'. It returns 0; above 0 if these numbers
        do not go its way; below 0 if it has set an exception.
    example : tuple
        Arguments of the kind, ``(args, kwargs)``.
    results : sequence of Fresh, Given, Constant
        The leaves of what is returned.
    structure : PyTreeSpec
        The containers around them.
    constants : iterable of arrays
        What the kernel reads besides.
    unlocked : bool
        Whether other threads run during the kernel: for one that takes long.
    keep : object
        What is to live as long, such as the kernel's `Code`.

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

    __slots__ = ("keep", "kernel", "onward", "results", "table", "unlocked", "watches", "words")

    def __init__(
        self,
        kernel: int,
        example: tuple[tuple[Any, ...], dict[str, Any]],
        results: Sequence[Result],
        structure: Any,
        constants: Iterable[Any] = (),
        unlocked: bool = False,
        keep: Any = None,
    ) -> None:
        self.kernel, self.results, self.keep, self.unlocked = kernel, results, keep, unlocked
        self.table = Table(kernel, example, results, structure, constants, unlocked)
        self.words = self.table.words
        self.watches = ALWAYS
        self.onward: Entry | None = None

    def run(self, inputs: Sequence[Any]) -> list[Any] | None:
        """The results' leaves for inputs of the right shapes and dtypes; None if it is not the way.

        Arrays that are not contiguous, not aligned or in another byte order are copied.
        """
        kinds = self.table.kinds
        given = [np.require(x, kind, "CA") for x, kind in zip(inputs, kinds, strict=True)]
        fresh = [np.empty(y.shape, y.dtype) for y in self.results if isinstance(y, Fresh)]
        data = [x.ctypes.data for x in (*given, *fresh, *self.table.constants)]
        pointers = (ctypes.c_void_p * len(data))(*data)
        function = ctypes.CFUNCTYPE if self.unlocked else ctypes.PYFUNCTYPE
        kernel = function(ctypes.c_int, ctypes.c_void_p)(self.kernel)
        if kernel(ctypes.addressof(pointers)):
            return None
        made = iter(fresh)
        return [bare(self.result(y, inputs, made)) for y in self.results]

    @staticmethod
    def result(y: Result, inputs: Sequence[Any], made: Any) -> Any:
        """One of them, before it is bare."""
        if isinstance(y, Fresh):
            return next(made)
        return inputs[y.number] if isinstance(y, Given) else y.value


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

IMPORTS = (
    "Py_IncRef", "Py_DecRef", "PyDict_GetItem", "PyDict_Size", "PyDict_New", "PyDict_SetItem",
    "PyTuple_New", "PyTuple_SetItem", "PyList_New", "PyList_SetItem", "PyFloat_AsDouble",
    "PyLong_AsLongLongAndOverflow", "PyComplex_RealAsDouble",
    "PyComplex_ImagAsDouble", "PyObject_CallOneArg", "PyObject_Call", "PyObject_GetAttr",
    "PyObject_GetAttrString", "PyErr_Clear",
    "PyEval_SaveThread", "PyEval_RestoreThread", "memcmp", "PyArray_Empty", "PyArray_Scalar",
    "Entry",
)  # fmt: skip


@functools.cache
def code() -> Code | None:
    """The machine code of calls, once for the process."""
    at = layout()
    if at is None:
        return None
    KNOWN.update(numpy_functions(), Entry=id(Entry))
    slots = (Slots.head, Entry.words, Entry.onward, Entry.watches, Watches.words)
    text = caller.text(at, caller.Ours(*(inspected(each, at.member) for each in slots)))
    return Code(compiled(text), ["call", "holds"], IMPORTS)


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
    look = ctypes.PYFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)
    return machine is not None and look(machine["holds"])(watches.words.ctypes.data)
