"""The drills of what watches the machine, beside those of load, memory and space."""

from __future__ import annotations

from tests.drills.drill import Drill
from tests.drills.host_faults import (
    break_filesystem,
    fill_connection_table,
    kill_for_memory,
    open_files,
    open_files_used,
    use_up_inodes,
)

HOST = (
    Drill("InodesAlmostFull", "a filesystem for 1,000 files has 950", use_up_inodes(0.95), still=True),
    Drill(
        "FilesystemReadOnly",
        "the kernel finds an error in a filesystem, and lets nobody write any more",
        break_filesystem(),
        still=True,
    ),
    # Under a lowered threshold: four fifths of all files are two million, and on some kernels more than anybody can open.
    Drill("OpenFilesNearLimit", "a program opens files, and closes none, under a lowered threshold", open_files(0.5), still=True),
    Drill(
        "ConnectionTableNearLimit",
        "a flood of packets leaves 85 % of the connection table full",
        fill_connection_table(0.85),
        still=True,
    ),
    Drill(
        "OutOfMemoryKill",
        "a program takes more memory than its control group has, and is killed",
        kill_for_memory(),
        still=True,
    ),
)


def open_files_threshold() -> float:
    """What a drill can reach: a point over what is used now."""
    used, most = open_files_used()
    return max(1.0, round(100 * used / most + 1))
