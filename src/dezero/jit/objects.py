"""What hangs on an object, and what can change in it: Python's objects, kind by kind."""

from __future__ import annotations

import contextvars
import functools
import gc
import operator
import os
import pickle
import random
import sys
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..debugging import OURS

LIBRARIES = (*OURS, os.path.dirname(os.__file__) + os.sep)
"""Folders of what is no part of a user's program, besides those of installed packages."""

PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None)})
"""Types of what cannot change: another object may be equal to it."""

WHOLE = frozenset({
    *(np.ufunc, type(np.sum), np.dtype, types.CodeType, type(...), type(NotImplemented)),
    *(types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType),
    *(types.MethodDescriptorType, types.MethodWrapperType),
})  # fmt: skip
"""Types of what is only itself."""

OUTWARD = ("logging", "_io", "io", "threading", "concurrent", "asyncio", "socket")
"""Modules whose objects are ways to the world, and hold no data."""

Held = Callable[[Any, tuple[str, ...]], Iterable[Any]]
"""What an object holds; of a module, by the names that are used."""


def of_class(x: Any, _words: Any) -> Iterable[Any]:
    """The attributes of a class of the program's."""
    return [*vars(x).values(), *x.__bases__, type(x)] if is_users(x.__module__) else ()


def of_array(x: Any, _words: Any) -> Iterable[Any]:
    """The objects in an array, and the attributes of one with a class of its own."""
    return [
        *(x.ravel().tolist() if x.dtype.kind == "O" else ()),
        *getattr(x, "__dict__", {}).values(),
    ]


def of_object(x: Any, _words: Any) -> Iterable[Any]:
    """What Python's garbage collector finds; of a library's wrapper, the function inside."""
    attributes = getattr(x, "__dict__", None)  # asked for first: then it is among the referents
    if hasattr(type(x), "__wrapped__") or "__wrapped__" in (attributes or ()):
        return (x.__wrapped__,)  # caches and what was traced may fill
    return gc.get_referents(x)


HELD: tuple[tuple[type, Held], ...] = (
    (types.ModuleType, lambda x, words: [vars(x)[word] for word in words if word in vars(x)]),
    (type, of_class),
    (np.ndarray, of_array),
    (functools.partial, lambda x, _: (x.func, x.args, x.keywords)),  # derivatives are such
    (types.BuiltinFunctionType, lambda x, _: [x.__self__] * (not is_module(x.__self__))),
    (types.GeneratorType, lambda x, _: x.gi_frame.f_locals.values() if x.gi_frame else ()),
    (contextvars.ContextVar, lambda x, _: (x.get(None),)),
    (weakref.ref, lambda x, _: (x(),)),
    (object, of_object),
)


def is_module(x: Any) -> bool:
    """Whether something is a module."""
    return isinstance(x, types.ModuleType)


@functools.lru_cache(1024)
def held_by(kind: type) -> Held:
    """How to find what objects of a type hold."""
    if kind.__module__.partition(".")[0] in OUTWARD:
        return lambda _x, _words: ()
    return next(held for base, held in HELD if issubclass(kind, base))


def below(x: Any, words: tuple[str, ...]) -> Iterable[Any]:
    """What an object holds."""
    return held_by(type(x))(x, words)  # type: ignore[arg-type]  # types can be hashed


# ---------------------------------------------------------------------------- what changes inside


def of_numbers(x: Any) -> Any:
    """Those of an array; the objects in one are looked at one by one."""
    return np.shape(x), x.dtype.str, x.tobytes() if x.dtype.kind != "O" else b""


def of_bytes(x: Any) -> Any:
    """Those of what is made of bytes."""
    try:
        return memoryview(x).tobytes()
    except TypeError:
        return None


def of_random(x: Any) -> Any:
    """How far a source of NumPy's random numbers has come."""
    old = hasattr(x, "get_state")
    return pickle.dumps(x.get_state() if old else getattr(x, "bit_generator", x).state)


CHANGES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (np.ndarray, of_numbers),
    (np.generic, of_numbers),
    (random.SystemRandom, lambda _: None),
    (random.Random, lambda x: x.getstate()),
    (types.GeneratorType, lambda x: x.gi_frame and x.gi_frame.f_lasti),
)


@functools.lru_cache(1024)
def change_in(kind: type) -> Callable[[Any], Any] | None:
    """How to find what can change in objects of a type; None if nothing can."""
    for base, change in CHANGES:
        if issubclass(kind, base):
            return change
    if any(base.__module__.startswith("numpy.random") for base in kind.__mro__):
        return of_random  # found by name, as NumPy loads it when it is first used
    if kind.__module__ in ("builtins", "itertools") and hasattr(kind, "__next__"):
        return lambda x: (operator.length_hint(x, -1), repr(x))
    modules = {base.__module__ for base in kind.__mro__}
    native = issubclass(kind, (bytearray, memoryview)) or modules & {"array", "mmap", "_ctypes"}
    return of_bytes if native else None


def fact_of(x: Any) -> Any:
    """What can change in an object without any other object being there; None if nothing can."""
    change = change_in(type(x))  # type: ignore[arg-type]  # likewise
    return change(x) if change is not None else None


# ---------------------------------------------------------------------------- whose it is


def is_users(module: str) -> bool:
    """Whether a module is part of the program."""
    path = getattr(sys.modules.get(module), "__file__", None) or ""
    return module not in sys.builtin_module_names and not is_library(path)


@functools.cache
def is_library(path: str) -> bool:
    """Whether a file is part of a library, and not of the program."""
    return path.startswith(LIBRARIES) or "site-packages" in path or "dist-packages" in path
