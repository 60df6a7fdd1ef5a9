"""`python -m metrics`: write docs/metrics.md; tell which declarations nobody looks at.

Exit codes: 0 done, or nothing to tell; 1 something to tell, or a file that cannot be read or written; 2 a wrong command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from metrics import catalog, docs
from metrics.mark import mark_files
from metrics.process import version
from metrics.usage import ROOT, Usage, usage

PAGE = ROOT / "docs" / "metrics.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given, usage(given.root)))
    except OSError as error:
        print(f"{error.filename}: cannot be read or written ({error.strerror}): check the path", file=sys.stderr)
    except ValueError as error:
        print(error, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m metrics", description="The declarations of every metric.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    write = commands.add_parser("docs", help="write docs/metrics.md")
    write.add_argument("--out", type=Path, default=PAGE, help="the file to write; - for standard output")
    write.set_defaults(run=_docs)
    unused = commands.add_parser("unused", help="tell which metrics are neither drawn nor alerted on, and say no reason for it")
    unused.set_defaults(run=_unused)
    compat = commands.add_parser("compat", help="set or remove the mark `compat` in the declarations' source")
    compat.set_defaults(run=_compat)
    for command in (write, unused, compat):
        command.add_argument("--root", type=Path, default=ROOT, help="where dashboards/rendered and alerts/rendered are")
    return parser


def _docs(given: argparse.Namespace, used: Usage) -> int:
    content = docs.page(used)
    if str(given.out) == "-":
        print(content, end="")
        return 0
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(content, encoding="utf-8")
    return 0


def _unused(_given: argparse.Namespace, used: Usage) -> int:
    found = list(complaints(used))
    print("\n".join(found) or "every metric is drawn, alerted on, or says why not")
    return 1 if found else 0


def _compat(_given: argparse.Namespace, used: Usage) -> int:
    for file in mark_files(ROOT / "metrics", lambda name: _is_compat(name, used)):
        print(f"{file.relative_to(ROOT)}: marked; `ruff format` it")
    return 0


def _is_compat(name: str, used: Usage) -> bool:
    metric = catalog.find(name)
    ours = name.startswith(catalog.OWN_PREFIXES) or metric is None or bool(metric.emitter)
    return not ours and name not in used.drawn and name not in used.alerted


def complaints(used: Usage) -> Iterator[str]:
    """A line for each metric whose marks (`compat`, `internal`) and whose use do not fit each other."""
    for metric in catalog.all_metrics():
        seen = bool(used.drawn.get(metric.name) or used.alerted.get(metric.name))
        mark = "internal" if metric.name.startswith(catalog.OWN_PREFIXES) else "compat"
        if not seen and not (metric.internal or metric.compat):
            yield f"{metric.name}: is neither drawn nor alerted on: use it, or mark it `{mark}`"
        if seen and (metric.internal or metric.compat):
            yield f"{metric.name}: is drawn or alerted on: remove its mark `{mark}`"
        if metric.compat and mark == "internal":
            yield f"{metric.name}: is our own: give the reason by `internal`, not `compat`"


if __name__ == "__main__":
    sys.exit(main())
