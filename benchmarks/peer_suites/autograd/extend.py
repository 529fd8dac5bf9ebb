"""Functions with rules of their own, over `dz.custom_vjp` and `dz.custom_jvp`."""

import functools
from itertools import count

import numpy as np

import dezero as dz
from autograd.operators import flipped
from dezero.box import Box, plain

__all__ = [
    "Box", "defjvp", "defvjp", "defvjp_argnum", "defvjp_argnums", "notrace_primitive", "primitive",
    "vspace",
]  # fmt: skip


class Primitive:
    """A function whose rules are given later."""

    def __init__(self, fun):
        functools.update_wrapper(self, fun)
        self.fun, self.vjps, self.jvps = fun, {}, {}

    def __call__(self, *args, **kwargs):
        if self.jvps and not self.vjps:
            return dz.custom_jvp(self.fun, self.push)(*args, **kwargs)
        return dz.custom_vjp(self.fun, self.pull)(*args, **kwargs)

    def pull(self, gy, y, *args, **kwargs):
        """The rule of `dz.custom_vjp`."""
        if not self.vjps:
            raise NotImplementedError(f"VJP of {self.__name__} not defined")
        found = [
            flipped(self.vjps[k](y, *args, **kwargs)(flipped(gy))) if k in self.vjps else None
            for k in range(len(args))
        ]
        return tuple(found) if len(args) > 1 else found[0]

    def push(self, tangents, y, *args, **kwargs):
        """The rule of `dz.custom_jvp`."""
        moves = [jvp(tangents[k], y, *args, **kwargs) for k, jvp in self.jvps.items()]
        return sum(moves[1:], start=moves[0])


def primitive(fun):
    """A decorator."""
    return Primitive(fun)


def notrace_primitive(fun):
    """A function of plain values."""
    return functools.wraps(fun)(lambda *args, **kwargs: fun(*map(plain, args), **kwargs))


def defvjp(fun, *makers, argnums=None):
    """Each of `makers` is ``(ans, *args) → (g → cotangent)``; None for zero."""

    def nothing(k):
        return lambda _ans, *args, **_kwargs: lambda _g: np.zeros_like(args[k])

    for k, maker in zip(argnums or count(), makers, strict=False):
        fun.vjps[k] = maker or nothing(k)


def defvjp_argnum(fun, maker):
    """``maker(argnum, ans, args, kwargs)`` serves all arguments."""

    def of(k):
        return lambda ans, *args, **kwargs: maker(k, ans, args, kwargs)

    fun.vjps.update((k, of(k)) for k in range(8))


def defvjp_argnums(fun, maker):
    """``maker(argnums, ans, args, kwargs)`` gives the cotangents of some arguments together."""

    def of(k):
        return lambda ans, *args, **kwargs: lambda g: next(iter(maker((k,), ans, args, kwargs)(g)))

    fun.vjps.update((k, of(k)) for k in range(8))


def defjvp(fun, *rules, argnums=None):
    """Each of `rules` is ``(g, ans, *args) → tangent``; "same" for linear arguments."""

    def same(k):
        return lambda g, _ans, *args, **kwargs: fun.fun(*args[:k], g, *args[k + 1 :], **kwargs)

    for k, rule in zip(argnums or count(), rules, strict=False):
        fun.jvps[k] = same(k) if rule == "same" else rule


def vspace(x):
    """Vector spaces are private to HIPS autograd."""
    raise NotImplementedError("DeZero has no vspace")
