#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a machine is waited for."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from debian.serial_line import SerialLine, Unanswered
from harness.monitor import MonitorError


class Limits(unittest.TestCase):
    def wait(self, starved, seconds=1):
        """For the word of a machine that takes three seconds; `starved` stands in for what the host kept from it."""
        monitor = mock.Mock()
        monitor.where_the_cpus_are.return_value = ""
        script = ["sh", "-c", "sleep 3; echo up"]
        with tempfile.TemporaryFile() as log, subprocess.Popen(script, stdout=subprocess.PIPE) as process:
            line = SerialLine(log)
            line.connect(process, monitor)
            with mock.patch("harness.vcpus.VirtualCpus.starved_seconds", side_effect=starved):
                try:
                    return line.wait_for("up", seconds)[0]
                finally:
                    process.kill()

    def test_a_machine_that_has_the_host_is_held_to_its_limit(self):
        with self.assertRaises(Unanswered):
            self.wait(lambda: 0.0)

    def test_what_the_host_kept_from_it_before_the_wait_does_not_count(self):
        with self.assertRaises(Unanswered):
            self.wait(lambda: 100.0)

    def test_what_the_host_keeps_from_it_meanwhile_is_no_part_of_the_limit(self):
        taken = iter([0.5, *[4.0] * 100])
        self.assertEqual(self.wait(lambda: next(taken)), "up")

    def test_a_machine_that_cannot_be_asked_is_held_to_its_limit(self):
        with self.assertRaises(Unanswered):
            self.wait(MonitorError("gone"))


if __name__ == "__main__":
    unittest.main()
