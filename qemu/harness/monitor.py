# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's monitor (QMP), over a socket whose other end QEMU inherits: no path, no waiting for it to appear."""

import json
import re
import socket

ANSWER_SECONDS = 30


class MonitorError(Exception):
    """A command was refused, or QEMU gave no answer."""


class Monitor:
    """with Monitor() as monitor: start QEMU with `options()` and `inherited()`, then `execute` commands."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.settimeout(ANSWER_SECONDS)
        self._answers = self._ours.makefile("rb")
        self._is_ready = False

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_) -> None:
        self._answers.close()
        self._ours.close()
        self._theirs.close()

    def options(self) -> list[str]:
        return ["-chardev", f"socket,id=monitor,fd={self._theirs.fileno()}", "-mon", "chardev=monitor,mode=control"]

    def inherited(self) -> list[int]:
        return [self._theirs.fileno()]

    def execute(self, command: str, **arguments):
        """What the command returns."""
        if not self._is_ready:
            self._is_ready = True
            self._receive("QMP")
            self.execute("qmp_capabilities")
        self._ours.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        return self._receive("return")

    def where_the_cpus_are(self) -> str:
        """Whether they run or are halted, and where, twice: what there is to tell about a kernel that says nothing."""
        return "; ".join(self._registers() for _ in range(2))

    def processor_states(self) -> list[tuple[int, bool]]:
        """Of each CPU its flags and whether it is halted."""
        found = re.findall(r"[RE]FL=(\w+).*?HLT=(\d)", self._all_registers(), re.DOTALL)
        return [(int(flags, 16), halted == "1") for flags, halted in found]

    def _registers(self) -> str:
        try:
            answer = self._all_registers()
        except MonitorError as error:
            return f"its CPUs are not known: {error}"
        return " ".join(re.findall(r"CPU#\d+|[RE]IP=\w+|[RE]FL=\w+|HLT=\d", answer))

    def _all_registers(self) -> str:
        return self.execute("human-monitor-command", **{"command-line": "info registers -a"})

    def _receive(self, wanted: str):
        """The next message of that kind; events are passed over."""
        try:
            for line in self._answers:
                message = json.loads(line)
                if wanted in message:
                    return message[wanted]
                if "error" in message:
                    raise MonitorError(message["error"]["desc"])
        except OSError as error:
            raise MonitorError(str(error)) from None
        raise MonitorError("QEMU has ended")
