"""placeholder"""

from __future__ import annotations

NAMES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "power": "pow",
}


def apply(asm, title, kind, width, *operands):
    name = NAMES.get(title, title)
    of = f"<{width} x {kind}>" if width > 1 else kind
    args = [f"{of} {x}" for x in operands]
    if width == 1 or kind == "float":
        if width == 1:
            return asm.call(
                kind,
                f"@{name}{'f' if kind == 'float' else ''}",
                *args,
                attributes="nounwind memory(none)",
            )
    letter = (
        {8: "e", 4: "d", 2: "b"}[width] if kind == "double" else {16: "e", 8: "d", 4: "b"}[width]
    )
    full = f"@_ZGV{letter}N{width}{'v' * len(args)}_{name}{'f' if kind == 'float' else ''}"
    return asm.call(of, full, *args, attributes="nounwind memory(none)")
