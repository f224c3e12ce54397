# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees of Debian's packages with all that these need, made by mmdebstrap. Needs root."""

import shutil
import tempfile
from pathlib import Path

from debian_packages import apt, install

from .packages import Archive

# Within the tree while it is made.
PREFERENCES = "etc/apt/preferences.d/lacking"


def unpack(source: Archive, names: list[str], tree: Path) -> None:
    """A new folder with these packages and all that they need, not set up: programs run in a chroot there."""
    options = ["--variant=extract", "--format=directory"]
    if source.backports:
        options.append(f'--aptopt=APT::Default-Release "{source.suite}"')
    bootstrap(source, names, tree, *options)


def bootstrap(source: Archive, names: list[str], target: Path, *options: str) -> None:
    """Makes `target`, a file or a folder: what mmdebstrap calls a target, with its `options`."""
    command = ["mmdebstrap", "--mode=root", *options, '--aptopt=APT::Install-Recommends "false"']
    command.append(f"--include={','.join(names)}")
    with tempfile.NamedTemporaryFile("w", suffix=".list") as sources:
        sources.write("".join(f"{row}\n" for row in source.entries()))
        sources.flush()

        def attempt(preferences: Path) -> None:
            hooks = [f"--setup-hook=cp {preferences} \"$1/{PREFERENCES}\"", f"--customize-hook=rm \"$1/{PREFERENCES}\""]
            shutil.rmtree(target, ignore_errors=True)  # a folder that an attempt has left
            apt.run_patiently([*command, *hooks, source.release, target, sources.name])

        install.avoiding(attempt, source.refresh)
