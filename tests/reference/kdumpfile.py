#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A small reader of kdump-compressed dumps, version 6, little-endian 64 bit, independent of the engine's writer.

    dump = KdumpFile("vmcore")
    dump.dumped[pfn], dump.page(pfn), dump.problems()
As a program it prints what a dump is, and its structural faults: kdumpfile.py DUMP
"""
import mmap
import struct
import sys
import zlib

import numpy

from elfcore import parse_vmcoreinfo

SIGNATURE = b"KDUMP   "
STATUS_INCOMPLETE = 8
PAGE_ZLIB, PAGE_LZO, PAGE_SNAPPY, PAGE_ZSTD = 1, 2, 4, 0x20
COMPRESSIONS = {0: "raw", PAGE_ZLIB: "zlib", PAGE_LZO: "lzo", PAGE_SNAPPY: "snappy", PAGE_ZSTD: "zstd"}
DESCRIPTOR = numpy.dtype([("offset", "<i8"), ("size", "<u4"), ("flags", "<u4"), ("page_flags", "<u8")])
UTS_FIELDS = ("sysname", "nodename", "release", "version", "machine", "domainname")
UTS_LENGTH = 65


class FormatError(Exception):
    pass


class KdumpFile:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            try:
                self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError:
                raise FormatError(f"{path}: empty file") from None
        self._zstd = None
        self._lzo = None
        self._read_header()
        self._read_sub_header()
        self._read_bitmaps()
        self._read_descriptors()

    def _unpack(self, layout, offset, what):
        try:
            return struct.unpack_from("<" + layout, self.map, offset)
        except struct.error:
            raise FormatError(f"{self.path}: {what} at {offset:#x} is beyond the end, {len(self.map):#x}") from None

    def _read_header(self):
        if self.map[:12] == b"makedumpfile":
            raise FormatError(f"{self.path}: a flattened stream, not a dump that can be opened in place")
        if self.map[:8] != SIGNATURE:
            raise FormatError(f"{self.path}: signature is {self.map[:8]!r}, not {SIGNATURE!r}")
        (self.header_version,) = self._unpack("i", 8, "header version")
        if self.header_version < 6:
            raise FormatError(f"{self.path}: header version {self.header_version}, this reader knows 6")
        raw = self.map[12 : 12 + len(UTS_FIELDS) * UTS_LENGTH]
        self.uts = {
            name: raw[i * UTS_LENGTH : (i + 1) * UTS_LENGTH].split(b"\0")[0].decode("ascii", "replace")
            for i, name in enumerate(UTS_FIELDS)
        }
        # Six names of 65 bytes leave two bytes of padding before timeval's alignment of eight.
        self.timestamp = self._unpack("qq", 408, "timestamp")
        fields = self._unpack("IiiIIIIIIi", 424, "header")
        self.status, self.block_size, self.sub_header_blocks, self.bitmap_blocks = fields[:4]
        self.max_mapnr_32, self.cpu_count = fields[4], fields[9]
        if self.block_size != 4096:
            raise FormatError(f"{self.path}: block size {self.block_size}, this reader knows 4096")

    def _read_sub_header(self):
        at = self.block_size
        self.phys_base, self.dump_level, self.split = self._unpack("Qii", at, "sub header")
        _, _, vmcoreinfo_at, vmcoreinfo_size, note_at, note_size, erase_at, erase_size = self._unpack(
            "QQqQqQqQ", at + 16, "sub header"
        )
        self.start_pfn, self.end_pfn, self.max_pfn = self._unpack("QQQ", at + 80, "sub header")
        self.blobs = {
            "vmcoreinfo": (vmcoreinfo_at, vmcoreinfo_size),
            "note": (note_at, note_size),
            "eraseinfo": (erase_at, erase_size),
        }

    def blob(self, name):
        offset, size = self.blobs[name]
        return self.map[offset : offset + size] if offset > 0 else b""

    def vmcoreinfo(self):
        return parse_vmcoreinfo(self.blob("vmcoreinfo"))

    def _read_bitmaps(self):
        self.bitmap_at = (1 + self.sub_header_blocks) * self.block_size
        half = self.bitmap_blocks * self.block_size // 2
        if half * 8 < self.max_pfn:
            raise FormatError(f"{self.path}: bitmaps of {half * 8} bits for {self.max_pfn} pages")
        if self.bitmap_at + 2 * half > len(self.map):
            raise FormatError(f"{self.path}: bitmaps are beyond the end of the file")
        bits = numpy.frombuffer(self.map, "u1", 2 * half, self.bitmap_at).reshape(2, half)
        bits = numpy.unpackbits(bits, axis=1, bitorder="little").astype(bool)
        self.bits_beyond_end = int(bits[:, self.max_pfn :].sum())
        self.present, self.dumped = bits[:, : self.max_pfn]

    def _read_descriptors(self):
        self.descriptors_at = self.bitmap_at + self.bitmap_blocks * self.block_size
        self.dumped_pfns = numpy.flatnonzero(self.dumped)
        self.data_at = self.descriptors_at + len(self.dumped_pfns) * DESCRIPTOR.itemsize
        if self.data_at > len(self.map):
            raise FormatError(
                f"{self.path}: {len(self.dumped_pfns)} descriptors end at {self.data_at:#x}, the file at {len(self.map):#x}"
            )
        self.descriptors = numpy.frombuffer(self.map, DESCRIPTOR, len(self.dumped_pfns), self.descriptors_at)

    @property
    def incomplete(self):
        return bool(self.status & STATUS_INCOMPLETE)

    def problems(self):
        """What is wrong with the structure, as lines; none for a sound, complete dump."""
        found = []
        if self.incomplete:
            found.append(f"header says incomplete (status {self.status:#x})")
        if self.bits_beyond_end:
            found.append(f"{self.bits_beyond_end} bitmap bits at or above max_mapnr {self.max_pfn:#x}")
        if (odd := int((self.dumped & ~self.present).sum())) != 0:
            found.append(f"{odd} pages are dumped but not present")
        for name, (offset, size) in self.blobs.items():
            if size and not 0 < offset <= offset + size <= len(self.map):
                found.append(f"{name} at {offset:#x}, {size} bytes, is not within the file")
        if not self.blobs["vmcoreinfo"][1]:
            found.append("no vmcoreinfo")
        found += self._descriptor_problems()
        return found

    def _descriptor_problems(self):
        d = self.descriptors
        offset, size, flags = d["offset"], d["size"].astype(numpy.int64), d["flags"]
        checks = (
            ("have no data (page lost)", offset == 0),
            ("have data outside of the data area", (offset != 0) & ((offset < self.data_at) | (offset + size > len(self.map)))),
            ("have a size of 0 or above a page", (offset != 0) & ((size == 0) | (size > self.block_size))),
            ("have unknown flags", ~numpy.isin(flags, list(COMPRESSIONS))),
            ("are raw and not a page long", (offset != 0) & (flags == 0) & (size != self.block_size)),
            ("are compressed and no smaller than a page", (offset != 0) & (flags != 0) & (size >= self.block_size)),
        )
        return [
            f"{int(bad.sum())} descriptors {what}, first of pfn {self.dumped_pfns[bad.argmax()]:#x}"
            for what, bad in checks
            if bad.any()
        ] + self._overlaps()

    def _overlaps(self):
        """Two descriptors may share data, but then all of it."""
        spans = numpy.unique(
            numpy.stack([self.descriptors["offset"], self.descriptors["size"].astype(numpy.int64)], axis=1), axis=0
        )
        spans = spans[spans[:, 0] != 0]
        bad = spans[:-1].sum(axis=1) > spans[1:, 0]
        return [f"{int(bad.sum())} pieces of data overlap, first at {spans[bad.argmax()][0]:#x}"] if bad.any() else []

    def index_of(self, pfn):
        index = int(numpy.searchsorted(self.dumped_pfns, pfn))
        if index == len(self.dumped_pfns) or self.dumped_pfns[index] != pfn:
            raise KeyError(f"pfn {pfn:#x} is not in the dump")
        return index

    def page(self, pfn):
        return self.page_by_index(self.index_of(pfn))

    def page_by_index(self, index):
        offset, size, flags, _ = self.descriptors[index].item()
        data = self.map[offset : offset + size]
        page = self._expand(data, flags)
        if len(page) != self.block_size:
            raise FormatError(f"{self.path}: descriptor {index}: {len(page)} bytes after {COMPRESSIONS[flags]}")
        return page

    def _expand(self, data, flags):
        if flags == 0:
            return data
        if flags == PAGE_ZLIB:
            return zlib.decompress(data)
        if flags == PAGE_ZSTD:
            if not self._zstd:
                import zstandard

                self._zstd = zstandard.ZstdDecompressor()
            return self._zstd.decompress(data, max_output_size=self.block_size)
        if flags == PAGE_LZO:
            if not self._lzo:
                import lzo

                self._lzo = lzo
            return self._lzo.decompress(data, False, self.block_size)
        raise FormatError(f"{self.path}: cannot expand pages with flags {flags:#x}")

    def describe(self):
        d = self.descriptors
        kinds, counts = numpy.unique(d["flags"], return_counts=True)
        distinct = len(numpy.unique(d["offset"]))
        yield f"{self.path}: {len(self.map)} bytes, release {self.uts['release']}, machine {self.uts['machine']}, {self.cpu_count} CPUs"
        yield f"  version {self.header_version}, status {self.status:#x}, level {self.dump_level}, max_mapnr {self.max_pfn:#x}, phys_base {self.phys_base:#x}"
        yield f"  pages: {int(self.present.sum())} present, {len(d)} dumped, {len(d) - distinct} of them by shared data"
        yield "  stored: " + ", ".join(f"{COMPRESSIONS.get(int(k), hex(k))} {n}" for k, n in zip(kinds, counts))
        yield f"  vmcoreinfo {self.blobs['vmcoreinfo'][1]} bytes, notes {self.blobs['note'][1]} bytes"


def main():
    if len(sys.argv) != 2:
        sys.exit("kdumpfile: one dump, please: kdumpfile.py DUMP")
    try:
        dump = KdumpFile(sys.argv[1])
    except (FormatError, OSError) as error:
        sys.exit(f"kdumpfile: {error}")
    print("\n".join(dump.describe()))
    problems = dump.problems()
    print("\n".join("  fault: " + p for p in problems) or "  sound")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
