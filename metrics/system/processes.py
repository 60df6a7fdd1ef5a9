"""Processes of the whole machine, by state. Upstream's collector of this name is off by default; ours is on."""

from metrics.model import Gauge, Unit

# As /proc/PID/stat writes them: running, sleeping, uninterruptible, zombie, stopped, traced, idle (kernel threads), dead.
STATES = ("R", "S", "D", "Z", "T", "t", "I", "X")

STATE = Gauge(
    "node_processes_state", "Processes in each state; D waits for I/O, Z is a zombie.", Unit.COUNT, labels=("state",),
    closed={"state": STATES},
)  # fmt: skip
PIDS = Gauge("node_processes_pids", "Processes.", Unit.COUNT, compat=True)
THREADS = Gauge("node_processes_threads", "Threads of all processes.", Unit.COUNT)
MAX_PROCESSES = Gauge("node_processes_max_processes", "Process ids that the machine allows (kernel.pid_max).", Unit.COUNT)
MAX_THREADS = Gauge(
    "node_processes_max_threads", "Threads that the machine allows (kernel.threads-max).", Unit.COUNT, compat=True
)

METRICS = (STATE, PIDS, THREADS, MAX_PROCESSES, MAX_THREADS)
