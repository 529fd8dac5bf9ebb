"""Graphs as machine code: fused loops of explicit vectors, through LLVM."""
