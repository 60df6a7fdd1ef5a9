"""State and properties of network devices, from /sys/class/net. psutil.net_if_stats() has speed, duplex, MTU and flags only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Metric, Sample
from metrics.system import network as m

# Each numeric file and its metric.
_NUMBERS: dict[str, Metric] = {
    "addr_assign_type": m.ADDRESS_ASSIGN_TYPE,
    "carrier": m.CARRIER,
    "carrier_changes": m.CARRIER_CHANGES,
    "carrier_up_count": m.CARRIER_UP,
    "carrier_down_count": m.CARRIER_DOWN,
    "dev_id": m.DEVICE_ID,
    "dormant": m.DORMANT,
    "flags": m.FLAGS,
    "ifindex": m.IFACE_ID,
    "iflink": m.IFACE_LINK,
    "link_mode": m.IFACE_LINK_MODE,
    "mtu": m.MTU,
    "name_assign_type": m.NAME_ASSIGN_TYPE,
    "netdev_group": m.NET_DEV_GROUP,
    "tx_queue_len": m.TRANSMIT_QUEUE_LENGTH,
    "type": m.PROTOCOL_TYPE,
}
_TEXTS = ("address", "broadcast", "duplex", "operstate", "ifalias")
_FILES = (*_NUMBERS, "speed", *_TEXTS)
_KEEP_OPEN = 16  # devices; a host of a thousand containers must not run out of file descriptors
_BYTES_PER_MEGABIT = 125_000
_IFF_UP = 1


def samples(device: str, values: dict[str, bytes]) -> Iterator[Sample]:
    """A device's gauges from the contents of its files; a file that cannot be read (no link) is not there."""
    labels = (device,)
    texts = {name: values.get(name, b"").decode("utf-8", "replace").strip() for name in _TEXTS}
    state, flags = texts["operstate"], values.get("flags")
    admin = ("up" if int(flags, 0) & _IFF_UP else "down") if flags else "unknown"
    yield m.UP, labels, int(state == "up")
    yield m.INFO, (device, texts["address"], texts["broadcast"], texts["duplex"], state, admin, texts["ifalias"]), 1
    for name, metric in _NUMBERS.items():
        if content := values.get(name):
            yield metric, labels, int(content, 0)
    if speed := values.get("speed"):
        yield m.SPEED, labels, int(speed) * _BYTES_PER_MEGABIT


class Netclass:
    """Network devices."""

    name = "netclass"
    help = "State, link, speed and properties of each network device."
    emits = (*_NUMBERS.values(), m.SPEED, m.UP, m.INFO)

    def __init__(self, roots: Roots) -> None:
        self._class = roots.sys / "class/net"
        self._devices: dict[str, dict[str, ProcFile]] = {}

    def collect(self) -> Iterator[Sample]:
        """Gauges; nothing without /sys."""
        try:
            names = sorted(path.name for path in self._class.iterdir() if path.name != "bonding_masters")
        except OSError:
            return
        keep = len(names) <= _KEEP_OPEN
        self._devices = {name: self._devices[name] for name in names if name in self._devices} if keep else {}
        for name in names:
            files = self._devices.get(name) or self._files(self._class / name)
            if keep:
                self._devices[name] = files
            yield from samples(name, _read(files))

    @staticmethod
    def _files(folder: Path) -> dict[str, ProcFile]:
        return {name: ProcFile(folder / name) for name in _FILES}


def _read(files: dict[str, ProcFile]) -> dict[str, bytes]:
    result = {}
    for name, file in files.items():
        try:
            result[name] = file.number()
        except OSError:
            continue  # the kernel answers EINVAL for what a device without link does not know
    return result
