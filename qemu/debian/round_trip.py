# SPDX-License-Identifier: GPL-2.0-or-later
"""All that the package does, in turn on one system: install, crash test, dump, known good, rescue."""

import re
from collections.abc import Iterator

from harness.crash import parse_summary

from . import system_image
from .captures import (
    INSTALL_SECONDS,
    SYSRQ,
    Flow,
    Panic,
    Summary,
    Tried,
    capture,
    install,
    is_ready,
    look_at_dumps,
)
from .crash_test import confirm, report_says_so, tested
from .fallback import KNOWN_GOOD, TRUNCATED, have_menu_wait, start, survives
from .guest import Guest
from .known_good import STORE

CRASH_TEST = Panic("lifeboat test", "sysrq triggered crash", task="lifeboat")
# linux-base 4.17's hook, which brings the image to /boot and writes into the one that is there.
IMAGE_HOOK = "/usr/share/kernel/postinst.d/00-legacy-boot"


def round_trip(line: str, initrd_maker: str) -> Flow:
    """On the system that the kernel of this line is from, with this maker of the system's own initrds."""

    def flow(tried: Tried) -> Iterator[str]:
        with Guest(system_image.fetch(line, initrd_maker=initrd_maker), tried.folder, [tried.package]) as guest:
            install(guest)
            have_menu_wait(guest)
            summaries: list[Summary] = []
            yield from _passes_crash_test(guest, summaries)
            yield from capture(guest, SYSRQ, summaries)
            yield from _is_known_good(guest)
            yield from _menu_leads_to_files(guest)
            yield from survives(guest, TRUNCATED)
            yield from _known_good_boots(guest)
            guest.power_off()
        yield from look_at_dumps(guest, tried, line, (CRASH_TEST, SYSRQ), summaries)

    return flow


def _passes_crash_test(guest: Guest, summaries: list[Summary]) -> Iterator[str]:
    print(guest.check("uname -r; systemctl --version; grub-mkconfig --version; findmnt -n /boot"), flush=True)
    yield from is_ready(guest)
    crash = confirm(guest)
    summaries.append(parse_summary(crash.text))
    print("summary", *(f"{field}={value}" for field, value in summaries[-1].items()), flush=True)
    guest.log_in()
    yield from report_says_so(guest)
    yield from tested(guest, True, "as it is now")


def _is_known_good(guest: Guest) -> Iterator[str]:
    guest.wait_until_up()
    listing = guest.run("lifeboat good list")
    print(listing.output, flush=True)
    if guest.release not in listing.output:
        yield f"the boot was not kept as known good: {listing.output}"
    check = guest.run("lifeboat good check")
    print(check.output, flush=True)
    if check.status != 0:
        yield f"'lifeboat good check' ends with {check.status}: {check.output}"


def _menu_leads_to_files(guest: Guest) -> Iterator[str]:
    """What the entries name is there, from the top of the file system that GRUB reads them from."""
    rows = guest.check("sed -n '/BEGIN .*lifeboat/,/END .*lifeboat/p' /boot/grub/grub.cfg")
    paths = re.findall(r"(?m)^\s*(?:linux|initrd)\s+(\S+)", rows)
    if len(paths) < 4:
        yield f"the menu has too few entries: {rows}"
    for path in paths:
        if path.startswith("/boot/") or guest.run(f"test -s /boot{path}").status != 0:
            yield f"the menu names '{path}', which is not on the file system of /boot"


def _known_good_boots(guest: Guest) -> Iterator[str]:
    before = _images(guest)
    if guest.run(f"test -e {IMAGE_HOOK}").status == 0:
        yield from _image_is_written(guest)
    if _images(guest) != before:
        yield "with the image that was written to, the one that is kept has changed"
    start(guest, KNOWN_GOOD)
    if "lifeboat.good=" not in (words := guest.check("cat /proc/cmdline")):
        yield f"this is no boot by the known good entry: {words}"
    guest.wait_until_up()
    yield from is_ready(guest)


def _images(guest: Guest) -> str:
    return guest.check(f"cd {STORE} && sha256sum */vmlinuz")


def _image_is_written(guest: Guest) -> Iterator[str]:
    """As an update of the same version does it: its package has another image, and its hooks are run."""
    version = guest.release
    guest.check(f"echo updated >> /usr/lib/modules/{version}/vmlinuz")
    command = f"INITRD=No linux-run-hooks image postinst {version} /boot/vmlinuz-{version} -- configure"
    print(answer := guest.check(command, INSTALL_SECONDS), flush=True)
    if guest.run(f"cmp /boot/vmlinuz-{version} /usr/lib/modules/{version}/vmlinuz").status != 0:
        yield f"the hook brought no image to /boot: {answer}"
