"""Block devices: recorded texts of several kernels, and udev's database."""

from pathlib import Path

import pytest

from exporters.system.diskstats import EXCLUDED, Diskstats, properties
from tests.exporters.system.trees import lines, tree

DISKSTATS = """   7       0 loop0 10 0 20 1 0 0 0 0 0 4 1 0 0 0 0 0 0
   8       0 sda 25354637 34367663 1003346126 18492372 28444756 11134226 505697032 63877960 2 9653880 82621804 68851 0 \
1925173784 11130 12 34
   8       1 sda1 250 0 2000 36 0 0 0 0 0 36 36
 259       0 nvme0n1 47114 4 4643973 21650 1078320 43950 39451633 1011053 0 222766 1032546
"""
UDEV = """S:disk/by-id/ata-X
E:ID_ATA=1
E:ID_ATA_WRITE_CACHE=1
E:ID_ATA_WRITE_CACHE_ENABLED=0
E:ID_ATA_ROTATION_RATE_RPM=7200
E:ID_MODEL=Disk=One
E:ID_SERIAL_SHORT=S3R1AL
E:ID_WWN=0x50014ee0
E:ID_FS_TYPE=ext4
E:ID_FS_UUID=7ff0
E:DM_NAME=vg-root
E:DM_VG_NAME=vg
"""


def found(folder: Path) -> list[str]:
    files = {"proc/diskstats": DISKSTATS, "root/run/udev/data/b8:0": UDEV, "sys/block/sda/queue/rotational": "1\n"}
    return lines(Diskstats(tree(folder, files)).collect())


def test_units(tmp_path: Path) -> None:
    sda = [line.replace('{device="sda"}', "") for line in found(tmp_path) if '{device="sda"}' in line]
    assert [line for line in sda if "_ata_" not in line] == [
        "node_disk_discard_time_seconds_total 11.13",
        "node_disk_discarded_sectors_total 1925173784",
        "node_disk_discards_completed_total 68851",
        "node_disk_discards_merged_total 0",
        "node_disk_flush_requests_time_seconds_total 0.034",
        "node_disk_flush_requests_total 12",
        "node_disk_io_now 2",
        "node_disk_io_time_seconds_total 9653.88",
        "node_disk_io_time_weighted_seconds_total 82621.804",
        f"node_disk_read_bytes_total {1003346126 * 512}",
        "node_disk_read_time_seconds_total 18492.372",
        "node_disk_reads_completed_total 25354637",
        "node_disk_reads_merged_total 34367663",
        "node_disk_write_time_seconds_total 63877.96",
        "node_disk_writes_completed_total 28444756",
        "node_disk_writes_merged_total 11134226",
        f"node_disk_written_bytes_total {505697032 * 512}",
    ]


def test_an_older_kernel_tells_less(tmp_path: Path) -> None:
    nvme = [line for line in found(tmp_path) if '{device="nvme0n1"}' in line]
    assert len(nvme) == 11
    assert not any("discard" in line or "flush" in line for line in nvme)


def test_identity_comes_from_udev(tmp_path: Path) -> None:
    text = "\n".join(found(tmp_path))
    info = (
        'node_disk_info{device="sda",major="8",minor="0",path="",wwn="0x50014ee0",model="Disk=One",serial="S3R1AL",'
        'revision="",rotational="1"} 1'
    )
    assert info in text
    assert 'node_disk_filesystem_info{device="sda",type="ext4",usage="",uuid="7ff0",version=""} 1' in text
    assert 'node_disk_device_mapper_info{device="sda",name="vg-root",uuid="",vg_name="vg",lv_name="",lv_layer=""} 1' in text
    assert 'node_disk_ata_write_cache_enabled{device="sda"} 0' in text
    assert 'node_disk_ata_rotation_rate_rpm{device="sda"} 7200' in text


def test_identity_follows_udev(tmp_path: Path) -> None:
    roots = tree(tmp_path, {"proc/diskstats": DISKSTATS})
    collector = Diskstats(roots)
    assert not any("S3R1AL" in line for line in lines(collector.collect()))
    tree(tmp_path, {"root/run/udev/data/b8:0": UDEV})
    assert any("S3R1AL" in line for line in lines(collector.collect()))


@pytest.mark.parametrize("name", ["loop0", "ram3", "zram0", "sda1", "vdb12", "xvda2", "nvme0n1p1", "fd0"])
def test_left_out(name: str) -> None:
    assert EXCLUDED.match(name)


@pytest.mark.parametrize("name", ["sda", "vda", "nvme0n1", "dm-0", "md127", "mmcblk0", "sr0"])
def test_kept(name: str) -> None:
    assert not EXCLUDED.match(name)


def test_only_properties_of_a_udev_file_count() -> None:
    assert properties("N:sda\nE:A=1=2\nE:B\nI:9\n") == {"A": "1=2", "B": ""}
