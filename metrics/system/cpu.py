"""Processors: time by mode, load, frequency, throttling, scheduler, pressure."""

from metrics.model import Counter, Gauge, Unit

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_NO_PSI = "the kernel has no pressure stall information (CONFIG_PSI off, or psi=0)"
_NO_SCALING = "no frequency driver: usual in virtual machines"
_NO_THROTTLE = "the processor counts no thermal throttling: usual in virtual machines and on AMD"

# -- time by mode ----------------------------------------------------------------------------------------------------
SECONDS = Counter(
    "node_cpu_seconds_total", "Time each processor spent in each mode.", Unit.SECONDS, labels=("cpu", "mode"),
)  # fmt: skip
GUEST_SECONDS = Counter(
    "node_cpu_guest_seconds_total", "Time each processor spent running guests; `node_cpu_seconds_total` holds it too.",
    Unit.SECONDS, labels=("cpu", "mode"), compat=True,
)  # fmt: skip
ONLINE = Gauge(
    "node_cpu_online", "1 when the processor is online, else 0.", Unit.BOOL, labels=("cpu",),
    absent="the kernel cannot switch processors off, or /sys is not mounted", compat=True,
)  # fmt: skip
ISOLATED = Gauge(
    "node_cpu_isolated", "1 for each processor that is kept out of scheduling (isolcpus).", Unit.BOOL, labels=("cpu",),
    absent="no processor is isolated", compat=True,
)  # fmt: skip

# -- load ------------------------------------------------------------------------------------------------------------
LOAD1 = Gauge("node_load1", "Runnable and uninterruptible tasks, mean of 1 min.", Unit.COUNT)
LOAD5 = Gauge("node_load5", "Runnable and uninterruptible tasks, mean of 5 min.", Unit.COUNT)
LOAD15 = Gauge("node_load15", "Runnable and uninterruptible tasks, mean of 15 min.", Unit.COUNT)

# -- frequency and heat ----------------------------------------------------------------------------------------------
FREQUENCY = Gauge(
    "node_cpu_frequency_hertz",
    "Frequency as the processor reports it.",
    Unit.HERTZ,
    labels=("cpu",),
    absent=_NO_SCALING,
    compat=True,
)
FREQUENCY_MIN = Gauge(
    "node_cpu_frequency_min_hertz",
    "Lowest frequency of the processor.",
    Unit.HERTZ,
    labels=("cpu",),
    absent=_NO_SCALING,
    compat=True,
)
FREQUENCY_MAX = Gauge(
    "node_cpu_frequency_max_hertz",
    "Highest frequency of the processor.",
    Unit.HERTZ,
    labels=("cpu",),
    absent=_NO_SCALING,
    compat=True,
)
SCALING_FREQUENCY = Gauge(
    "node_cpu_scaling_frequency_hertz",
    "Frequency that the governor set.",
    Unit.HERTZ,
    labels=("cpu",),
    absent=_NO_SCALING,
    compat=True,
)
SCALING_FREQUENCY_MIN = Gauge(
    "node_cpu_scaling_frequency_min_hertz", "Lowest frequency that the governor may set.", Unit.HERTZ, labels=("cpu",),
    absent=_NO_SCALING, compat=True,
)  # fmt: skip
SCALING_FREQUENCY_MAX = Gauge(
    "node_cpu_scaling_frequency_max_hertz", "Highest frequency that the governor may set.", Unit.HERTZ, labels=("cpu",),
    absent=_NO_SCALING, compat=True,
)  # fmt: skip
SCALING_GOVERNOR = Gauge(
    "node_cpu_scaling_governor", "1 for the governor in use, 0 for the others that are available.", Unit.BOOL,
    labels=("cpu", "governor"), absent=_NO_SCALING, compat=True,
)  # fmt: skip
CORE_THROTTLES = Counter(
    "node_cpu_core_throttles_total", "Times a core was slowed down because of heat.", Unit.COUNT,
    labels=("package", "core"), absent=_NO_THROTTLE, compat=True,
)  # fmt: skip
PACKAGE_THROTTLES = Counter(
    "node_cpu_package_throttles_total", "Times a package was slowed down because of heat.", Unit.COUNT,
    labels=("package",), absent=_NO_THROTTLE, compat=True,
)  # fmt: skip

# -- scheduler -------------------------------------------------------------------------------------------------------
_NO_SCHEDSTAT = "the kernel keeps no scheduler statistics (CONFIG_SCHEDSTATS off)"
SCHED_RUNNING = Counter(
    "node_schedstat_running_seconds_total", "Time tasks ran on the processor.", Unit.SECONDS, labels=("cpu",),
    absent=_NO_SCHEDSTAT, compat=True,
)  # fmt: skip
SCHED_WAITING = Counter(
    "node_schedstat_waiting_seconds_total", "Time tasks waited for the processor while they could run.", Unit.SECONDS,
    labels=("cpu",), absent=_NO_SCHEDSTAT, compat=True,
)  # fmt: skip
SCHED_TIMESLICES = Counter(
    "node_schedstat_timeslices_total", "Time slices the processor gave to tasks.", Unit.COUNT, labels=("cpu",),
    absent=_NO_SCHEDSTAT, compat=True,
)  # fmt: skip

# -- pressure --------------------------------------------------------------------------------------------------------
PRESSURE_CPU_WAITING = Counter(
    "node_pressure_cpu_waiting_seconds_total", "Time in which at least one task waited for a processor.", Unit.SECONDS,
    absent=_NO_PSI,
)  # fmt: skip
PRESSURE_IO_WAITING = Counter(
    "node_pressure_io_waiting_seconds_total", "Time in which at least one task waited for I/O.", Unit.SECONDS, absent=_NO_PSI
)
PRESSURE_IO_STALLED = Counter(
    "node_pressure_io_stalled_seconds_total",
    "Time in which every task waited for I/O.",
    Unit.SECONDS,
    absent=_NO_PSI,
    compat=True,
)
PRESSURE_MEMORY_WAITING = Counter(
    "node_pressure_memory_waiting_seconds_total", "Time in which at least one task waited for memory.", Unit.SECONDS,
    absent=_NO_PSI,
)  # fmt: skip
PRESSURE_MEMORY_STALLED = Counter(
    "node_pressure_memory_stalled_seconds_total",
    "Time in which every task waited for memory.",
    Unit.SECONDS,
    absent=_NO_PSI,
    compat=True,
)
PRESSURE_IRQ_STALLED = Counter(
    "node_pressure_irq_stalled_seconds_total", "Time in which interrupts kept every task waiting.", Unit.SECONDS,
    absent="kernels before 6.1, or without interrupt time accounting, do not tell", compat=True,
)  # fmt: skip

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
