# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line, for shell scripts."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from . import fetch, install, machine, versions
from .apt import PackageError
from .archive import Archive
from .notes import speak_as


def parse_arguments() -> argparse.Namespace:
    what = "Debian's packages, whatever an archive lacks."
    parser = argparse.ArgumentParser(prog="toolchain/debian-packages", description=what)
    parser.add_argument("--for", dest="prefix", default="debian-packages", help="begins each line of what was survived")
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("install", help="install packages on the machine, unless they are there")
    add.add_argument("names", nargs="+")
    add = commands.add_parser("missing", help="print which of the packages are not installed")
    add.add_argument("names", nargs="+")
    text = "print NAME, VERSION, the folder to unpack to, and that of the files, or '-' where the former is there"
    add = commands.add_parser("source", help=text)
    add.add_argument("--unpacked", type=Path, required=True, help="where those are that are unpacked, as NAME-VERSION")
    add.add_argument("--architecture", default="amd64", help="default: %(default)s")
    add.add_argument("names", nargs="+")
    add = commands.add_parser("package", help="print NAME, VERSION and the package's file, which stays in the cache")
    add.add_argument("--architecture", default="amd64", help="default: %(default)s")
    add.add_argument("names", nargs="+")
    text = "print the folder with packages of a release, unpacked with all that they depend on"
    add = commands.add_parser("tree", help=text)
    add.add_argument("--release", default="trixie", help="default: %(default)s")
    add.add_argument("tree", metavar="NAME")
    add.add_argument("names", nargs="+")
    return parser.parse_args()


def source_row(name: str, archive: Archive, unpacked: Path) -> str:
    """NAME, VERSION, the folder for what is unpacked, and the one with the files, or "-" where the former is there."""

    def bring(version: str) -> str:
        folder = unpacked / f"{name}-{versions.without_epoch(version)}"
        files = "-" if folder.is_dir() else fetch.source_folder(name, version, archive)
        return f"{name} {version} {folder} {files}"

    def candidates() -> list[str]:
        found = (path.name.removeprefix(f"{name}-") for path in unpacked.glob(f"{name}-*"))
        have = versions.newest_first([version for version in found if version[0].isdigit()])
        return versions.in_order(versions.source_versions(name, archive), versions.tested(f"src:{name}"), have)

    return fetch.first_available(name, archive, candidates, bring)


def package_row(name: str, archive: Archive) -> str:
    """NAME, VERSION and its file."""

    def candidates() -> list[str]:
        have = fetch.kept_versions(name, archive)
        return versions.in_order(versions.offered(name, archive), versions.tested(name), have)

    bring = lambda version: f"{name} {version} {fetch.package_file(name, version, archive)}"
    return fetch.first_available(name, archive, candidates, bring)


def answers(arguments: argparse.Namespace) -> Iterator[object]:
    """The rows to be printed."""
    if arguments.command == "install":
        install.install(arguments.names)
    elif arguments.command == "missing":
        yield from install.missing(arguments.names)
    elif arguments.command == "tree":
        yield install.tree(arguments.tree, arguments.release, arguments.names)
    else:
        archive = Archive(machine.release(), architecture=arguments.architecture)
        for name in arguments.names:
            is_source = arguments.command == "source"
            yield source_row(name, archive, arguments.unpacked) if is_source else package_row(name, archive)


def main() -> int:
    arguments = parse_arguments()
    speak_as(arguments.prefix)
    try:
        for answer in answers(arguments):
            print(answer, flush=True)
    except PackageError as error:
        print(f"{arguments.prefix}: {error}", *error.details.splitlines(), sep="\n    ", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
