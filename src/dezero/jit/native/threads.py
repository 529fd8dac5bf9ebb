"""Nests on several threads: parts of the outermost loop, at the same time.

Threads are started where there is work for each and joined right after it, so that none is left
over that a fork or the end of the program would have to think of. A nest with little to do stays on
the thread that it is called from.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

from ..cores import COUNT, MOST
from .assembly import Assembly
from .kinds import memory_kind
from .lanes import Lanes
from .nests import PLAIN, Nest, work
from .reductions import FOLDS, PlaceOfExtreme
from .runtime import KNOWN, find
from .writing import Writer

ENOUGH = 1 << 20
"""What a nest must cost, in simple steps, to be split: a few hundred microseconds."""

KNOWN["dezero_threads"] = ctypes.addressof(COUNT)

SPLIT = """\
@dezero_threads = external global i64

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)

define internal ptr @thread(ptr %job) nounwind {
  %part = load ptr, ptr %job
  %context.at = getelementptr i64, ptr %job, i64 1
  %start.at = getelementptr i64, ptr %job, i64 2
  %stop.at = getelementptr i64, ptr %job, i64 3
  %number.at = getelementptr i64, ptr %job, i64 4
  %context = load ptr, ptr %context.at
  %start = load i64, ptr %start.at
  %stop = load i64, ptr %stop.at
  %number = load i64, ptr %number.at
  call void %part(ptr %context, i64 %start, i64 %stop, i64 %number)
  ret ptr null
}
"""
"""What a thread does: a job is a part, its context, from where, to where, and its number."""

JOB = 6
"""Words of a job; the last is the thread."""


# ---------------------------------------------------------------------------- what is split


def worth(nest: Nest, writer: Writer) -> bool:
    """Whether a nest can be split, and has enough to do."""
    if not writer.axes or nest.deposits or writer.unrolled or find("pthread_create") is None:
        return False
    outer = writer.axes[0]
    if math.prod(nest.shape) * (PLAIN + work(nest)) < ENOUGH or outer.extent < 2 * writer.width:
        return False
    if not outer.reduced:
        return True
    return not nest.running and not any(
        isinstance(FOLDS[each.title], PlaceOfExtreme) for each in nest.reductions
    )


class Split:
    """A nest as a function of a part of its outermost loop, and the call of it.

    Parameters
    ----------
    nest : Nest
    asm : Assembly
        Of the kernel.
    pointers : dict
        The names of the addresses of buffers there.
    vector_bytes : int
    """

    def __init__(self, nest: Nest, asm: Assembly, pointers: Any, vector_bytes: int) -> None:
        self.nest, self.asm, self.pointers = nest, asm, pointers
        self.buffers = list(dict.fromkeys(place.buffer for place in nest.touched))
        self.name = f"@part{sum(name.startswith('@part') for name in asm.outside)}"
        head = f"internal void {self.name}(ptr %context, i64 %start, i64 %stop, i64 %number)"
        inside = Assembly(head, outside=asm.outside)
        seen = {b: self.member(inside, k) for k, b in enumerate(self.buffers)}
        self.writer = Writer(nest, inside, seen, vector_bytes, ("%start", "%stop"))
        self.totals = self.writer.axes[0].reduced
        if self.totals:
            count = len(self.buffers)
            self.writer.totals = [
                self.member(inside, count + k) for k in range(len(nest.reductions))
            ]
        self.writer.level(0, [], "")
        inside.do("ret void")
        asm.need(self.name, inside.text())
        asm.need("@dezero_threads", SPLIT)

    @staticmethod
    def member(asm: Assembly, k: int) -> str:
        """The address that stands in the context's place k."""
        return asm(f"load ptr, ptr {asm(f'getelementptr ptr, ptr %context, i64 {k}')}")

    def call(self) -> None:
        """Run the parts, and put together what each of them gathered."""
        asm, reductions = self.asm, self.nest.reductions if self.totals else []
        context = self.room(f"[{len(self.buffers) + len(reductions)} x ptr]")
        partial = [self.room(f"[{MOST} x {memory_kind(each.dtype)}]") for each in reductions]
        addresses = [self.pointers[b] for b in self.buffers]
        for k, address in enumerate([*addresses, *partial]):
            where = asm(f"getelementptr ptr, ptr {context}, i64 {k}")
            asm.do(f"store ptr {address}, ptr {where}")
        parts = self.run(context)
        one = Lanes(asm, 1)
        for each, numbers in zip(reductions, partial, strict=True):
            fold, kind = FOLDS[each.title], memory_kind(each.dtype)
            state = fold.start(one, each.dtype)
            with asm.loop(0, parts) as t:
                where = asm(f"getelementptr {kind}, ptr {numbers}, i64 {t}")
                fold.add(one, each.dtype, state, one.load(where, 0, each.dtype))
            total = fold.total(one, each.dtype, state, across=False)
            total = one.convert(total, each.dtype, each.place.dtype)
            kind = memory_kind(each.place.dtype)
            base = self.pointers[each.place.buffer]
            where = asm(f"getelementptr {kind}, ptr {base}, i64 {each.place.offset}")
            one.store(total, where, 0, each.place.dtype)

    def room(self, kind: str) -> str:
        """A place on the stack."""
        name = f"%r{next(self.asm.fresh)}"
        self.asm.first.append(f"  {name} = alloca {kind}, align 8")
        return name

    def run(self, context: str) -> str:
        """Start threads for all parts but the first, and wait for them; the number of parts."""
        asm, axis = self.asm, self.writer.axes[0]
        unit = self.writer.width if axis is self.writer.vector else 1
        jobs = self.room(f"[{MOST * JOB} x i64]")
        threads = asm("load i64, ptr @dezero_threads")
        units = -(-axis.extent // unit)
        each = asm(f"sdiv i64 {asm(f'add i64 {threads}, {units - 1}')}, {threads}")
        size = asm(f"mul i64 {each}, {unit}")
        parts = asm(f"sdiv i64 {asm(f'add i64 {size}, {axis.extent - 1}')}, {size}")
        with asm.loop(1, parts) as t:
            job = asm(f"getelementptr i64, ptr {jobs}, i64 {asm(f'mul i64 {t}, {JOB}')}")
            start = asm(f"mul i64 {t}, {size}")
            stop = asm(f"add i64 {start}, {size}")
            stop = asm.call("i64", "@llvm.smin.i64", f"i64 {stop}", f"i64 {axis.extent}")
            words = (f"ptr {self.name}", f"ptr {context}", f"i64 {start}", f"i64 {stop}")
            for k, word in enumerate((*words, f"i64 {t}")):
                asm.do(f"store {word}, ptr {asm(f'getelementptr i64, ptr {job}, i64 {k}')}")
            thread = asm(f"getelementptr i64, ptr {job}, i64 {JOB - 1}")
            failed = asm(
                f"call i32 @pthread_create(ptr {thread}, ptr null, ptr @thread, ptr {job})"
            )
            with asm.when(asm(f"icmp ne i32 {failed}, 0")):  # no more threads: do it here
                asm.do(f"store i64 0, ptr {thread}")
                asm.do(f"call ptr @thread(ptr {job})")
        first = asm.call("i64", "@llvm.smin.i64", f"i64 {size}", f"i64 {axis.extent}")
        asm.do(f"call void {self.name}(ptr {context}, i64 0, i64 {first}, i64 0)")
        with asm.loop(1, parts) as t:
            word = asm(f"add i64 {asm(f'mul i64 {t}, {JOB}')}, {JOB - 1}")
            thread = asm(f"load i64, ptr {asm(f'getelementptr i64, ptr {jobs}, i64 {word}')}")
            with asm.when(asm(f"icmp ne i64 {thread}, 0")):
                asm.do(f"call i32 @pthread_join(i64 {thread}, ptr null)")
        return parts
