# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk of a full Debian system with one kernel, ready to boot, in the cache. Needs root.

Kernel, initrd and everything else is installed in a chroot at the machine's own speed; within an emulated guest the
initrd alone takes minutes.
"""

import hashlib
import inspect
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import cache, kernels
from harness.packages import OWN

from . import base, disk_image

IMAGE = "disk.img"
PASSWORD = "lifeboat"
HOST = "guest"
# What takes time in each boot and is of no use to a test.
MASKED_UNITS = [
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"),
    *("e2scrub_reap.service", "getty@tty1.service", "getty-static.service", "systemd-pstore.service"),
]
# These bring a limit of 90 s of their own.
IMPATIENT_UNITS = [
    *("systemd-binfmt", "systemd-hwdb-update", "systemd-journal-catalog-update", "systemd-journal-flush"),
    *("systemd-machine-id-commit", "systemd-modules-load", "systemd-random-seed", "systemd-sysctl", "systemd-sysusers"),
]
# On a busy host an emulated timer may tick too late for the kernel's test of it, which then panics at once.
KERNEL_WORDS = "console=ttyS0 no_timer_check printk.devkmsg=on"

FILES = {
    "etc/hostname": f"{HOST}\n",
    "etc/hosts": f"127.0.0.1 localhost {HOST}\n",
    "etc/apt/sources.list": "",
    "etc/dpkg/dpkg.cfg.d/unsafe-io": "force-unsafe-io\n",
    # A busy host makes an emulated machine slow beyond what systemd waits for.
    "etc/systemd/system.conf.d/patience.conf": "[Manager]\n"
    + "".join(f"Default{what}Sec=900\n" for what in ("TimeoutStart", "TimeoutStop", "DeviceTimeout")),
    **{
        f"etc/systemd/system/{name}.service.d/patience.conf": "[Service]\nTimeoutSec=900\n"
        for name in IMPATIENT_UNITS
    },
    # What udev would load for features of the emulated processor.
    "etc/modprobe.d/emulated.conf": "".join(
        f"blacklist {name}\n" for name in ("kvm_amd", "kvm_intel", "powernow_k8", "aesni_intel", "ghash_clmulni_intel")
    ),
    "etc/default/grub": f"""GRUB_DEFAULT=0
GRUB_TIMEOUT=1
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="{KERNEL_WORDS}"
GRUB_TERMINAL=serial
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_DISABLE_OS_PROBER=true
""",
}

FSTAB = f"UUID={disk_image.ROOT_UUID} / ext4 errors=remount-ro 0 1\n"
FSTAB_OF_BOOT = f"UUID={disk_image.BOOT_UUID} /boot ext4 defaults 0 2\n"

# The menu until update-grub has run in the guest, where it can look at the disk.
FIRST_MENU = """serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=1
menuentry 'Debian, first boot' {{
  linux {boot}/vmlinuz-{release} root=UUID={root} ro {words}
  initrd {boot}/initrd.img-{release}
}}
"""

# In a mount namespace of its own: whatever happens, nothing stays mounted.
INSTALL = f"""set -eu
root=$1 parcels=$2
shift 2
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --bind /dev "$root/dev"
mkdir -p "$root/run/parcels"
mount --bind "$parcels" "$root/run/parcels"
# It looks for the root file system's drivers, and fails the kernel's installation where it finds none.
hook="$root/etc/kernel/postinst.d/kdump-tools"
[ ! -e "$hook" ] || chmod -x "$hook"
for name; do chroot "$root" dpkg -i "/run/parcels/$name"; done
[ ! -e "$hook" ] || chmod +x "$hook"
chroot "$root" sh -c 'echo root:{PASSWORD} | chpasswd'
chroot "$root" systemctl --quiet mask {' '.join(MASKED_UNITS)}
"""


@dataclass(frozen=True)
class SystemImage:
    """`disk` is never written to: a run works on a copy."""

    disk: Path
    release: str


@dataclass(frozen=True)
class _Recipe:
    """Debian's releases after the machine's own have /boot on a partition of its own here."""

    kernel: kernels.Choice
    base: base.Base
    has_boot: bool


def fetch(line: str, more: tuple[str, ...] = (), initrd_maker: str = base.INITRAMFS_TOOLS) -> SystemImage:
    """The system with the kernel of a line ("6.1"), and more packages than the base system's.

    It is the release of Debian that the kernel is from.
    """
    kernel = kernels.choice(line)
    source = kernel.archive.without_backports()
    recipe = _Recipe(kernel, base.Base(source, initrd_maker, more), has_boot=source != OWN)
    family = f"{kernel.release}-{recipe.base.family}"
    place = cache.entry("debian", _key(recipe), lambda folder: _make(recipe, folder), family)
    return SystemImage(place / IMAGE, kernel.release)


def _key(recipe: _Recipe) -> str:
    recipes = [Path(__file__).read_text(), inspect.getsource(disk_image), base.key(recipe.base), recipe.kernel.key]
    return f"{recipe.kernel.release}-{hashlib.sha256(''.join(recipes).encode()).hexdigest()[:16]}"


def _make(recipe: _Recipe, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".tree-", dir=folder) as scratch:
        tree = Path(scratch) / "root"
        parcels = Path(scratch) / "parcels"
        tree.mkdir()
        parcels.mkdir()
        subprocess.run(["tar", "-x", "-C", tree, "-f", base.archive(recipe.base)], check=True)
        names = [file.name for file in kernels.download(recipe.kernel.line, parcels)]
        _write_files(tree, recipe.has_boot)
        command = ["unshare", "--mount", "bash", "-c", INSTALL, "install", tree, parcels, *names]
        subprocess.run(command, check=True)
        _write_menu(tree, recipe.kernel.release, "" if recipe.has_boot else "/boot")
        disk_image.make(folder / IMAGE, tree, recipe.has_boot)




def _write_files(tree: Path, has_boot: bool) -> None:
    for name, content in (FILES | {"etc/fstab": FSTAB + (FSTAB_OF_BOOT if has_boot else "")}).items():
        place = tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)


def _write_menu(tree: Path, release: str, boot: str) -> None:
    """In place of what the kernel's hook has found on the machine that builds this."""
    menu = FIRST_MENU.format(boot=boot, release=release, root=disk_image.ROOT_UUID, words=KERNEL_WORDS)
    (tree / "boot/grub/grub.cfg").write_text(menu)
