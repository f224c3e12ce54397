# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel modules for an initrd: what a driver depends on, in load order, decompressed.

The files stay as Debian signed them: their debug information is stripped already, and stripping once more
would cost the signature, without which a locked-down kernel does not load them.
"""

import lzma
import subprocess
import tempfile
from pathlib import Path

from .initrd import Initrd
from .kernels import Kernel


def load_order(kernel: Kernel, drivers: list[str]) -> list[str]:
    """Paths below lib/modules/<release>, without a compressor's suffix, each after what it needs.

    A driver that is built into this kernel is left out.
    """
    dependencies = _dependencies(kernel)
    order: list[str] = []
    for driver in drivers:
        if path := _find(dependencies, driver):
            _visit(path, dependencies, order)
        elif not _is_builtin(kernel, driver):
            raise ValueError(f"kernel {kernel.release} has no module '{driver}'")
    return order


def is_known(kernel: Kernel, driver: str) -> bool:
    """Whether this kernel has the driver, as a module or built in."""
    return _find(_dependencies(kernel), driver) is not None or _is_builtin(kernel, driver)


def add(initrd: Initrd, kernel: Kernel, paths: list[str]) -> None:
    """The modules, and depmod's files for just these."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        folder = root / "lib/modules" / kernel.release
        for path in paths:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_content(kernel, path))
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            (folder / name).write_bytes((kernel.modules / name).read_bytes())
        subprocess.run(["depmod", "-b", root, kernel.release], check=True)
        _drop_unread(folder)
        initrd.add_tree(f"lib/modules/{kernel.release}", folder)


def _drop_unread(folder: Path) -> None:
    """libkmod reads the indexes (*.bin); of builtins it needs the names alone."""
    for path in folder.glob("modules.*"):
        if path.suffix != ".bin" or path.name == "modules.builtin.alias.bin":
            path.unlink()


def _dependencies(kernel: Kernel) -> dict[str, list[str]]:
    rows = (kernel.modules / "modules.dep").read_text().splitlines()
    pairs = (row.split(":", 1) for row in rows)
    return {_plain(path): [_plain(need) for need in needs.split()] for path, needs in pairs}


def _visit(path: str, dependencies: dict[str, list[str]], order: list[str]) -> None:
    for need in dependencies[path]:
        _visit(need, dependencies, order)
    if path not in order:
        order.append(path)


def _find(dependencies: dict[str, list[str]], driver: str) -> str | None:
    return next((path for path in dependencies if _name(path) == driver), None)


def _is_builtin(kernel: Kernel, driver: str) -> bool:
    rows = (kernel.modules / "modules.builtin").read_text().splitlines()
    return any(_name(row) == driver for row in rows)


def _name(path: str) -> str:
    return Path(path).name.removesuffix(".ko").replace("-", "_")


def _plain(path: str) -> str:
    return path.removesuffix(".xz")


def _content(kernel: Kernel, path: str) -> bytes:
    for suffix, unpack in (("", bytes), (".xz", lzma.decompress)):
        place = kernel.modules / f"{path}{suffix}"
        if place.exists():
            return unpack(place.read_bytes())
    raise FileNotFoundError(f"{kernel.modules / path}: no such module")
