#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""When a machine counts as lost: tests on logs, and on programs that stand in for QEMU."""

import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import clock, machine
from harness.attempts import ATTEMPTS, until_known
from harness.machine import LostMachine, Request, died_in_silence
from harness.monitor import Monitor, MonitorError
from harness.vcpus import Processor, Sample, Times, VirtualCpus, verdict

BOOT = ["[    0.000000] Linux version 6.1.0 (debian)", "[    0.024196] x2apic enabled"]
PANIC = ["guest: panics now", "[   10.9] Kernel panic - not syncing: sysrq triggered crash"]
INIT = "[    1.521758] Run /init as init process"


class StartedAgain(unittest.TestCase):
    def test_a_machine_is_lost_now_and_then(self):
        lost = mock.Mock()
        attempt = mock.Mock(side_effect=[LostMachine("one"), LostMachine("two"), "known"])
        with mock.patch("builtins.print"):
            self.assertEqual(until_known(attempt, lost), "known")
        self.assertEqual(lost.call_args_list, [mock.call(1), mock.call(2)])

    def test_a_machine_is_lost_each_time(self):
        attempt = mock.Mock(side_effect=LostMachine("again"))
        with mock.patch("builtins.print"), self.assertRaises(LostMachine):
            until_known(attempt)
        self.assertEqual(attempt.call_count, ATTEMPTS)


class DiedInSilence(unittest.TestCase):
    def test_table(self):
        table = (
            ("no kernel yet", ["SeaBIOS"], False),
            ("in the first kernel's boot", BOOT, True),
            ("in the second kernel's boot", [*BOOT, INIT, *PANIC, *BOOT], True),
            ("in a line without an end", [*BOOT, "[    0.03"], True),
            ("init had been started", [*BOOT, INIT], False),
            ("lifeboat had been started", [*BOOT, INIT, *PANIC, *BOOT, INIT, "lifeboat: started"], False),
            ("between panic and second kernel", [*BOOT, INIT, *PANIC], False),
            ("too little memory", [*BOOT, "swapper/0 invoked oom-killer: gfp_mask=0xcc0"], False),
            ("too little memory, at the end", [*BOOT, "Out of memory and no killable processes..."], False),
            ("the second kernel panics", [*BOOT, INIT, *PANIC, *BOOT, "Kernel panic - not syncing: VFS"], False),
            ("the kernel says that it hangs", [*BOOT, "watchdog: BUG: soft lockup - CPU#1 stuck for 26s!"], False),
            ("the kernel warns", [*BOOT, "WARNING: CPU: 0 PID: 1 at kernel/time/x.c:1"], False),
        )
        for what, lines, expected in table:
            with self.subTest(what):
                self.assertEqual(died_in_silence(lines), expected)


class Clock(unittest.TestCase):
    def test_the_tsc_of_the_host(self):
        self.assertEqual(clock.tsc_khz("cpu MHz\t\t: 800.123\nbogomips\t: 4000.04\nflags"), 2_000_020)
        self.assertIsNone(clock.tsc_khz("BogoMIPS\t: 50.00\nFeatures\t: fp"))

    def test_what_a_kernel_says_of_it(self):
        table = (
            ("[    0.040000] tsc: Detected 1998.984 MHz processor", None),
            ("[    0.032000] tsc: Detected 65.380 MHz processor", "last 0.03 s"),
            ("[    0.032000] tsc: Detected 60000.000 MHz processor", "last 30.00 s"),
            ("[    0.032000] tsc: Using PIT calibration value", None),
            ("lifeboat: | [    0.032000] something of 65 MHz", None),
        )
        for line, expected in table:
            with self.subTest(line):
                self.assertRegex(clock.what_is_wrong(line, 2_000_000) or "none", expected or "^none$")


RUNS = Processor(takes_interrupts=True, is_halted=False)
RUNS_DEAF = Processor(takes_interrupts=False, is_halted=False)
IDLES = Processor(takes_interrupts=True, is_halted=True)
HALTED = Processor(takes_interrupts=False, is_halted=True)


def sample(run, waited, *processors):
    return Sample(Times(run, waited), processors)


class Verdict(unittest.TestCase):
    """Of samples of a silence: run and waited seconds, and the CPUs."""

    def test_table(self):
        table = (
            ("a kernel that idles", [sample(1, 0, IDLES, IDLES), sample(1.1, 0, IDLES, IDLES)], None),
            ("a program that loops", [sample(1, 0, RUNS, IDLES), sample(20, 3, RUNS, IDLES)], None),
            ("a program that loops on a busy host", [sample(1, 0, RUNS), sample(5, 15, RUNS)], None),
            ("work in the kernel, at times without interrupts", [sample(1, 0, RUNS_DEAF), sample(9, 0, RUNS)], None),
            ("one CPU stands, the other idles", [sample(1, 0, RUNS_DEAF, IDLES), sample(9, 0, RUNS_DEAF, IDLES)], None),
            ("a kernel that has halted", [sample(1, 0, HALTED, HALTED), sample(1, 0, HALTED, HALTED)], None),
            ("all stand", [sample(1, 0, RUNS_DEAF, HALTED), sample(9, 0, RUNS_DEAF, HALTED)], "took an interrupt"),
            ("all stand, but hardly ran", [sample(1, 0, RUNS_DEAF), sample(2, 9, RUNS_DEAF)], None),
            ("a host that has others to run", [sample(1, 0, RUNS), sample(2, 20, RUNS)], "for 1.0 s and wait for 20"),
            ("an idle guest there", [sample(1, 0, IDLES), sample(1.1, 2, IDLES)], None),
        )
        for what, samples, expected in table:
            with self.subTest(what):
                self.assertRegex(verdict(samples) or "none", expected or "^none$")

    def test_a_sample_is_what_the_monitor_and_the_threads_say(self):
        monitor = Monitor()
        registers = "\r\nCPU#0\r\nRIP=1 RFL=00000246 CPL=0 HLT=1\r\nCPU#1\r\nEIP=2 EFL=00000006 CPL=0 HLT=0"
        answers = {"query-cpus-fast": [{"thread-id": "self/task/" + str(threading.get_native_id())}]}
        monitor.execute = lambda command, **_: answers.get(command, registers)
        taken = VirtualCpus(monitor).sample()
        self.assertEqual(taken.processors, (IDLES, RUNS_DEAF))
        self.assertGreater(taken.times.run, 0)


class Watch(unittest.TestCase):
    def watch(self, script, requests=(), monitor=None, deadline_seconds=3, tsc_khz=None, cpus=None):
        with tempfile.TemporaryFile() as log:
            with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as process:
                try:
                    watch = machine._Watch(process, monitor, list(requests), log, deadline_seconds, tsc_khz)
                    watch.cpus = cpus
                    return watch.watch()
                finally:
                    process.kill()

    def test_a_kernel_that_falls_silent_is_a_lost_machine(self):
        monitor = Monitor()
        registers = "\r\nCPU#0\r\nRAX=1 RBX=2\r\nRIP=ffffffffb8a17a0b RFL=00000246 [---Z-P-] HLT=1"
        monitor.execute = mock.Mock(return_value=registers)
        with mock.patch.object(machine, "SILENT_BOOT_SECONDS", 0.5):
            with self.assertRaisesRegex(LostMachine, "fell silent.*CPU#0 RIP=ffffffffb8a17a0b RFL=00000246 HLT=1"):
                self.watch("echo Linux version 6.1; exec sleep 5", monitor=monitor)

    def test_silence_after_init_is_a_run_that_timed_out(self):
        with mock.patch.object(machine, "SILENT_BOOT_SECONDS", 0.5):
            run = self.watch("echo Linux version 6.1; echo Run /init as init process; exec sleep 5", deadline_seconds=2)
        self.assertTrue(run.timed_out)

    def test_a_kernel_whose_clock_is_wrong_is_a_lost_machine_at_once(self):
        script = "echo 'tsc: Detected 65.380 MHz processor'; exec sleep 5"
        with self.assertRaisesRegex(LostMachine, "took its TSC of 2000 MHz for 65.380 MHz: its seconds last 0.03 s"):
            self.watch(script, tsc_khz=2_000_000)
        self.assertTrue(self.watch(script, deadline_seconds=1).timed_out)  # not emulated: it is as it is

    def silent_cpus(self, *samples):
        cpus = mock.Mock()
        cpus.sample.side_effect = list(samples) * 100
        patches = {"SILENT_SECONDS": 0.5, "SILENT_SAMPLES": 2, "TICK_SECONDS": 0.1}
        return cpus, mock.patch.multiple(machine, **patches)

    def test_a_silence_after_init_that_no_program_can_bring_about_is_a_lost_machine(self):
        cpus, patches = self.silent_cpus(sample(1, 0, RUNS_DEAF), sample(9, 0, RUNS_DEAF))
        monitor = mock.Mock()
        monitor.where_the_cpus_are.return_value = "CPU#0 RIP=1"
        with patches, self.assertRaisesRegex(LostMachine, "ran for 8.0 s and none ever took an interrupt; CPU#0 RIP=1"):
            self.watch(f"echo Linux version 6.1; echo {INIT!r}; exec sleep 5", monitor=monitor, cpus=cpus)

    def test_the_same_after_a_reason_was_given_is_the_case_s_own_affair(self):
        cpus, patches = self.silent_cpus(sample(1, 0, RUNS_DEAF), sample(9, 0, RUNS_DEAF))
        with patches:
            run = self.watch("echo Linux version 6.1; echo Kernel panic; exec sleep 5", cpus=cpus, deadline_seconds=2)
        self.assertTrue(run.timed_out)
        cpus.sample.assert_not_called()

    def test_lifeboat_that_hangs_is_a_run_that_timed_out(self):
        cpus, patches = self.silent_cpus(sample(1, 0, IDLES), sample(1.1, 0, IDLES))
        with patches:
            run = self.watch(f"echo Linux version 6.1; echo {INIT!r}; exec sleep 5", cpus=cpus, deadline_seconds=2)
        self.assertTrue(run.timed_out)
        self.assertGreater(cpus.sample.call_count, 2)

    def test_a_word_ends_the_silence(self):
        cpus, patches = self.silent_cpus(sample(1, 0, RUNS_DEAF), sample(9, 0, RUNS_DEAF))
        with patches:
            words = "for i in 1 2 3 4 5; do sleep 0.3; echo a word; done"
            run = self.watch(f"echo Linux version 6.1; echo {INIT!r}; {words}", cpus=cpus)
        self.assertFalse(run.timed_out)

    def test_an_emulator_that_does_not_answer_is_a_lost_machine(self):
        cpus, patches = self.silent_cpus()
        cpus.sample.side_effect = MonitorError("timed out")
        with patches, self.assertRaisesRegex(LostMachine, "QEMU does not answer: timed out"):
            self.watch(f"echo Linux version 6.1; echo {INIT!r}; exec sleep 5", cpus=cpus)

    def test_what_the_guest_asks_for_is_done_once(self):
        monitor = mock.Mock()
        request = Request("guest: wants", [("balloon", {"value": 7}), ("stop", {})])
        self.watch("echo nothing; echo guest: wants it; echo guest: wants it", [request], monitor)
        self.assertEqual(monitor.execute.call_args_list, [mock.call("balloon", value=7), mock.call("stop")])


if __name__ == "__main__":
    unittest.main()
