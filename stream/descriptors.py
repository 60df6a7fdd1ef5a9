"""File descriptors: every client needs one."""

from __future__ import annotations

import resource

WANTED = 16_384


def enough(wanted: int = WANTED) -> str:
    """Raises the soft limit to what is wanted, as far as the hard one lets; what to do where that is too low, else empty."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
        soft = max(soft, most)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return ""
    return (
        f"file descriptors: {soft} are allowed, {wanted} wanted: raise the hard limit (ulimit -Hn, or LimitNOFILE= of the unit)"
    )
