# SPDX-License-Identifier: GPL-2.0-or-later
"""What a dump's folder says about itself, read without any of the programs under test."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KERNEL_LOG = "vmcore-dmesg.txt"
LOG = "lifeboat.log"
COMPLETE = "vmcore"
INCOMPLETE = "vmcore.incomplete"

SIGNATURE = b"KDUMP   "
STATUS_INCOMPLETE = 0x8
BLOCK_BYTES = 4096
# disk_dump_header: signature, version, struct new_utsname, padding, struct timeval, status
STATUS_OFFSET = 8 + 4 + 6 * 65 + 6 + 16


@dataclass(frozen=True)
class Header:
    """The fields of a kdump-compressed file's first two blocks that the cases ask for."""

    is_complete: bool
    level: int


def read_header(path: Path) -> Header | None:
    """None when it is no kdump-compressed file."""
    with path.open("rb") as dump:
        blocks = dump.read(2 * BLOCK_BYTES)
    if len(blocks) < 2 * BLOCK_BYTES or not blocks.startswith(SIGNATURE):
        return None
    (status,) = struct.unpack_from("<i", blocks, STATUS_OFFSET)
    # kdump_sub_header: phys_base, dump_level
    _, level = struct.unpack_from("<Qi", blocks, BLOCK_BYTES)
    return Header(not status & STATUS_INCOMPLETE, level)


def listing(folder: Path) -> list[str]:
    """Its files, with mode and size."""
    rows = []
    for path in sorted(folder.iterdir()):
        facts = path.stat()
        rows.append(f"{facts.st_mode & 0o7777:04o} {facts.st_size:>12,} {path.name}")
    return rows


def differences(folder: Path, summary: dict[str, str]) -> Iterator[str]:
    """Between a folder with a complete dump and the closing line's fields; a line that never came says nothing."""
    if not summary:
        return
    if (told := Path(summary.get("folder", "")).name) != folder.name:
        yield f"the summary says that the dump is in '{told}', and it is in '{folder.name}'"
    complete = folder / COMPLETE
    size = complete.stat().st_size if complete.exists() else 0
    if summary.get("bytes") != str(size):
        yield f"the summary says bytes={summary.get('bytes')}, and '{COMPLETE}' of '{folder.name}' has {size}"
