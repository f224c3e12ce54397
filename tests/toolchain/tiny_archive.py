# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive of Debian's form with a handful of tiny packages, behind a real HTTP server that can be told to fail."""

import hashlib
import http.server
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

SUITE_FIELDS = """Origin: Debian
Suite: {suite}
Codename: {suite}
Date: {date}
Valid-Until: {until}
Components: main
Architectures: amd64
"""
A_WEEK_SECONDS = 7 * 24 * 3600
Fault = Callable[[bytes], tuple[int, bytes, int]]


def lacking(_content: bytes) -> tuple[int, bytes, int]:
    """Status, content, and the length that is said to come."""
    return 404, b"", 0


def cut(content: bytes) -> tuple[int, bytes, int]:
    """The archive itself has less of the file."""
    return 200, content[: len(content) // 2], len(content) // 2


def broken_off(content: bytes) -> tuple[int, bytes, int]:
    return 200, content[: len(content) // 2], len(content)


class TinyArchive:
    """`asked` are the paths that were asked for, in their order."""

    def __init__(self, folder: Path, suite: str) -> None:
        self.asked: list[str] = []
        self._folder = folder
        self._suite = suite
        self._packages: list[str] = []
        self._sources: list[str] = []
        self._faults: dict[str, tuple[Fault, int]] = {}
        self._server: http.server.ThreadingHTTPServer | None = None

    def add_source(self, name: str, version: str) -> None:
        folder = self._folder / "pool"
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"{name}_{version}.dsc", folder / f"{name}_{version}.tar.xz"]
        for path in files:
            path.write_text(f"{path.name}\n" * 100)
        sums = {"Files": "md5", "Checksums-Sha256": "sha256"}
        rows = [f"Package: {name}", "Binary: x", f"Version: {version}", "Format: 3.0 (native)"]
        rows += ["Architecture: any", "Directory: pool"]
        for field, kind in sums.items():
            rows.append(f"{field}:")
            rows += [f" {_digest(path, kind)} {path.stat().st_size} {path.name}" for path in files]
        self._sources.append("\n".join(rows) + "\n")

    def add_package(self, name: str, version: str, depends: str = "", files: tuple[str, ...] = ()) -> None:
        folder = self._folder / "pool"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}_{version}_amd64.deb"
        control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody <nobody@localhost>\n"
        control += f"Depends: {depends}\n" if depends else ""
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch)
            tree.chmod(0o755)
            (tree / "DEBIAN").mkdir()
            (tree / "DEBIAN/control").write_text(control + "Description: tried\n")
            for inside in (f"usr/share/tried/{name}", *files):
                (tree / inside).parent.mkdir(parents=True, exist_ok=True)
                (tree / inside).write_text(f"{version}\n")
            subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, path], check=True, stdout=subprocess.DEVNULL)
        row = f"Filename: pool/{path.name}\nSize: {path.stat().st_size}\nSHA256: {_digest(path, 'sha256')}\n"
        self._packages.append(control + row + "Description: tried\n")

    def publish(self, good_for_seconds: int = A_WEEK_SECONDS) -> None:
        """Its lists say what was added."""
        suite = self._folder / "dists" / self._suite
        rows = []
        for inside, stanzas in (("binary-amd64/Packages", self._packages), ("source/Sources", self._sources)):
            path = suite / "main" / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(stanzas))
            rows.append(f" {_digest(path, 'sha256')} {path.stat().st_size} main/{inside}\n")
        until = time.time() + good_for_seconds
        dates = {"date": formatdate(until - A_WEEK_SECONDS, usegmt=True), "until": formatdate(until, usegmt=True)}
        fields = SUITE_FIELDS.format(suite=self._suite, **dates)
        (suite / "Release").write_text(fields + "SHA256:\n" + "".join(rows))

    def fails(self, path_end: str, fault: Fault, times: int = 1 << 30) -> None:
        """What ends that way fails from now on, so often."""
        self._faults[path_end] = (fault, times)

    def heals(self) -> None:
        self._faults.clear()

    def serve(self) -> str:
        """Its address, at which it answers until it is gone."""
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}/"

    def is_gone(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, path: str) -> tuple[int, bytes, int]:
        self.asked.append(path)
        file = self._folder / path.lstrip("/")
        if not file.is_file():
            return lacking(b"")
        content = file.read_bytes()
        for end, (fault, times) in self._faults.items():
            if path.endswith(end) and times > 0:
                self._faults[end] = (fault, times - 1)
                return fault(content)
        return 200, content, len(content)


def _handler_for(archive: TinyArchive) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content, length = archive.answer(http.server.urllib.parse.unquote(self.path))
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


def _digest(path: Path, kind: str) -> str:
    return hashlib.new(kind, path.read_bytes()).hexdigest()
