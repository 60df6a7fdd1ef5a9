"""How well the clock is synchronised, by adjtimex(2). psutil has no such call."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator

from metrics.model import Sample
from metrics.system import time as m

_TIME_ERROR = 5  # adjtimex's answer while the clock is not synchronised
_STA_NANO = 0x2000
_PPM_SCALE = 65_536 * 1e6  # frequencies come in 2^-16 parts per million


class Timex(ctypes.Structure):
    """struct timex of <sys/timex.h>."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("constant", ctypes.c_long), ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long), ("seconds", ctypes.c_long), ("microseconds", ctypes.c_long), ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long), ("jitter", ctypes.c_long), ("shift", ctypes.c_int), ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long), ("calcnt", ctypes.c_long), ("errcnt", ctypes.c_long), ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int), ("reserved", ctypes.c_int * 11),
    )  # fmt: skip


def samples(state: int, clock: Timex) -> Iterator[Sample]:
    """The answer in seconds, ratios, hertz and counts."""
    second = 1e9 if clock.status & _STA_NANO else 1e6
    yield m.SYNC_STATUS, (), int(state != _TIME_ERROR)
    yield m.OFFSET, (), clock.offset / second
    yield m.FREQUENCY_ADJUSTMENT, (), 1 + clock.freq / _PPM_SCALE
    yield m.MAX_ERROR, (), clock.maxerror / 1e6
    yield m.ESTIMATED_ERROR, (), clock.esterror / 1e6
    yield m.STATUS, (), clock.status
    yield m.LOOP_TIME_CONSTANT, (), clock.constant
    yield m.TICK, (), clock.tick / 1e6
    yield m.PPS_FREQUENCY, (), clock.ppsfreq / _PPM_SCALE
    yield m.PPS_JITTER, (), clock.jitter / second
    yield m.PPS_SHIFT, (), clock.shift
    yield m.PPS_STABILITY, (), clock.stabil / _PPM_SCALE
    yield m.PPS_JITTER_EXCEEDED, (), clock.jitcnt
    yield m.PPS_CALIBRATION, (), clock.calcnt
    yield m.PPS_ERROR, (), clock.errcnt
    yield m.PPS_STABILITY_EXCEEDED, (), clock.stbcnt
    yield m.TAI_OFFSET, (), clock.tai


class ClockSync:
    """Clock synchronisation."""

    name = "timex"
    help = "Whether and how well the clock is synchronised (adjtimex)."
    emits = m.TIMEX

    def __init__(self) -> None:
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
        self._adjtimex.argtypes = [ctypes.POINTER(Timex)]

    def collect(self) -> Iterator[Sample]:
        """Gauges and counters; nothing where a sandbox forbids the call."""
        clock = Timex()
        state = self._adjtimex(ctypes.byref(clock))
        if state >= 0:
            return samples(state, clock)
        number = ctypes.get_errno()
        if number == errno.EPERM:
            return iter(())
        raise OSError(number, os.strerror(number))
