# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmarks share: a program's run measured, programs in turn, the machine described, the table of results."""

import csv
import datetime
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
RESULTS = pathlib.Path(__file__).resolve().parent / "results.csv"


class Run:
    """One run of a program: seconds of wall clock, user and system time, largest resident set, what it printed."""

    def __init__(self, command, real_time=False):
        with open("/dev/null", "rb") as nothing:
            start = time.perf_counter()
            process = subprocess.Popen([str(word) for word in command], stdin=nothing, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, preexec_fn=_become_real_time if real_time else None)
            self.output = process.stdout.read().decode(errors="replace")
            _, status, usage = os.wait4(process.pid, 0)
            self.wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: exit {process.returncode}: {self.output[-2000:]}")
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.max_rss_mib = usage.ru_maxrss / 1024
        self.read_blocks = usage.ru_inblock

    def value(self, name):
        """Of what the program printed as NAME=VALUE."""
        return float(re.search(rf"\b{name}=(\S+)", self.output)[1])


def _become_real_time():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


class Contestant:
    """A program that is run again and again, in turn with others. One whose threads spin must not be real-time: it would have the
    machine for itself."""

    real_time = False  # all those that do not spin

    def __init__(self, name, command, threads=1, output=None, spins=False):
        self.name = name
        self.command = command
        self.threads = threads
        self.output = output  # the file that it writes
        self.spins = spins
        self.runs = []

    def run(self):
        if self.output is not None:
            self.output.unlink(missing_ok=True)
        run = Run(self.command, Contestant.real_time and not self.spins)
        run.bytes = self.output.stat().st_size if self.output is not None else 0
        if self.output is not None:
            self.output.unlink()
        return run

    def is_hopeless_beside(self, other):
        """makedumpfile's threads spin: on a busy machine they take minutes where it takes a second without them."""
        return self.name == other.name and self.runs[0].wall_s > 3 * other.runs[0].wall_s

    def median(self, what):
        return statistics.median(what(run) for run in self.runs)


def run_in_turn(contestants, rounds, show=lambda text: None):
    """A B C, A B C, ...: so that what else the machine does meets all of them alike. One round before is not counted. One that
    is hopeless, several times slower than another with the same output, is counted once only."""
    for number in range(rounds + 1):
        for contestant in contestants:
            if number > 1 and any(contestant.is_hopeless_beside(other) for other in contestants):
                continue
            run = contestant.run()
            show(f"round {number}: {contestant.name}, {contestant.threads} threads: {run.wall_s:.3f} s")
            if number > 0:
                contestant.runs.append(run)


def show_progress(text):
    """On a terminal only, in place of what it showed before."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def show(rows, columns):
    """A table for people."""
    lines = [columns] + [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def build_release(*targets):
    for command in (["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release", "--target", *targets]):
        done = subprocess.run(command, cwd=TREE, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def find_makedumpfile(path):
    """The one that was asked for, or else one with zstd."""
    if path is not None:
        return path
    found = subprocess.run([TREE / "tests/bench/makedumpfile-zstd"], stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        sys.exit("no makedumpfile: name one with --makedumpfile")
    return found.stdout.strip()


def describe_versions(makedumpfile):
    said = subprocess.run([makedumpfile, "-v"], capture_output=True, text=True)
    words = (said.stdout + said.stderr).split()
    return f"lifeboat {revision()}, makedumpfile {words[words.index('version') + 1]}"


def set_priority(nice):
    """Of this process and those it starts. Where the scheduler groups processes by session, the group has the say: so this
    starts again in a session of its own."""
    if nice == 0:
        return
    if os.getsid(0) != os.getpid():
        os.execvp("setsid", ["setsid", "--wait", sys.executable, "-B", *sys.argv])
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    group = pathlib.Path("/proc/self/autogroup")
    if group.exists():
        group.write_text(str(nice))


def warm(path):
    """Reads the file once, so that it lies in the page cache; returns whether it fits there."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def own_resident_mib(contestant, mapped_path):
    """The largest resident set of a run, less what of it is the mapped file: looked at every millisecond, by mapping. And what the
    program printed."""
    mapped = os.stat(mapped_path).st_ino
    largest = 0
    with open("/dev/null", "rb") as nothing, tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(word) for word in contestant.command], stdin=nothing, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            try:
                largest = max(largest, _resident_kib(process.pid, mapped))
            except (FileNotFoundError, ProcessLookupError):
                pass
            time.sleep(0.001)
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if process.returncode != 0:
        raise RuntimeError(f"{contestant.name}: exit {process.returncode}: {printed[-2000:]}")
    if contestant.output is not None:
        contestant.output.unlink()
    return largest / 1024, printed


def _resident_kib(pid, without_inode):
    total = 0
    counted = False
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            if line[0] in "0123456789abcdef":
                words = line.split(None, 5)
                counted = int(words[4]) != without_inode
            elif counted and line.startswith("Rss:"):
                total += int(line.split()[1])
    return total


def describe_machine():
    """In one line: processor, CPUs, memory, kernel."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / (1 << 20)
    return (f"{model[1] if model else platform.machine()}, {os.cpu_count()} CPUs, {memory:.0f} GiB, "
            f"Linux {platform.release().split('-')[0]}")


def revision():
    """Of the tree: its commit, and a mark where files differ from it."""
    commit = subprocess.run(["git", "-C", TREE, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run(["git", "-C", TREE, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!tests/bench/results.csv"],
                             capture_output=True, text=True)
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")


class Results:
    """tests/bench/results.csv: rows of any benchmark; a new run of one takes the place of its rows before."""

    COLUMNS = ["benchmark", "input", "level", "program", "threads", "wall_s", "wall_min_s", "cpu_s", "pages_per_s", "dump_mb",
               "resident_mib", "max_rss_mib", "to_limit", "to_makedumpfile", "runs", "date", "versions", "machine"]

    def __init__(self, path=RESULTS):
        self.path = path
        self.rows = []
        if path.exists():
            with open(path, newline="") as file:
                self.rows = list(csv.DictReader(file))

    def replace(self, rows):
        """Takes the place of the rows of the same benchmark, input and level."""
        def key(row):
            return tuple(str(row.get(name, "")) for name in ("benchmark", "input", "level"))
        new = {key(row) for row in rows}
        self.rows = sorted([row for row in self.rows if key(row) not in new] + rows, key=key)

    def write(self):
        with open(self.path, "w", newline="") as file:
            writer = csv.DictWriter(file, self.COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)


def today():
    return datetime.date.today().isoformat()
