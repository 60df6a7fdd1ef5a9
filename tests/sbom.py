"""`make sbom`: what the appliance is made of, as CycloneDX 1.6: Python's packages by pin and hash, Debian's as installed.

python -m tests.sbom [--out sbom.json]
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from compose.packages import ENTRANCE, RUNTIME
from settings.paths import CLONE
from tests.check import BIN

_REQUIREMENTS = CLONE / "requirements" / "runtime.txt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.sbom", description="Writes the bill of materials.")
    parser.add_argument("--out", type=Path, default=CLONE / "sbom.json", help="the file (sbom.json)")
    options = parser.parse_args(arguments)
    text = json.dumps(bill(), indent=2) + "\n"
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"sbom: the result is no CycloneDX 1.6: {wrong}", file=sys.stderr)
        return 1
    options.out.write_text(text, encoding="utf-8")
    print(f"{options.out}: {len(json.loads(text)['components'])} components")
    return 0


def bill() -> dict[str, Any]:
    """The document. Python's part is cyclonedx-py's work."""
    words = [str(BIN / "cyclonedx-py"), "requirements", "--pyproject", str(CLONE / "pyproject.toml"), "--sv", "1.6"]
    done = subprocess.run([*words, "--of", "JSON", "-o", "-", str(_REQUIREMENTS)], capture_output=True, text=True, check=True)
    made: dict[str, Any] = json.loads(done.stdout)
    debian = list(map(_debian, _installed()))
    made["components"] += debian
    made["dependencies"] += [{"ref": one["bom-ref"]} for one in debian]
    return made


def _installed() -> list[tuple[str, str]]:
    """Name and version of the servers' packages that are on this machine."""
    names = [package.name for package in (*RUNTIME, ENTRANCE)]
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\n", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    return [(told[1], told[2]) for line in listed.stdout.splitlines() if (told := line.split())[0] == "ii"]


def _debian(found: tuple[str, str]) -> dict[str, Any]:
    name, version = found
    distribution = platform.freedesktop_os_release()
    where = f"pkg:deb/{distribution.get('ID', 'debian')}/{name}@{version.replace('+', '%2B').replace(':', '%3A')}"
    return {
        "bom-ref": f"deb-{name}", "type": "application", "name": name, "version": version,
        "purl": f"{where}?distro={distribution.get('VERSION_CODENAME', '')}",
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
