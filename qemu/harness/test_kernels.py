#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernel stands for a line, by what the lists have and what of it can be had."""

import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import kernels
from debian_packages.apt import Failure, Unavailable


def image(release: str) -> str:
    return f"linux-image-{release}-cloud-amd64"


def meta(version: str, release: str) -> dict[str, str]:
    """A record of the package that depends on the newest kernel."""
    return {"Package": "linux-image-cloud-amd64", "Version": version, "Depends": f"{image(release)} (= {version})"}


class StandsForLine(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.offered: list[dict[str, str]] = []
        self.lacking: list[str] = []
        self.said: list[str] = []
        self.replace(mock.patch.dict(os.environ, {"LIFEBOAT_CACHE": folder.name}))
        self.replace(mock.patch.object(kernels, "_required", {}))
        self.replace(mock.patch.object(kernels.versions, "records", self.records))
        self.replace(mock.patch.object(kernels.debian, "package_file", self.package_file))
        self.replace(mock.patch.object(kernels.Archive, "refresh"))
        for place in (kernels, kernels.debian):
            self.replace(mock.patch.object(place, "say", self.said.append))
        kernels.choice.cache_clear()

    def replace(self, patch) -> None:
        patch.start()
        self.addCleanup(patch.stop)

    def records(self, package: str, _archive: object) -> list[dict[str, str]]:
        return [record for record in self.offered if record["Package"] == package]

    def package_file(self, package: str, version: str, _archive: object) -> None:
        if package in self.lacking:
            raise Unavailable("", (Failure(f"http://x/{package}_{version}.deb", "404  Not Found"),))

    def test_the_newest(self):
        self.offered = [meta("7.3.4-1", "7.3.4+deb13"), meta("7.3.3-1", "7.3.3+deb13"), meta("6.12.9-1", "6.12.9+deb13")]
        self.assertEqual(kernels.release("7.3"), "7.3.4+deb13-cloud-amd64")
        self.assertEqual(self.said, [])

    def test_an_older_one_of_the_same_series_where_it_is_lacking(self):
        self.offered = [meta("7.3.4-1", "7.3.4+deb13"), meta("7.3.3-1", "7.3.3+deb13"), meta("6.12.9-1", "6.12.9+deb13")]
        self.lacking = [image("7.3.4+deb13")]
        self.assertEqual(kernels.release("7.3"), "7.3.3+deb13-cloud-amd64")
        self.lacking.append(image("7.3.3+deb13"))
        kernels.choice.cache_clear()
        with self.assertRaisesRegex(Unavailable, "there is no other version"):
            self.root.joinpath("kernels/.line-7.3").unlink()
            kernels.release("7.3")

    def test_one_that_is_unpacked_and_offered_no_more(self):
        self.offered = [meta("7.4.1-1", "7.4.1+deb13")]
        self.lacking = [image("7.4.1+deb13")]
        key = f"{image('7.3.4+deb13')}_7.3.4-1"
        (self.root / "kernels" / key).mkdir(parents=True)
        (self.root / "kernels/.line-7.3").write_text(key)
        self.assertEqual(kernels.release("7.3"), "7.3.4+deb13-cloud-amd64")

    def test_a_line_that_has_moved_on_is_said(self):
        self.offered = [meta("7.4.1-1", "7.4.1+deb13")]
        self.assertEqual(kernels.release("7.3"), "7.4.1+deb13-cloud-amd64")
        said = "the line of kernels '7.3' has moved on: Debian has 7.4.1+deb13-cloud-amd64 now"
        self.assertEqual(self.said, [said])

    def test_what_is_required_of_it_has_to_be_there_too(self):
        self.offered = [meta("7.3.4-1", "7.3.4+deb13"), meta("7.3.3-1", "7.3.3+deb13")]
        self.lacking = [f"{image('7.3.4+deb13')}-dbg"]
        kernels.require("7.3", lambda kernel: self.package_file(f"{kernel.package}-dbg", kernel.version, None))
        self.assertEqual(kernels.release("7.3"), "7.3.3+deb13-cloud-amd64")
        self.assertIn("(404  Not Found), taking", self.said[0])


if __name__ == "__main__":
    unittest.main()
