# SPDX-License-Identifier: GPL-2.0-or-later
"""Initial RAM disks: a newc archive made in memory, the same bytes for the same content."""

import stat
import subprocess
from pathlib import Path

MAGIC = b"070701"


class Initrd:
    """Collects files by their path in the archive; folders above them come by themselves.

    initrd = Initrd()
    initrd.add_file("init", Path("build/release/bin/init"), mode=0o755)
    initrd.add_text("etc/lifeboat/plan", "level = 31\\n")
    initrd.add_device("dev/console", 5, 1)
    archive = initrd.compressed()
    """

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, bytes, tuple[int, int]]] = {}

    def add_file(self, path: str, source: Path, mode: int = 0o644) -> None:
        self.add_bytes(path, source.read_bytes(), mode)

    def add_text(self, path: str, text: str) -> None:
        self.add_bytes(path, text.encode())

    def add_bytes(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self._add(path, stat.S_IFREG | mode, content)

    def add_device(self, path: str, major: int, minor: int) -> None:
        """A character device."""
        self._add(path, stat.S_IFCHR | 0o600, device=(major, minor))

    def add_folder(self, path: str) -> None:
        self._add(path, stat.S_IFDIR | 0o755)

    def add_symlink(self, path: str, target: str) -> None:
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def add_tree(self, path: str, source: Path, pattern: str = "*") -> None:
        """The files below a folder of this machine, those whose names match."""
        for place in sorted(source.rglob(pattern)):
            inside = str(Path(path) / place.relative_to(source))
            if place.is_symlink():
                self.add_symlink(inside, str(place.readlink()))
            elif place.is_file():
                mode = 0o755 if place.stat().st_mode & 0o100 else 0o644
                self.add_file(inside, place, mode)

    def archive(self) -> bytes:
        """The newc archive; folders stand before what is in them."""
        records = [
            _record(number, path, *self._entries[path])
            for number, path in enumerate(sorted(self._entries), start=1)
        ]
        return b"".join(records) + _record(0, "TRAILER!!!", 0, b"", (0, 0))

    def compressed(self) -> bytes:
        """Packed as the host command packs it: zstd -19, a window that a crash kernel can afford.

        The kernel has the window in memory while it unpacks, when it has least: 128 KiB instead of 2 MiB cost
        19 KB of 656, and let 6.12 capture in 4 MiB less.
        """
        command = ["zstd", "-19", "--zstd=wlog=17", "--quiet", "--stdout", "--no-check"]
        return subprocess.run(command, input=self.archive(), check=True, capture_output=True).stdout

    def _add(self, path: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        for parent in Path(path).parents:
            if str(parent) != ".":
                self._entries.setdefault(str(parent), (stat.S_IFDIR | 0o755, b"", (0, 0)))
        self._entries[path] = (mode, content, device)


def _record(number: int, path: str, mode: int, content: bytes, device: tuple[int, int]) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    fields = (number, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(name), 0)
    header = MAGIC + b"".join(b"%08x" % field for field in fields)
    return _padded(header + name) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
