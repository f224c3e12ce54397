# SPDX-License-Identifier: GPL-2.0-or-later
"""The crash kernel's initrd as `lifeboat pack` makes it, on a machine described by files.

The first kernel of a case is not a whole system that lifeboat could be installed in. So its /proc and /sys, as
far as pack looks at them, are written down here; the kernel, its modules and the target's disk are the real ones.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .disk import MEBIBYTE, Disk
from .kernels import Kernel

# Where QEMU puts the first virtio device of a q35 machine does not matter to what is planned.
PCI = "pci0000:00/0000:00:02.0"

# (folder below /sys/devices, bus, driver, module, modalias), from the bus to the disk
DEVICES = {
    "scsi": [
        (PCI, "pci", "virtio-pci", "virtio_pci", "pci:v00001AF4d00001048sv00001AF4sd00001100bc01sc00i00"),
        (f"{PCI}/virtio0", "virtio", "virtio_scsi", "virtio_scsi", "virtio:d00000008v00001AF4"),
        (f"{PCI}/virtio0/host0/target0:0:0/0:0:0:0", "scsi", "sd", "sd_mod", "scsi:t-0x00"),
    ],
    "blk": [
        (PCI, "pci", "virtio-pci", "virtio_pci", "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00"),
        (f"{PCI}/virtio0", "virtio", "virtio_blk", "virtio_blk", "virtio:d00000002v00001AF4"),
    ],
}
WATCHDOG = "pci0000:00/0000:00:04.0"
DISKS = {"scsi": ("sda", "8:0", "8:1"), "blk": ("vda", "254:0", "254:1")}


@dataclass
class Described:
    """What the machine consists of, as far as it matters to packing."""

    kernel: Kernel
    bus: str
    disk: Disk
    has_watchdog: bool = False


def pack(lifeboat: Path, init: Path, machine: Described, config: list[str], folder: Path) -> bytes:
    """Makes the initrd in a new folder. The target is mounted at /mnt there."""
    root = folder / "machine"
    kernel = machine.kernel
    _write_kernel(root, kernel)
    device = _write_devices(root, machine.bus, machine.disk)
    if machine.has_watchdog:
        _write_watchdog(root)
    _write(root, "proc/self/mountinfo", "22 1 0:2 / / rw - rootfs none rw\n", _mount(*device))
    _write(root, "proc/sys/kernel/osrelease", f"{kernel.release}\n")
    _write(root, "proc/sys/kernel/hostname", "guest\n")
    _write(root, "sys/kernel/kexec_crash_size", f"{128 << 20}\n")
    _write(root, "etc/lifeboat.conf", *(f"{row}\n" for row in config))
    initrd = folder / "initrd.packed"
    command = [lifeboat, "pack", "--root", root, "--init", init, "--output", initrd]
    subprocess.run(command, check=True)
    return initrd.read_bytes()


def _mount(name: str, number: str) -> str:
    return f"23 22 {number} / /mnt rw,relatime - ext4 /dev/{name} rw\n"


def _write_kernel(root: Path, kernel: Kernel) -> None:
    for place, target in (
        (root / "lib/modules" / kernel.release, kernel.modules),
        (root / "boot" / kernel.image.name, kernel.image),
    ):
        place.parent.mkdir(parents=True)
        place.symlink_to(target)


def _write_devices(root: Path, bus: str, disk: Disk) -> tuple[str, str]:
    """The name and number of what the file system is on."""
    for folder, subsystem, driver, module, modalias in DEVICES[bus]:
        place = root / "sys/devices" / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / "modalias").write_text(f"{modalias}\n")
        bound = root / "sys/bus" / subsystem / "drivers" / driver
        bound.mkdir(parents=True)
        _link(root, place / "subsystem", root / "sys/bus" / subsystem)
        _link(root, place / "driver", bound)
        (root / "sys/module" / module).mkdir(parents=True)
        _link(root, bound / "module", root / "sys/module" / module)
    name, number, partition_number = DISKS[bus]
    folder = f"{DEVICES[bus][-1][0]}/block/{name}"
    _write_disk(root, folder, number, disk, 0)
    if not disk.is_partitioned:
        return name, number
    _write_disk(root, f"{folder}/{name}1", partition_number, disk, MEBIBYTE)
    _write(root, f"sys/devices/{folder}/{name}1/partition", "1\n")
    return f"{name}1", partition_number


def _write_watchdog(root: Path) -> None:
    """A device whose driver nobody has loaded."""
    _write(root, f"sys/devices/{WATCHDOG}/modalias", "pci:v00008086d000025ABsv00001AF4sd00001100bc08sc80i00\n")
    _link(root, root / "sys/bus/pci/devices" / Path(WATCHDOG).name, root / "sys/devices" / WATCHDOG)


def _write_disk(root: Path, folder: str, number: str, disk: Disk, offset_bytes: int) -> None:
    name = Path(folder).name
    size_bytes = disk.size_bytes - offset_bytes
    _write(root, f"sys/devices/{folder}/dev", f"{number}\n")
    _write(root, f"sys/devices/{folder}/size", f"{size_bytes // 512}\n")
    for link in (f"sys/dev/block/{number}", f"sys/class/block/{name}"):
        _link(root, root / link, root / "sys/devices" / folder)
    # The beginning is enough to tell what it is.
    node = root / "dev" / name
    node.parent.mkdir(exist_ok=True)
    with disk.path.open("rb") as image, node.open("wb") as copy:
        image.seek(offset_bytes)
        copy.write(image.read(MEBIBYTE))
        copy.truncate(size_bytes)


def _link(root: Path, place: Path, target: Path) -> None:
    """Relative, as the links of sysfs are."""
    place.parent.mkdir(parents=True, exist_ok=True)
    up = [".."] * len(place.parent.relative_to(root).parts)
    place.symlink_to(Path(*up, target.relative_to(root)))


def _write(root: Path, name: str, *content: str) -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(content))
