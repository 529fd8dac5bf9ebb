"""What is recorded, and who looks on: settings that belong to one thread or task."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ClassVar

import numpy as np

from .box import new_level
from .errors import ConfigError, OperandError

recording_floor: ContextVar[int] = ContextVar("floor", default=0)
"""Levels below it do not record. `no_grad` raises it above every level opened so far, and a
transform called inside opens a higher one, which records as it should."""


class Observer(int):
    """A floor above every level, laid over the one that says what is recorded.

    Under it no call takes a short way, so that each can be looked at: see `debugging.py`.
    """

    under: int
    looks: ClassVar[bool] = True  # or only leads calls elsewhere, those of sweeps too

    def __new__(cls, under: int) -> Observer:
        observer = super().__new__(cls, sys.maxsize)
        observer.under = under
        return observer

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Inside, nobody looks: what is done there is a part of what was looked at."""
        return contextlib.nullcontext()

    def over(self, under: int) -> Observer:
        """The same observer over another floor."""
        return type(self)(under)

    def call(
        self,
        p: Any,
        operands: tuple[Any, ...],
        params: dict[str, Any] | None,
        process: Callable[[], Any],
    ) -> Any:
        """The result of a call on boxes, seen; without `params`, of an assignment in place."""
        raise NotImplementedError

    def arrived(self, arrived: dict[Any, Any]) -> None:
        """See the complete cotangents of some nodes, before they go further."""
        raise NotImplementedError

    def pulled(self, node: Any, g: Any, edges: Any, gxs: Any) -> None:
        """See what a node made of its cotangent, for each edge."""
        raise NotImplementedError


def observing() -> Observer | None:
    """Who looks at every call, if anybody does."""
    floor = recording_floor.get()
    return floor if isinstance(floor, Observer) else None


def floor_beneath() -> int:
    """The level from which on calls are recorded, whoever observes."""
    floor = recording_floor.get()
    return floor.under if isinstance(floor, Observer) else floor


def records(level: int) -> bool:
    """Whether calls on boxes of a level are recorded."""
    floor = recording_floor.get()
    return level >= (floor.under if isinstance(floor, Observer) else floor)


# ---------------------------------------------------------------------------- configuration


class _Config:
    """Settings that change behaviour, each per context (thread, task); assign to change one."""

    __slots__ = ()
    _settings: ClassVar[tuple[ContextVar[Any], ...]] = (recording_floor,)

    @property
    def enable_backprop(self) -> bool:
        """Whether operations on Variables leave a graph behind."""
        return records(0)

    @enable_backprop.setter
    def enable_backprop(self, value: bool) -> None:
        if not isinstance(value, (bool, np.bool_)):
            raise OperandError(f"Config.enable_backprop is True or False, not {value!r}")
        floor, observer = 0 if value else new_level(), observing()
        recording_floor.set(floor if observer is None else observer.over(floor))

    def __getattr__(self, name: str) -> Any:
        raise ConfigError(f"Config has no setting {name!r}; there is: enable_backprop")

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(getattr(type(self), name, None), property):
            self.__getattr__(name)
        super().__setattr__(name, value)


Config = _Config()


@contextlib.contextmanager
def using_config(name: str, value: Any) -> Iterator[None]:
    """Set ``Config.<name>`` inside a ``with`` block (or a decorated function), then restore it.

    Examples
    --------
    >>> import dezero as dz
    >>> with using_config("enable_backprop", False):
    ...     y = dz.Variable(np.array(2.0)) ** 2
    >>> y.creator is None
    True
    """
    before = [(setting, setting.get()) for setting in Config._settings]
    setattr(Config, name, value)
    try:
        yield
    finally:
        for setting, old in before:
            setting.set(old)


def no_grad() -> contextlib.AbstractContextManager[None]:
    """Record nothing inside a ``with`` block: results have no creator and memory stays flat."""
    return using_config("enable_backprop", False)
