# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine whose own initrd is broken: the boot menu's rescue entries bring it up, and repair it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.disk import SECTOR_BYTES

from . import disk_image, system_image
from .boot_menu import choose
from .captures import INSTALL_SECONDS, Flow, Tried, install, tell
from .guest import BOOT_SECONDS, PARCELS, Guest
from .system_image import PASSWORD

RESCUE = ("lifeboat: rescue",)
REPAIR = ("lifeboat: more", "lifeboat: rescue and repair")
CONSOLE = ("lifeboat: more", "lifeboat: rescue console")
KNOWN_GOOD = ("lifeboat: known good",)
NORMAL = ("Debian GNU/Linux",)
MENU_SECONDS = 20
ANOTHER_UUID = "6c696665-626f-6174-8000-0000000000ff"
LITTLE_INITRD = "initrd-without-disks"

Body = Callable[[Guest, Tried], Iterator[str]]
MakeParcel = Callable[[system_image.SystemImage, Tried], Path]


@dataclass(frozen=True)
class Damage:
    """What is done to a healthy system, and whether a repair can mend it."""

    name: str
    command: str  # {initrd}, {menu}
    mended_by_restore: bool = True


TRUNCATED = Damage("truncated", "truncate -s 1M {initrd}")
EMPTY = Damage("empty", ": > {initrd}")
WITHOUT_DISKS = Damage("without the disk's module", f"cp {PARCELS}/{LITTLE_INITRD} {{initrd}}")
WRONG_ROOT = Damage(
    "wrong root in the menu entry",
    f"sed -i '0,/root=UUID=/s/root=UUID=[^ ]*/root=UUID={ANOTHER_UUID}/' {{menu}}",
    mended_by_restore=False,
)


def rescues(line: str, *damages: Damage, uefi: bool = False) -> Flow:
    """After each damage the rescue entry boots; repair mends what it can; the normal entry boots again."""

    def body(guest: Guest, _: Tried) -> Iterator[str]:
        for damage in damages:
            yield from survives(guest, damage)

    return prepared(line, body, uefi, [_initrd_without_disks] if WITHOUT_DISKS in damages else [])


def prepared(line: str, body: Body, uefi: bool = False, more: Sequence[MakeParcel] = ()) -> Flow:
    """What is done on the system with a kernel of this line once prepare() has been there; it is off afterwards."""

    def flow(tried: Tried) -> Iterator[str]:
        image = system_image.fetch(line)
        parcels = [tried.package, *(make(image, tried) for make in more)]
        with Guest(image, tried.folder, parcels) as guest:
            yield from prepare(guest, uefi)
            yield from body(guest, tried)
            guest.power_off()

    return flow


def hardware(line: str, *buses: str) -> Flow:
    """The rescue image of one machine finds root when the disk is on another bus."""

    def body(guest: Guest, _: Tried) -> Iterator[str]:
        for bus in buses:
            guest.power_off()
            guest.pull_the_plug()
            guest.use_bus(bus)
            guest.power_on()
            choose(guest.line, *RESCUE)
            guest.log_in()
            print(f"--- {bus}\n" + guest.check("cat /run/lifeboat/rescue.log; findmnt -n /"), flush=True)
            if "lifeboat.rescue=boot" not in guest.check("cat /proc/cmdline"):
                yield f"{bus}: this is no boot by the rescue entry"

    return prepared(line, body)


def prepare(guest: Guest, uefi: bool = False) -> Iterator[str]:
    """Installed, with a menu that waits, and a boot that has been found good."""
    if uefi:
        _format_esp(guest.disk)
    install(guest)
    if uefi:
        _install_efi_loader(guest)
        guest.use_uefi()
    have_menu_wait(guest)
    guest.reboot()
    guest.wait_until_up()
    listing = guest.run("lifeboat good list")
    print(listing.output, flush=True)
    if guest.release not in listing.output:
        yield f"the boot was not kept as known good: {listing.output}"
    rescue = guest.check(f"stat -c %s /boot/lifeboat/rescue/initrd.img-{guest.release}").strip()
    tell("rescue_image_bytes", rescue)


def have_menu_wait(guest: Guest) -> None:
    command = f"sed -i 's/^GRUB_TIMEOUT=.*/GRUB_TIMEOUT={MENU_SECONDS}/' /etc/default/grub && update-grub"
    guest.check(command, INSTALL_SECONDS)


def start(guest: Guest, entry: tuple[str, ...]) -> None:
    """Restarts the machine by an entry of the menu, up to its login prompt and a shell."""
    guest.restart()
    choose(guest.line, *entry)
    guest.log_in()


def survives(guest: Guest, damage: Damage) -> Iterator[str]:
    """Rescue boots and changes nothing, repair mends what it can, the normal entry boots; the menu has to wait."""
    initrd = f"/boot/initrd.img-{guest.release}"
    whole = guest.check(f"sha256sum < {initrd}")
    guest.check(damage.command.format(initrd=initrd, menu="/boot/grub/grub.cfg"))
    guest.check("sync")
    broken = guest.check(f"sha256sum < {initrd}")
    start(guest, RESCUE)
    tell("rescue_boot_seconds", f"{_seconds_of_boot(guest):.1f}")
    yield from _is_rescue(guest, damage, "boot")
    if guest.check(f"sha256sum < {initrd}") != broken:
        yield f"{damage.name}: the rescue entry changed the initrd"
    if not damage.mended_by_restore:
        guest.check("update-grub", INSTALL_SECONDS)
    else:
        yield from _repairs(guest, damage, initrd, whole)
    start(guest, NORMAL)
    if "lifeboat.rescue" in guest.check("cat /proc/cmdline"):
        yield f"{damage.name}: the normal entry is no normal one"
    if failed := guest.check("systemctl list-units --failed --plain --no-legend"):
        yield f"{damage.name}: afterwards units have failed: {failed}"
    guest.run(f"rm -f {initrd}.broken")


def _repairs(guest: Guest, damage: Damage, initrd: str, whole: str) -> Iterator[str]:
    if guest.run("lifeboat good check").status != 1:
        yield f"{damage.name}: 'lifeboat good check' does not say that the initrd is broken"
    start(guest, REPAIR)
    yield from _is_rescue(guest, damage, "repair")
    if guest.check(f"sha256sum < {initrd}") != whole:
        yield f"{damage.name}: the initrd was not put back"
    if guest.run(f"test -e {initrd}.broken").status != 0:
        yield f"{damage.name}: the broken initrd was not kept beside it"


def _is_rescue(guest: Guest, damage: Damage, word: str) -> Iterator[str]:
    print(f"--- {damage.name}, {word}\n" + guest.check("cat /run/lifeboat/rescue.log"), flush=True)
    if f"lifeboat.rescue={word}" not in guest.check("cat /proc/cmdline"):
        yield f"{damage.name}: this is no boot by the {word} entry"
    if state := guest.run("findmnt -no OPTIONS /").output:
        if not state.startswith("rw"):
            yield f"{damage.name}: root is mounted {state}"
    if failed := guest.check("systemctl list-units --failed --plain --no-legend"):
        yield f"{damage.name}: after the {word} entry units have failed: {failed}"


def _seconds_of_boot(guest: Guest) -> float:
    """From the kernel's start to the login prompt."""
    text = guest.line.text
    begin = text.rindex("Linux version ")
    return guest.line.seconds_of(text.rindex("login: ")) - guest.line.seconds_of(begin)


def _format_esp(disk: Path) -> None:
    # For FAT32 it has too few clusters, and the firmware looks at that.
    blocks = (disk_image.ROOT_AT - disk_image.EFI_AT) // 1024
    command = ["mkfs.fat", "-F", "16", f"--offset={disk_image.EFI_AT // SECTOR_BYTES}", str(disk), str(blocks)]
    subprocess.run(command, check=True, capture_output=True)


def _install_efi_loader(guest: Guest) -> None:
    """As an administrator does it who moves a machine from BIOS to UEFI."""
    guest.check("mkdir -p /boot/efi && mount -t vfat $(findmnt -no SOURCE / | sed 's/3$/2/') /boot/efi")
    options = "--target=x86_64-efi --efi-directory=/boot/efi --removable --no-nvram"
    print(guest.check(f"grub-install {options}", INSTALL_SECONDS), flush=True)
    guest.check("umount /boot/efi")
    # The firmware reads the serial line for its own console, and would take keys from GRUB.
    guest.check("sed -i 's/^GRUB_TERMINAL=.*/GRUB_TERMINAL=console/' /etc/default/grub")


def _initrd_without_disks(image: system_image.SystemImage, tried: Tried) -> Path:
    """The system's own initrd without the modules by which it finds its root device."""
    tried.folder.mkdir(parents=True, exist_ok=True)
    whole, tree, little = (tried.folder / name for name in ("initrd-whole", "initrd-tree", LITTLE_INITRD))
    disk_image.copy_file(image.disk, f"/boot/initrd.img-{image.release}", whole)
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run([tried.command, "unpack", whole, tree], check=True)
    removed = [path for path in tree.rglob("*.ko*") if path.name.split(".")[0] in ("virtio_scsi", "sd_mod")]
    if not removed:
        raise ValueError("the system's initrd has no module of its disk")
    for path in removed:
        path.unlink()
    pack = "find . -print0 | sort -z | cpio -o -0 -H newc --quiet | zstd -q -c"
    with little.open("wb") as output:
        subprocess.run(["sh", "-c", pack], cwd=tree, stdout=output, check=True)
    shutil.rmtree(tree)
    return little


def console(line: str) -> Flow:
    """The console gives nothing to whom does not know root's password, and everything to whom does."""

    def body(guest: Guest, _: Tried) -> Iterator[str]:
        guest.restart()
        choose(guest.line, *CONSOLE)
        yield from _wrong_passwords(guest)
        _say(guest, "boot", "login: ")
        guest.line.send("\n")
        guest.log_in()
        guest.restart()
        choose(guest.line, *CONSOLE)
        yield from _right_password(guest)
        guest.log_in()

    return prepared(line, body)


PROMPT = "lifeboat> "


def _say(guest: Guest, words: str, answer: str) -> str:
    """Says it on the console; what came until the answer."""
    begin = guest.line.position
    guest.line.send(words + "\n")
    guest.line.wait_for(answer, BOOT_SECONDS)
    return guest.line.text[begin : guest.line.position]


def _wrong_passwords(guest: Guest) -> Iterator[str]:
    guest.line.wait_for(PROMPT, BOOT_SECONDS)
    if "/dev/sda" not in (said := _say(guest, "devices", PROMPT)):
        yield f"'devices' lists no disk: {said}"
    _say(guest, "shell", "root's password: ")
    for last in (False, False, True):
        said = _say(guest, "not this one", PROMPT if last else "root's password: ")
    if "too many wrong passwords" not in said:
        yield f"after three wrong passwords: {said}"
    for command in ("shell", "initrds", "restore", "mounts"):
        said = _say(guest, command, PROMPT)
        if "too many wrong passwords" not in said:
            yield f"'{command}' after three wrong passwords: {said}"


def _right_password(guest: Guest) -> Iterator[str]:
    guest.line.wait_for(PROMPT, BOOT_SECONDS)
    _say(guest, "shell", "root's password: ")
    _say(guest, PASSWORD, "# ")
    if "uid=0" not in (said := _say(guest, "id; exit", PROMPT)):
        yield f"the shell is not root's: {said}"
    if guest.release not in (said := _say(guest, "initrds", PROMPT)):
        yield f"'initrds' says nothing of {guest.release}: {said}"
    if "vmlinuz" not in (said := _say(guest, "ls /boot/lifeboat/rescue/initrd.img-" + guest.release, PROMPT)) and (
        "bin/lifeboat" not in said
    ):
        yield f"'ls' lists nothing: {said}"
    guest.line.send("boot\n")
