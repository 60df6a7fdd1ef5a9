"""Mounted filesystems: recorded mount tables, this machine's own, and one that really hangs (FUSE without a daemon)."""

from __future__ import annotations

import ctypes
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.system.filesystem import MOUNT_TIMEOUT, Filesystem
from exporters.system.mounts import Mount, chosen, parse
from exporters.system.procfs import Roots
from metrics.model import Column, Distribution
from metrics.system import filesystem as m
from settings.exporters import SystemExporter
from tests.exporters.system.trees import lines, tree
from tests.waiting import until

DEFAULTS = SystemExporter()
MOUNTINFO = """23 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
45 28 8:16 / /data\\040dir\\134x ro,relatime shared:30 master:1 - xfs /dev/sdb ro
46 28 8:17 / /mnt/frozen rw - ext4 /dev/sdb1 ro,data=ordered
47 28 0:45 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw,lowerdir=/a:/b
48 28 0:50 / /srv/nfs rw - nfs4 10.0.0.9:/export rw,addr=10.0.0.9
nonsense
49 28 0:51
"""


def collector(roots: Roots, mounts: str = DEFAULTS.mount_points_exclude, types: str = DEFAULTS.fs_types_exclude) -> Filesystem:
    return Filesystem(roots, mounts, types)


def test_mount_tables_are_read() -> None:
    assert parse(MOUNTINFO)[1:4] == [
        Mount("/dev/sda1", "/", "ext4", "8", "1", readonly=False),
        Mount("/dev/sdb", "/data dir\\x", "xfs", "8", "16", readonly=True),
        Mount("/dev/sdb1", "/mnt/frozen", "ext4", "8", "17", readonly=True),
    ]
    assert len(parse(MOUNTINFO)) == 6


def test_a_filesystem_after_an_error_is_read_only_whatever_else_its_options_say() -> None:
    (mount,) = parse("42 27 7:0 / /data rw,relatime - ext4 /dev/sdc rw,errors=remount-ro,emergency_ro\n")
    assert mount.readonly


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n")))
def test_no_line_breaks_the_reader(line: str) -> None:
    parse(f"{line}\n{MOUNTINFO}")


def test_what_is_excluded_by_default(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/1/mountinfo": MOUNTINFO})
    (roots.root / "mnt/frozen").mkdir(parents=True)
    mounted = {sample[1][1] for sample in collector(roots).collect() if sample[0] is m.DEVICE_ERROR}
    assert mounted == {"/", "/data dir\\x", "/mnt/frozen", "/srv/nfs"}


def test_excludes_can_be_set(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/1/mountinfo": MOUNTINFO})
    found = collector(roots, mounts="^/(mnt|srv|data)", types="^(sysfs|overlay)$").collect()
    assert {sample[1][1] for sample in found if sample[0] is m.DEVICE_ERROR} == {"/"}


def test_a_missing_mount_point_is_a_device_error_beside_the_others(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/1/mountinfo": MOUNTINFO})
    found = lines(collector(roots).collect())
    error = 'mountpoint="/srv/nfs",fstype="nfs4",device_error="ENOENT: No such file or directory"'
    assert f'node_filesystem_device_error{{device="10.0.0.9:/export",{error}}} 1' in found
    assert not any(line.startswith("node_filesystem_size_bytes") and "/srv/nfs" in line for line in found)
    assert any(line.startswith('node_filesystem_size_bytes{device="/dev/sda1"') for line in found)
    assert 'node_filesystem_mount_info{device="/dev/sdb",major="8",minor="16",mountpoint="/data dir\\\\x"} 1' in found


def test_read_only_by_mount_or_by_filesystem(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/1/mountinfo": MOUNTINFO})
    readonly = {sample[1][1]: sample[2] for sample in collector(roots).collect() if sample[0] is m.READONLY}
    assert readonly == {"/": 0, "/data dir\\x": 1, "/mnt/frozen": 1, "/srv/nfs": 0}


def test_figures_are_those_of_statvfs() -> None:
    values = {
        metric: value
        for metric, labels, value in collector(Roots()).collect()
        if labels[1] == "/" and not isinstance(value, Distribution | Column)
    }
    if m.SIZE not in values:
        pytest.skip("no filesystem of its own is mounted at the root: a container, or a chroot")
    told = os.statvfs("/")
    assert values[m.SIZE] == told.f_blocks * told.f_frsize
    assert values[m.FILES] == told.f_files
    assert values[m.AVAIL] <= values[m.FREE] <= values[m.SIZE]
    assert values[m.DEVICE_ERROR] == 0


def test_new_mounts_are_seen(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/1/mountinfo": "28 1 8:1 / / rw - ext4 /dev/sda1 rw\n"})
    watched = collector(roots)
    assert len({sample[1] for sample in watched.collect() if sample[0] is m.READONLY}) == 1
    tree(tmp_path, {"proc/1/mountinfo": "28 1 8:1 / / rw - ext4 /dev/sda1 rw\n29 1 8:2 / / rw - ext4 /dev/sdc rw\n"})
    assert len({sample[1] for sample in watched.collect() if sample[0] is m.READONLY}) == 2


def test_each_mount_counts_once() -> None:
    twice = parse(MOUNTINFO) * 2
    nothing = re.compile("^$")
    assert len(chosen(twice, nothing, nothing)) == 6


class DeadMount:
    """A FUSE filesystem whose daemon never answers: statvfs on it blocks in the kernel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}".encode()
        if self._libc.mount(b"dead", str(folder).encode(), b"fuse.dead", 0, options) != 0:
            number = ctypes.get_errno()
            os.close(self._device)
            raise OSError(number, os.strerror(number))

    def hang_up(self) -> None:
        """The daemon goes away: who waits gets an error."""
        if self._device >= 0:
            os.close(self._device)
            self._device = -1

    def unmount(self) -> None:
        self.hang_up()
        self._libc.umount2(str(self.folder).encode(), 2)


@pytest.fixture
def dead(tmp_path: Path) -> Iterator[DeadMount]:
    folder = tmp_path / "dead"
    folder.mkdir()
    try:
        mount = DeadMount(folder)
    except OSError as error:
        pytest.skip(f"cannot mount FUSE here: {error.strerror}")
    yield mount
    mount.unmount()


def test_a_mount_that_hangs_is_told_and_holds_nobody_up(dead: DeadMount, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    statvfs = os.statvfs

    def noted(path: str) -> os.statvfs_result:
        asked.append(path)
        return statvfs(path)

    monkeypatch.setattr(os, "statvfs", noted)
    monkeypatch.setattr("exporters.system.filesystem._ALL_MOUNTS_TIMEOUT", 60.0)  # so that its own limit is what ends it
    watched = collector(Roots(), types=r"^(proc|sysfs|tmpfs|devtmpfs|cgroup2?)$")

    def state() -> tuple[float, str]:
        """The dead mount's device error and its words."""
        samples = list(watched.collect())
        errors = [sample for sample in samples if sample[0] is m.DEVICE_ERROR and sample[1][1] == str(dead.folder)]
        assert len(errors) == 1
        return float(str(errors[0][2])), errors[0][1][3]

    began = time.monotonic()
    assert state() == (1, "mountpoint timeout")
    assert MOUNT_TIMEOUT <= time.monotonic() - began < 30
    began = time.monotonic()
    for _ in range(5):  # it is not asked again, so nobody waits again
        assert state() == (1, "mountpoint timeout")
    assert time.monotonic() - began < 5 * MOUNT_TIMEOUT, "each would have waited so long"
    assert asked.count(str(dead.folder)) == 1
    dead.hang_up()
    until("statvfs has come back", lambda: state()[1] != "mountpoint timeout")
    error, words = state()
    assert error == 1
    assert "ENOTCONN" in words
