"""Memory: every field of /proc/meminfo that kernels up to 6.x know, paging, swap devices."""

from metrics.model import Counter, Gauge, Unit

_KERNEL = "depends on the kernel's version, configuration or architecture"

# -- /proc/meminfo ----------------------------------------------------------------------------------------------------
MEM_TOTAL = Gauge("node_memory_MemTotal_bytes", "Memory that the kernel can use.", Unit.BYTES)
MEM_FREE = Gauge("node_memory_MemFree_bytes", "Memory that nothing uses.", Unit.BYTES)
MEM_AVAILABLE = Gauge(
    "node_memory_MemAvailable_bytes", "Memory that new programs can get without swapping (the kernel's estimate).", Unit.BYTES
)
BUFFERS = Gauge("node_memory_Buffers_bytes", "Cache of raw disk blocks.", Unit.BYTES, compat=True)
CACHED = Gauge("node_memory_Cached_bytes", "Page cache, shared memory included, swap cache not.", Unit.BYTES)
SWAP_CACHED = Gauge("node_memory_SwapCached_bytes", "Swapped pages that are in memory too.", Unit.BYTES, compat=True)
ACTIVE = Gauge("node_memory_Active_bytes", "Memory used recently.", Unit.BYTES, compat=True)
INACTIVE = Gauge("node_memory_Inactive_bytes", "Memory not used recently.", Unit.BYTES, compat=True)
ACTIVE_ANON = Gauge("node_memory_Active_anon_bytes", "Anonymous memory used recently.", Unit.BYTES, compat=True)
INACTIVE_ANON = Gauge("node_memory_Inactive_anon_bytes", "Anonymous memory not used recently.", Unit.BYTES, compat=True)
ACTIVE_FILE = Gauge("node_memory_Active_file_bytes", "Page cache used recently.", Unit.BYTES, compat=True)
INACTIVE_FILE = Gauge("node_memory_Inactive_file_bytes", "Page cache not used recently.", Unit.BYTES, compat=True)
UNEVICTABLE = Gauge("node_memory_Unevictable_bytes", "Memory that cannot be reclaimed.", Unit.BYTES, compat=True)
MLOCKED = Gauge("node_memory_Mlocked_bytes", "Memory locked by mlock().", Unit.BYTES, compat=True)
HIGH_TOTAL = Gauge("node_memory_HighTotal_bytes", "High memory (32-bit kernels).", Unit.BYTES, absent=_KERNEL, compat=True)
HIGH_FREE = Gauge("node_memory_HighFree_bytes", "Free high memory (32-bit kernels).", Unit.BYTES, absent=_KERNEL, compat=True)
LOW_TOTAL = Gauge("node_memory_LowTotal_bytes", "Low memory (32-bit kernels).", Unit.BYTES, absent=_KERNEL, compat=True)
LOW_FREE = Gauge("node_memory_LowFree_bytes", "Free low memory (32-bit kernels).", Unit.BYTES, absent=_KERNEL, compat=True)
MMAP_COPY = Gauge(
    "node_memory_MmapCopy_bytes",
    "Memory for copies of mappings (kernels without an MMU).",
    Unit.BYTES,
    absent=_KERNEL,
    compat=True,
)
SWAP_TOTAL = Gauge("node_memory_SwapTotal_bytes", "Size of all swap.", Unit.BYTES)
SWAP_FREE = Gauge("node_memory_SwapFree_bytes", "Swap that nothing uses.", Unit.BYTES)
ZSWAP = Gauge("node_memory_Zswap_bytes", "Memory that compressed swap takes.", Unit.BYTES, absent=_KERNEL, compat=True)
ZSWAPPED = Gauge(
    "node_memory_Zswapped_bytes",
    "Memory that compressed swap holds, before compression.",
    Unit.BYTES,
    absent=_KERNEL,
    compat=True,
)
DIRTY = Gauge("node_memory_Dirty_bytes", "Memory waiting to be written to disk.", Unit.BYTES, compat=True)
WRITEBACK = Gauge("node_memory_Writeback_bytes", "Memory being written to disk.", Unit.BYTES, compat=True)
ANON_PAGES = Gauge("node_memory_AnonPages_bytes", "Anonymous pages mapped by processes.", Unit.BYTES)
MAPPED = Gauge("node_memory_Mapped_bytes", "Files mapped by processes.", Unit.BYTES, compat=True)
SHMEM = Gauge("node_memory_Shmem_bytes", "Shared memory and tmpfs.", Unit.BYTES, compat=True)
K_RECLAIMABLE = Gauge(
    "node_memory_KReclaimable_bytes", "Kernel memory that can be reclaimed under pressure.", Unit.BYTES, compat=True
)
SLAB = Gauge("node_memory_Slab_bytes", "Kernel data structures.", Unit.BYTES)
S_RECLAIMABLE = Gauge("node_memory_SReclaimable_bytes", "Kernel data structures that can be reclaimed.", Unit.BYTES, compat=True)
S_UNRECLAIM = Gauge("node_memory_SUnreclaim_bytes", "Kernel data structures that cannot be reclaimed.", Unit.BYTES, compat=True)
KERNEL_STACK = Gauge("node_memory_KernelStack_bytes", "Kernel stacks of tasks.", Unit.BYTES, compat=True)
SHADOW_CALL_STACK = Gauge(
    "node_memory_ShadowCallStack_bytes", "Shadow call stacks (arm64).", Unit.BYTES, absent=_KERNEL, compat=True
)
PAGE_TABLES = Gauge("node_memory_PageTables_bytes", "Page tables of processes.", Unit.BYTES, compat=True)
SEC_PAGE_TABLES = Gauge(
    "node_memory_SecPageTables_bytes", "Page tables of virtual machines and IOMMUs.", Unit.BYTES, absent=_KERNEL, compat=True
)
NFS_UNSTABLE = Gauge(
    "node_memory_NFS_Unstable_bytes", "NFS pages written but not yet committed.", Unit.BYTES, absent=_KERNEL, compat=True
)
BOUNCE = Gauge("node_memory_Bounce_bytes", "Bounce buffers of block devices.", Unit.BYTES, compat=True)
WRITEBACK_TMP = Gauge("node_memory_WritebackTmp_bytes", "Temporary buffers of FUSE writes.", Unit.BYTES, compat=True)
COMMIT_LIMIT = Gauge(
    "node_memory_CommitLimit_bytes", "Most memory that may be promised under strict overcommit.", Unit.BYTES, compat=True
)
COMMITTED_AS = Gauge("node_memory_Committed_AS_bytes", "Memory promised to processes.", Unit.BYTES, compat=True)
VMALLOC_TOTAL = Gauge("node_memory_VmallocTotal_bytes", "Address space for vmalloc.", Unit.BYTES, compat=True)
VMALLOC_USED = Gauge("node_memory_VmallocUsed_bytes", "Address space that vmalloc uses.", Unit.BYTES, compat=True)
VMALLOC_CHUNK = Gauge("node_memory_VmallocChunk_bytes", "Largest free block of vmalloc's address space.", Unit.BYTES, compat=True)
PERCPU = Gauge("node_memory_Percpu_bytes", "Memory of per-processor allocations.", Unit.BYTES, compat=True)
EARLY_MEMTEST_BAD = Gauge(
    "node_memory_EarlyMemtestBad_bytes", "Memory that the test at boot found bad.", Unit.BYTES, absent=_KERNEL, compat=True
)
HARDWARE_CORRUPTED = Gauge(
    "node_memory_HardwareCorrupted_bytes", "Memory that the hardware reported broken.", Unit.BYTES, absent=_KERNEL, compat=True
)
ANON_HUGEPAGES = Gauge(
    "node_memory_AnonHugePages_bytes", "Anonymous huge pages mapped by processes.", Unit.BYTES, absent=_KERNEL, compat=True
)
SHMEM_HUGEPAGES = Gauge(
    "node_memory_ShmemHugePages_bytes", "Shared memory in huge pages.", Unit.BYTES, absent=_KERNEL, compat=True
)
SHMEM_PMD_MAPPED = Gauge(
    "node_memory_ShmemPmdMapped_bytes", "Shared memory mapped with huge pages.", Unit.BYTES, absent=_KERNEL, compat=True
)
FILE_HUGEPAGES = Gauge("node_memory_FileHugePages_bytes", "Page cache in huge pages.", Unit.BYTES, absent=_KERNEL, compat=True)
FILE_PMD_MAPPED = Gauge(
    "node_memory_FilePmdMapped_bytes", "Page cache mapped with huge pages.", Unit.BYTES, absent=_KERNEL, compat=True
)
CMA_TOTAL = Gauge(
    "node_memory_CmaTotal_bytes", "Memory reserved for contiguous allocations.", Unit.BYTES, absent=_KERNEL, compat=True
)
CMA_FREE = Gauge(
    "node_memory_CmaFree_bytes", "Free memory reserved for contiguous allocations.", Unit.BYTES, absent=_KERNEL, compat=True
)
UNACCEPTED = Gauge(
    "node_memory_Unaccepted_bytes",
    "Memory that the confidential guest has not accepted yet.",
    Unit.BYTES,
    absent=_KERNEL,
    compat=True,
)
BALLOON = Gauge("node_memory_Balloon_bytes", "Memory that the hypervisor took back.", Unit.BYTES, absent=_KERNEL, compat=True)
GPU_ACTIVE = Gauge("node_memory_GPUActive_bytes", "Memory that graphics drivers use.", Unit.BYTES, absent=_KERNEL, compat=True)
GPU_RECLAIM = Gauge(
    "node_memory_GPUReclaim_bytes", "Memory of graphics drivers that can be reclaimed.", Unit.BYTES, absent=_KERNEL, compat=True
)
HUGEPAGES_TOTAL = Gauge("node_memory_HugePages_Total", "Huge pages in the pool.", Unit.COUNT, absent=_KERNEL, compat=True)
HUGEPAGES_FREE = Gauge("node_memory_HugePages_Free", "Huge pages that nothing uses.", Unit.COUNT, absent=_KERNEL, compat=True)
HUGEPAGES_RSVD = Gauge(
    "node_memory_HugePages_Rsvd", "Huge pages promised but not yet taken.", Unit.COUNT, absent=_KERNEL, compat=True
)
HUGEPAGES_SURP = Gauge("node_memory_HugePages_Surp", "Huge pages above the pool's size.", Unit.COUNT, absent=_KERNEL, compat=True)
HUGEPAGE_SIZE = Gauge("node_memory_Hugepagesize_bytes", "Size of a huge page.", Unit.BYTES, absent=_KERNEL, compat=True)
HUGETLB = Gauge("node_memory_Hugetlb_bytes", "Memory of huge pages of all sizes.", Unit.BYTES, absent=_KERNEL, compat=True)
DIRECT_MAP_4K = Gauge(
    "node_memory_DirectMap4k_bytes", "Kernel memory mapped by pages of 4 KiB.", Unit.BYTES, absent=_KERNEL, compat=True
)
DIRECT_MAP_64K = Gauge(
    "node_memory_DirectMap64k_bytes",
    "Kernel memory mapped by pages of 64 KiB (s390, powerpc).",
    Unit.BYTES,
    absent=_KERNEL,
    compat=True,
)
DIRECT_MAP_1M = Gauge(
    "node_memory_DirectMap1M_bytes", "Kernel memory mapped by pages of 1 MiB (s390).", Unit.BYTES, absent=_KERNEL, compat=True
)
DIRECT_MAP_2M = Gauge(
    "node_memory_DirectMap2M_bytes", "Kernel memory mapped by pages of 2 MiB.", Unit.BYTES, absent=_KERNEL, compat=True
)
DIRECT_MAP_4M = Gauge(
    "node_memory_DirectMap4M_bytes", "Kernel memory mapped by pages of 4 MiB.", Unit.BYTES, absent=_KERNEL, compat=True
)
DIRECT_MAP_1G = Gauge(
    "node_memory_DirectMap1G_bytes", "Kernel memory mapped by pages of 1 GiB.", Unit.BYTES, absent=_KERNEL, compat=True
)
DIRECT_MAP_2G = Gauge(
    "node_memory_DirectMap2G_bytes", "Kernel memory mapped by pages of 2 GiB (s390).", Unit.BYTES, absent=_KERNEL, compat=True
)
MEMINFO = tuple(value for value in vars().values() if isinstance(value, Gauge))

# -- paging: upstream exposes these without `_total` and untyped; they only grow, so they are counters -------------------
PGFAULT = Counter("node_vmstat_pgfault", "Page faults, minor ones included.", Unit.COUNT, compat=True)
PGMAJFAULT = Counter("node_vmstat_pgmajfault", "Page faults that had to read from disk.", Unit.COUNT)
PGPGIN = Counter("node_vmstat_pgpgin", "KiB read from block devices.", Unit.COUNT, compat=True)
PGPGOUT = Counter("node_vmstat_pgpgout", "KiB written to block devices.", Unit.COUNT, compat=True)
PSWPIN = Counter(
    "node_vmstat_pswpin", "Pages read back from swap.", Unit.COUNT, absent="the kernel has no swap (CONFIG_SWAP off)"
)
PSWPOUT = Counter("node_vmstat_pswpout", "Pages written to swap.", Unit.COUNT, absent="the kernel has no swap (CONFIG_SWAP off)")
OOM_KILL = Counter("node_vmstat_oom_kill", "Processes killed because memory ran out.", Unit.COUNT)
VMSTAT = tuple(value for value in vars().values() if isinstance(value, Counter))

# -- swap devices ----------------------------------------------------------------------------------------------------
_NO_SWAP = "the machine has no swap"
SWAP_SIZE = Gauge(
    "node_swap_size_bytes", "Size of a swap device.", Unit.BYTES, labels=("device", "swap_type"), absent=_NO_SWAP, compat=True
)
SWAP_USED = Gauge(
    "node_swap_used_bytes",
    "Bytes in use on a swap device.",
    Unit.BYTES,
    labels=("device", "swap_type"),
    absent=_NO_SWAP,
    compat=True,
)
SWAP_PRIORITY = Gauge(
    "node_swap_priority", "Priority of a swap device; higher ones fill first.", Unit.NONE, labels=("device", "swap_type"),
    absent=_NO_SWAP, compat=True,
)  # fmt: skip
SWAP = (SWAP_SIZE, SWAP_USED, SWAP_PRIORITY)

METRICS = tuple(value for value in vars().values() if isinstance(value, Counter | Gauge))
