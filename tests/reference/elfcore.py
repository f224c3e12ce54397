#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A raw vmcore (ELF64, as /proc/vmcore gives it): which pages it has, and their bytes.

Nothing here knows the kernel's structures; it is the ground on which the other checks stand.
    core = RawCore("vmcore.raw")
    core.max_pfn, core.present[pfn], core.page(pfn), core.zero_pages()
"""
import mmap
import struct
from dataclasses import dataclass

import numpy

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
PT_LOAD = 1
PT_NOTE = 4

# Values of RawCore.offset_of for pages that are not one whole page of the file.
ABSENT = -1
COMPOSED = -2


@dataclass
class Segment:
    """One PT_LOAD, in physical addresses."""

    start: int
    end: int
    file_end: int  # first physical address that has no data in the file
    offset: int


def pages_up(address):
    return (address + PAGE_SIZE - 1) >> PAGE_SHIFT


class RawCore:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.segments = []
        self.notes = []
        self._read_headers()
        self._lay_out_pages()

    def _read_headers(self):
        ident = self.map[:16]
        if ident[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{self.path}: not a little-endian ELF64 file")
        (phoff,) = struct.unpack_from("<Q", self.map, 32)
        entry_size, count = struct.unpack_from("<HH", self.map, 54)
        if count == 0xFFFF:  # more than fit: the first section header has the number
            (shoff,) = struct.unpack_from("<Q", self.map, 40)
            (count,) = struct.unpack_from("<I", self.map, shoff + 44)
        for index in range(count):
            kind, _, offset, _, paddr, filesz, memsz, _ = struct.unpack_from(
                "<IIQQQQQQ", self.map, phoff + index * entry_size
            )
            if kind == PT_LOAD:
                self.segments.append(Segment(paddr, paddr + memsz, paddr + min(filesz, memsz), offset))
            elif kind == PT_NOTE:
                self._read_notes(offset, filesz)

    def _read_notes(self, offset, size):
        end = offset + size
        while offset + 12 <= end:
            name_size, desc_size, kind = struct.unpack_from("<III", self.map, offset)
            name = self.map[offset + 12 : offset + 12 + name_size].rstrip(b"\0")
            desc_at = offset + 12 + (name_size + 3 & ~3)
            self.notes.append((name, kind, self.map[desc_at : desc_at + desc_size]))
            offset = desc_at + (desc_size + 3 & ~3)

    def _lay_out_pages(self):
        """A page is present when any byte of it lies in a segment: partial first and last pages are."""
        self.max_pfn = max((pages_up(s.end) for s in self.segments), default=0)
        self.present = numpy.zeros(self.max_pfn, bool)
        self.has_data = numpy.zeros(self.max_pfn, bool)
        self.first_byte_has_data = numpy.zeros(self.max_pfn, bool)
        self.offset_of = numpy.full(self.max_pfn, ABSENT, numpy.int64)
        for s in self.segments:
            self.present[s.start >> PAGE_SHIFT : pages_up(s.end)] = True
            if s.file_end > s.start:
                self.has_data[s.start >> PAGE_SHIFT : pages_up(s.file_end)] = True
                self.first_byte_has_data[pages_up(s.start) : pages_up(s.file_end)] = True
        self.offset_of[self.present] = COMPOSED
        # Backwards, so that of two segments with the same page the first one is read, as others do.
        for s in reversed(self.segments):
            first, last = pages_up(s.start), s.file_end >> PAGE_SHIFT
            if last > first:
                start = s.offset + (first << PAGE_SHIFT) - s.start
                self.offset_of[first:last] = start + (numpy.arange(last - first, dtype=numpy.int64) << PAGE_SHIFT)

    def page(self, pfn):
        """The page's bytes. Where no segment has data, zeros."""
        offset = int(self.offset_of[pfn])
        if offset >= 0:
            return self.map[offset : offset + PAGE_SIZE]
        if offset == ABSENT:
            raise KeyError(f"pfn {pfn:#x} is in no segment")
        page = bytearray(PAGE_SIZE)
        start, end = pfn << PAGE_SHIFT, (pfn + 1) << PAGE_SHIFT
        for s in reversed(self.segments):
            low, high = max(start, s.start), min(end, s.file_end)
            if low < high:
                at = s.offset + low - s.start
                page[low - start : high - start] = self.map[at : at + high - low]
        return bytes(page)

    def partial_last_pages(self):
        """The pages in which a segment, or its data, ends before the page does."""
        ends = (end for s in self.segments for end in (s.end, s.file_end))
        return sorted({end >> PAGE_SHIFT for end in ends if end % PAGE_SIZE})

    def zero_pages(self):
        """For each pfn, whether it is present and all its bytes are zero."""
        zero = numpy.zeros(self.max_pfn, bool)
        whole = numpy.flatnonzero(self.offset_of >= 0)
        offsets = self.offset_of[whole]
        breaks = numpy.flatnonzero((numpy.diff(whole) != 1) | (numpy.diff(offsets) != PAGE_SIZE)) + 1
        chunk = 4096  # pages at a time: what the any() below makes stays small
        for run in numpy.split(numpy.arange(len(whole)), breaks):
            for at in range(0, len(run), chunk):
                part = run[at : at + chunk]
                words = numpy.frombuffer(self.map, "<u8", len(part) * (PAGE_SIZE // 8), int(offsets[part[0]]))
                zero[whole[part]] = ~words.reshape(len(part), -1).any(axis=1)
        for pfn in numpy.flatnonzero(self.offset_of == COMPOSED):
            zero[pfn] = not any(self.page(int(pfn)))
        return zero

    def vmcoreinfo(self):
        for name, _, desc in self.notes:
            if name == b"VMCOREINFO":
                return parse_vmcoreinfo(desc)
        return {}


def parse_vmcoreinfo(data):
    lines = data.rstrip(b"\0").decode("ascii", "replace").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
