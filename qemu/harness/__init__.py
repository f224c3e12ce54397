# SPDX-License-Identifier: GPL-2.0-or-later
"""Lets real kernels crash in QEMU, and brings everything that takes."""

import sys
from pathlib import Path

# For debian_packages, which the shell scripts use too.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "toolchain"))
