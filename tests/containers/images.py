"""The images of the test: a base from a debootstrap tree, ours on it, stand-ins of Debian's packages under the pinned names."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from compose import dist, image
from compose.images import CONTAINERS, OURS
from compose.images import image as named
from settings.paths import CLONE

BASE = "watchfloor-base:debian"
_BUILDER = "watchfloor-builder:debian"  # the same with what a build needs
_HERE = Path(__file__).parent / "standins"
# What images called slim leave out as well.
_FAT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache/apt/archives", "var/lib/apt/lists")


def make_base(suite: str) -> None:
    """A Debian with Python, as `python:slim` is one."""
    if image.present(BASE):
        return
    with tempfile.TemporaryDirectory(prefix="watchfloor-base-") as folder:
        words = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", suite, folder]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        for name in _FAT:
            shutil.rmtree(Path(folder, name), ignore_errors=True)
            Path(folder, name).mkdir(parents=True)
        tree = subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE)
        subprocess.run(["docker", "import", "-", BASE], stdin=tree.stdout, check=True, stdout=subprocess.DEVNULL)
        assert tree.wait() == 0


def make_ours(wheels: Path) -> str:
    """Our image by its own Dockerfile, from wheels that are fetched once; its name."""
    tag = image.tag()
    if not image.present(f"{OURS}:{tag}"):
        wanted, fetched = CLONE / "requirements" / "runtime.txt", wheels.parent.with_name("fetched.txt")
        if not fetched.exists() or fetched.read_bytes() != wanted.read_bytes():
            shutil.rmtree(wheels.parent, ignore_errors=True)
            dist.make(wheels.parent)
            shutil.copyfile(wanted, fetched)
        _standin("builder", _BUILDER)
        image.build(tag, base=BASE, builder=_BUILDER, wheels=wheels)
    return f"{OURS}:{tag}"


def make_standins() -> list[str]:
    """The images that cannot be pulled, by the names that the rendered file has; those names."""
    pins = {one.pin: named(one) for one in CONTAINERS.values() if one.pin}
    for pin, name in sorted(pins.items()):
        _standin(pin, name)
    return list(pins.values())


def _standin(target: str, name: str) -> None:
    words = ["docker", "build", "--quiet", "--network=host", "--target", target, "--build-arg", f"BASE={BASE}", "--tag", name]
    subprocess.run([*words, str(_HERE)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def packed(name: str) -> int:
    """Bytes of an image as a registry keeps it: its layers, compressed by gzip."""
    saved = subprocess.Popen(["docker", "save", name], stdout=subprocess.PIPE)
    small = subprocess.run(["gzip", "-6", "-c"], stdin=saved.stdout, capture_output=True, check=True).stdout
    assert saved.wait() == 0
    return len(small)


def size(name: str) -> int:
    """Bytes of an image, unpacked."""
    told = subprocess.run(["docker", "image", "inspect", "-f", "{{.Size}}", name], capture_output=True, text=True, check=True)
    return int(told.stdout)
