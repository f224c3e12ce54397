#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the readers themselves, on files of a few pages made here. Needs no kernel: python3 -m unittest or run it."""
import os
import struct
import tempfile
import unittest
import zlib

import zstandard

from elfcore import ABSENT, RawCore
from kdumpfile import FormatError, KdumpFile

PAGE = 4096
INFO = b"OSRELEASE=6.1.0-test\nPAGESIZE=4096\n"


def letter_page(letter):
    return letter.encode() * PAGE


def elf_core(segments, vmcoreinfo=INFO):
    """segments: (paddr, bytes, memsz)"""
    note = struct.pack("<III", 11, len(vmcoreinfo), 0) + b"VMCOREINFO\0\0" + vmcoreinfo + bytes(-len(vmcoreinfo) % 4)
    at = PAGE
    headers = struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(note), len(note), 0)
    data = note
    for paddr, content, memsz in segments:
        headers += struct.pack("<IIQQQQQQ", 1, 7, at + len(data), 0, paddr, len(content), memsz, 0)
        data += content
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    elf = ident + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(segments) + 1, 0, 0, 0)
    return (elf + headers).ljust(PAGE, b"\0") + data


def dump(pages, max_pfn=64, status=0x20, present=None):
    """pages: {pfn: (flags, stored bytes)}; equal stored bytes share their place."""
    header = (b"KDUMP   " + struct.pack("<i", 6) + bytes(390)).ljust(408, b"\0")
    header += struct.pack("<qqIiiIIIIIIi", 7, 0, status, PAGE, 1, 2, max_pfn, 0, 0, 0, 0, 2)
    bitmap = lambda pfns: sum(1 << p for p in pfns).to_bytes(PAGE, "little")
    bitmaps = bitmap(present or pages) + bitmap(pages)
    info_at = PAGE + 104
    sub = struct.pack("<QiiQQqQqQqQQQQ", 0x1000000, 31, 0, 0, 0, info_at, len(INFO), 0, 0, 0, 0, 0, 0, max_pfn) + INFO
    at, data, places, descriptors = 4 * PAGE + 24 * len(pages), b"", {}, b""
    for pfn in sorted(pages):
        flags, stored = pages[pfn]
        if stored not in places:
            places[stored] = at + len(data)
            data += stored
        descriptors += struct.pack("<qIIQ", places[stored], len(stored), flags, 0)
    return header.ljust(PAGE, b"\0") + sub.ljust(PAGE, b"\0") + bitmaps + descriptors + data


class Files(unittest.TestCase):
    def write(self, content):
        file = tempfile.NamedTemporaryFile(delete=False)
        self.addCleanup(os.unlink, file.name)
        with file:
            file.write(content)
        return file.name


class RawCoreTest(Files):
    def test_whole_pages_and_holes(self):
        core = RawCore(self.write(elf_core([(PAGE, letter_page("a") + bytes(PAGE), 2 * PAGE), (5 * PAGE, letter_page("b"), PAGE)])))
        self.assertEqual(core.present.tolist(), [False, True, True, False, False, True])
        self.assertEqual(core.page(1), letter_page("a"))
        self.assertEqual(core.page(5), letter_page("b"))
        self.assertEqual(core.offset_of[3], ABSENT)
        self.assertEqual(core.zero_pages().nonzero()[0].tolist(), [2])
        self.assertEqual(core.vmcoreinfo()["OSRELEASE"], "6.1.0-test")

    def test_partial_pages_are_present_and_filled_with_zeros(self):
        core = RawCore(self.write(elf_core([(PAGE + 16, b"x" * (PAGE - 16 + 32), PAGE - 16 + 32)])))
        self.assertEqual(core.present.tolist(), [False, True, True])
        self.assertEqual(core.first_byte_has_data.tolist(), [False, False, True])
        self.assertEqual(core.page(1), bytes(16) + b"x" * (PAGE - 16))
        self.assertEqual(core.page(2), b"x" * 32 + bytes(PAGE - 32))
        self.assertEqual(core.partial_last_pages(), [2])

    def test_two_segments_share_a_page(self):
        core = RawCore(self.write(elf_core([(PAGE, b"x" * 100, 100), (PAGE + 200, b"y" * 3896, 3896)])))
        self.assertEqual(core.page(1), b"x" * 100 + bytes(100) + b"y" * 3896)

    def test_memory_without_data_is_present_but_has_none(self):
        core = RawCore(self.write(elf_core([(PAGE, letter_page("a"), 3 * PAGE)])))
        self.assertEqual(core.present.tolist(), [False, True, True, True])
        self.assertEqual(core.has_data.tolist(), [False, True, False, False])

    def test_not_elf(self):
        with self.assertRaisesRegex(ValueError, "not a little-endian ELF64"):
            RawCore(self.write(b"KDUMP   " * 100))


class KdumpFileTest(Files):
    def test_pages_of_all_kinds(self):
        zero = (0, bytes(PAGE))
        path = self.write(
            dump({
                1: zero, 2: (1, zlib.compress(letter_page("b"))), 40: (0x20, zstandard.compress(letter_page("c"))),
                41: zero, 63: (0, letter_page("d")),
            })
        )
        d = KdumpFile(path)
        self.assertEqual(d.problems(), [])
        self.assertEqual(d.dumped_pfns.tolist(), [1, 2, 40, 41, 63])
        self.assertEqual([d.page(p)[:1] for p in (1, 2, 40, 41, 63)], [b"\0", b"b", b"c", b"\0", b"d"])
        self.assertEqual((d.dump_level, d.max_pfn, d.phys_base, d.cpu_count, d.timestamp), (31, 64, 0x1000000, 2, (7, 0)))
        self.assertEqual(d.vmcoreinfo()["PAGESIZE"], "4096")
        with self.assertRaises(KeyError):
            d.page(3)

    def test_problems_are_named(self):
        table = (
            (dump({1: (0, letter_page("a"))}, status=8), "header says incomplete (status 0x8)"),
            (dump({1: (0, letter_page("a"))}, max_pfn=1), "2 bitmap bits at or above max_mapnr 0x1"),
            (dump({1: (0, letter_page("a"))}, present=[2]), "1 pages are dumped but not present"),
            (dump({1: (0, letter_page("a"))})[:-1], "1 descriptors have data outside of the data area, first of pfn 0x1"),
            (dump({1: (0, b"short")}), "1 descriptors are raw and not a page long, first of pfn 0x1"),
            (dump({1: (0x40, b"short")}), "1 descriptors have unknown flags, first of pfn 0x1"),
        )
        for content, problem in table:
            with self.subTest(problem):
                self.assertIn(problem, KdumpFile(self.write(content)).problems())

    def test_not_a_dump(self):
        table = (
            (b"", "empty file"),
            (b"makedumpfile\0\0\0\0", "flattened"),
            (b"\x7fELF" + bytes(100), "signature"),
            (b"KDUMP   " + struct.pack("<i", 6), "beyond the end"),
        )
        for content, problem in table:
            with self.subTest(problem), self.assertRaisesRegex(FormatError, problem):
                KdumpFile(self.write(content))


if __name__ == "__main__":
    unittest.main()
