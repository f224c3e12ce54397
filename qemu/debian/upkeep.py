# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels come and go, and builds fail: what is packed, linked and loaded then."""

from collections.abc import Iterator

from . import system_image
from .captures import INSTALL_SECONDS, SYSRQ, Flow, Tried, install, panic_as_named_task
from .guest import Guest
from .next_kernel import guest_with_next

STATE = "/var/lib/lifeboat"
EXIT_DEGRADED = 3
# What is reserved for root comes after what df calls available.
FILL_DISK = "fallocate -l $(df --output=avail -B1 / | tail -n 1) /full; dd if=/dev/zero of=/full.too bs=64k"


def new_kernel(old_line: str, new_line: str) -> Flow:
    """A kernel is installed, booted, and the one before removed."""

    def flow(tried: Tried) -> Iterator[str]:
        guest, coming = guest_with_next(tried, old_line, new_line)
        new = coming.release
        with guest:
            install(guest)
            old = guest.release
            yield from _is_loaded(guest, old, packed=[old])
            answer = coming.install(guest)
            if answer.status != 0:
                yield "the new kernel's installation failed"
            yield from _is_loaded(guest, old, packed=[old, new])
            guest.reboot()
            if (running := guest.check("uname -r").strip()) != new:
                yield f"after the reboot kernel {running} runs, not {new}"
            yield from _is_loaded(guest, new, packed=[old, new])
            yield from _goes_back(guest, new, old)
            print(guest.check(f"dpkg --remove linux-image-{old}", INSTALL_SECONDS), flush=True)
            yield from _is_loaded(guest, new, packed=[new])
            crash = panic_as_named_task(guest, SYSRQ)
            if "result=saved" not in crash.text:
                yield "a panic of the new kernel was not captured"
            guest.log_in()
            yield from _is_loaded(guest, new, packed=[new])
            guest.check("dpkg --purge lifeboat", INSTALL_SECONDS)
            yield from _is_gone(guest)

    return flow


def _goes_back(guest: Guest, wanted: str, other: str) -> Iterator[str]:
    """Another packed kernel is loaded where the wanted one cannot be: a unit that runs, and a status that says so."""
    initrd = f"{STATE}/initrd.img-{wanted}"
    guest.check(f"mv {initrd} {initrd}.away")
    restarted = guest.run("systemctl restart lifeboat.service && systemctl is-active lifeboat.service")
    status = guest.run("lifeboat status")
    print(restarted.output, status.output, flush=True)
    if restarted.status != 0:
        yield f"with another kernel loaded the unit has failed: {restarted.output}"
    told = f"kernel {other} is loaded as the way back, {wanted} should be"
    if status.status != EXIT_DEGRADED or told not in status.output:
        yield f"'lifeboat status' does not tell of the way back: {status.status}: {status.output}"
    if guest.run(f"lifeboat load --kernel {wanted}").status == 0:
        yield "'lifeboat load --kernel' of a kernel that cannot be loaded is a success"
    guest.check(f"mv {initrd}.away {initrd} && systemctl restart lifeboat.service")
    yield from _is_loaded(guest, wanted, packed=[other, wanted])


def failing_build(line: str) -> Flow:
    """The disk is full, a module is missing: the initrd of before is there, is loaded, and captures."""

    def flow(tried: Tried) -> Iterator[str]:
        with Guest(system_image.fetch(line), tried.folder, [tried.package]) as guest:
            install(guest)
            yield from _is_loaded(guest, guest.release, packed=[guest.release])
            before = _digest(guest)
            yield from _fails_to_pack(guest, "the disk is full", FILL_DISK)
            guest.check("rm /full /full.too")
            yield from _stands(guest, before)
            module = "$(modinfo -n sd_mod)"
            yield from _fails_to_pack(guest, "a module is missing", f"m={module} && mv $m $m.away && depmod")
            yield from _stands(guest, before)
            status = guest.run("lifeboat status")
            print(status.output, flush=True)
            if status.status == 0 or "sd_mod" not in status.output:
                yield f"'lifeboat status' does not say that a module is missing: {status.output}"
            yield from _refuses_encrypted(guest)
            crash = panic_as_named_task(guest, SYSRQ)
            if "result=saved" not in crash.text:
                yield "a panic was not captured"

    return flow


def _fails_to_pack(guest: Guest, why: str, command: str) -> Iterator[str]:
    guest.run(command, INSTALL_SECONDS)
    for attempt in ("lifeboat pack", f"/etc/kernel/postinst.d/zz-lifeboat {guest.release}"):
        answer = guest.run(attempt, INSTALL_SECONDS)
        print(f"{why}: {attempt}: {answer.status}: {answer.output}", flush=True)
        if "lifeboat" not in answer.output:
            yield f"{why}, and '{attempt}' says nothing of it"
        if (answer.status == 0) != ("postinst" in attempt):
            yield f"{why}, and '{attempt}' ends with {answer.status}"


def _refuses_encrypted(guest: Guest) -> Iterator[str]:
    guest.check("tune2fs -O encrypt $(findmnt -no SOURCE /) && mkdir /sealed")
    # FS_IOC_SET_ENCRYPTION_POLICY, a policy of version 1: it needs no key. Source: linux/fscrypt.h.
    policy = '$policy = pack("C4a8", 0, 1, 4, 0, "no key");'
    request = 'open(D, "<", "/sealed") && ioctl(D, 0x800c6613, $policy) || die "refused: $!"'
    guest.check(f"perl -e '{policy} {request}'")
    guest.check("echo 'target = /sealed/crash' > /root/sealed.conf")
    answer = guest.run("lifeboat pack --config /root/sealed.conf --output /root/initrd")
    print(answer.output, flush=True)
    if answer.status == 0 or "'/sealed/crash' is encrypted (fscrypt)" not in answer.output:
        yield f"a target in an encrypted folder is packed: {answer.output}"


def _stands(guest: Guest, before: str) -> Iterator[str]:
    if (after := _digest(guest)) != before:
        yield f"the packed files are not as they were: {before} and {after}"
    if guest.check("cat /sys/kernel/kexec_crash_loaded").strip() != "1":
        yield "nothing is loaded any more"


def _digest(guest: Guest) -> str:
    """The names of all files there, and the content of what is packed."""
    return guest.check(f"cd {STATE} && ls -A && sha256sum *-{guest.release}")


def _is_loaded(guest: Guest, version: str, packed: list[str]) -> Iterator[str]:
    """That version's files are loaded and linked, and just these versions are packed."""
    status = guest.run("lifeboat status")
    print(status.output, flush=True)
    if status.status != 0 or version not in status.output:
        yield f"'lifeboat status' does not say that {version} is ready: {status.status}: {status.output}"
    if guest.check("cat /sys/kernel/kexec_crash_loaded").strip() != "1":
        yield "nothing is loaded"
    for link, name in (("initrd.img", "initrd.img"), ("vmlinuz", "vmlinuz")):
        if (target := guest.run(f"basename $(readlink {STATE}/{link})").output.strip()) != f"{link}-{version}":
            yield f"the link '{link}' is '{target}', not that of {version}"
    names = guest.run(f"cd {STATE} && ls -d initrd.img-*").output.split()
    if sorted(names) != sorted(f"initrd.img-{each}" for each in packed):
        yield f"packed are {names}, not {packed}"
    if failed := guest.check("systemctl list-units --failed --plain --no-legend"):
        yield f"units have failed: {failed}"


def _is_gone(guest: Guest) -> Iterator[str]:
    """After the purge: nothing of ours but the dumps."""
    left = guest.run(
        f"ls -d {STATE} /boot/lifeboat /etc/lifeboat.conf /etc/default/grub.d/lifeboat.cfg /usr/lib/lifeboat 2>/dev/null;"
        " grep -E 'crashkernel|lifeboat' /boot/grub/grub.cfg; systemctl list-unit-files --no-legend 'lifeboat*'"
    ).output
    if left:
        yield f"the purge left: {left}"
    if guest.check("cat /sys/kernel/kexec_crash_loaded").strip() != "0":
        yield "the crash kernel is still loaded"
    if not guest.check("ls /var/crash"):
        yield "the purge took the dumps"
