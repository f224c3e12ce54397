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
        if self.magic:
            self._mark()

    def name_for_qemu(self) -> str:
        """The image, behind rules that make writes fail where the disk is to be bad."""
        if not self.bad_mebibytes:
            return str(self.path)
        rules = self.path.with_suffix(".blkdebug")
        bad = range(self.bad_mebibytes.start * MEBIBYTE, self.bad_mebibytes.stop * MEBIBYTE, BAD_SECTOR_EVERY_BYTES)
        rule = '[inject-error]\nevent = "write_aio"\nerrno = "5"\nsector = "{}"\n'
        rules.write_text("".join(rule.format(at // SECTOR_BYTES) for at in bad))
        return f"blkdebug:{rules}:{self.path}"

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

    def _make_older_dumps(self, tree: Path) -> None:
        for name, mebibytes in self.older_dumps.items():
            place = tree / self.folder.lstrip("/") / name
            place.mkdir(parents=True)
            (place / "vmcore").write_bytes(os.urandom(mebibytes * MEBIBYTE))

    def _mark(self) -> None:
        with self.path.open("r+b") as image:
            image.seek(self.size_bytes - SECTOR_BYTES)
            image.write(self.magic.encode())


def extract(device: str, inside: str, target: Path) -> None:
    """Copies a folder out of an ext4 into `target`, whose old content goes; the journal is replayed first where it has to be."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    subprocess.run(["e2fsck", "-fy", device], capture_output=True, check=False)
    subprocess.run(["debugfs", "-R", f'rdump "{inside}" "{target}"', device], capture_output=True, check=True)
