# SPDX-License-Identifier: GPL-2.0-or-later
"""The second half of qemu/panic: one crash as asked for on the command line, and what came ashore."""

import argparse
import sys
import time
from pathlib import Path

from .crash import Programs, Setup, crash
from .kernels import LINES
from .machine import LostMachine
from .packages import PackageError
from .show import show

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build/release/bin"
EXIT_LOST = 75


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="qemu/panic", description="Boots a Debian kernel in QEMU, lets it panic, and saves its dump."
    )
    lines = sorted(LINES)
    parser.add_argument("--kernel", choices=lines, default="6.1", help="default: %(default)s")
    parser.add_argument("--memory", default="2G", help="the machine's memory; default: %(default)s")
    parser.add_argument("--cpus", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--crashkernel", default="128M", help="default: %(default)s")
    parser.add_argument("--level", type=int, choices=range(32), default=31, metavar="0..31")
    parser.add_argument("--raw", action="store_true", help="keep the raw vmcore too")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="folder for it all; default: build/panic-TIME")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    if arguments.check:
        return 0
    folder = arguments.out or ROOT / "build" / f"panic-{time.strftime('%Y%m%dT%H%M%S')}"
    setup = Setup(
        kernel=arguments.kernel,
        memory=arguments.memory,
        cpus=arguments.cpus,
        crashkernel=arguments.crashkernel,
        level=arguments.level,
        raw=arguments.raw,
    )
    try:
        outcome = crash(setup, Programs(RELEASE / "init", RELEASE / "guest", RELEASE / "lifeboat"), folder.resolve())
    except LostMachine as reason:
        print(f"machine lost: {reason}", file=sys.stderr)
        return EXIT_LOST
    except PackageError as reason:
        print(reason.details, f"qemu/panic: {reason}", sep="\n", file=sys.stderr)
        return 1
    show(outcome)
    return 0 if outcome.summary().get("result") == "saved" else 1


if __name__ == "__main__":
    sys.exit(main())
