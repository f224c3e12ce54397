#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive that lacks a file, has it cut, or is gone: what is taken then, what is said, what is asked for again.

The machine's apt is given a configuration of the test's own, so that it knows one archive, which is on loopback; apt,
the lists and the hashes are real. Needs no network and no root.
"""

import os
import subprocess
import sys
import tempfile
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "toolchain"))

from debian_packages import machine, versions
from tiny_archive import TinyArchive, broken_off, cut, lacking

PROGRAM = ROOT / "toolchain/debian-packages"
SOURCE = "libzstd"
TESTED = versions.tested(f"src:{SOURCE}")
OLD, BETWEEN, NEW = "0.1", f"{TESTED}+a1", f"{TESTED}+b1"
# A signature by Debian is what this archive does not have.
APT_CONFIGURATION = """Dir::State "{folder}/state";
Dir::State::status "{folder}/machine/var/lib/dpkg/status";
DPkg::Options {{ "--root={folder}/machine"; }};
Dir::Cache "{folder}/cache";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::AllowInsecureRepositories "true";
APT::Get::AllowUnauthenticated "true";
APT::Sandbox::User "root";
Acquire::Languages "none";
"""
A_DAY_SECONDS = 24 * 3600
KERNEL = "linux-image-6.1.0-{}-cloud-amd64"


@dataclass(frozen=True)
class Answer:
    status: int
    rows: list[list[str]]
    said: list[str]


class Tried(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory(prefix="archive-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.cache = self.folder / "lifeboat"
        self.unpacked = self.folder / "unpacked"
        self.archive = TinyArchive(self.folder / "archive", machine.release())
        for version in (OLD, TESTED, BETWEEN, NEW):
            self.archive.add_source(SOURCE, version)
        self.archive.add_source("other", "3")
        self.archive.add_package("tool", "2", "part (>= 1)")
        self.archive.add_package("part", "1")
        self.archive.add_package("part", "2")
        for number, version in (("50", "6.1.176-1"), ("57", "6.1.192-3")):
            self.archive.add_package(KERNEL.format(number), version)
            self.archive.add_package("linux-image-cloud-amd64", version, f"{KERNEL.format(number)} (= {version})")
        # Of another series: it stands for another line.
        self.archive.add_package("linux-image-cloud-amd64", "5.10.1-1", "linux-image-5.10.1-cloud-amd64 (= 5.10.1-1)")
        self.archive.publish()
        self._configure()

    def _configure(self) -> None:
        address = self.archive.serve()
        self.addCleanup(self.archive.is_gone)
        dpkg = "machine/var/lib/dpkg"
        for name in ("state/lists/partial", "cache/archives/partial", "unpacked", f"{dpkg}/info", f"{dpkg}/updates"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / dpkg / "status").touch()
        (self.folder / "sources.list").write_text(f"deb {address} {machine.release()} main\n")
        (self.folder / "apt.conf").write_text(APT_CONFIGURATION.format(folder=self.folder))
        settings = {"APT_CONFIG": str(self.folder / "apt.conf"), "LIFEBOAT_CACHE": str(self.cache)}
        inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self.environment = inherited | settings
        subprocess.run(["apt-get", "-qq", "update"], env=self.environment, check=True, stderr=subprocess.DEVNULL)

    def run_command(self, *command: object) -> Answer:
        self.archive.asked.clear()
        words = list(map(str, command))
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False)
        return Answer(done.returncode, [row.split() for row in done.stdout.splitlines()], done.stderr.splitlines())

    def sources(self, *names: str) -> Answer:
        return self.run_command(PROGRAM, "--for", "toolchain", "source", "--unpacked", self.unpacked, *names)

    def tree(self) -> Answer:
        return self.run_command(PROGRAM, "tree", "--release", machine.release(), "tried", "tool")

    def kernel(self) -> Answer:
        code = "from harness import kernels; print(kernels.release('6.1'))"
        return self.run_command("env", f"PYTHONPATH={ROOT / 'qemu'}", "/usr/bin/python3", "-B", "-c", code)

    def age_lists(self) -> None:
        """As if they had come the day before yesterday."""
        for name in ("updated", "tried"):
            for path in self.cache.glob(f"apt/*/{name}"):
                os.utime(path, (time.time() - 2 * A_DAY_SECONDS,) * 2)

    def asked_files(self) -> list[str]:
        return [path.rpartition("/")[2] for path in self.archive.asked if "/pool/" in path]

    def expect(self, answer: Answer, version: str, *said: str) -> None:
        self.assertEqual(answer.said, list(said))
        self.assertEqual(answer.status, 0)
        self.assertEqual(answer.rows[0][:2], [SOURCE, version])

    def fault(self, version: str, why: str, other: str) -> str:
        return f"toolchain: {SOURCE} {version} cannot be had from the archive ({why}), taking {other}"


class LackingFile(Tried):
    def test_the_newest_is_taken_where_it_is_there(self):
        answer = self.sources(SOURCE)
        self.expect(answer, NEW)
        files = sorted(path.name for path in Path(answer.rows[0][3]).iterdir())
        self.assertEqual(files, [f"{SOURCE}_{NEW}.dsc", f"{SOURCE}_{NEW}.tar.xz"])

    def test_the_tested_version_is_the_next(self):
        self.archive.fails(f"{NEW}.dsc", lacking)
        self.expect(self.sources(SOURCE), TESTED, self.fault(NEW, "404  Not Found", TESTED))

    def test_after_the_tested_one_it_goes_on_from_the_newest(self):
        gone = "404  Not Found"
        self.archive.fails(f"{NEW}.dsc", lacking)
        self.archive.fails(f"{TESTED}.tar.xz", lacking)
        said = [self.fault(NEW, gone, TESTED), self.fault(TESTED, gone, BETWEEN)]
        self.expect(self.sources(SOURCE), BETWEEN, *said)

    def test_without_any_version_it_says_what_was_tried(self):
        self.archive.fails(".dsc", lacking)
        answer = self.sources("other")
        self.assertEqual(answer.status, 1)
        why = "3 cannot be had (404  Not Found); there is no other version"
        self.assertEqual(answer.said, [f"toolchain: other: {why}"])

    def test_what_came_is_not_fetched_again_when_the_rest_does_not(self):
        self.archive.fails("other_3.tar.xz", lacking)
        self.assertEqual(self.sources(SOURCE, "other").status, 1)
        self.archive.heals()
        self.assertEqual(self.sources(SOURCE, "other").status, 0)
        self.assertEqual(self.asked_files(), ["other_3.tar.xz"])

    def test_what_is_unpacked_is_not_asked_for(self):
        self.archive.fails(f"{NEW}.dsc", lacking)
        answer = self.sources(SOURCE)
        Path(answer.rows[0][2]).mkdir()
        answer = self.sources(SOURCE)
        self.expect(answer, TESTED, self.fault(NEW, "404  Not Found", TESTED))
        self.assertEqual(answer.rows[0][3], "-")
        self.assertNotIn(f"{SOURCE}_{TESTED}.dsc", self.asked_files())

    def test_the_lists_are_asked_for_again_before_an_older_one_is_taken(self):
        self.sources("other")
        (self.folder / f"archive/pool/{SOURCE}_{NEW}.dsc").unlink()
        newer = f"{NEW}+c1"
        self.archive.add_source(SOURCE, newer)
        self.archive.publish()
        hour_ago = time.time() - 3600
        os.utime(next(self.cache.glob("apt/*/updated")), (hour_ago, hour_ago))
        os.utime(self.folder / "sources.list", (hour_ago - 1, hour_ago - 1))
        self.expect(self.sources(SOURCE), newer, self.fault(NEW, "404  Not Found", newer))

    def test_a_tree_is_made_with_another_version_of_what_is_lacking(self):
        self.archive.fails("part_2_amd64.deb", lacking)
        answer = self.tree()
        said = "debian-packages: part 2 cannot be had from the archive (404  Not Found), taking another"
        self.assertEqual((answer.status, answer.said), (0, [said]))
        inside = Path(answer.rows[0][0]) / "usr/share/tried"
        self.assertEqual({path.name: path.read_text() for path in inside.iterdir()}, {"tool": "2\n", "part": "1\n"})

    @unittest.skipIf(os.geteuid() != 0, "only root installs packages")
    def test_another_version_of_what_is_lacking_is_installed(self):
        self.archive.fails("part_2_amd64.deb", lacking)
        answer = self.run_command(PROGRAM, "install", "tool")
        said = "debian-packages: part 2 cannot be had from the archive (404  Not Found), taking another"
        self.assertEqual((answer.status, answer.said), (0, [said]))
        inside = self.folder / "machine/usr/share/tried"
        self.assertEqual({path.name: path.read_text() for path in inside.iterdir()}, {"tool": "2\n", "part": "1\n"})

    def test_an_older_kernel_of_the_line_stands_for_it(self):
        newest, older = f"{KERNEL.format(57)}_6.1.192-3", f"{KERNEL.format(50)}_6.1.176-1"
        self.archive.fails(f"{newest}_amd64.deb", lacking)
        answer = self.kernel()
        said = f"debian-packages: kernel 6.1 {newest} cannot be had from the archive (404  Not Found), taking {older}"
        self.assertEqual((answer.status, answer.said, answer.rows), (0, [said], [["6.1.0-50-cloud-amd64"]]))


class CutFile(Tried):
    LACKING = "^{} cannot be had from the archive \\(File has unexpected size .*\\), taking "

    def test_a_file_that_was_cut_once_is_fetched_again(self):
        for fault in (cut, broken_off):
            with self.subTest(fault.__name__):
                self.archive.fails("other_3.tar.xz", fault, times=1)
                answer = self.sources("other")
                self.assertEqual(answer.status, 0)
                self.assertEqual(len(answer.said), 1)
                said = "^toolchain: 'http://127.0.0.1:[0-9]+/pool/other_3.tar.xz': .*, trying again in 1 s$"
                self.assertRegex(answer.said[0], said)
                folder = Path(answer.rows[0][3])
                self.assertEqual((folder / "other_3.tar.xz").read_text(), "other_3.tar.xz\n" * 100)
                subprocess.run(["rm", "-r", folder], check=True)

    def test_a_file_that_is_cut_is_not_taken(self):
        self.archive.fails(f"{NEW}.tar.xz", cut)
        answer = self.sources(SOURCE)
        self.assertEqual((answer.status, answer.rows[0][:2]), (0, [SOURCE, TESTED]))
        self.assertRegex(answer.said[-1], self.LACKING.format(f"toolchain: {SOURCE} .*"))
        self.assertEqual(list(self.cache.glob(f"files/*{NEW}*/*.tar.xz")), [])

    def test_a_package_that_is_cut_is_not_taken(self):
        self.archive.fails("part_2_amd64.deb", cut)
        answer = self.run_command(PROGRAM, "package", "part")
        self.assertEqual((answer.status, answer.rows[0][:2]), (0, ["part", "1"]))
        self.assertRegex(answer.said[-1], self.LACKING.format("debian-packages: part 2") + "1$")


class GoneArchive(Tried):
    GOING_ON = "^{}: the lists of [a-z]+ could not be updated \\(.*\\), going on with those of [0-9 :-]+$"

    def test_a_warm_cache_needs_no_archive(self):
        Path(self.sources(SOURCE).rows[0][2]).mkdir()
        tree, kernel = self.tree(), self.kernel()
        self.archive.is_gone()
        self.expect(self.sources(SOURCE), NEW)
        for first, again in ((tree, self.tree()), (kernel, self.kernel())):
            self.assertEqual((again.status, again.said, again.rows), (0, [], first.rows))

    def test_old_lists_do_for_a_warm_cache(self):
        Path(self.sources(SOURCE).rows[0][2]).mkdir()
        self.archive.is_gone()
        self.age_lists()
        answer = self.sources(SOURCE)
        self.assertEqual((answer.status, answer.rows[0][:2]), (0, [SOURCE, NEW]))
        self.assertEqual(len(answer.said), 1)
        self.assertRegex(answer.said[0], self.GOING_ON.format("toolchain"))
        # That was said, and is not tried again with each program that starts.
        self.expect(self.sources(SOURCE), NEW)

    def test_lists_that_have_run_out_do_too(self):
        Path(self.sources(SOURCE).rows[0][2]).mkdir()
        self.archive.publish(good_for_seconds=-A_DAY_SECONDS)
        self.age_lists()
        answer = self.sources(SOURCE, "other")
        self.assertEqual((answer.status, [row[:2] for row in answer.rows]), (0, [[SOURCE, NEW], ["other", "3"]]))
        self.assertEqual(len(answer.said), 1)
        self.assertIn("is expired", answer.said[0])
        self.assertRegex(answer.said[0], self.GOING_ON.format("toolchain"))

    def test_without_lists_what_is_in_the_cache_does(self):
        Path(self.sources(SOURCE).rows[0][2]).mkdir()
        self.kernel()
        self.archive.is_gone()
        subprocess.run(["rm", "-r", self.cache / "apt", self.folder / "state/lists"], check=True)
        answer = self.sources(SOURCE)
        self.assertEqual((answer.status, answer.rows[0][:2]), (0, [SOURCE, NEW]))
        self.assertIn("going on with what is in the cache", answer.said[-1])
        answer = self.kernel()
        self.assertEqual((answer.status, answer.rows), (0, [["6.1.0-57-cloud-amd64"]]))

    def test_an_older_version_that_is_unpacked_does(self):
        (self.unpacked / f"{SOURCE}-{OLD}").mkdir()
        self.sources("other")
        self.archive.is_gone()
        answer = self.sources(SOURCE)
        self.assertEqual((answer.status, answer.rows[0][:2]), (0, [SOURCE, OLD]))
        self.assertRegex(answer.said[-1], f", taking {OLD}$")

    def test_what_was_never_fetched_is_said_not_to_come(self):
        self.sources(SOURCE)
        self.archive.is_gone()
        answer = self.sources("other")
        self.assertEqual((answer.status, answer.rows), (1, []))
        self.assertRegex(answer.said[-1], "^toolchain: other: 3 cannot be had \\(.*\\); there is no other version$")


if __name__ == "__main__":
    unittest.main()
