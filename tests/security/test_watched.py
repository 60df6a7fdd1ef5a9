"""The entrance is looked at as well: whether it answers, and how long its certificate is good."""

from __future__ import annotations

import os
import signal

import pytest
from cryptography import x509

from metrics import probe
from tests.security.conftest import Besieged
from tests.waiting import until


def test_the_probe_knows_when_the_certificate_of_the_entrance_expires(besieged: Besieged) -> None:
    here, label = besieged.appliance, f'{{endpoint="{probe.ENTRANCE}"}}'
    until("the probe has been at the entrance", lambda: here.value(probe.SUCCESS.name + label) == 1, 30)
    shown = x509.load_pem_x509_certificate(here.paths.certificate.read_bytes()).not_valid_after_utc.timestamp()
    assert until("its end is told", lambda: here.value(probe.EXPIRY.name + label), 10) == shown


@pytest.mark.parametrize(("number", "within"), [(signal.SIGKILL, 10), (signal.SIGSTOP, 60)], ids=["kill", "hang"])
def test_an_entrance_that_dies_or_hangs_is_back_in_time(besieged: Besieged, number: signal.Signals, within: float) -> None:
    old = besieged.appliance.process("entrance").pid
    os.kill(old, number)
    until("it is back", lambda: _opens(besieged, old), within)


def _opens(besieged: Besieged, old: int) -> bool:
    if besieged.appliance.process("entrance").pid in (0, old):
        return False
    try:
        return besieged.enter("/inbox/", headers=besieged.basic()).status == 200
    except OSError:
        return False
