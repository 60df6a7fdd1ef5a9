"""Space and inodes of mounted filesystems, by statvfs. A mount that hangs is told as such and holds nobody up.

psutil.disk_usage() knows no inodes, disk_partitions() no device numbers, and neither returns from a dead NFS server.
"""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Iterator
from functools import partial

from exporters.lane import Lane
from exporters.system.mounts import Mount, chosen, parse
from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import filesystem as m

MOUNT_TIMEOUT = 0.5
_ALL_MOUNTS_TIMEOUT = 1.5
# Local filesystems whose statvfs asks nobody: no need of a thread that may be given up. All others may hang.
_ANSWERS_FROM_MEMORY = frozenset(("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "ramfs", "vfat", "exfat", "zfs"))
_STUCK = "mountpoint timeout"  # upstream's words


class Answer:
    """What statvfs told of one mount: its figures, or an error's name; neither while it has not returned."""

    def __init__(self) -> None:
        self.figures: os.statvfs_result | None = None
        self.error = ""
        self.asked = False

    def ask(self, path: str) -> None:
        """Fills it; runs on the lane."""
        self.asked = True
        try:
            self.figures = os.statvfs(path)
        except OSError as error:
            self.error = errno.errorcode.get(error.errno or 0, "") + ": " + os.strerror(error.errno or 0)

    @property
    def waiting(self) -> bool:
        """True from the question until statvfs has returned."""
        return self.asked and self.figures is None and not self.error


def samples(mount: Mount, answer: Answer) -> Iterator[Sample]:
    """Bytes, inodes and flags of one mount; a device error in place of figures where there are none."""
    error = _STUCK if answer.waiting else answer.error
    labels = (mount.device, mount.mountpoint, mount.fstype, error)
    yield m.MOUNT_INFO, (mount.device, mount.major, mount.minor, mount.mountpoint), 1
    yield m.DEVICE_ERROR, labels, int(bool(error))
    yield m.READONLY, labels, int(mount.readonly)
    if answer.figures is None:
        return
    figures = answer.figures
    yield m.SIZE, labels, figures.f_blocks * figures.f_frsize
    yield m.FREE, labels, figures.f_bfree * figures.f_frsize
    yield m.AVAIL, labels, figures.f_bavail * figures.f_frsize
    yield m.FILES, labels, figures.f_files
    yield m.FILES_FREE, labels, figures.f_ffree


class Filesystem:
    """Mounted filesystems."""

    name = "filesystem"
    help = "Space, inodes, read-only state and device errors of mounted filesystems."
    emits = (m.SIZE, m.FREE, m.AVAIL, m.FILES, m.FILES_FREE, m.READONLY, m.DEVICE_ERROR, m.MOUNT_INFO)

    def __init__(self, roots: Roots, mount_points_exclude: str, fs_types_exclude: str) -> None:
        self._root = str(roots.root).rstrip("/")
        self._files = [ProcFile(roots.proc / pid / "mountinfo", record=4096) for pid in ("1", "self")]
        self._mounts: tuple[str, list[Mount]] = ("", [])
        self._mount_points = re.compile(mount_points_exclude)
        self._types = re.compile(fs_types_exclude)
        self._lane = Lane("statvfs")
        self._stuck: dict[Mount, Answer] = {}

    def collect(self) -> Iterator[Sample]:
        """Gauges of every mount that is not excluded."""
        mounts = self._current()
        self._stuck = {mount: answer for mount, answer in self._stuck.items() if answer.waiting and mount in mounts}
        answers = {mount: Answer() for mount in mounts if mount not in self._stuck}
        self._ask(answers)
        for mount in mounts:
            answer = self._stuck.get(mount) or answers[mount]
            if answer.asked:  # else several hung before it and there was no time left
                yield from samples(mount, answer)

    def _current(self) -> list[Mount]:
        """The mounts of now; parsed again only when one came or went."""
        text = self._mountinfo()
        if text != self._mounts[0]:
            mounts = [self._seen(mount) for mount in parse(text)]
            self._mounts = (text, chosen(mounts, self._mount_points, self._types))
        return self._mounts[1]

    def _mountinfo(self) -> str:
        # Those of the machine, where this process may see them; a service with its own mounts sees fewer.
        try:
            return self._files[0].text()
        except OSError:
            return self._files[1].text()

    def _seen(self, mount: Mount) -> Mount:
        """The mount with its path as the machine calls it, where the machine's / is mounted elsewhere."""
        if not self._root or not (mount.mountpoint + "/").startswith(self._root + "/"):
            return mount
        path = mount.mountpoint[len(self._root) :] or "/"
        return Mount(mount.device, path, mount.fstype, mount.major, mount.minor, mount.readonly)

    def _ask(self, answers: dict[Mount, Answer]) -> None:
        """Asks all; one that takes too long is left to its thread and not asked again until it returns."""
        for mount, answer in answers.items():
            if mount.fstype in _ANSWERS_FROM_MEMORY:
                answer.ask(self._root + mount.mountpoint)
        mounts, ended = [mount for mount in answers if mount.fstype not in _ANSWERS_FROM_MEMORY], threading.Event()
        if not mounts:
            return
        tasks = [partial(answers[mount].ask, self._root + mount.mountpoint) for mount in mounts]
        batch = self._lane.submit(tasks, ended.set)
        deadline = time.monotonic() + _ALL_MOUNTS_TIMEOUT
        while not batch.done:
            ended.wait(min(MOUNT_TIMEOUT, max(0.01, deadline - time.monotonic())))
            current, over = batch.running(), time.monotonic() >= deadline
            if current and (over or current[1] >= MOUNT_TIMEOUT) and self._lane.give_up(batch, current[0], all_left=over):
                self._stuck[mounts[current[0]]] = answers[mounts[current[0]]]
            elif over:
                batch.cancel()
