# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk image that a BIOS boots by GRUB, made of a folder without mounting anything: no loop device is needed.

    GPT: 1 BIOS boot (GRUB's core image), 2 EFI system, 3 root (ext4), where it is asked for 4 /boot (ext4)

What grub-install does with the help of the kernel's view of a disk is little, and done here by hand: the boot sector is
told where the core image begins, the core image where it goes on (GRUB's boot.S and diskboot.S say at which bytes).
"""

import json
import shutil
import struct
import subprocess
from pathlib import Path

from harness.disk import MEBIBYTE, SECTOR_BYTES

SIZE_BYTES = 4096 * MEBIBYTE
CORE_AT = 1 * MEBIBYTE
EFI_AT = 2 * MEBIBYTE
ROOT_AT = 66 * MEBIBYTE
END = SIZE_BYTES - MEBIBYTE
BOOT_AT = END - 512 * MEBIBYTE
BOOT_PARTITION = 4
ROOT_UUID = "6c696665-626f-6174-8000-000000000010"
BOOT_UUID = "6c696665-626f-6174-8000-000000000011"


# Of boot.img: the code ends before the partition table's disk signature; the first sector of the core image.
BOOT_CODE_BYTES = 440
KERNEL_SECTOR_AT = 0x5C
# Of the core image: its first sector ends in a list of where the others are: sector, count, segment.
BLOCK_LIST_AT = SECTOR_BYTES - 12

# To find its own folder is all that the core image has to be able to do.
CORE_MODULES = ["biosdisk", "part_gpt", "ext2"]
GRUB_PREFIX = "(,gpt3)/boot/grub"
GRUB_PREFIX_OF_BOOT = f"(,gpt{BOOT_PARTITION})/grub"


def make(image: Path, tree: Path, has_boot: bool = False) -> None:
    """`tree` is the whole system, with grub-pc in it; its grub.cfg is the caller's. It is used up."""
    with image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    root_end = BOOT_AT if has_boot else END
    subprocess.run(["sfdisk", "--quiet", image], input=_table(root_end, has_boot), text=True, check=True)
    _install_grub(image, tree, GRUB_PREFIX_OF_BOOT if has_boot else GRUB_PREFIX)
    if has_boot:
        _make_file_system(image, tree / "boot", "boot", BOOT_UUID, BOOT_AT, END)
        shutil.rmtree(tree / "boot")
        (tree / "boot").mkdir()
    _make_file_system(image, tree, "root", ROOT_UUID, ROOT_AT, root_end)


def _table(root_end: int, has_boot: bool) -> str:
    rows = [
        (CORE_AT, EFI_AT, "type=21686148-6449-6E6F-744E-656564454649"),
        (EFI_AT, ROOT_AT, "type=uefi"),
        (ROOT_AT, root_end, "type=linux, name=root"),
        *([(BOOT_AT, END, "type=linux, name=boot")] if has_boot else []),
    ]
    sectors = [
        f"start={start // SECTOR_BYTES}, size={(end - start) // SECTOR_BYTES}, {rest}\n" for start, end, rest in rows
    ]
    return "label: gpt\n" + "".join(sectors)


def _make_file_system(image: Path, tree: Path, label: str, uuid: str, start: int, end: int) -> None:
    options = ["-q", "-F", "-t", "ext4", "-m", "1", "-U", uuid, "-L", label, "-d", str(tree)]
    extended = f"offset={start},lazy_itable_init=0,lazy_journal_init=0"
    subprocess.run(["mke2fs", *options, "-E", extended, image, f"{(end - start) // 1024}k"], check=True)


def has_boot(image: Path) -> bool:
    """Whether /boot is a partition of its own there."""
    answer = subprocess.run(["sfdisk", "--json", image], capture_output=True, check=True).stdout
    return len(json.loads(answer)["partitiontable"]["partitions"]) == BOOT_PARTITION


def root_device(image: Path) -> str:
    """The root file system, as the programs of e2fsprogs name a part of a file."""
    return f"{image}?offset={ROOT_AT}"


def boot_device(image: Path) -> str:
    """The same of /boot, where that is a partition of its own."""
    return f"{image}?offset={BOOT_AT}"


def copy_file(image: Path, inside: str, target: Path) -> None:
    """One file of the system, from the file system that it is in there."""
    device = root_device(image)
    if inside.startswith("/boot/") and has_boot(image):
        inside, device = inside.removeprefix("/boot"), boot_device(image)
    request = f'dump "{inside}" "{target}"'
    subprocess.run(["debugfs", "-R", request, device], capture_output=True, check=True)


def _install_grub(image: Path, tree: Path, prefix: str) -> None:
    modules = tree / "usr/lib/grub/i386-pc"
    subprocess.run(["cp", "-rT", modules, tree / "boot/grub/i386-pc"], check=True)
    core = _core_image(tree, modules, prefix)
    boot = bytearray((modules / "boot.img").read_bytes()[:BOOT_CODE_BYTES])
    struct.pack_into("<Q", boot, KERNEL_SECTOR_AT, CORE_AT // SECTOR_BYTES)
    with image.open("r+b") as file:
        file.write(boot)
        file.seek(CORE_AT)
        file.write(core)


def _core_image(tree: Path, modules: Path, prefix: str) -> bytes:
    command = ["chroot", tree, "grub-mkimage", "-O", "i386-pc", "-d", f"/{modules.relative_to(tree)}"]
    command += ["-p", prefix, "-o", "/boot/grub/i386-pc/core.img", *CORE_MODULES]
    subprocess.run(command, check=True)
    core = bytearray((tree / "boot/grub/i386-pc/core.img").read_bytes())
    if len(core) > EFI_AT - CORE_AT:
        raise ValueError(f"GRUB's core image has {len(core)} bytes, more than its partition")
    struct.pack_into("<Q", core, BLOCK_LIST_AT, CORE_AT // SECTOR_BYTES + 1)
    return bytes(core)
