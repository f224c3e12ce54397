# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept as known good, and that it is there when it is wanted: kernels that come, that fail, full disks, cuts."""

import hashlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from . import disk_image
from .boot_menu import choose
from .captures import INSTALL_SECONDS, Flow, Tried, tell
from .fallback import NORMAL, REPAIR, RESCUE, TRUNCATED, prepare, prepared, start
from .guest import BOOT_SECONDS, Guest
from .next_kernel import guest_with_next
from .upkeep import FILL_DISK

BROKEN_VERSION = "9.9.9-broken"
FAILED_BOOTS = 2
CUTS = 8
STORE = "/boot/lifeboat/good"


def follows_upgrade(old_line: str, new_line: str) -> Flow:
    """A kernel that was installed is known good once it has booted, and not before."""

    def flow(tried: Tried) -> Iterator[str]:
        guest, coming = guest_with_next(tried, old_line, new_line)
        new = coming.release
        with guest:
            yield from prepare(guest)
            old = guest.release
            if coming.install(guest).status != 0:
                yield "the new kernel's installation failed"
            yield from _is_good(guest, [old], f"{new} was installed")
            answer = guest.run("lifeboat good keep")
            print(answer.output, flush=True)
            yield from _is_good(guest, [old], f"{new} was installed and 'good keep' asked for")
            guest.reboot()
            if (running := guest.check("uname -r").strip()) != new:
                yield f"after the reboot kernel {running} runs, not {new}"
            guest.wait_until_up()
            yield from _is_good(guest, [old, new], f"{new} has booted")
            start(guest, RESCUE)
            if (running := guest.check("uname -r").strip()) != new:
                yield f"the rescue entry boots kernel {running}, not {new}, which is the newest that is known good"
            print(guest.check("cat /run/lifeboat/rescue.log"), flush=True)
            guest.power_off()

    return flow


def panicking_kernel(line: str) -> Flow:
    """A new kernel panics in its boot: it is never known good, and the machine comes back by itself."""

    def body(guest: Guest, _: Tried) -> Iterator[str]:
        good = guest.release
        guest.check(f"echo 'rescue.after_failed_boots = {FAILED_BOOTS}' >> /etc/lifeboat.conf")
        guest.check("sed -i 's/^GRUB_TIMEOUT=.*/GRUB_TIMEOUT=1/' /etc/default/grub && update-grub")
        guest.reboot()
        guest.wait_until_up()
        counted = guest.check("grub-editenv list")
        if f"lifeboat_boots_left={FAILED_BOOTS}" not in counted:
            yield f"after a boot that completed the count is: {counted}"
        guest.check(f"cp /boot/vmlinuz-{good} /boot/vmlinuz-{BROKEN_VERSION}")
        guest.check(f"echo | cpio -o -H newc > /boot/initrd.img-{BROKEN_VERSION} 2>/dev/null && update-grub")
        guest.restart()
        for _ in range(FAILED_BOOTS):
            guest.line.wait_for("Kernel panic - not syncing: VFS: Unable to mount root", BOOT_SECONDS)
            guest.come_back()
        guest.log_in()
        if "lifeboat.rescue=boot" not in (words := guest.check("cat /proc/cmdline")):
            yield f"after {FAILED_BOOTS} failed boots it is no rescue boot: {words}"
        yield from _is_good(guest, [good], "a kernel panicked")

    return prepared(line, body)


def full_disk(line: str) -> Flow:
    """No room for keeping, none for restoring: each says so, and nothing is lost."""

    def body(guest: Guest, _: Tried) -> Iterator[str]:
        initrd = f"/boot/initrd.img-{guest.release}"
        before = _store(guest)
        # Another initrd, that boots as well: the kernel takes zeroes after an archive.
        guest.check(f"head -c 4096 /dev/zero >> {initrd}")
        guest.run(FILL_DISK, INSTALL_SECONDS)
        guest.reboot()
        guest.wait_until_up()
        answer = guest.run("lifeboat good keep")
        print(answer.output, flush=True)
        if answer.status == 0 and "by link" not in answer.output:
            yield f"on a full disk 'good keep' ends with 0: {answer.output}"
        yield from _holds(guest, before, "keeping on a full disk")
        guest.check(f"truncate -s 1M {initrd}")
        guest.run("dd if=/dev/zero of=/full.three bs=64k", INSTALL_SECONDS)
        broken = guest.check(f"sha256sum < {initrd}")
        answer = guest.run(f"lifeboat good restore {guest.release}")
        print(answer.output, flush=True)
        after = guest.check(f"sha256sum < {initrd}")
        if answer.status != 0 and after != broken:
            yield "a restore that failed has changed the initrd"
        if answer.status == 0 and after == broken:
            yield f"a restore has restored nothing: {answer.output}"
        if "No space left" not in answer.output and "link" not in answer.output and "room" not in answer.output:
            yield f"a restore on a full disk does not say that there is no room: {answer.output}"
        yield from _holds(guest, before, "restoring on a full disk")
        guest.check("rm -f /full /full.too /full.three")
        print(guest.check(f"lifeboat good restore {guest.release}"), flush=True)
        start(guest, NORMAL)

    return prepared(line, body)


def power_cuts(line: str) -> Flow:
    """The power goes while an initrd is restored: the old or the new one is there, whole, and the machine boots."""

    def body(guest: Guest, tried: Tried) -> Iterator[str]:
        initrd = f"/boot/initrd.img-{guest.release}"
        command = f"lifeboat good restore {guest.release}"
        whole = guest.check(f"sha256sum < {initrd}").split()[0]
        broken = _break(guest, initrd)
        restored = guest.run(command)
        print(restored.output, flush=True)
        tell("restore_seconds", f"{restored.seconds:.1f}")
        outcomes = []
        for number in range(CUTS):
            _break(guest, initrd)
            guest.line.send(f"{command}\n")
            time.sleep(restored.seconds * (number + 0.5) / CUTS)
            guest.pull_the_plug()
            found = _digest_on_disk(guest.disk, initrd, tried.folder)
            outcomes.append({whole: "new", broken: "old"}.get(found, found))
            if found not in (whole, broken):
                yield f"cut {number} of {CUTS} left an initrd that is neither the old nor the new one"
            guest.power_on()
            choose(guest.line, *RESCUE)
            guest.log_in()
        print(f"after the cuts: {outcomes}", flush=True)
        _break(guest, initrd)
        start(guest, REPAIR)
        if guest.check(f"sha256sum < {initrd}").split()[0] != whole:
            yield "after the cuts a repair does not put the initrd back"
        if left := guest.run(f"ls -A /boot {STORE} | grep -i -E 'incomplete|tmp|unchecked|new'").output:
            yield f"the cuts left: {left}"
        start(guest, NORMAL)

    return prepared(line, body)


def _break(guest: Guest, initrd: str) -> str:
    """Truncated, whether it is whole or was broken before; its digest."""
    guest.check(TRUNCATED.command.format(initrd=initrd))
    guest.check("sync")
    return guest.check(f"sha256sum < {initrd}").split()[0]


def _digest_on_disk(disk: Path, inside: str, folder: Path) -> str:
    """Of a file of a machine that is off; its journal is replayed on a copy."""
    copy, place = folder / "cut.img", folder / "cut-initrd"
    subprocess.run(["cp", "--sparse=always", disk, copy], check=True)
    subprocess.run(["e2fsck", "-fy", disk_image.root_device(copy)], capture_output=True, check=False)
    place.unlink(missing_ok=True)
    disk_image.copy_file(copy, inside, place)
    copy.unlink()
    return hashlib.sha256(place.read_bytes()).hexdigest()


def _is_good(guest: Guest, wanted: list[str], when: str) -> Iterator[str]:
    listing = guest.run("lifeboat good list")
    print(f"--- {when}\n{listing.output}", flush=True)
    kept = sorted(row.rpartition("+")[0] for row in guest.check(f"ls {STORE}").split())
    if kept != sorted(wanted):
        yield f"{when}: known good are {kept}, not {wanted}"


def _store(guest: Guest) -> str:
    return guest.check(f"cd {STORE} && sha256sum */vmlinuz */initrd.img */record")


def _holds(guest: Guest, before: str, when: str) -> Iterator[str]:
    after = _store(guest)
    if not set(before.splitlines()) <= set(after.splitlines()):
        yield f"{when}: what was known good is not as it was: {before} and {after}"
    if left := guest.run(f"ls -A /boot {STORE} | grep -i -E 'incomplete|tmp|unchecked|new'").output:
        yield f"{when} left: {left}"
