# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk images: sparse files with ext4, bare or in a GPT's one partition, read back without mounting."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

MEBIBYTE = 1 << 20
SECTOR_BYTES = 512
# A bad area has a bad sector at least this often: no larger write passes through.
BAD_SECTOR_EVERY_BYTES = 64 << 10


@dataclass
class Disk:
    """What an image is to hold. `magic` marks a disk for the guest, in its last sector."""

    name: str
    size_bytes: int
    uuid: str | None = None
    label: str | None = None
    partition_uuid: str | None = None
    partition_label: str | None = None
    magic: str | None = None
    folder: str | None = None
    older_dumps: dict[str, int] = field(default_factory=dict)  # in `folder`: names, and how large in MiB
    bad_mebibytes: range = range(0)  # writes there fail
    unreadable_mebibytes: range = range(0)  # reads there fail
    limits: dict[str, int] = field(default_factory=dict)  # QEMU's, such as "iops-total" and "bps-total"
    is_read_only: bool = False
    hangs: bool = False  # from the panic on: no request is answered any more
    is_full: bool = False  # not one block is free
    has_inodes: bool = True
    damage: range = range(0)  # bytes of the image that are zeroed at last
    path: Path = field(default=Path(), init=False)

    @property
    def is_partitioned(self) -> bool:
        return self.partition_uuid is not None or self.partition_label is not None

    def make(self, folder: Path) -> None:
        """Makes the image in a folder."""
        self.path = folder / f"{self.name}.img"
        with self.path.open("wb") as image:
            image.truncate(self.size_bytes)
        if self.is_partitioned:
            self._make_table()
        if self.uuid or self.label:
            self._make_file_system()
            self._fill()
        if self.damage:
            with self.path.open("r+b") as image:
                image.seek(self.damage.start)
                image.write(bytes(len(self.damage)))
        if self.magic:
            self._mark()

    def name_for_qemu(self) -> str:
        """The image, behind rules that make reads and writes fail where the disk is to be bad."""
        if not self.bad_mebibytes and not self.unreadable_mebibytes:
            return str(self.path)
        rules = self.path.with_suffix(".blkdebug")
        rules.write_text(_rules("write_aio", self.bad_mebibytes) + _rules("read_aio", self.unreadable_mebibytes))
        return f"blkdebug:{rules}:{self.path}"

    def options(self) -> str:
        """What QEMU is told of it beside the image."""
        options = [f"throttling.{name}={limit}" for name, limit in self.limits.items()]
        options += ["readonly=on"] if self.is_read_only else []
        return "".join(f",{option}" for option in options)

    def extract(self, inside: str, target: Path) -> None:
        """As extract() below, of this disk's file system."""
        extract(self._device(), inside, target)

    def is_unmounted(self) -> bool:
        """Whether the journal has nothing to replay."""
        command = ["debugfs", "-R", "show_super_stats -h", self._device()]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        return "needs_recovery" not in answer.stdout

    def _device(self) -> str:
        offset_bytes = MEBIBYTE if self.is_partitioned else 0
        return f"{self.path}?offset={offset_bytes}" if offset_bytes else str(self.path)

    def _make_table(self) -> None:
        size_sectors = self._file_system_bytes() // SECTOR_BYTES
        fields = [f"start={MEBIBYTE // SECTOR_BYTES}", f"size={size_sectors}"]
        if self.partition_uuid:
            fields.append(f"uuid={self.partition_uuid}")
        if self.partition_label:
            fields.append(f'name="{self.partition_label}"')
        table = "label: gpt\n" + ", ".join(fields) + "\n"
        subprocess.run(["sfdisk", "--quiet", self.path], input=table, text=True, check=True)

    def _file_system_bytes(self) -> int:
        return self.size_bytes - 2 * MEBIBYTE if self.is_partitioned else self.size_bytes - MEBIBYTE

    def _make_file_system(self) -> None:
        command = ["mkfs.ext4", "-q", "-F", "-m", "0"]
        # Tables are made now, so that the guest has no background work of its own.
        options = ["lazy_itable_init=0", "lazy_journal_init=0"]
        if self.is_partitioned:
            options.append(f"offset={MEBIBYTE}")
        command += ["-E", ",".join(options)]
        if not self.has_inodes:
            command += ["-N", "16"]
        if self.uuid:
            command += ["-U", self.uuid]
        if self.label:
            command += ["-L", self.label]
        with tempfile.TemporaryDirectory(dir=self.path.parent) as tree:
            if self.older_dumps:
                self._make_older_dumps(Path(tree))
                command += ["-d", tree]
            subprocess.run([*command, self.path, f"{self._file_system_bytes() // 1024}k"], check=True)
        if self.folder and not self.older_dumps:
            request = f'mkdir "{self.folder}"'
            command = ["debugfs", "-w", "-R", request, self._device()]
            subprocess.run(command, capture_output=True, check=True)

    def _fill(self) -> None:
        """To the last block, or inode."""
        if self.is_full:
            for blocks in (1024, 64, 1):
                self._write_until_refused(blocks * 4096)
        elif not self.has_inodes:
            self._write_until_refused(0)

    def _write_until_refused(self, file_bytes: int) -> None:
        with tempfile.NamedTemporaryFile(dir=self.path.parent) as filler:
            filler.write(os.urandom(file_bytes))
            filler.flush()
            for number in range(4096):
                request = f"write {filler.name} filler-{file_bytes}-{number}"
                command = ["debugfs", "-w", "-R", request, self._device()]
                answer = subprocess.run(command, capture_output=True, text=True, check=True)
                if "llocat" in answer.stderr or "o free space" in answer.stderr:
                    break
        # What the refused one left half done.
        subprocess.run(["e2fsck", "-fy", self._device()], capture_output=True, check=False)

    def _make_older_dumps(self, tree: Path) -> None:
        for name, mebibytes in self.older_dumps.items():
            place = tree / self.folder.lstrip("/") / name
            place.mkdir(parents=True)
            (place / "vmcore").write_bytes(os.urandom(mebibytes * MEBIBYTE))

    def _mark(self) -> None:
        with self.path.open("r+b") as image:
            image.seek(self.size_bytes - SECTOR_BYTES)
            image.write(self.magic.encode())


def _rules(event: str, mebibytes: range) -> str:
    bad = range(mebibytes.start * MEBIBYTE, mebibytes.stop * MEBIBYTE, BAD_SECTOR_EVERY_BYTES)
    rule = f'[inject-error]\nevent = "{event}"\nerrno = "5"\nsector = "{{}}"\n'
    return "".join(rule.format(at // SECTOR_BYTES) for at in bad)


def extract(device: str, inside: str, target: Path) -> None:
    """Copies a folder out of an ext4 into `target`, whose old content goes; the journal is replayed first where it has to be."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    subprocess.run(["e2fsck", "-fy", device], capture_output=True, check=False)
    subprocess.run(["debugfs", "-R", f'rdump "{inside}" "{target}"', device], capture_output=True, check=True)
