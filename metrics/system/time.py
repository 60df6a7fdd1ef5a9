"""The clock: what it shows, where it takes it from, how well it is synchronised (adjtimex)."""

from metrics.model import Counter, Gauge, Unit

_NO_SYS = "/sys is not mounted"

SECONDS = Gauge("node_time_seconds", "The machine's clock as Unix time.", Unit.TIMESTAMP)
ZONE_OFFSET = Gauge("node_time_zone_offset_seconds", "Local time minus UTC.", Unit.SECONDS, labels=("time_zone",), compat=True)
CLOCKSOURCE_AVAILABLE = Gauge(
    "node_time_clocksource_available_info", "Constant 1 for each clock source that the kernel can use.", Unit.INFO,
    labels=("device", "clocksource"), absent=_NO_SYS, compat=True,
)  # fmt: skip
CLOCKSOURCE_CURRENT = Gauge(
    "node_time_clocksource_current_info", "Constant 1 for the clock source in use.", Unit.INFO,
    labels=("device", "clocksource"), absent=_NO_SYS, compat=True,
)  # fmt: skip

OFFSET = Gauge("node_timex_offset_seconds", "Time between the clock and its reference.", Unit.SECONDS)
FREQUENCY_ADJUSTMENT = Gauge(
    "node_timex_frequency_adjustment_ratio", "Correction of the clock's frequency.", Unit.RATIO, compat=True
)
MAX_ERROR = Gauge("node_timex_maxerror_seconds", "Largest error of the clock.", Unit.SECONDS, compat=True)
ESTIMATED_ERROR = Gauge("node_timex_estimated_error_seconds", "Estimated error of the clock.", Unit.SECONDS, compat=True)
STATUS = Gauge("node_timex_status", "Bits of the clock's status (STA_*), as a number.", Unit.NONE, compat=True)
SYNC_STATUS = Gauge("node_timex_sync_status", "1 when the clock is synchronised to a reliable server, else 0.", Unit.BOOL)
LOOP_TIME_CONSTANT = Gauge("node_timex_loop_time_constant", "Time constant of the phase-locked loop.", Unit.NONE, compat=True)
TICK = Gauge("node_timex_tick_seconds", "Time between two ticks of the clock.", Unit.SECONDS, compat=True)
PPS_FREQUENCY = Gauge("node_timex_pps_frequency_hertz", "Frequency of the pulse per second.", Unit.HERTZ, compat=True)
PPS_JITTER = Gauge("node_timex_pps_jitter_seconds", "Jitter of the pulse per second.", Unit.SECONDS, compat=True)
PPS_SHIFT = Gauge("node_timex_pps_shift_seconds", "Length of the pulse per second's interval.", Unit.SECONDS, compat=True)
PPS_STABILITY = Gauge("node_timex_pps_stability_hertz", "Stability of the pulse per second.", Unit.HERTZ, compat=True)
PPS_JITTER_EXCEEDED = Counter(
    "node_timex_pps_jitter_total", "Times the pulse's jitter was above its limit.", Unit.COUNT, compat=True
)
PPS_CALIBRATION = Counter(
    "node_timex_pps_calibration_total", "Calibration intervals of the pulse per second.", Unit.COUNT, compat=True
)
PPS_ERROR = Counter("node_timex_pps_error_total", "Calibration errors of the pulse per second.", Unit.COUNT, compat=True)
PPS_STABILITY_EXCEEDED = Counter(
    "node_timex_pps_stability_exceeded_total", "Times the pulse's stability was above its limit.", Unit.COUNT, compat=True
)
TAI_OFFSET = Gauge("node_timex_tai_offset_seconds", "International Atomic Time minus UTC.", Unit.SECONDS, compat=True)
TIMEX = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge) and value.name.startswith("node_timex_"))

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
