"""The machine as such: kernel, distribution, board; and how each collector fared."""

from metrics.model import Gauge, Unit

UNAME_INFO = Gauge(
    "node_uname_info", "Constant 1; the labels are what uname() tells.", Unit.INFO,
    labels=("sysname", "release", "version", "machine", "nodename", "domainname"), compat=True,
)  # fmt: skip
_NO_RELEASE = "neither /etc/os-release nor /usr/lib/os-release exists"
OS_INFO = Gauge(
    "node_os_info", "Constant 1; the labels are those of os-release.", Unit.INFO,
    labels=(
        "build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name", "variant", "variant_id", "version",
        "version_codename", "version_id",
    ), absent=_NO_RELEASE, compat=True,
)  # fmt: skip
OS_VERSION = Gauge(
    "node_os_version", "The distribution's version, major.minor.", Unit.NONE, labels=("id", "id_like", "name"),
    absent="os-release names no version, as Debian testing does", compat=True,
)  # fmt: skip
OS_SUPPORT_END = Gauge(
    "node_os_support_end_timestamp_seconds", "Unix time at which the distribution's support ends.", Unit.TIMESTAMP,
    absent="os-release has no SUPPORT_END, as on Debian", compat=True,
)  # fmt: skip

DMI_LABELS = (
    "bios_date", "bios_release", "bios_vendor", "bios_version", "board_asset_tag", "board_name", "board_serial",
    "board_vendor", "board_version", "chassis_asset_tag", "chassis_serial", "chassis_vendor", "chassis_version",
    "product_family", "product_name", "product_serial", "product_sku", "product_uuid", "product_version", "system_vendor",
)  # fmt: skip
DMI_INFO = Gauge(
    "node_dmi_info", "Constant 1; the labels are the board's and firmware's (serial numbers are readable to root only).",
    Unit.INFO, labels=DMI_LABELS, absent="the firmware has no DMI tables: some virtual machines and most ARM boards", compat=True,
)  # fmt: skip

# The names under which upstream tells how its collectors fared.
SCRAPE_DURATION = Gauge(
    "node_scrape_collector_duration_seconds",
    "How long the collector's last run took.",
    Unit.SECONDS,
    labels=("collector",),
    compat=True,
)
SCRAPE_SUCCESS = Gauge(
    "node_scrape_collector_success",
    "1 when the collector's last run succeeded, else 0.",
    Unit.BOOL,
    labels=("collector",),
    compat=True,
)

METRICS = (UNAME_INFO, OS_INFO, OS_VERSION, OS_SUPPORT_END, DMI_INFO, SCRAPE_DURATION, SCRAPE_SUCCESS)
