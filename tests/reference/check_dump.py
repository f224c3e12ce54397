#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks a kdump-compressed dump against the raw vmcore it was made from, and with other people's readers.

Exits 0 when all that was asked for holds; else says what differs and exits 1; 2 for wrong use.
Needs: python3-drgn python3-numpy python3-zstandard; python3-lzo for dumps with lzo; crash, makedumpfile for --crash, --makedumpfile.
"""
import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kdumpfile import FormatError, KdumpFile

SHOWN_PAGES = 5
CRASH_SECONDS = 300
SANE_CACHES = ("dentry", "task_struct", "inode_cache")
SANE_TASKS = ("kthreadd",)


class Report:
    """What was found wrong, and what was checked; the first decides the exit code."""

    def __init__(self):
        self.wrong = []

    def fail(self, text):
        self.wrong.append(text)
        print(f"WRONG  {text}", flush=True)

    def good(self, text):
        print(f"ok     {text}", flush=True)

    def expect(self, holds, text, otherwise=""):
        self.good(text) if holds else self.fail(f"not so: {text}{otherwise and '; ' + otherwise}")
        return holds


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dump", required=True, help="the dump to check")
    parser.add_argument("--vmlinux", help="the debug kernel; needed by all but the structural check")
    parser.add_argument("--raw", help="the raw vmcore: compare the set of pages, and the bytes of each")
    parser.add_argument("--level", type=int, help="dump level it should have (default: the one in its header)")
    parser.add_argument("--incomplete", type=int, metavar="PAGES", help="it broke off, and that many pages stand")
    parser.add_argument("--makedumpfile", action="store_true", help="compare with makedumpfile's set (meaningful up to kernel 6.1)")
    parser.add_argument("--task", help="name of the task that caused the panic")
    parser.add_argument("--oops", action="store_true", help="an oops led to the crash kernel, before panic() was called")
    parser.add_argument("--drgn", action="store_true", help="open it in drgn")
    parser.add_argument("--crash", action="store_true", help="open it in crash")
    arguments = parser.parse_args()
    if (arguments.raw or arguments.drgn or arguments.crash) and not arguments.vmlinux:
        parser.error("--raw, --drgn and --crash need --vmlinux")
    if arguments.makedumpfile and not arguments.raw:
        parser.error("--makedumpfile needs --raw")
    return arguments


# The dump's own structure


def check_structure(report, dump, level):
    print("\n".join(dump.describe()))
    for problem in dump.problems():
        report.fail(problem)
    if not dump.problems():
        report.good("structure: header, bitmaps, descriptors and data agree")
    report.expect(dump.dump_level == level, f"the header's dump level is {level}", f"it is {dump.dump_level}")


def check_incomplete(report, dump, pages):
    """It says that it is incomplete; its descriptors end at some point, and up to there all is well."""
    print("\n".join(dump.describe()))
    report.expect(dump.incomplete, "the header says incomplete")
    for problem in dump.problems():
        if not problem.startswith("header says incomplete") and "have no data (page lost)" not in problem:
            report.fail(problem)
    stands = dump.descriptors["offset"] != 0
    count = int(stands.sum())
    report.expect(count == pages, f"{pages} pages stand, as was said", f"it has {count}")
    report.expect(0 < count < len(stands), f"{len(stands) - count} pages were not reached")
    report.expect(stands[:count].all(), "the pages that stand are the first ones")


# Against the raw vmcore


def check_against_raw(report, dump, raw_path, vmlinux_path, level, with_makedumpfile):
    from classify import Classifier

    classifier = Classifier(raw_path, vmlinux_path)
    for note in classifier.notes[:SHOWN_PAGES]:
        print(f"note   {note}")
    check_identity(report, dump, classifier.core)
    compare_sets(report, "present", dump.present, classifier.present, "the raw vmcore", classifier)
    compare_sets(report, "dumped", dump.dumped, classifier.dump_set(level), "the classifier's", classifier)
    if with_makedumpfile:
        compare_with_makedumpfile(report, dump, raw_path, level, classifier)
    compare_bytes(report, dump, classifier, level)


def check_identity(report, dump, core):
    same = dump.vmcoreinfo() == core.vmcoreinfo()
    report.expect(same, f"vmcoreinfo is the raw vmcore's, {len(dump.vmcoreinfo())} lines")
    report.expect(dump.uts["release"] == core.vmcoreinfo().get("OSRELEASE"), f"release in the header is {dump.uts['release']}")
    cpus = sum(kind == 1 for _, kind, _ in core.notes)
    report.expect(dump.cpu_count == cpus, f"{cpus} CPUs in the header", f"it says {dump.cpu_count}")


def compare_sets(report, what, ours, theirs, whose, classifier, known=()):
    """Prints each way in which the sets differ, by class, with the first pages; `known` pages are only mentioned."""
    size = max(len(ours), len(theirs))
    ours, theirs = padded(ours, size), padded(theirs, size)
    differing = ours != theirs
    for pfn in known:
        if pfn < size and differing[pfn]:
            print(f"note   known difference: {classifier.describe(pfn)}")
            differing[pfn] = False
    if not differing.any():
        report.good(f"{what}: the same {int(ours.sum())} pages as {whose}")
        return
    report.fail(f"{what}: {int((differing & ours).sum())} pages that {whose} set has not, {int((differing & theirs).sum())} missing from it")
    for way, pages in (("too many", differing & ours), ("missing", differing & theirs)):
        print_by_class(way, pages, classifier)


def padded(bits, size):
    import numpy

    return numpy.pad(bits, (0, max(0, size - len(bits))))


def print_by_class(way, pages, classifier):
    from classify import Class

    inside = pages[: len(classifier.klass)]
    for klass in Class:
        pfns = (inside & (classifier.klass == klass)).nonzero()[0]
        if len(pfns):
            print(f"       {way}, {klass.name.lower()}: {len(pfns)} pages")
            for pfn in pfns[:SHOWN_PAGES].tolist():
                print(f"         {classifier.describe(pfn)}")
    if pages[len(inside) :].any():
        print(f"       {way}: {int(pages[len(inside):].sum())} pages above the raw vmcore's last")


def compare_bytes(report, dump, classifier, level):
    """Every page of the dump, byte for byte; a piece of data that many descriptors share is expanded once."""
    from classify import LEVEL_ZERO

    core, wrong, expanded = classifier.core, [], {}
    offsets = dump.descriptors["offset"].tolist()
    shared = {}
    for offset in offsets:
        shared[offset] = shared.get(offset, 0) + 1
    for index, pfn in enumerate(dump.dumped_pfns.tolist()):
        offset = offsets[index]
        if offset == 0 and dump.incomplete:
            continue
        try:
            page = expanded.get(offset) or dump.page_by_index(index)
            if shared[offset] > 1:
                expanded[offset] = page
            if pfn >= core.max_pfn or page != core.page(pfn):
                wrong.append((pfn, "other bytes"))
        except Exception as error:  # any decompressor's, and a page that is in no segment
            wrong.append((pfn, str(error)))
    written = sum(offset != 0 for offset in offsets)
    report.expect(not wrong, f"bytes: all {written} pages are the raw vmcore's", f"{len(wrong)} are not")
    if level & LEVEL_ZERO:
        zero = padded(classifier.zero, dump.max_pfn)[dump.dumped_pfns].tolist()
        zero_at = {offset for offset, is_zero in zip(offsets, zero) if is_zero and offset}
        report.expect(len(zero_at) <= 1, "zero pages: all share one piece of data", f"they have {len(zero_at)}")
    for pfn, why in wrong[:SHOWN_PAGES]:
        print(f"         {why}: {classifier.describe(pfn) if pfn < core.max_pfn else hex(pfn)}")


def compare_with_makedumpfile(report, dump, raw_path, level, classifier):
    with tempfile.TemporaryDirectory(prefix="reference-") as folder:
        output = Path(folder) / "makedumpfile.dump"
        try:
            run_makedumpfile(raw_path, level, output)
        except (OSError, subprocess.SubprocessError, RuntimeError) as error:
            report.fail(f"makedumpfile: {error}")
            return
        theirs = KdumpFile(str(output))
        # It drops the page in which a segment ends before the page does: 1.7.2 always, later ones in their cyclic mode.
        known = classifier.core.partial_last_pages()
        compare_sets(report, "present", dump.present, theirs.present, "makedumpfile's", classifier, known)
        compare_sets(report, "dumped", dump.dumped, theirs.dumped, "makedumpfile's", classifier, known)


def run_makedumpfile(raw_path, level, output, program="makedumpfile"):
    command = [program, "-l", "-d", str(level), "--message-level", "4", raw_path, str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")


# In drgn


def check_with_drgn(report, dump_path, vmlinux_path, task_name, is_oops):
    import drgn
    from drgn.helpers.linux.pid import for_each_task
    from drgn.helpers.linux.slab import for_each_slab_cache

    from classify import load_kernel

    prog = drgn.Program()
    try:
        prog.set_core_dump(dump_path)
        load_kernel(prog, vmlinux_path)
        name_of = lambda field: field.string_().decode(errors="replace")
        task = panicking_task(prog)
        panicking = name_of(task.comm)
        frames = stack_of(prog, task)
        crashed = name_of(prog.crashed_thread().object.comm)
        tasks = [name_of(t.comm) for t in for_each_task(prog)]
        caches = [name_of(c.name) for c in for_each_slab_cache(prog)]
    except Exception as error:  # whatever drgn says: a dump that stops it is the finding
        report.fail(f"drgn: {type(error).__name__}: {error}")
        return
    report.good(f"drgn opens it: {len(tasks)} tasks, {len(caches)} slab caches")
    for kind, names, sane in (("task", tasks, SANE_TASKS), ("slab cache", caches, SANE_CACHES)):
        for name in sane:
            report.expect(name in names, f"drgn: there is a {kind} {name}")
    if frames is None:
        print("note   this drgn cannot unwind the kernel's stacks: it is older than the kernel's ORC format")
    elif not is_oops:
        report.expect("panic" in frames, "drgn: the panicking task's stack has panic()", "it has " + ", ".join(frames[:8]))
    report.expect(crashed == panicking, f"drgn: the crashed thread is that of panic_cpu, {panicking}", f"it is {crashed}")
    if task_name is not None:
        report.expect(panicking == task_name, f"drgn: the panicking task is {task_name}", f"it is {panicking}")
        report.expect(task_name in tasks, f"drgn: {task_name} is among the tasks")


def panicking_task(prog):
    """The task that ran on the CPU that took the panic."""
    from drgn.helpers.linux.percpu import per_cpu

    cpu = prog["panic_cpu"].counter.value_()
    if cpu < 0:
        raise ValueError(f"panic_cpu is {cpu}: no CPU has panicked")
    return per_cpu(prog["runqueues"], cpu).curr


def stack_of(prog, task):
    """The names of the frames; None when this drgn does not know the kernel's ORC entries (0.0.22 and 6.4 or later)."""
    try:
        return [frame.name or "?" for frame in prog.stack_trace(task)]
    except Exception as error:
        if "unknown ORC entry type" in str(error):
            return None
        raise


# In crash


CRASH_COMMANDS = {"sys": "sys", "bt": "bt", "kmem": "kmem -i", "log": "log"}
CRASH_TROUBLE = ("invalid", "seek error", "read error", "page excluded", "page incomplete", "cannot")


def crash_for(release):
    """The command of one that knows this kernel: Debian 12's up to 6.3, 13's up to 7.0, and after that the newest there is,
    which does not know the modules of 7.3."""
    version = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", release).groups())
    if version < (6, 4):
        return ["crash"]
    newer = [Path(__file__).with_name("newer-crash"), "trixie" if version < (7, 1) else "sid"]
    # Bringing it into the cache does not count as crash's time.
    subprocess.run([*newer, "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return newer if version < (7, 1) else [*newer, "--no_modules"]


def check_with_crash(report, release, dump_path, vmlinux_path, task_name, is_oops):
    with tempfile.TemporaryDirectory(prefix="reference-") as folder:
        # A file for each command: crash's own output and its commands' come in no fixed order through a pipe.
        script = "".join(f"{command} > {folder}/{name}\n" for name, command in CRASH_COMMANDS.items()) + "quit\n"
        try:
            command = [*crash_for(release), "-s", "--no_scroll", vmlinux_path, dump_path]
            done = subprocess.run(
                command, input=script, capture_output=True, text=True, errors="replace", timeout=CRASH_SECONDS
            )
        except (OSError, subprocess.SubprocessError) as error:
            report.fail(f"crash: {error}")
            return
        said = (done.stdout + done.stderr).strip()
        outputs = {name: Path(folder) / name for name in CRASH_COMMANDS}
        text = {name: file.read_text(errors="replace") if file.exists() else "" for name, file in outputs.items()}
    if not report.expect(done.returncode == 0 and text["sys"], "crash opens it", f"exit code {done.returncode}: {said[-600:]}"):
        return
    report.expect("PANIC:" in text["sys"], "crash sys: shows the panic")
    report.expect(text["bt"].startswith("PID:") and "#0 " in text["bt"], "crash bt: shows a stack", text["bt"][:200])
    report.expect("TOTAL MEM" in text["kmem"], "crash kmem -i: shows memory", text["kmem"][:200])
    reasons = ("Oops: ", "kernel BUG at ") if is_oops else ("Kernel panic",)
    report.expect(any(reason in text["log"] for reason in reasons), "crash log: has the reason")
    if task_name is not None:
        report.expect(f'COMMAND: "{task_name}"' in text["bt"], f"crash bt: of {task_name}", text["bt"][:100])
    for line in "\n".join((said, text["sys"], text["bt"], text["kmem"])).splitlines():
        if line.split(":")[0] in (*CRASH_COMMANDS, "crash") and any(trouble in line for trouble in CRASH_TROUBLE):
            report.fail(f"crash said: {line}")


def check_incomplete_with_crash(report, release, dump_path, vmlinux_path):
    """Crash wants to be told that it may go on without the pages that are missing. Then it reads what it finds, here the
    kernel's banner; a whole session (without --minimal) it opens when the break is behind the last page tables."""
    command = [*crash_for(release), "-s", "--minimal", "--zero_excluded", "--no_scroll", vmlinux_path, dump_path]
    try:
        done = subprocess.run(
            command, input="rd -a linux_banner\nquit\n", capture_output=True, text=True, errors="replace", timeout=CRASH_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        report.fail(f"crash: {error}")
        return
    said = done.stdout + done.stderr
    report.expect("This dumpfile is incomplete" in said, "crash says that it is incomplete", said[-600:])
    report.expect(f"Linux version {release}" in said, "crash reads the kernel's banner", said[-600:])


def main():
    arguments = parse_arguments()
    report, started = Report(), time.monotonic()
    try:
        dump = KdumpFile(arguments.dump)
    except (FormatError, OSError) as error:
        sys.exit(f"WRONG  {error}")
    level = dump.dump_level if arguments.level is None else arguments.level
    if arguments.incomplete is None:
        check_structure(report, dump, level)
    else:
        check_incomplete(report, dump, arguments.incomplete)
    if arguments.raw:
        check_against_raw(report, dump, arguments.raw, arguments.vmlinux, level, arguments.makedumpfile)
    if arguments.drgn:
        check_with_drgn(report, arguments.dump, arguments.vmlinux, arguments.task, arguments.oops)
    if arguments.crash and arguments.incomplete is not None:
        check_incomplete_with_crash(report, dump.uts["release"], arguments.dump, arguments.vmlinux)
    elif arguments.crash:
        check_with_crash(report, dump.uts["release"], arguments.dump, arguments.vmlinux, arguments.task, arguments.oops)
    seconds = f"{time.monotonic() - started:.1f} s"
    print(f"FAILED: {len(report.wrong)} checks ({seconds})" if report.wrong else f"PASSED ({seconds})")
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
