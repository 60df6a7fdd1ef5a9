"""The mail server of people on call, which every drill's notifications reach too; and the day on which it refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.appliance import Appliance
from tests.drills.faults import Fault, stop_service
from tests.waiting import free_ports


class _Box:
    """Takes mail, and keeps none. It refuses addresses, not what was sent: Alertmanager 0.25 does not read the answer to that."""

    refuses = False

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The server's answer to an address."""
        del server, session, options
        if self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@cache
def _server() -> tuple[_Box, Controller]:
    """The one of this process, which answers as long as that lives."""
    box = _Box()
    controller = Controller(box, hostname="127.0.0.1", port=free_ports(1)[0])
    controller.start()
    return box, controller


def receivers() -> list[dict[str, Any]]:
    """`receivers` of an appliance that writes to the people of the drills; this starts their server."""
    address = f"127.0.0.1:{_server()[1].port}"
    mail = {"to": "people@example.org", "from": "watchfloor@example.org", "smarthost": address, "require_tls": False}
    return [{"type": "email", "name": "people"} | mail]


def refuse_mail(service: str) -> Fault:
    """The mail server knows nobody any more, while a service is stopped of which people are to be told."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        box, _ = _server()
        box.refuses = True
        try:
            with stop_service(service)(appliance):
                yield
        finally:
            box.refuses = False

    return fault
