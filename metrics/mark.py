"""Keeps the mark `compat` in the declarations' source: set on ecosystem names that nothing draws or alerts on, else not."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

_TYPES = {"Counter", "Gauge", "Histogram"}


def marked(source: str, wanted: Callable[[str], bool]) -> str:
    """`source` with `compat=True` on exactly the declarations whose name is `wanted`; all else stays as it is."""
    text = source.encode("utf-8")  # positions of the tree count bytes
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for call, name in reversed(list(_declarations(ast.parse(source)))):
        mark = next((keyword for keyword in call.keywords if keyword.arg == "compat"), None)
        assert call.end_lineno is not None
        assert call.end_col_offset is not None
        if wanted(name) and mark is None:
            end = starts[call.end_lineno - 1] + call.end_col_offset - 1
            text = _with_mark(text[:end], text[end:])
        elif mark is not None and not wanted(name):
            assert mark.end_col_offset is not None
            begin = starts[mark.lineno - 1] + mark.col_offset
            text = text[:begin].rstrip().removesuffix(b",") + text[begin + len(b"compat=True") :]
    return text.decode("utf-8")


def _with_mark(before: bytes, after: bytes) -> bytes:
    arguments = before.rstrip()
    return arguments + (b" compat=True," if arguments.endswith(b",") else b", compat=True") + before[len(arguments) :] + after


def _declarations(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        assert isinstance(call.func, ast.Name)
        if call.func.id in _TYPES and call.args and isinstance(call.args[0], ast.Constant):
            yield call, str(call.args[0].value)


def mark_files(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Marks every module below `folder`; returns those that changed."""
    changed = []
    for file in sorted(folder.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        result = marked(source, wanted)
        if result != source:
            file.write_text(result, encoding="utf-8")
            changed.append(file)
    return changed
