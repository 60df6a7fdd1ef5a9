"""For whom is rendered, and who reads the result before it is put in place: promtool and amtool, the machine's or the images'."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compose.errors import BadInputError
from compose.images import CONTAINERS, HOME, image
from compose.service import program
from settings import Paths


@dataclass(frozen=True)
class Target:
    """For whom is rendered: where a service finds the home, which files come beside, which group of containers reads them.

    `given`: by service, the files that the site names, with the names of their copies.
    """

    inside: Paths
    more: Mapping[str, str] = field(default_factory=dict)
    group: int = -1
    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def contained(self) -> bool:
        """Whether services run in containers."""
        return self.group >= 0


def check(folder: Path, secrets: Path | None = None, given: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Has promtool and amtool read a rendered folder; BadInputError with their words when one of them refuses.

    With the folder of the containers' `secrets`, those of the images that will run, which see what their services will: `given`
    are copies in it of files that the site names, by service and path.
    """
    checks = (
        [program("promtool"), "check", "config", str(folder / "prometheus.yml")],
        [program("amtool"), "check-config", str(folder / "alertmanager" / "alertmanager.yml")],
    )
    if secrets:
        prometheus, alertmanager = (
            in_image(name, words, {folder: f"{HOME}/rendered"} | _seen(name, secrets, (given or {}).get(name, {})))
            for name, words in zip(("prometheus", "alertmanager"), checks, strict=True)
        )
        checks = (prometheus, alertmanager)
    for command in checks:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = (done.stderr + done.stdout).replace(str(folder) + "/", "").strip()
            raise BadInputError(
                f"{Path(command[0]).name} refuses what site.yaml asks for: nothing was changed: its words:\n{words}"
            )


def _seen(name: str, secrets: Path, given: Mapping[str, str]) -> dict[Path, str]:
    """Where a service's container has its copies."""
    own = {secrets / one: f"{HOME}/secrets/{one}" for one in CONTAINERS[name].secrets}
    return own | {secrets / copy: path for path, copy in given.items() if path not in own.values()}


def in_image(name: str, words: list[str], seen: Mapping[Path, str]) -> list[str]:
    """The same command in a container of that service's image, which sees these folders under other names, without a network."""
    inside = words[1:]
    for folder, place in seen.items():
        inside = [word.replace(str(folder), place) for word in inside]
    mounts = [word for folder, place in seen.items() for word in ("-v", f"{folder}:{place}:ro")]
    entry = f"--entrypoint=/bin/{Path(words[0]).name}"
    return ["docker", "run", "--rm", "--network=none", "--user=0:0", *mounts, entry, image(CONTAINERS[name]), *inside]
