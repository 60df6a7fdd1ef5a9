"""Frequencies of processors, from /sys. psutil.cpu_freq() mixes what the hardware tells with what the governor set."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Metric, Sample
from metrics.system import cpu as m

_FILES: dict[str, Metric] = {
    "cpuinfo_cur_freq": m.FREQUENCY,
    "cpuinfo_min_freq": m.FREQUENCY_MIN,
    "cpuinfo_max_freq": m.FREQUENCY_MAX,
    "scaling_cur_freq": m.SCALING_FREQUENCY,
    "scaling_min_freq": m.SCALING_FREQUENCY_MIN,
    "scaling_max_freq": m.SCALING_FREQUENCY_MAX,
}


class Cpufreq:
    """Frequencies."""

    name = "cpufreq"
    help = "Frequency and governor of each processor."
    emits = (*_FILES.values(), m.SCALING_GOVERNOR)

    def __init__(self, roots: Roots) -> None:
        folders = sorted((roots.sys / "devices/system/cpu").glob("cpu[0-9]*/cpufreq"))
        self._processors = [
            (folder.parent.name.removeprefix("cpu"), {path.name: ProcFile(path) for path in folder.iterdir() if path.is_file()})
            for folder in folders
        ]

    def collect(self) -> Iterator[Sample]:
        """Hertz; nothing without a frequency driver."""
        for processor, files in self._processors:
            labels = (processor,)
            for name, metric in _FILES.items():
                text = _value(files.get(name))
                if text.isdigit():  # `<unknown>` and files for root only are left out
                    yield metric, labels, int(text) * 1000
            current = _value(files.get("scaling_governor"))
            for governor in _value(files.get("scaling_available_governors")).split():
                yield m.SCALING_GOVERNOR, (processor, governor), int(governor == current)


def _value(file: ProcFile | None) -> str:
    try:
        return file.value() if file else ""
    except OSError:
        return ""
