"""The user's file and function: import it, read its signature, bind arguments to it."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from dezero.cli.problems import Problem, did_you_mean, user_code

__all__ = ["Target", "load"]

Parameter = inspect.Parameter


@dataclass(frozen=True)
class Target:
    """A function of the user, and where it was found."""

    path: Path
    function: Callable[..., Any]
    name: str
    signature: inspect.Signature

    @cached_property
    def names(self) -> list[str]:
        """The parameters that ``--at`` can name."""
        many = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        return [p.name for p in self.signature.parameters.values() if p.kind not in many]

    @cached_property
    def defaults(self) -> dict[str, Any]:
        parameters = self.signature.parameters
        values = {name: parameters[name].default for name in self.names}
        return {name: value for name, value in values.items() if value is not Parameter.empty}

    def known(self, option: str, name: str) -> None:
        """Raise a `Problem` when the function takes no argument `name`."""
        kinds = [p.kind for p in self.signature.parameters.values()]
        if name not in self.names and Parameter.VAR_KEYWORD not in kinds:
            takes = f"takes {', '.join(self.names)}" if self.names else "takes no arguments"
            near = did_you_mean(name, self.names)
            raise Problem(f"{option} {name}: {self.name} {takes}{near}")

    def check_names(self, given: Mapping[str, Any]) -> None:
        """Raise a `Problem` for a name that the function does not take, or that is missing."""
        for name in given:
            self.known("--at", name)
        missing = [name for name in self.names if name not in given and name not in self.defaults]
        if missing:
            wanted = " ".join(f"--at {name}=…" for name in missing)
            raise Problem(f"{self.name} takes {', '.join(self.names)}; missing: {wanted}")

    def call(self, given: Mapping[str, Any]) -> Any:
        """The function at the arguments of these names."""
        arguments = {**self.defaults, **given}
        return self.function(*[arguments.pop(name) for name in self._positional], **arguments)

    @cached_property
    def _positional(self) -> list[str]:
        parameters = self.signature.parameters.values()
        return [p.name for p in parameters if p.kind is Parameter.POSITIONAL_ONLY]


@contextmanager
def load(spec: str) -> Iterator[Target]:
    """The function that ``FILE.py:FUNCTION`` names; its folder is on ``sys.path`` meanwhile."""
    path, name = _split(spec)
    sys.path.insert(0, str(path.parent))
    try:
        with _imported(path) as module:
            yield _find(module, path, name)
    finally:
        sys.path.remove(str(path.parent))


def _split(spec: str) -> tuple[Path, str]:
    file, _, name = spec.rpartition(":")
    if not file or name.endswith(".py"):
        file, name = spec, ""
    path = Path(file).expanduser()
    if path.is_dir():
        raise Problem(f"{file} is a folder; name a Python file: FILE.py:FUNCTION")
    if not path.is_file():
        raise Problem(f"no such file: {file}")
    if path.suffix != ".py":
        raise Problem(f"{file} is not a Python file (.py)")
    return path.resolve(), name


@contextmanager
def _imported(path: Path) -> Iterator[ModuleType]:
    # A name of its own where needed: a user's random.py must not replace the library's.
    name = path.stem if path.stem not in sys.modules else f"_dezero_cli_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses and pickle look there
    try:
        with user_code(path, f"importing {path.name}"):
            specification.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[name]


def _find(module: ModuleType, path: Path, name: str) -> Target:
    functions = [
        key
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    listed = f"it defines {', '.join(functions)}" if functions else "it defines none"
    if not name:
        raise Problem(f"name a function after the file, {path.name}:FUNCTION; {listed}")
    if not hasattr(module, name):
        near = did_you_mean(name, functions)
        raise Problem(f"{path.name} has no function {name!r}{near or f'; {listed}'}")
    function = getattr(module, name)
    if not callable(function):
        raise Problem(
            f"{path.name}:{name} is a {type(function).__name__}, not a function; {listed}"
        )
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        raise Problem(f"{path.name}:{name} has no readable signature; wrap it in a def") from None
    return Target(path, function, name, signature)
