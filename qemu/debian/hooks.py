# SPDX-License-Identifier: GPL-2.0-or-later
"""What others call: udev when memory and CPUs come, kernel-install where that installs kernels."""

import time
from collections.abc import Callable, Iterator

from . import system_image
from .captures import INSTALL_SECONDS, SYSRQ, Flow, Tried, install, panic_as_named_task
from .guest import Guest
from .upkeep import STATE

CPUS = 2  # the next one's number
DIMM_MEBIBYTES = 256
RELOAD_SECONDS = 120
RECORD = "/run/lifeboat/loaded"


def hooks(line: str) -> Flow:
    def flow(tried: Tried) -> Iterator[str]:
        image = system_image.fetch(line)
        with Guest(image, tried.folder, [tried.package], cpus=CPUS, cpu_room=1, dimm_room=DIMM_MEBIBYTES) as guest:
            install(guest)
            yield from _kernel_install(guest)
            yield from _is_loaded_again(guest, "a DIMM came", lambda: guest.plug_dimm(DIMM_MEBIBYTES))
            yield from _is_loaded_again(guest, "a CPU came", guest.plug_cpu)
            # The panic's NMI goes to each CPU that is present, and one that never ran resets an emulated machine.
            guest.check(f"echo 1 > /sys/devices/system/cpu/cpu{CPUS}/online")
            status = guest.run("lifeboat status")
            print(status.output, flush=True)
            if status.status != 0:
                yield f"'lifeboat status' ends with {status.status}: {status.output}"
            # 6.1 dies in setup_local_APIC() on a CPU that was plugged in: the firmware's tables call it absent.
            guest.check(f"taskset --pid --cpu-list 0-{CPUS - 1} $$")
            crash = panic_as_named_task(guest, SYSRQ)
            if "result=saved" not in crash.text:
                yield "a panic was not captured"

    return flow


def _is_loaded_again(guest: Guest, what: str, happen: Callable[[], None]) -> Iterator[str]:
    """By the udev rule: nobody else is there to do it."""
    if guest.run("cat /sys/devices/system/cpu/crash_hotplug").output.strip() == "1":
        yield "this kernel follows hotplug itself: the rule has nothing to do"
    before = _loaded(guest)
    happen()
    deadline = time.monotonic() + RELOAD_SECONDS
    while _loaded(guest) == before and time.monotonic() < deadline:
        time.sleep(1)
    journal = guest.check("journalctl --boot --no-pager --output=cat --unit=lifeboat.service | tail -n 20")
    print(f"{what}: {before}, then {_loaded(guest)}: {journal}", flush=True)
    if _loaded(guest) == before:
        yield f"{what}, and the crash kernel was not loaded again: {journal}"
    if guest.check("cat /sys/kernel/kexec_crash_loaded").strip() != "1":
        yield f"{what}, and nothing is loaded"


def _loaded(guest: Guest) -> str:
    """When, for a comparison."""
    return guest.check(f"stat -c %y {RECORD}").strip()


def _kernel_install(guest: Guest) -> Iterator[str]:
    """As where there are no hooks of Debian's, and images stand beside the modules."""
    version = guest.release
    image = f"/lib/modules/{version}/vmlinuz"
    guest.check("chmod -x /etc/kernel/postinst.d/zz-lifeboat /etc/kernel/postrm.d/zz-lifeboat")
    guest.check(f"mv /boot/vmlinuz-{version} {image} && rm {STATE}/*-{version}")
    added = guest.run(f"kernel-install add {version} {image}", INSTALL_SECONDS)
    print(added.output, flush=True)
    wanted = {f"{name}-{version}" for name in ("initrd.img", "manifest", "plan", "vmlinuz")}
    if added.status != 0 or _packed(guest) != wanted:
        yield f"'kernel-install add' ends with {added.status}, and packed are {_packed(guest)}: {added.output}"
    if (link := guest.run(f"readlink {STATE}/vmlinuz-{version}").output.strip()) != image:
        yield f"the image's link leads to '{link}', not to '{image}'"
    removed = guest.run(f"kernel-install remove {version}", INSTALL_SECONDS)
    print(removed.output, flush=True)
    if removed.status != 0 or _packed(guest):
        yield f"'kernel-install remove' ends with {removed.status} and leaves {_packed(guest)}: {removed.output}"
    # systemd's own plugin has removed what depmod makes.
    guest.check(f"mv {image} /boot/vmlinuz-{version} && depmod", INSTALL_SECONDS)
    guest.check("lifeboat pack && lifeboat load", INSTALL_SECONDS)
    guest.check("chmod +x /etc/kernel/postinst.d/zz-lifeboat /etc/kernel/postrm.d/zz-lifeboat")


def _packed(guest: Guest) -> set[str]:
    return set(guest.run(f"cd {STATE} && ls -d *-{guest.release} 2>/dev/null").output.split())
