# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of cases on a full Debian system: what is done there, and must come of it."""

from dataclasses import dataclass

from debian import captures, kdump_tools
from debian.captures import BUG, SYSRQ, Flow


@dataclass
class DebianCase:
    """One row. `tier` is the test's label; `timeout_seconds` is for all of it, the making of the system included."""

    flow: Flow
    tier: str = "long"
    timeout_seconds: int = 1800


DEBIAN_CASES: dict[str, DebianCase] = {
    # Install, reboot, panic, and back in the same system
    "debian-6.1": DebianCase(captures.captures("6.1", SYSRQ), tier="medium"),
    "debian-6.1-bug": DebianCase(captures.captures("6.1", BUG, SYSRQ)),
    "debian-6.12": DebianCase(captures.captures("6.12", SYSRQ, BUG)),
    "debian-6.1-generic": DebianCase(captures.captures("6.1-generic", SYSRQ, BUG)),
    # What Debian has of its own
    "kdump-tools-6.1": DebianCase(kdump_tools.baseline("6.1")),
    "kdump-tools-6.12": DebianCase(kdump_tools.baseline("6.12")),
    "kdump-tools-6.1-generic": DebianCase(kdump_tools.baseline("6.1-generic")),
}
