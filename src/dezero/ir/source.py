"""A graph as NumPy source: a function that stands alone and that a person would sign.

What is read once is written where it is read, unless the line would get long; what is read more
often gets a name: the user's own where there is one.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import itertools
import keyword
import linecache
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import GraphError
from .graph import Graph
from .passes import simplified
from .steps import Equation, Guard, Value
from .tape import index_text as index_in_words
from .tracer import trace

WIDTH = 88
LARGEST = 1000
"""Numbers in a constant that may be written out."""


class Text(NamedTuple):
    """An expression, and how strongly its parts are bound: only a weaker one needs brackets."""

    text: str
    strength: int

    def inside(self, strength: int) -> str:
        """The expression as a part of one that binds its parts so strongly."""
        return self.text if self.strength >= strength else f"({self.text})"


ATOM, POWER, UNARY, PRODUCT, SUM, BITS, COMPARED = range(7, 0, -1)
"""How strongly Python binds, as its reference says (6.17, operator precedence)."""

INFIX = {
    "add": ("+", SUM),
    "subtract": ("-", SUM),
    "multiply": ("*", PRODUCT),
    "divide": ("/", PRODUCT),
    "floor_divide": ("//", PRODUCT),
    "remainder": ("%", PRODUCT),
    "matmul": ("@", PRODUCT),
    "power": ("**", POWER),
    "bitwise_and": ("&", BITS),
    "equal": ("==", COMPARED),
    "not_equal": ("!=", COMPARED),
    "less": ("<", COMPARED),
    "less_equal": ("<=", COMPARED),
    "greater": (">", COMPARED),
    "greater_equal": (">=", COMPARED),
}


def constant(x: Any) -> Text:
    """A constant, to the last bit."""
    if isinstance(x, np.ndarray):
        return Text(array_text(x), ATOM)
    if isinstance(x, np.generic):
        return Text(f"np.{x.dtype}({constant(x.item()).text})", ATOM)
    if isinstance(x, float) and not np.isfinite(x):
        text = "np.nan" if np.isnan(x) else "np.inf" if x > 0 else "-np.inf"
        return Text(text, UNARY if text[0] == "-" else ATOM)
    if isinstance(x, (int, float)) and not isinstance(x, bool):
        return Text(repr(x), UNARY if x < 0 or repr(x)[0] == "-" else ATOM)
    return Text(param(x), ATOM)


def array_text(x: np.ndarray[Any, Any]) -> str:
    """An array constant."""
    dtype = "" if x.dtype in (float, int, complex, bool) else f", dtype=np.{x.dtype}"
    kind = "" if x.dtype == float else f", dtype=np.{x.dtype}"
    if not x.size:
        return f"np.zeros({param(x.shape)}{kind})"
    if np.all(x == x.flat[0]) and not np.any(np.signbit(np.real(x))):
        shape = param(x.shape)
        if x.flat[0] in (0, 1):
            return f"np.{'ones' if x.flat[0] else 'zeros'}({shape}{kind})"
        return f"np.full({shape}, {constant(x.flat[0].item()).text}{kind})"
    if x.ndim == 2 and np.array_equal(x, np.eye(*x.shape)):
        return f"np.eye({', '.join(map(str, dict.fromkeys(x.shape)))}{kind})"
    if x.size > LARGEST:
        raise GraphError(f"the source would hold an array of {x.size} numbers: make it an argument")
    return f"np.array({listed(x.tolist())}{dtype})"


def listed(x: Any) -> str:
    """Numbers in lists."""
    if isinstance(x, list):
        return f"[{', '.join(map(listed, x))}]"
    if isinstance(x, complex) and not np.isfinite(x):
        return f"complex({constant(x.real).text}, {constant(x.imag).text})"
    return constant(x).text


def param(x: Any) -> str:
    """A static parameter."""
    if isinstance(x, np.dtype):
        return f"np.{x.name}"
    if isinstance(x, type) and issubclass(x, np.generic):
        return f"np.{x.__name__}"
    if isinstance(x, np.ndarray):
        return array_text(x)
    if isinstance(x, np.generic):
        return repr(x.item())
    if isinstance(x, (tuple, list)):
        inner = ", ".join(map(param, x)) + ("," if isinstance(x, tuple) and len(x) == 1 else "")
        return f"({inner})" if isinstance(x, tuple) else f"[{inner}]"
    return repr(x)


# ---------------------------------------------------------------------------- expressions

NAMESPACES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft}


def path_of(p: Any) -> str:
    """Where NumPy has a primitive's function.

    Raises
    ------
    GraphError
        If it is no function of NumPy.
    """
    spaces = NAMESPACES | {"special": sys.modules.get("scipy.special")}
    for prefix, namespace in spaces.items():
        found = getattr(namespace, p.title, None)
        if found is not None and inspect.unwrap(found) is inspect.unwrap(p.fn):
            return f"{prefix}.{p.title}"
    raise GraphError(f"{p.title} is no function of NumPy, and cannot be written as source")


def called(path: str, xs: list[Text], params: dict[str, Any]) -> Text:
    """A call in NumPy's words."""
    named = [f"{key}={param(value)}" for key, value in params.items()]
    return Text(f"{path}({', '.join([*(x.text for x in xs), *named])})", ATOM)


def method(name: str, *keys: str) -> Callable[[list[Text], dict[str, Any]], Text]:
    """A method of the first operand, with parameters by position."""

    def text(xs: list[Text], params: dict[str, Any]) -> Text:
        positional = ", ".join(param(params[key]) for key in keys if key in params)
        return Text(f"{xs[0].inside(ATOM)}.{name}({positional})", ATOM)

    return text


def shaped(path: str) -> Callable[[list[Text], dict[str, Any]], Text]:
    """A call with a shape after its operand."""

    def text(xs: list[Text], params: dict[str, Any]) -> Text:
        others = {key: value for key, value in params.items() if key != "shape"}
        return called(path, [*xs, Text(param(params["shape"]), ATOM)], others)

    return text


def _joined(name: str) -> Any:
    def text(xs: list[Text], params: dict[str, Any]) -> Text:
        inner = ", ".join(x.text for x in xs)
        axis = f", axis={params['axis']}" if params["axis"] else ""
        return Text(f"np.{name}([{inner}]{axis})", ATOM)

    return text


def _gathered(xs: list[Text], params: dict[str, Any]) -> Text:
    return Text(f"{xs[0].inside(ATOM)}[{pattern_text(xs[1], params['pattern'])}]", ATOM)


def index_text(index: Any) -> str:
    """An index between brackets, with its arrays written out."""
    return index_in_words(index, param)


def pattern_text(places: Text, pattern: tuple[Any, ...]) -> str:
    """An index with rows of `places` in it."""
    rows = (f"{places.inside(ATOM)}[{k}]" if isinstance(k, int) else index_text(k) for k in pattern)
    return ", ".join(rows)


EXPRESSIONS: dict[str, Callable[[list[Text], dict[str, Any]], Text]] = {
    "negative": lambda xs, _: Text(f"-{xs[0].inside(UNARY)}", UNARY),
    "invert": lambda xs, _: Text(f"~{xs[0].inside(UNARY)}", UNARY),
    "getitem": lambda xs, ps: Text(f"{xs[0].inside(ATOM)}[{index_text(ps['index'])}]", ATOM),
    "gather": _gathered,
    "reshape": shaped("np.reshape"),
    "broadcast_to": shaped("np.broadcast_to"),
    "transpose": lambda xs, ps: (
        called("np.transpose", xs, ps) if ps else Text(f"{xs[0].inside(ATOM)}.T", ATOM)
    ),
    "astype": method("astype", "dtype"),
    "whole": method("astype", "dtype"),
    "concatenate": _joined("concatenate"),
    "stack": _joined("stack"),
    "nonzero": lambda xs, _: Text(f"np.nonzero({xs[0].text})[0]", ATOM),  # of one axis
    "by_size": lambda xs, ps: called("np.argsort", xs, ps | {"kind": "stable"}),
    "stop_gradient": lambda xs, _: xs[0],
    "frexp": lambda xs, _: Text(f"np.frexp({xs[0].text})[0]", ATOM),
    "exponent": lambda xs, _: Text(f"np.frexp({xs[0].text})[1]", ATOM),
}
"""How calls are written that are not ``np.title(…)``, by the title of the row."""


# ---------------------------------------------------------------------------- statements


class Writer:
    """The lines of one function, as they are written."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lines: list[str] = []
        self.texts: dict[Value, Text] = {}
        self.own: set[Value] = set()  # arrays that the function made itself, and may write into
        self.taken = {"np", *keyword.kwlist, *dir(builtins)}
        self.uses = Counter(y for y in graph.outputs if isinstance(y, Value))
        self.uses.update(x for step in graph.steps for x in step.reads)
        self.users = users_names(graph)

    def new_name(self, wish: str) -> str:
        """A name that is not taken."""
        wish = wish if wish.isidentifier() else "x"
        names = itertools.chain([wish], (f"{wish}_{k}" for k in itertools.count(2)))
        name = next(name for name in names if name not in self.taken)
        self.taken.add(name)
        return name

    def operand(self, x: Any) -> Text:
        """An operand as an expression."""
        return self.texts[x] if isinstance(x, Value) else constant(x)

    def name_for(self, value: Value) -> str:
        """The name that a value gets, the user's own if there is one."""
        return self.new_name(self.users.get(value) or value.name or self.graph.names[value])

    def put(self, value: Value, text: Text) -> None:
        """Write an expression where it is read, or give it a name and a line."""
        once = self.uses[value] == 1 and value not in self.users and len(text.text) < 48
        if once or text.text.isidentifier():
            self.texts[value] = text
            return
        name = self.name_for(value)
        self.lines.append(f"{name} = {text.text}")
        self.texts[value] = Text(name, ATOM)

    def made(self, value: Value, text: str) -> str:
        """A new array with a name, to be written into."""
        name = self.name_for(value)
        self.lines.append(f"{name} = {text}")
        self.texts[value] = Text(name, ATOM)
        self.own.add(value)
        return name

    def step(self, step: Equation | Guard) -> None:
        """Write one step down."""
        if isinstance(step, Guard):
            self.lines.append(f"assert {self.asked(step)}  # the path that was taken")
            return
        title = step.p.title
        if title in STATEMENTS:
            STATEMENTS[title](self, step)
            return
        if len(step.results) > 1:
            names = [self.name_for(value) for value in step.results]
            xs = [self.operand(x) for x in step.operands]
            call = called(path_of(step.p), xs, step.params)
            self.lines.append(f"{', '.join(names)} = {call.text}")
            self.texts.update(zip(step.results, (Text(name, ATOM) for name in names), strict=True))
            return
        self.put(step.results[0], self.expression(step))

    def asked(self, guard: Guard) -> str:
        """That a question has the answer that it had."""
        text, answer = self.operand(guard.operand), guard.answer
        if guard.question == "bool":
            return text.text if answer else f"not {text.inside(COMPARED)}"
        if guard.question == "array":
            return f"np.array_equal({text.text}, {param(answer)})"
        if guard.question == "int":
            return f"int({text.text}) == {answer}"
        return f"{text.inside(BITS)} == {constant(answer).inside(BITS)}"

    def expression(self, step: Equation) -> Text:
        """The right-hand side of an equation."""
        xs = [self.operand(x) for x in step.operands]
        title = step.p.title
        if title in INFIX and len(xs) == 2 and not step.params:
            sign, strength = INFIX[title]
            left, right = strength, strength + 1
            if title == "power":
                left, right = POWER + 1, UNARY
            elif strength == COMPARED:
                left = COMPARED + 1  # Python would chain them
            return Text(f"{xs[0].inside(left)} {sign} {xs[1].inside(right)}", strength)
        if title in EXPRESSIONS:
            return EXPRESSIONS[title](xs, step.params)
        return called(path_of(step.p), xs, step.params)


def zeros_for(step: Equation) -> str:
    """The array that a result is added into."""
    (value,) = step.results
    dtype = "" if value.dtype == float else f", dtype={param(value.dtype)}"
    return f"np.zeros({param(step.params['shape'])}{dtype})"


def _scatter(writer: Writer, step: Equation) -> None:
    index, (g,) = step.params["index"], step.operands
    (value,) = step.results
    text = writer.operand(g).text
    name = writer.made(value, zeros_for(step))
    if all(isinstance(each, (int, slice, type(None), type(...))) for each in as_tuple(index)):
        writer.lines.append(f"{name}[{index_text(index)}] = {text}")
    else:
        writer.lines.append(f"np.add.at({name}, {index_source(index)}, {text})")


def _deposit(writer: Writer, step: Equation) -> None:
    g, places = map(writer.operand, step.operands)
    (value,) = step.results
    name = writer.made(value, zeros_for(step))
    pattern = step.params["pattern"]
    row = places.inside(ATOM)
    parts = [f"{row}[{k}]" if isinstance(k, int) else index_source(k) for k in pattern]
    writer.lines.append(f"np.add.at({name}, ({', '.join(parts)},), {g.text})")


def _setitem(writer: Writer, step: Equation) -> None:
    x, w = step.operands
    (value,) = step.results
    text, start = writer.operand(w), writer.operand(x)
    if isinstance(x, Value) and x in writer.own and writer.uses[x] == 1:
        name = start.text
        writer.texts[value] = start
        writer.own.add(value)
    else:
        copied = f"{start.inside(ATOM)}.copy()" if isinstance(x, Value) else start.text
        name = writer.made(value, copied)
    writer.lines.append(f"{name}[{index_text(step.params['index'])}] = {text.text}")


def as_tuple(index: Any) -> tuple[Any, ...]:
    """An index as the tuple of its parts."""
    return index if isinstance(index, tuple) else (index,)


def index_source(index: Any) -> str:
    """An index as an expression of its own."""
    parts = [
        f"np.s_[{index_text(each)}]" if isinstance(each, slice) else param(each)
        for each in as_tuple(index)
    ]
    return f"({', '.join(parts)},)" if isinstance(index, tuple) else parts[0]


# ---- loops and branches ----


def held(writer: Writer, x: Any) -> Text:
    """An operand that a loop reads again and again: computed before it."""
    text = writer.operand(x)
    if isinstance(x, Value) and not text.text.isidentifier():
        name = writer.name_for(x)
        writer.lines.append(f"{name} = {text.text}")
        text = writer.texts[x] = Text(name, ATOM)
    return text


def part(writer: Writer, graph: Graph, inputs: list[Text]) -> tuple[list[str], list[Text]]:
    """The lines of a graph that a loop calls, and what it gives."""
    inner = Writer(graph)
    inner.taken = set(writer.taken)
    for y in graph.outputs:  # they get the names that the loop has for them
        if isinstance(y, Value) and inner.uses[y] == 1:
            inner.users.pop(y, None)
    inner.texts.update(zip(graph.inputs, inputs, strict=True))
    for step in graph.steps:
        inner.step(step)
    return inner.lines, [inner.operand(y) for y in graph.outputs]


def assigned_to(names: list[Text], values: list[Text]) -> list[str]:
    """The line that gives new values to names that change; none, if none does."""
    pairs = [(name.text, x.text) for name, x in zip(names, values, strict=True) if name != x]
    left, right = (", ".join(column) for column in zip(*pairs, strict=True)) if pairs else ("", "")
    return [f"{left} = {right}"] if pairs else []


def indented(lines: list[str]) -> list[str]:
    """Lines inside of a statement."""
    return [f"    {line}" for line in lines] or ["    pass"]


class Turn:
    """The names of a loop: of what it carries, and of what it reads."""

    def __init__(self, writer: Writer, step: Equation, first: int) -> None:
        n, body = step.params["carries"], step.params["body"]
        sequences = step.params.get("sequences", 0)
        starts = step.operands[first : first + n]
        self.sequences = [held(writer, x) for x in step.operands[first + n :][:sequences]]
        self.read = [held(writer, x) for x in step.operands[first + n + sequences :]]
        given = body.inputs[first // 2 :][:n]
        self.carries = [
            Text(writer.new_name(writer.users.get(y) or x.name or "x"), ATOM)
            for y, x in zip(step.results, given, strict=False)
        ]
        writer.lines += assigned_to(self.carries, [writer.operand(x) for x in starts])
        writer.texts.update(zip(step.results, self.carries, strict=False))

    def turned(self, writer: Writer, graph: Graph, *more: Text) -> list[str]:
        """One turn, where `more` is what it gets before what is carried."""
        lines, outs = part(writer, graph, [*more, *self.carries, *self.read])
        return lines + assigned_to(self.carries, outs)


def _fori(writer: Writer, step: Equation) -> None:
    lo, hi = (writer.operand(x).text for x in step.operands[:2])
    turn, body = Turn(writer, step, 2), step.params["body"]
    i = Text(writer.new_name(body.inputs[0].name or "i"), ATOM)
    writer.lines.append(f"for {i.text} in range({hi if lo == '0' else f'{lo}, {hi}'}):")
    writer.lines += indented(turn.turned(writer, body, i))


def _while(writer: Writer, step: Equation) -> None:
    turn = Turn(writer, step, 0)
    lines, (going,) = part(writer, step.params["cond"], [*turn.carries, *turn.read])
    writer.lines.append("while True:" if lines else f"while {going.text}:")
    if lines:
        writer.lines += indented([*lines, f"if not {going.inside(COMPARED)}:", "    break"])
    writer.lines += indented(turn.turned(writer, step.params["body"]))


def _scan(writer: Writer, step: Equation) -> None:
    turn, body = Turn(writer, step, 0), step.params["body"]
    n, m = len(turn.carries), len(turn.sequences)
    each = [Text(writer.new_name(value.name or "x"), ATOM) for value in body.inputs[n : n + m]]
    columns = [Text(writer.name_for(y), ATOM) for y in step.results[n:]]
    writer.lines += [f"{name.text} = []" for name in columns]
    over = ", ".join(x.text for x in turn.sequences)
    over = (
        over if m == 1 else f"zip({over}, strict=True)" if m else f"range({step.params['length']})"
    )
    writer.lines.append(f"for {', '.join(x.text for x in each) or '_'} in {over}:")
    lines, outs = part(writer, body, [*turn.carries, *each, *turn.read])
    lines += [f"{y.text}.append({x.text})" for y, x in zip(columns, outs[n:], strict=True)]
    writer.lines += indented(lines + assigned_to(turn.carries, outs[:n]))
    writer.lines += [f"{name.text} = np.stack({name.text})" for name in columns]
    writer.texts.update(zip(step.results[n:], columns, strict=True))


def _cond(writer: Writer, step: Equation) -> None:
    chosen, *read = step.operands
    texts = [held(writer, x) for x in read]
    yes, no = (part(writer, step.params[key], texts) for key in ("yes", "no"))
    test = writer.operand(chosen)
    text = f"{yes[1][0].text} if {test.text} else {no[1][0].text}" if step.results else ""
    if len(step.results) == 1 and not (yes[0] or no[0]) and len(text) < WIDTH:
        writer.made(step.results[0], text)
        writer.own.clear()  # it may be an operand itself
        return
    names = [Text(writer.name_for(y), ATOM) for y in step.results]
    for head, (lines, outs) in ((f"if {test.text}:", yes), ("else:", no)):
        writer.lines += [head, *indented(lines + assigned_to(names, outs))]
    writer.texts.update(zip(step.results, names, strict=True))


STATEMENTS: dict[str, Callable[[Writer, Equation], None]] = {
    "scatter": _scatter,
    "deposit": _deposit,
    "setitem": _setitem,
    "fori_loop": _fori,
    "while_loop": _while,
    "scan": _scan,
    "cond": _cond,
}
"""Calls that need more than an expression: an array is made, and written into."""


def users_names(graph: Graph) -> dict[Value, str]:
    """What the user calls results: the last one on a line ``name = …`` has that name."""
    last: dict[str, Value] = {}
    for step in graph.steps:
        if isinstance(step, Equation) and len(step.results) == 1 and step.line:
            last[step.line] = step.results[0]
    return {value: name for line, value in last.items() if (name := assigned(line))}


def assigned(place: str) -> str:
    """The name that a line of a file assigns to, if it assigns to one."""
    path, _, line = place.rpartition(":")
    text = linecache.getline(path, int(line)).strip()
    try:
        (statement,) = ast.parse(text).body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        (target,) = statement.targets
        return target.id if isinstance(target, ast.Name) else ""
    return ""


def to_source(graph: Graph, name: str | None = None) -> str:
    """A graph as the source of a function of NumPy, with its import.

    Raises
    ------
    GraphError
        If the graph has guards, calls what NumPy does not have, or holds large arrays.
    """
    graph = simplified(graph)
    writer = Writer(graph)
    title = name or (graph.name if graph.name.isidentifier() else "f")
    writer.taken.add(title)
    for value in graph.inputs:
        writer.texts[value] = Text(writer.new_name(value.name), ATOM)
    arguments = ", ".join(writer.texts[value].text for value in graph.inputs)
    for step in graph.steps:
        writer.step(step)
    results = graph.specs[1].unflatten([writer.operand(y) for y in graph.outputs])
    body = [*writer.lines, f"return {returned(results)}"]
    needed = any("special." in line for line in body)
    return "\n".join(
        [
            "import numpy as np",
            *(["from scipy import special"] if needed else []),
            "",
            "",
            f"def {title}({arguments}):",
            *(f"    {line}" for line in body),
            "",
        ]
    )


def source(f: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """A function as plain NumPy source, as it runs on these arguments.

    The function that is written stands alone: it needs NumPy and nothing else. What is
    differentiated is written out.

    Parameters
    ----------
    f : callable
        A function of arrays, or a derivative of one (`dezero.grad(f)`).
    *args, **kwargs
        What to trace it with: the source is for arguments of these shapes and dtypes, and for the
        path that the program takes on them.

    Returns
    -------
    str

    Raises
    ------
    GraphError
        If the program calls what NumPy does not have, or holds large arrays.

    Examples
    --------
    >>> from dezero import grad
    >>> def energy(x):
    ...     return np.sum(x**2 * np.exp(-x))
    >>> print(source(energy, np.ones(3)))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def energy(x):
        return np.sum(np.square(x) * np.exp(-x))
    <BLANKLINE>
    """
    return to_source(trace(f)(*args, **kwargs))


def returned(tree: Any) -> str:
    """A result, or containers of results, as an expression."""
    if isinstance(tree, Text):
        return tree.text
    if tree is None:
        return "None"
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {returned(each)}" for key, each in tree.items()) + "}"
    inner = ", ".join(map(returned, tree))
    if isinstance(tree, list):
        return f"[{inner}]"
    return f"({inner},)" if len(tree) == 1 else f"({inner})"
