#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands for an entry of the cache that cannot be made."""

import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import cache
from harness.packages import PackageError


def make(folder: Path) -> None:
    (folder / "made").touch()


def lack(_folder: Path) -> None:
    raise PackageError("it cannot be had")


class Entry(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        environment = mock.patch.dict(os.environ, {"LIFEBOAT_CACHE": folder.name})
        environment.start()
        self.addCleanup(environment.stop)

    def test_the_last_one_of_the_family_does(self):
        old = cache.entry("kind", "old", make, family="all")
        cache.entry("kind", "of-others", make, family="others")
        with mock.patch.object(cache, "say") as say:
            self.assertEqual(cache.entry("kind", "new", lack, family="all"), old)
        self.assertEqual(say.call_args_list, [mock.call("it cannot be had; taking 'old', which is in the cache")])
        self.assertFalse((self.root / "kind/new").exists())

    def test_it_is_made_as_soon_as_it_can_be(self):
        cache.entry("kind", "old", make, family="all")
        new = cache.entry("kind", "new", make, family="all")
        self.assertTrue((new / "made").exists())
        with mock.patch.object(cache, "say"):
            self.assertEqual(cache.entry("kind", "newer", lack, family="all"), new)

    def test_without_any_the_reason_is_raised(self):
        cache.entry("kind", "old", make)
        for family in ("", "all"):
            with self.subTest(family), self.assertRaisesRegex(PackageError, "it cannot be had"):
                cache.entry("kind", "new", lack, family)
        self.assertEqual(sorted(path.name for path in (self.root / "kind").glob("[!.]*")), ["old"])


if __name__ == "__main__":
    unittest.main()
