# SPDX-License-Identifier: GPL-2.0-or-later
"""The compiler that Debian builds a release's kernels with, on a machine of another release: in a chroot. Needs root.

The tree is in the cache and is not written to; what a command works on is mounted there, in a mount namespace of its own.
"""

import hashlib
import subprocess
from pathlib import Path

from debian_packages import install

from .packages import Archive

# Where a command finds its folder.
WORK = Path("/tmp")

# What kbuild calls. base-files brings the links of the merged /usr.
PACKAGES = [
    *("base-files", "binutils", "make", "libelf1t64", "libc-bin", "perl-base", "dash", "bash"),
    *("coreutils", "findutils", "diffutils", "grep", "sed", "mawk"),
]
# What maintainer scripts would have made.
ALTERNATIVES = {"awk": "mawk"}

ENTER = """set -eu
tree=$1 work=$2
shift 2
mount --bind /dev "$tree/dev"
mount --bind /proc "$tree/proc"
mount --bind "$work" "$tree$MOUNTED_AT"
exec chroot "$tree" "$@"
"""


def run(archive: Archive, compiler: str, folder: Path, command: list[str]) -> None:
    """Runs the command where the compiler ("gcc-14") is; the folder is WORK there."""
    names = [*PACKAGES, compiler]
    digest = hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]
    tree = install.tree(f"compiler-{digest}", archive.release, names)
    for name, target in ALTERNATIVES.items():
        if not (link := tree / "usr/bin" / name).exists():
            link.symlink_to(target)
    enter = ["unshare", "--mount", "sh", "-c", ENTER.replace("$MOUNTED_AT", str(WORK)), "enter", tree, folder]
    environment = {"PATH": "/usr/bin:/usr/sbin", "LC_ALL": "C"}
    subprocess.run([*enter, *command], env=environment, check=True, stdout=subprocess.DEVNULL)
