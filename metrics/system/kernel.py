"""The kernel: interrupts, switches, forks, entropy, security module."""

from metrics.model import Counter, Gauge, Unit

INTERRUPTS = Counter("node_intr_total", "Interrupts serviced.", Unit.COUNT)
CONTEXT_SWITCHES = Counter("node_context_switches_total", "Switches from one task to another.", Unit.COUNT)
FORKS = Counter("node_forks_total", "Processes and threads created.", Unit.COUNT)
BOOT_TIME = Gauge("node_boot_time_seconds", "Unix time at which the machine started.", Unit.TIMESTAMP)
PROCS_RUNNING = Gauge("node_procs_running", "Tasks that can run.", Unit.COUNT)
PROCS_BLOCKED = Gauge("node_procs_blocked", "Tasks that wait for I/O.", Unit.COUNT)

ENTROPY_AVAILABLE = Gauge("node_entropy_available_bits", "Entropy in the pool, in bits.", Unit.COUNT, compat=True)
ENTROPY_POOL_SIZE = Gauge("node_entropy_pool_size_bits", "Size of the entropy pool, in bits.", Unit.COUNT, compat=True)

SELINUX_ENABLED = Gauge("node_selinux_enabled", "1 when SELinux is on, else 0.", Unit.BOOL, compat=True)
SELINUX_CONFIG_MODE = Gauge(
    "node_selinux_config_mode",
    "Configured mode: 1 enforcing, 0 permissive, -1 disabled.",
    Unit.NONE,
    absent="SELinux is off",
    compat=True,
)
SELINUX_CURRENT_MODE = Gauge(
    "node_selinux_current_mode",
    "Mode in force: 1 enforcing, 0 permissive, -1 disabled.",
    Unit.NONE,
    absent="SELinux is off",
    compat=True,
)

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
