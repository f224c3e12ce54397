# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk image that a BIOS boots by GRUB, made of a folder without mounting anything: no loop device is needed.

    GPT: 1 BIOS boot (GRUB's core image), 2 EFI system, 3 root (ext4)

What grub-install does with the help of the kernel's view of a disk is little, and done here by hand: the boot sector is
told where the core image begins, the core image where it goes on (GRUB's boot.S and diskboot.S say at which bytes).
"""

import struct
import subprocess
from pathlib import Path

from harness.disk import MEBIBYTE, SECTOR_BYTES

SIZE_BYTES = 4096 * MEBIBYTE
CORE_AT = 1 * MEBIBYTE
EFI_AT = 2 * MEBIBYTE
ROOT_AT = 66 * MEBIBYTE
ROOT_BYTES = SIZE_BYTES - ROOT_AT - MEBIBYTE
ROOT_UUID = "6c696665-626f-6174-8000-000000000010"

TABLE = f"""label: gpt
start={CORE_AT // SECTOR_BYTES}, size={(EFI_AT - CORE_AT) // SECTOR_BYTES}, type=21686148-6449-6E6F-744E-656564454649
start={EFI_AT // SECTOR_BYTES}, size={(ROOT_AT - EFI_AT) // SECTOR_BYTES}, type=uefi
start={ROOT_AT // SECTOR_BYTES}, size={ROOT_BYTES // SECTOR_BYTES}, type=linux, name=root
"""

# Of boot.img: the code ends before the partition table's disk signature; the first sector of the core image.
BOOT_CODE_BYTES = 440
KERNEL_SECTOR_AT = 0x5C
# Of the core image: its first sector ends in a list of where the others are: sector, count, segment.
BLOCK_LIST_AT = SECTOR_BYTES - 12

# To find its own folder is all that the core image has to be able to do.
CORE_MODULES = ["biosdisk", "part_gpt", "ext2"]
GRUB_PREFIX = "(,gpt3)/boot/grub"


def make(image: Path, tree: Path) -> None:
    """`tree` is the root file system, with grub-pc in it; its grub.cfg is the caller's."""
    with image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    subprocess.run(["sfdisk", "--quiet", image], input=TABLE, text=True, check=True)
    _install_grub(image, tree)
    options = ["-q", "-F", "-t", "ext4", "-m", "1", "-U", ROOT_UUID, "-L", "root", "-d", str(tree)]
    extended = f"offset={ROOT_AT},lazy_itable_init=0,lazy_journal_init=0"
    subprocess.run(["mke2fs", *options, "-E", extended, image, f"{ROOT_BYTES // 1024}k"], check=True)


def root_device(image: Path) -> str:
    """The root file system, as the programs of e2fsprogs name a part of a file."""
    return f"{image}?offset={ROOT_AT}"


def copy_file(image: Path, inside: str, target: Path) -> None:
    """One file out of the root file system."""
    request = f'dump "{inside}" "{target}"'
    subprocess.run(["debugfs", "-R", request, root_device(image)], capture_output=True, check=True)


def _install_grub(image: Path, tree: Path) -> None:
    modules = tree / "usr/lib/grub/i386-pc"
    subprocess.run(["cp", "-rT", modules, tree / "boot/grub/i386-pc"], check=True)
    core = _core_image(tree, modules)
    boot = bytearray((modules / "boot.img").read_bytes()[:BOOT_CODE_BYTES])
    struct.pack_into("<Q", boot, KERNEL_SECTOR_AT, CORE_AT // SECTOR_BYTES)
    with image.open("r+b") as file:
        file.write(boot)
        file.seek(CORE_AT)
        file.write(core)


def _core_image(tree: Path, modules: Path) -> bytes:
    command = ["chroot", tree, "grub-mkimage", "-O", "i386-pc", "-d", f"/{modules.relative_to(tree)}"]
    command += ["-p", GRUB_PREFIX, "-o", "/boot/grub/i386-pc/core.img", *CORE_MODULES]
    subprocess.run(command, check=True)
    core = bytearray((tree / "boot/grub/i386-pc/core.img").read_bytes())
    if len(core) > EFI_AT - CORE_AT:
        raise ValueError(f"GRUB's core image has {len(core)} bytes, more than its partition")
    struct.pack_into("<Q", core, BLOCK_LIST_AT, CORE_AT // SECTOR_BYTES + 1)
    return bytes(core)
