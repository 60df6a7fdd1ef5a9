"""What the server is, since when it runs, its processor time."""

from __future__ import annotations

import time
from collections.abc import Iterator

from exporters.redis.session import Session
from exporters.redis.table import Fields, Table
from metrics.model import Metric, Sample
from metrics.redis import server as m

TABLE: Table = {
    "uptime_in_seconds": m.UPTIME,
    "process_id": m.PROCESS_ID,
    "hz": m.HZ,
    "configured_hz": m.CONFIGURED_HZ,
    "io_threads_active": m.IO_THREADS_ACTIVE,
    "used_cpu_sys": m.CPU_SYS,
    "used_cpu_user": m.CPU_USER,
    "used_cpu_sys_children": m.CPU_SYS_CHILDREN,
    "used_cpu_user_children": m.CPU_USER_CHILDREN,
    "used_cpu_sys_main_thread": m.CPU_SYS_MAIN,
    "used_cpu_user_main_thread": m.CPU_USER_MAIN,
    "used_active_time_main_thread": m.ACTIVE_MAIN,
}
_THREAD = "used_active_time_io_thread_"


class Server:
    """What the server is, and its processor time."""

    name = "server"
    help = "Version, role and mode; uptime; processor time."
    emits: tuple[Metric, ...] = (m.INSTANCE, m.START_TIME, m.ACTIVE_IO)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._fields = Fields(self.name, self.help, TABLE, session)
        self.emits = (*Server.emits, *self._fields.emits)

    def collect(self) -> Iterator[Sample]:
        """One server."""
        info = self._session.info
        fields = info.fields
        mode = fields.get("redis_mode") or fields.get("server_mode", "")
        labels = (mode if name == "redis_mode" else fields.get(name, "") for name in m.INSTANCE.labels)
        yield m.INSTANCE.sample(1, *labels)
        uptime = info.number("uptime_in_seconds")
        if uptime is not None:
            yield m.START_TIME.sample(int(time.time()) - uptime)
        yield from self._fields.collect()
        for name, text in fields.items():
            if name.startswith(_THREAD):
                yield m.ACTIVE_IO.sample(float(text), name.removeprefix(_THREAD))
