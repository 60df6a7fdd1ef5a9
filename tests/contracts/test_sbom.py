"""The bill of materials names what is installed, and is what it says."""

import json
import re
from pathlib import Path

from compose.packages import RUNTIME
from settings.paths import CLONE
from tests import sbom


def test_every_pin_and_every_server_is_on_the_bill(tmp_path: Path) -> None:
    out = tmp_path / "sbom.json"
    assert sbom.main(["--out", str(out)]) == 0  # it validates what it writes
    made = json.loads(out.read_text(encoding="utf-8"))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    versions = {one["name"]: one["version"] for one in made["components"]}
    pins = re.findall(r"^([a-z0-9._-]+)==([^ \\;]+)", (CLONE / "requirements" / "runtime.txt").read_text("utf-8"), re.MULTILINE)
    assert len(pins) > 30
    assert {name: versions.get(name) for name, _ in pins} == dict(pins)
    assert {package.name for package in RUNTIME} & set(versions) >= {"prometheus", "redis-server"}
    assert made["metadata"]["component"]["name"] == "watchfloor"
    hashed = [one for one in made["components"] if one.get("hashes") or one.get("externalReferences")]
    assert len(hashed) >= len(pins), "each is told by its hash"
