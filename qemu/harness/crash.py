# SPDX-License-Identifier: GPL-2.0-or-later
"""One crash: a kernel boots, is given a crash kernel, panics, and what came ashore is collected."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from . import clock, kernels, modules, packages, packed, test_modules
from .acceleration import is_emulated
from .attempts import until_known
from .disk import MEBIBYTE, Disk
from .initrd import Initrd
from .kernels import Kernel
from .machine import LostMachine, Machine, Request, Run, device_arguments, mebibytes
from .serial_log import show_tail

SERIAL_LOG = "serial.log"

TARGET_UUID = "6c696665-626f-6174-8000-000000000001"
SCRATCH_UUID = "6c696665-626f-6174-8000-000000000002"
TARGET_PATH = "/crash"

# Else a crash kernel finds the DIMMs that came while the machine ran: it makes a memmap for them out of its own
# little memory, 1/64 of their size, and Debian's 6.12 takes them into use, with all that is to be dumped in them.
NO_DIMMS = "acpi_no_memhotplug"

BUS_DRIVERS = {
    "scsi": ["virtio_pci", "virtio_scsi", "sd_mod"],
    "blk": ["virtio_pci", "virtio_blk"],
}
# What the disks' file system takes its checksums from, by name; since 6.15 it calls the kernel's library.
CHECKSUM_DRIVER = "crc32c_generic"


# Harm done by the guest's saboteur after which only a watchdog ends the run: to the machine, by a module; to PID 1.
STAND_STILL = "stand-still"
STANDSTILLS = (STAND_STILL, "hold-init")
STAND_STILL_MODULE = "stand_still"
DIE_MODULE = "die"
NMI_AFTER_SECONDS = 5


@dataclass
class Programs:
    """What is put into the initrds: the init to try and the harness's own."""

    init: Path
    guest: Path
    lifeboat: Path  # the host command


@dataclass
class Setup:
    """Everything about one crash that a case may choose."""

    kernel: str = "6.1"
    memory: str = "2G"
    cpus: int = 2
    dimm_mebibytes: int = 0  # comes while the first kernel runs
    balloon_mebibytes: int = 0  # is given back to the host
    target_vanishes: bool = False  # when the kernel log is saved
    target_comes_after_seconds: float | None = None  # of the crash kernel's init
    other_disks: list[Disk] = field(default_factory=list)  # the kernel sees them before the target
    dies: str | None = None  # how the first kernel does; by the magic sysrq key
    has_watchdog: bool = False  # an i6300ESB
    crashkernel: str = "128M"
    lent_mebibytes: int = 0  # besides, lent to user space until the panic: crashkernel=SIZE,cma
    level: int = 31
    five_levels: bool = True
    bus: str = "scsi"
    target: str = f"UUID={TARGET_UUID} {TARGET_PATH} ext4 rw,noatime"
    target_disk: Disk = field(default_factory=lambda: target_disk())
    plan: list[str] = field(default_factory=list)
    whole_plan: bytes | None = None
    plan_drivers: list[str] | None = None
    initrd_drivers: list[str] | None = None
    guest_drivers: list[str] = field(default_factory=list)
    guest_options: list[str] = field(default_factory=list)
    first_options: list[str] = field(default_factory=list)  # the guest's
    first_words: list[str] = field(default_factory=list)  # the kernel's
    crash_options: list[str] = field(default_factory=list)
    raw: bool = False
    packed: bool = False  # the initrd is made by `lifeboat pack`; what the plan names is in its configuration
    deadline_seconds: float = 240


    @property
    def saboteur(self) -> str | None:
        """What the guest's saboteur does in the crash kernel."""
        options = (option.partition("=") for option in self.guest_options)
        return next((how for name, _, how in options if name == "saboteur"), None)

    @property
    def stands_still(self) -> bool:
        """Whether lifeboat is kept from its end."""
        return self.saboteur in STANDSTILLS


@dataclass
class Outcome:
    """What a crash left in `folder`."""

    setup: Setup
    folder: Path
    kernel: Kernel
    run: Run
    initrd_bytes: int
    dump: Path | None
    raw: Path | None
    is_unmounted: bool
    others: dict[str, Path] = field(default_factory=dict)  # of the setup's other disks: what their file systems hold

    @property
    def serial_log(self) -> Path:
        return self.folder / SERIAL_LOG

    @property
    def serial(self) -> str:
        return self.run.text()

    def serial_after_panic(self) -> str:
        return self.serial.partition("guest: panics now")[2]

    def summary(self) -> dict[str, str]:
        """The fields of the summary line; empty when there is none."""
        return parse_summary(self.serial)

    def seconds(self) -> dict[str, float]:
        """When things happened, in seconds after power-on."""
        marks = {
            "panic": self.run.seconds_of("guest: panics now"),
            "crash-kernel": None,
            "init": None,
            "end": self.run.seconds,
        }
        if marks["panic"] is not None:
            marks["crash-kernel"] = self.run.seconds_of("Linux version", after=marks["panic"])
            marks["init"] = self.run.seconds_of("Run /init as init", after=marks["panic"])
        return {name: seconds for name, seconds in marks.items() if seconds is not None}


def target_disk(**changes) -> Disk:
    """The disk that dumps go to."""
    wanted = {"name": "target", "size_bytes": 4096 * MEBIBYTE, "uuid": TARGET_UUID, "folder": TARGET_PATH}
    return Disk(magic="guest-target", **(wanted | changes))


def crash(setup: Setup, programs: Programs, folder: Path) -> Outcome:
    """Runs it; a machine that is lost is started again."""

    def lost(number: int) -> None:
        kept = (folder / SERIAL_LOG).rename(folder / f"serial.lost-{number}.log")
        show_tail(kept)

    return until_known(lambda: crash_once(setup, programs, folder), lost)


def parse_summary(serial: str) -> dict[str, str]:
    marker = "lifeboat: summary "
    lines = [line for line in serial.splitlines() if marker in line]
    if not lines:
        return {}
    words = lines[-1].partition(marker)[2].split()
    return dict(word.partition("=")[::2] for word in words if "=" in word)


def crash_once(setup: Setup, programs: Programs, folder: Path) -> Outcome:
    """One attempt; LostMachine where nothing is known after it."""
    folder.mkdir(parents=True, exist_ok=True)
    kernel = kernels.fetch(setup.kernel)
    with tempfile.TemporaryDirectory(prefix=".disks-", dir=folder) as scratch:
        work = Path(scratch)
        disks = _make_disks(setup, work)
        crash_initrd = (_packed_initrd if setup.packed else _crash_initrd)(setup, programs, kernel, work)
        (work / "initrd").write_bytes(_first_initrd(setup, programs, kernel, crash_initrd))
        machine = _machine(setup, kernel, work / "initrd", disks)
        run = machine.run(folder / SERIAL_LOG, setup.deadline_seconds)
        if "guest: " not in run.text():
            raise LostMachine("the first kernel did not come up")
        is_unmounted = setup.target_disk.is_unmounted()
        others = _collect_others(setup, folder)
        dump = _collect_dump(setup.target_disk, folder)
        raw = _collect_raw(disks[-1], run, folder) if setup.raw else None
    return Outcome(setup, folder, kernel, run, len(crash_initrd), dump, raw, is_unmounted, others)


def _make_disks(setup: Setup, work: Path) -> list[Disk]:
    disks = [
        *setup.other_disks,
        setup.target_disk,
        Disk("scratch", 1024 * MEBIBYTE, uuid=SCRATCH_UUID, label="scratch", magic="guest-scratch"),
    ]
    if setup.raw:
        size_mebibytes = mebibytes(setup.memory) + setup.dimm_mebibytes + 64
        disks.append(Disk("raw", size_mebibytes * MEBIBYTE, magic="guest-raw"))
    for disk in disks:
        disk.make(work)
    return disks


def _machine(setup: Setup, kernel: Kernel, initrd: Path, disks: list[Disk]) -> Machine:
    words = ["console=ttyS0", f"crashkernel={setup.crashkernel}", "panic=5", "printk.devkmsg=on"]
    words += [f"crashkernel={setup.lent_mebibytes}M,cma"] if setup.lent_mebibytes else []
    words += clock.words(is_emulated())
    words += setup.first_words
    words += [f"guest.{option}" for option in setup.first_options]
    devices, requests = _devices(setup)
    words += [f"guest.dimm={setup.dimm_mebibytes}"] if setup.dimm_mebibytes else []
    words += [f"guest.dies={setup.dies}"] if setup.dies else []
    words += [f"guest.balloon={setup.balloon_mebibytes}"] if setup.balloon_mebibytes else []
    return Machine(
        kernel=kernel.image,
        initrd=initrd,
        command_line=" ".join(words),
        memory=setup.memory,
        cpus=setup.cpus,
        five_levels=setup.five_levels,
        bus=setup.bus,
        disks=[disk.name_for_qemu() for disk in disks],
        disk_options=[disk.options() for disk in disks],
        absent_disks={len(setup.other_disks)} if setup.target_comes_after_seconds is not None else set(),
        dimm_room=setup.dimm_mebibytes,
        may_stand_still=setup.stands_still,
        devices=devices,
        requests=requests,
    )


def _devices(setup: Setup) -> tuple[list[str], list[Request]]:
    """What is there from the start, and what QEMU does when the guest asks for it."""
    devices, requests = ["i6300esb"] if setup.has_watchdog else [], []
    if setup.dimm_mebibytes:
        backend = {"qom-type": "memory-backend-ram", "id": "dimm-memory", "size": setup.dimm_mebibytes * MEBIBYTE}
        dimm = {"driver": "pc-dimm", "id": "dimm", "memdev": "dimm-memory"}
        requests.append(Request("guest: wants its DIMM", [("object-add", backend), ("device_add", dimm)]))
    if setup.balloon_mebibytes:
        devices.append("virtio-balloon-pci")
        left_bytes = (mebibytes(setup.memory) + setup.dimm_mebibytes - setup.balloon_mebibytes) * MEBIBYTE
        requests.append(Request("guest: wants its balloon", [("balloon", {"value": left_bytes})]))
    if setup.target_vanishes:
        requests.append(Request("lifeboat: dmesg: ", [("device_del", {"id": setup.target_disk.name})]))
    for disk in (*setup.other_disks, setup.target_disk):
        if disk.hangs:
            nothing = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0) | {"bps": 1}
            requests.append(Request("guest: panics now", [("block_set_io_throttle", {"id": disk.name, **nothing})]))
    if setup.target_comes_after_seconds is not None:
        number = len(setup.other_disks)
        plug = ("device_add", device_arguments(setup.bus, number, setup.target_disk.name))
        requests.append(Request("lifeboat: started", [plug], setup.target_comes_after_seconds))
    if setup.dies in ("nmi", "busy"):
        # Nothing else reaches CPUs that take no interrupts; they need not get to say that they are there.
        requests.append(Request("guest: panics now", [("inject-nmi", {})], after_seconds=NMI_AFTER_SECONDS))
    return devices, requests


def _first_initrd(setup: Setup, programs: Programs, kernel: Kernel, crash_initrd: bytes) -> bytes:
    initrd = Initrd()
    initrd.add_device("dev/console", 5, 1)
    initrd.add_file("init", programs.guest, 0o755)
    balloon = ["virtio_balloon"] if setup.balloon_mebibytes else []
    order = modules.load_order(kernel, BUS_DRIVERS[setup.bus] + _file_system_drivers(kernel) + balloon)
    modules.add(initrd, kernel, order)
    initrd.add_text("etc/guest/modules", _module_list(kernel, order))
    initrd.add_file("crash/vmlinuz", kernel.image)
    initrd.add_bytes("crash/initrd", crash_initrd)
    initrd.add_text("crash/cmdline", _crash_command_line(setup))
    if setup.dies not in (None, "oom", "nmi"):
        initrd.add_file("die.ko", test_modules.fetch(DIE_MODULE, setup.kernel))
    if "lifeboat-load" in setup.first_options:
        initrd.add_file("sbin/lifeboat", programs.lifeboat, 0o755)
        extra = " ".join([f"nr_cpus={setup.cpus}", *_case_words(setup)])
        initrd.add_text("crash/lifeboat.conf", f"command_line = {extra}\n")
    if "kexec-load" in setup.first_options:
        tools = packages.with_libraries("kexec-tools")
        initrd.add_tree("", tools, "*.so*")
        initrd.add_file("sbin/kexec", tools / "sbin/kexec", 0o755)
    return initrd.archive()


def _packed_initrd(setup: Setup, programs: Programs, kernel: Kernel, work: Path) -> bytes:
    config = [f"target = {setup.target}", f"level = {setup.level}", *setup.plan]
    machine = packed.Described(kernel, setup.bus, setup.target_disk, setup.has_watchdog)
    initrd = packed.pack(programs.lifeboat, programs.init, machine, config, work)
    return initrd + _wrapping(setup, programs, kernel) if _is_wrapped(setup) else initrd


def _wrapping(setup: Setup, programs: Programs, kernel: Kernel) -> bytes:
    """The kernel unpacks one archive over the other: the harness's init takes lifeboat's place, and starts it."""
    initrd = Initrd()
    _add_wrapper(initrd, setup, programs, kernel, [])
    return initrd.compressed()


def _crash_initrd(setup: Setup, programs: Programs, kernel: Kernel, _work: Path) -> bytes:
    initrd = Initrd()
    initrd.add_device("dev/console", 5, 1)
    for name in ("proc", "sys", "tmp"):
        initrd.add_folder(name)
    plan_drivers = _or(setup.plan_drivers, BUS_DRIVERS[setup.bus] + _file_system_drivers(kernel))
    planned = modules.load_order(kernel, plan_drivers)
    carried = modules.load_order(kernel, _or(setup.initrd_drivers, plan_drivers))
    for_guest = modules.load_order(kernel, _guest_drivers(setup))
    modules.add(initrd, kernel, carried + [path for path in for_guest if path not in carried])
    initrd.add_bytes("etc/lifeboat/plan", _or(setup.whole_plan, _plan(setup, kernel, planned)))
    if _is_wrapped(setup):
        _add_wrapper(initrd, setup, programs, kernel, for_guest)
    elif programs.init.exists():
        initrd.add_file("init", programs.init, 0o755)
    return initrd.compressed()


def _add_wrapper(initrd: Initrd, setup: Setup, programs: Programs, kernel: Kernel, drivers: list[str]) -> None:
    initrd.add_file("init", programs.guest, 0o755)
    initrd.add_text("etc/guest/modules", _module_list(kernel, drivers))
    initrd.add_file("init.lifeboat", programs.init, 0o755)
    if setup.saboteur == STAND_STILL:
        initrd.add_file("stand_still.ko", test_modules.fetch(STAND_STILL_MODULE, setup.kernel))


def _file_system_drivers(kernel: Kernel) -> list[str]:
    """A driver that is built in is left out later."""
    return [*([CHECKSUM_DRIVER] if modules.is_known(kernel, CHECKSUM_DRIVER) else []), "ext4"]


def _guest_drivers(setup: Setup) -> list[str]:
    """What the wrapper loads before the real init: the raw copy's disk, and what the case wants."""
    return setup.guest_drivers + (BUS_DRIVERS[setup.bus] if setup.raw else [])


def _is_wrapped(setup: Setup) -> bool:
    return setup.raw or bool(setup.guest_options)


def _plan(setup: Setup, kernel: Kernel, planned: list[str]) -> bytes:
    rows = [f"target = {setup.target}"] if setup.target else []
    rows += [f"module = /lib/modules/{kernel.release}/{path}" for path in planned]
    rows += [f"level = {setup.level}", "host = guest", *setup.plan]
    return "".join(f"{row}\n" for row in rows).encode()


def _module_list(kernel: Kernel, paths: list[str]) -> str:
    return "".join(f"/lib/modules/{kernel.release}/{path}\n" for path in paths)


def _crash_command_line(setup: Setup) -> str:
    words = ["console=ttyS0", "reset_devices", f"nr_cpus={setup.cpus}", "panic=5", "novmcoredd"]
    words += ["cgroup_disable=memory", "numa=off", NO_DIMMS, *clock.words(is_emulated()), *_case_words(setup)]
    return " ".join(words)


def _case_words(setup: Setup) -> list[str]:
    """What the case adds to the crash kernel's command line."""
    words = setup.crash_options + [f"guest.{option}" for option in setup.guest_options]
    return [*words, "guest.raw"] if setup.raw else words


def _collect_dump(disk: Disk, folder: Path) -> Path | None:
    """The newest dump folder on the target; the one with the greatest name."""
    place = folder / "target"
    disk.extract(TARGET_PATH, place)
    dumps = sorted(path for path in place.glob("*/*") if path.is_dir())
    return dumps[-1] if dumps else None


def _collect_others(setup: Setup, folder: Path) -> dict[str, Path]:
    found = {}
    for disk in setup.other_disks:
        if disk.folder and not disk.damage:
            found[disk.name] = folder / disk.name
            disk.extract(disk.folder, found[disk.name])
    return found


def _collect_raw(disk: Disk, run: Run, folder: Path) -> Path | None:
    marker = "guest: raw vmcore size="
    sizes = [line.text.partition(marker)[2] for line in run.lines if marker in line.text]
    if not sizes:
        return None
    place = folder / "vmcore.raw"
    disk.path.rename(place)
    with place.open("r+b") as image:
        image.truncate(int(sizes[-1]))
    return place


def _or(chosen, default):
    return default if chosen is None else chosen
