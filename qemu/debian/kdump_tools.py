# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own stack in the same guest: what there is to be better than, and what our files have to work with."""

import re
import subprocess
from collections.abc import Iterator

from . import disk_image, system_image
from .captures import INSTALL_SECONDS, SYSRQ, Flow, Tried, panic_as_named_task, tell, tell_seconds
from .guest import PARCELS, Guest

PACKAGES = ("kdump-tools", "makedumpfile")
BUILD_SECONDS = 1200
HOOK = "/etc/kernel/postinst.d/kdump-tools"


def baseline(line: str) -> Flow:
    """kdump-tools captures with its own initrd; told are its size, the time that building it and a capture take."""

    def flow(tried: Tried) -> Iterator[str]:
        image = system_image.fetch(line, PACKAGES)
        with Guest(image, tried.folder) as guest:
            guest.log_in()
            reserve(guest, "128M")
            built = guest.run(f"{HOOK} {guest.release}", BUILD_SECONDS)
            tell_seconds("build", built.seconds, built.cpu_seconds)
            guest.reboot()
            print(guest.check("kdump-config show; ls -l /var/lib/kdump"), flush=True)
            tell("initrd_bytes", guest.check(f"stat -c %s /var/lib/kdump/initrd.img-{guest.release}").strip())
            crash = panic_as_named_task(guest, SYSRQ)
            tell_seconds("panic_to_restart", crash.restart, crash.cpu_seconds)
            guest.log_in()
            files = guest.check("find /var/crash -type f -size +1M")
            print(files, flush=True)
            if not re.search(r"/dump\.\d+", files):
                yield f"kdump-tools saved no dump: {files}"
            guest.power_off()
        _tell_unpacked_size(guest, tried)

    return flow


def _tell_unpacked_size(guest: Guest, tried: Tried) -> None:
    """Of all the archives in it."""
    initrd = tried.folder / "kdump-initrd"
    disk_image.copy_file(guest.disk, f"/var/lib/kdump/initrd.img-{guest.release}", initrd)
    command = [tried.command, "ls", "-l", initrd]
    headings = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tell("initrd_unpacked_bytes", sum(int(size) for size in re.findall(r", (\d+) unpacked, \d+ entries", headings)))


def loads_our_files(line: str) -> Flow:
    """For those who stay with kdump-tools: the links serve as its kernel and initrd, and it loads them."""

    def flow(tried: Tried) -> Iterator[str]:
        with Guest(system_image.fetch(line, PACKAGES), tried.folder, [tried.package]) as guest:
            guest.log_in()
            reserve(guest, "128M")
            guest.unpack_parcels()
            print(guest.check(f"dpkg -i {PARCELS}/lifeboat_*.deb", INSTALL_SECONDS), flush=True)
            guest.check("systemctl disable lifeboat.service", INSTALL_SECONDS)
            for name, link in (("KDUMP_KERNEL", "vmlinuz"), ("KDUMP_INITRD", "initrd.img")):
                guest.check(f"echo {name}=/var/lib/lifeboat/{link} >> /etc/default/kdump-tools")
            guest.reboot()
            shown = guest.check("kdump-config show", INSTALL_SECONDS)
            print(shown, flush=True)
            if "lifeboat/initrd.img" not in shown or "ready to kdump" not in shown:
                yield f"kdump-tools has not loaded our files: {shown}"
            crash = panic_as_named_task(guest, SYSRQ)
            if "result=saved" not in crash.text:
                yield "a panic was not captured"

    return flow


def reserve(guest: Guest, size: str) -> None:
    """In place of kdump-tools' own crashkernel=."""
    guest.check(
        f"sed -i 's/crashkernel=[^ \"]*/crashkernel={size}/' /etc/default/grub.d/kdump-tools.cfg && update-grub", 120
    )
