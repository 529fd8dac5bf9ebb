"""LLVM itself: from assembly language to functions in memory. The only file that needs llvmlite."""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import threading
from collections.abc import Sequence
from typing import Any

import llvmlite
import llvmlite.binding as llvm

import dezero

from . import disk

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

LOCK = threading.RLock()
"""One thread at a time talks to LLVM, and none while the process forks."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release
    )

OPTIMIZATION = 1
"""How much LLVM does to choose instructions and registers well, from 0 to 3."""

PASSES = ("always_inliner", "sroa", "dead_code_elimination", "simplify_cfg")
"""What LLVM does before that. Texts are written the way code should be, so it is little."""


@functools.cache
def features() -> str:
    """What the processor can do, and should do, by LLVM's names."""
    found: str = llvm.get_host_cpu_features().flatten()
    return f"{found},-prefer-256-bit"


@functools.cache
def machine() -> Any:
    """The processor that the program runs on, as LLVM writes code for it."""
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features(), opt=OPTIMIZATION, jit=True
    )


def processor() -> str:
    """What code is good for: the processor's kind and features, and LLVM's version."""
    version = ".".join(map(str, llvm.llvm_version_info))
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features()} LLVM {version}"


@functools.cache
def has(feature: str) -> bool:
    """Whether the processor has a feature, by LLVM's name for it (``"avx512f"``)."""
    return bool(llvm.get_host_cpu_features().get(feature, False))


def vector_bytes() -> int:
    """The size of the widest vectors that the processor computes with."""
    if has("avx512f"):
        return 64
    return 32 if has("avx2") else 16


def optimized(text: str) -> Any:
    """A module of LLVM's from its text, after the passes."""
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_process_triple()
    options = llvm.create_pipeline_tuning_options(1)
    builder = llvm.create_pass_builder(machine(), options)
    passes = llvm.create_new_module_pass_manager()
    for name in PASSES:
        getattr(passes, f"add_{name}_pass")()
    passes.run(module, builder)
    return module


def compiled(text: str) -> bytes:
    """The machine code of a module's text, as an object file; from disk, if it was there before."""
    return disk.kept(f"{recipe()}\n{text}", lambda: made(text))


def made(text: str) -> bytes:
    """The same, made now."""
    with LOCK:
        code: bytes = machine().emit_object(optimized(text))
        return code


@functools.cache
def recipe() -> str:
    """What machine code depends on besides the text, in one line."""
    versions = f"DeZero {dezero.__version__} llvmlite {llvmlite.__version__}"
    return f"{versions} {processor()} {OPTIMIZATION} {' '.join(PASSES)}"


def assembly(text: str) -> str:
    """The same as the processor's assembly language, to read."""
    with LOCK:
        listing: str = machine().emit_assembly(optimized(text))
        return listing


def loaded(name: str) -> ctypes.CDLL | None:
    """A shared library, if it is there."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


LIBRARIES = [ctypes.pythonapi, *map(loaded, ("libm.so.6", "libmvec.so.1", "libSystem.dylib"))]
"""Where functions are looked for by their names: Python, and C's mathematics."""

KNOWN: dict[str, int] = {}
"""Addresses of functions that no library gives by name."""


def published(name: str, signature: str | None = None) -> int | None:
    """The address of a function that a module has for compiled callers, of a signature in C.

    Such as SciPy's ``scipy.linalg.cython_blas.dgemm``, in a module that Cython has made.
    """
    module, _, function = name.rpartition(".")
    try:
        capsule = importlib.import_module(module).__pyx_capi__[function]
    except (ImportError, ValueError, AttributeError, KeyError):
        return None
    named = ctypes.pythonapi.PyCapsule_GetName
    named.restype, named.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    found: bytes = named(capsule)
    address: int | None = pointer(capsule, found)
    return address if signature in (None, found.decode()) else None


@functools.cache
def find(name: str) -> int | None:
    """The address of a function that code may call, if there is one."""
    for each in LIBRARIES:
        if each is not None and hasattr(each, name):
            return ctypes.cast(getattr(each, name), ctypes.c_void_p).value
    return KNOWN.get(name) or published(name)


class Code:
    """Machine code in memory, from an object file; gone when nobody refers to it any more.

    Parameters
    ----------
    code : bytes
        The object file.
    exports : sequence of str
        The functions that are wanted; their addresses are ``self[name]``.
    imports : sequence of str
        The functions that it calls (see `find`).
    """

    def __init__(self, code: bytes, exports: Sequence[str], imports: Sequence[str] = ()) -> None:
        with LOCK:
            builder = llvm.JITLibraryBuilder().add_object_img(code)
            for name in exports:
                builder.export_symbol(name)
            for name in imports:
                address = find(name)
                if address is None:
                    raise LookupError(f"no function {name} in this process")
                builder.import_symbol(name, address)
            # One for each: LLVM keeps a little of each library that was in one, for good.
            self._jit = llvm.create_lljit_compiler()
            self._tracker = builder.link(self._jit, "code")

    def __getitem__(self, name: str) -> int:
        address: int = self._tracker[name]
        return address

    def __del__(self) -> None:
        with LOCK:
            for each in ("_tracker", "_jit"):  # in this order
                if each in vars(self):
                    vars(self)[each].close()
