"""The whole of a kernel: its memory and its text."""

from __future__ import annotations

from ...ir.graph import Graph
from . import folds, lookups, looping, matrices, moves  # noqa: F401  # they fill the table of rules
from .arrays import offset
from .assembly import Assembly, module
from .kinds import memory_kind
from .lanes import Lanes
from .lowering import Lowering, Stage
from .nests import Nest
from .places import Buffer, Place, memory_of
from .threads import Split, worth
from .writing import Writer

ON_STACK = 1 << 15
"""Bytes between the stages that are kept on the stack; more are asked for."""

ALIGNED = 64

REGISTERS = 64
"""Bytes of a work buffer that LLVM may keep in registers, if it sees all that is done with it."""


def planned(stages: list[Stage]) -> int:
    """Give each work buffer its part of the memory between the stages; the bytes that are needed.

    Two of them share memory if one is read for the last time before the other is written.
    """
    spans: dict[Buffer, list[int]] = {}
    for k, stage in enumerate(stages):
        for buffer in (b for place in stage.touched for b in memory_of(place.buffer)):
            if buffer.role == "work" and buffer.bytes > REGISTERS:
                spans.setdefault(buffer, [k, k])[1] = k
    taken: list[tuple[int, int, Buffer]] = []  # end, offset, buffer
    most = 0
    for buffer, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        taken = [each for each in taken if each[0] >= start]
        size = -(-buffer.bytes // ALIGNED) * ALIGNED
        offset = 0
        for _, begins, other in sorted(taken, key=lambda each: each[1]):
            if offset + size <= begins:
                break
            offset = max(offset, begins + -(-other.bytes // ALIGNED) * ALIGNED)
        buffer.number = offset
        taken.append((end, offset, buffer))
        most = max(most, offset + size, ALIGNED)
    return most


class Pointers(dict[Buffer, str]):
    """The names of the addresses of buffers, which are loaded when they are first asked for."""

    def __init__(self, asm: Assembly, starts: dict[str, int], work: str) -> None:
        super().__init__()
        self.asm, self.starts, self.work = asm, starts, work
        self.loaded: set[str] = set()

    def __missing__(self, buffer: Buffer) -> str:
        if buffer.bytes <= REGISTERS and buffer.role == "work":
            name = self[buffer] = f"%w{len(self)}"
            place = f"alloca [{buffer.bytes} x i8], align {ALIGNED}"
            self.asm.first.append(f"  {name} = {place}")
            return name
        if buffer.role == "work":
            return self.asm(f"getelementptr i8, ptr {self.work}, i64 {buffer.number}")
        slot = self.starts[buffer.role] + buffer.number
        name = f"%a{slot}"
        if name not in self.loaded:
            self.loaded.add(name)
            place = f"{name}s = getelementptr ptr, ptr %arrays, i64 {slot}"
            self.asm.first += [f"  {place}", f"  {name} = load ptr, ptr {name}s"]
        return name


class Program:
    """A kernel being written: ``i32 @kernel(ptr %arrays)``, of inputs, outputs and constants.

    Attributes
    ----------
    asm : Assembly
    pointers : dict
        The names of the addresses of buffers.
    leave : str
        The block to go to when the kernel cannot go on; it then returns 1.
    vector_bytes : int
        The size of the processor's vectors.
    stages : list of Stage
    size : int
        Bytes of memory between them.
    """

    def __init__(self, graph: Graph, vector_bytes: int) -> None:
        lowering = Lowering.of(graph)
        self.constants, self.vector_bytes = lowering.constants, vector_bytes
        self.stages = lowering.stages
        self.asm = asm = Assembly("i32 @kernel(ptr %arrays)")
        starts = {"input": 0, "output": len(graph.inputs)}
        starts["constant"] = starts["output"] + len(graph.outputs)
        self.size = planned(self.stages)
        work, block = self.between(self.size)
        self.pointers: dict[Buffer, str] = Pointers(asm, starts, work)
        self.leave, status = asm.label(), asm.variable("i32", "1")
        for stage in self.stages:
            stage.write(self)
        asm.set("i32", status, "0")
        asm.begin(self.leave)
        if block:
            asm.call("void", "@free", f"ptr {block}")
        asm.do(f"ret i32 {asm.get('i32', status)}")

    def nest(self, nest: Nest) -> None:
        """Write a nest, on one thread or several."""
        writer = Writer(nest, self.asm, self.pointers, self.vector_bytes)
        if worth(nest, writer):
            Split(nest, self.asm, self.pointers, self.vector_bytes).call()
        else:
            writer.level(0, [], "")

    def number(self, place: Place) -> str:
        """The number at the first index of a place."""
        kind, base = memory_kind(place.dtype), self.pointers[place.buffer]
        pointer = offset(self.asm, base, kind, (place.offset, 1))
        return Lanes(self.asm, 1).load(pointer, 0, place.dtype)

    def between(self, size: int) -> tuple[str, str]:
        """Memory for what goes from stage to stage, and what is to be freed of it."""
        if size <= ON_STACK:
            if size:
                self.asm.first.append(f"  %work = alloca [{size} x i8], align {ALIGNED}")
            return "%work", ""
        asm = self.asm
        block = asm.call("ptr", "@malloc", f"i64 {size + ALIGNED}")
        with asm.when(asm(f"icmp eq ptr {block}, null")):
            asm.do("ret i32 1")
        past = asm(f"getelementptr i8, ptr {block}, i64 {ALIGNED - 1}")
        work = asm.call("ptr", "@llvm.ptrmask.p0.i64", f"ptr {past}", f"i64 {-ALIGNED}")
        return work, block

    def text(self) -> str:
        """All of it, for LLVM."""
        return module(self.asm)
