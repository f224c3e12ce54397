#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The slow, independent opinion on what each page of a raw vmcore is, and so on which pages a dump level keeps.

It shares nothing with the engine: types come from the debug kernel's DWARF through drgn (not from vmcoreinfo), the memmap
from vmemmap_base, a tail page's class from its own pointer to its head (not from the head's order), and what the memmap
calls free is compared with the kernel's free lists.

    classify.py RAW VMLINUX        counts by class and by level; exits 1 when the memmap contradicts itself
"""
import sys
import time
from enum import IntEnum

import drgn
import numpy

from elfcore import PAGE_SHIFT, RawCore

SECTION_SHIFT = 27 - PAGE_SHIFT  # x86_64: sections of 128 MiB
SECTION_HAS_MEMMAP = 2
SECTION_IS_ONLINE = 4
SECTION_FLAGS = 63
FOUR_GIBIBYTES = 1 << 32 - PAGE_SHIFT
MAPPING_BITS = numpy.uint64(3)
HUGE_PAGE = 1 << 9  # pages
POINTER_MASK = numpy.uint64(~1 & 0xFFFFFFFFFFFFFFFF)
# Addresses of struct pages are far below; what is above leads to a head as a mask, of at most this folio.
FIRST_MASK = numpy.uint64((1 << 64) - (1 << 40))
ONE = numpy.uint64(1)


class Class(IntEnum):
    KEPT = 0  # slab, page tables, stacks, reserved, per-CPU free lists, ...: no level drops them
    FREE = 1
    CACHE = 2
    CACHE_PRIVATE = 3
    USER = 4
    HWPOISON = 5
    OFFLINE = 6


LEVEL_ZERO, LEVEL_CACHE, LEVEL_CACHE_PRIVATE, LEVEL_USER, LEVEL_FREE = 1, 2, 4, 8, 16
MAX_LEVEL = 31


def dropped_classes(level):
    dropped = {Class.HWPOISON, Class.OFFLINE}
    if level & LEVEL_CACHE:
        dropped |= {Class.CACHE}
    if level & LEVEL_CACHE_PRIVATE:  # "with private data, too": it contains the one above
        dropped |= {Class.CACHE, Class.CACHE_PRIVATE}
    if level & LEVEL_USER:
        dropped |= {Class.USER}
    if level & LEVEL_FREE:
        dropped |= {Class.FREE}
    return dropped


class PageLayout:
    """Where struct page has what, and how its types are told apart, for kernels 5.10 to 6.9 and from 6.12 on."""

    def __init__(self, prog):
        page = prog.type("struct page")
        self.size = drgn.sizeof(page)
        self.flags = drgn.offsetof(page, "flags")
        self.mapping = drgn.offsetof(page, "mapping")
        self.private = drgn.offsetof(page, "private")
        self.mapcount = drgn.offsetof(page, "_mapcount")
        # Renamed in 7.1; tails have their head's address there, or a mask that makes it of their own address.
        self.link = drgn.offsetof(page, "compound_info" if has_member(page, "compound_info") else "compound_head")
        self.list = drgn.offsetof(page, "lru")
        self.bit = enumerators(prog, "enum pageflags")
        self.free_orders = prog.type("struct zone").member("free_area").type.length
        self._find_types(prog)
        self._find_order(prog, page)

    def _find_types(self, prog):
        types = enumerators(prog, "enum pagetype")
        if types:  # 6.12: one type, in the top byte
            if types["PGTY_buddy"] > 0xFF:
                raise ValueError("an enum pagetype of single bits is not known here")
            self.type_shift = 24
            self.buddy, self.offline = types["PGTY_buddy"], types["PGTY_offline"]
            self.slab, self.hugetlb = types["PGTY_slab"], types["PGTY_hugetlb"]
            self.unaccepted = types.get("PGTY_unaccepted")
        elif "PG_slab" in self.bit:  # macros of the kernel's, of which DWARF has no trace: inverted bits
            self.type_shift = 0
            self.buddy, self.offline = ~0x80 & 0xFFFFFFFF, ~0x100 & 0xFFFFFFFF
            self.slab = self.hugetlb = self.unaccepted = None
        else:
            raise ValueError("this kernel's page types are not known here")

    def _find_order(self, prog, page):
        """Order and destructor stand in the struct page after the head's; self.order is relative to that one."""
        self.dtor = self.hugetlb_dtor = None
        if has_member(page, "compound_order"):
            self.order, self.dtor = drgn.offsetof(page, "compound_order"), drgn.offsetof(page, "compound_dtor")
        else:
            folio = prog.type("struct folio")
            if has_member(folio, "_folio_order"):
                self.order = drgn.offsetof(folio, "_folio_order") - self.size
                self.dtor = drgn.offsetof(folio, "_folio_dtor") - self.size
            else:
                self.order = drgn.offsetof(folio, "_flags_1") - self.size
        if self.dtor is not None:
            self.hugetlb_dtor = enumerators(prog, "enum compound_dtor_id")["HUGETLB_PAGE_DTOR"]


def enumerators(prog, name):
    try:
        return dict(prog.type(name).enumerators)
    except LookupError:
        return {}


def has_member(type_, name):
    try:
        drgn.offsetof(type_, name)
        return True
    except LookupError:
        return False


class Memmap:
    """All struct pages of present memory, as columns by pfn; `known` says where there is one."""

    def __init__(self, prog, layout, core):
        self.layout = layout
        self.base = prog["vmemmap_base"].value_()
        self.notes = []
        self.known = numpy.zeros(core.max_pfn, bool)
        self.online = numpy.zeros(core.max_pfn, bool)
        self.words = numpy.zeros((core.max_pfn, layout.size // 8), "<u8")
        for section in range((core.max_pfn + (1 << SECTION_SHIFT) - 1) >> SECTION_SHIFT):
            flags = self._section_flags(prog, section)
            if flags & SECTION_HAS_MEMMAP:
                start, end = section << SECTION_SHIFT, min((section + 1) << SECTION_SHIFT, core.max_pfn)
                self.online[start:end] = bool(flags & SECTION_IS_ONLINE)
                self._read(prog, start, end)

    def _section_flags(self, prog, number):
        per_root = (1 << PAGE_SHIFT) // drgn.sizeof(prog.type("struct mem_section"))
        root = prog["mem_section"][number // per_root]
        if not root:
            return 0
        coded = root[number % per_root].section_mem_map.value_()
        if coded & SECTION_HAS_MEMMAP and coded & ~SECTION_FLAGS != self.base:
            raise ValueError(f"section {number}: memmap at {coded:#x}, and vmemmap_base is {self.base:#x}")
        return coded & SECTION_FLAGS

    def _read(self, prog, start, end):
        size = self.layout.size
        step = end - start
        while start < end:
            count = min(step, end - start)
            try:
                data = prog.read(self.base + start * size, count * size)
            except drgn.FaultError:
                if step == 1:
                    self.notes.append(f"no struct page for pfn {start:#x}")
                    start += 1
                step = max(step // 8, 1)
                continue
            self.words[start : start + count] = numpy.frombuffer(data, "<u8").reshape(count, -1)
            self.known[start : start + count] = True
            start += count

    def u64(self, offset):
        return self.words[:, offset // 8]

    def u32(self, offset):
        return self.words.view("<u4")[:, offset // 4]

    def u8(self, offset):
        return self.words.view("u1")[:, offset]

    def flag(self, name):
        """The named page flag; False everywhere when this kernel was built without it."""
        if name not in self.layout.bit:
            return numpy.zeros(len(self.words), bool)
        return (self.u64(self.layout.flags) & numpy.uint64(1 << self.layout.bit[name])) != 0

    def describe(self, pfn):
        words = " ".join(f"{word:x}" for word in self.words[pfn].tolist())
        return f"pfn {pfn:#x}: " + (words if self.known[pfn] else "no struct page")


def of_next(column):
    """The same column of the following struct page."""
    return numpy.append(column[1:], column.dtype.type(0))


class Classifier:
    def __init__(self, raw_path, vmlinux_path):
        self.core = RawCore(raw_path)
        self.prog = drgn.Program()
        self.prog.set_core_dump(raw_path)
        load_kernel(self.prog, vmlinux_path)
        self.layout = PageLayout(self.prog)
        self.memmap = Memmap(self.prog, self.layout, self.core)
        self.notes = list(self.memmap.notes)
        self._find_heads()
        self._classify()
        self._zero = None

    # Which page speaks for which

    def _find_heads(self):
        """self.head[pfn]: the page whose state decides for pfn; a page outside of any folio speaks for itself."""
        pages = numpy.arange(len(self.memmap.words))
        link = self.memmap.u64(self.layout.link)
        address = numpy.uint64(self.memmap.base) + pages.astype("<u8") * numpy.uint64(self.layout.size)
        tail = self.memmap.known & ((link & ONE) != 0)
        target = link & POINTER_MASK
        target = numpy.where(tail & (target >= FIRST_MASK), address & target, target)
        # With the hugetlb vmemmap optimisation of kernels before 7.1 one page of struct pages, the head's, is mapped again and
        # again: a copy of the head stands at every 64th page. It is told from a head by its neighbour, who points elsewhere.
        flagged = self.memmap.known & self.memmap.flag("PG_head") & ~tail
        next_target = of_next(target)
        copy = flagged & of_next(tail) & (next_target != address)
        self.is_head = flagged & ~copy
        target = numpy.where(copy, next_target, target)
        self.head = pages.copy()
        dependent = numpy.flatnonzero(tail | copy)
        head_pfn = ((target[dependent] - numpy.uint64(self.memmap.base)) // numpy.uint64(self.layout.size)).astype("i8")
        good = (head_pfn >= 0) & (head_pfn < dependent)
        good[good] &= self.is_head[head_pfn[good]]
        self.head[dependent[good]] = head_pfn[good]
        self.orphans = dependent[~good]  # stay their own heads, and are kept
        self.tail = numpy.zeros(len(pages), bool)
        self.tail[dependent] = True
        self._compare_heads_with_orders()

    def _compare_heads_with_orders(self):
        orders = of_next(self.memmap.u8(self.layout.order)).astype("i8")
        heads = numpy.flatnonzero(self.is_head)
        expected = 1 << numpy.minimum(orders[heads], 40)
        counted = numpy.bincount(self.head, minlength=len(self.head))[heads]
        bad = heads[expected != counted]
        # A folio that reaches into a hole of the memmap's end has fewer struct pages here.
        bad = bad[bad + (1 << orders[bad]) <= len(self.head)]
        for pfn in bad[:8]:
            self.notes.append(f"order {orders[pfn]} and number of tails differ, {self.memmap.describe(int(pfn))}")

    # What a page is

    def _classify(self):
        m, layout = self.memmap, self.layout
        type_value = m.u32(layout.mapcount) >> numpy.uint32(layout.type_shift)
        slab = m.flag("PG_slab") if layout.slab is None else type_value == layout.slab
        judged = m.known & ~self.tail & self.core.first_byte_has_data
        on_lru = m.flag("PG_lru") | (m.flag("PG_swapcache") & m.flag("PG_swapbacked"))
        anonymous = ((m.u64(layout.mapping) & ONE) != 0) & ~slab
        private = m.flag("PG_private")

        own = numpy.full(len(m.words), Class.KEPT, "u1")
        own[judged & (type_value == layout.offline) & ~slab] = Class.OFFLINE
        own[judged & (anonymous | self._hugetlb(type_value))] = Class.USER
        own[judged & on_lru & ~anonymous & ~private] = Class.CACHE
        own[judged & on_lru & ~anonymous & private] = Class.CACHE_PRIVATE
        buddy = judged & (type_value == layout.buddy) & ~slab
        own[buddy] = Class.KEPT
        self.klass = own[self.head]
        self._count_contents(anonymous & judged, on_lru & ~anonymous & judged, self._hugetlb(type_value) & judged)
        self._mark_free(numpy.flatnonzero(buddy))
        if layout.unaccepted is not None:
            self._mark_unaccepted(numpy.flatnonzero(judged & (type_value == layout.unaccepted)))
        self._mark_hwpoison(judged)
        for klass in (Class.FREE, Class.OFFLINE, Class.HWPOISON):
            self.contents[klass.name.lower()] = int((self.core.has_data & (self.klass == klass)).sum())

    def _count_contents(self, anonymous, filed, hugetlb):
        """self.contents: pages by what they hold, so that a test can ask whether a vmcore has what it was made to have."""
        m, layout = self.memmap, self.layout
        sizes = numpy.bincount(self.head, minlength=len(self.head))
        backed, swapped = m.flag("PG_swapbacked"), m.flag("PG_swapcache") & m.flag("PG_swapbacked")
        ksm = anonymous & ((m.u64(layout.mapping) & MAPPING_BITS) == MAPPING_BITS)
        of = lambda heads: int(sizes[heads].sum())
        present = self.core.has_data
        self.contents = {
            "huge": of(anonymous & ~hugetlb & (sizes == HUGE_PAGE)),
            "hugetlb": of(hugetlb),
            "ksm": of(ksm),
            "swapcache": of((anonymous | filed) & swapped),
            "tmpfs": of(filed & backed & ~swapped),
            "pagecache": of(filed & ~backed),
            "above-4g": int(present[FOUR_GIBIBYTES:].sum()),
            "not-online": int((present & m.known & ~m.online).sum()),
        }

    def _hugetlb(self, type_value):
        if self.layout.hugetlb is not None:
            return self.is_head & (type_value == self.layout.hugetlb)
        if self.layout.dtor is not None:
            return self.is_head & (of_next(self.memmap.u8(self.layout.dtor)) == self.layout.hugetlb_dtor)
        return self.is_head & of_next(self.memmap.flag("PG_hugetlb"))

    def _mark_free(self, buddies):
        orders = self.memmap.u64(self.layout.private)[buddies]
        self.free_blocks = []
        for pfn, order in zip(buddies.tolist(), orders.tolist()):
            if order >= self.layout.free_orders or pfn & ((1 << order) - 1):
                self.notes.append(f"kept: order {order} of a free block is not possible, {self.memmap.describe(pfn)}")
                continue
            self.free_blocks.append((pfn, order))
            self.klass[pfn : pfn + (1 << order)] = Class.FREE

    def _mark_unaccepted(self, heads):
        """Memory that the firmware has not handed over yet: always in blocks of the largest order."""
        for pfn in heads.tolist():
            self.klass[pfn : pfn + (1 << self.layout.free_orders - 1)] = Class.FREE

    def _mark_hwpoison(self, judged):
        """The flag counts for a head's whole folio, and for the page itself wherever it is set."""
        poisoned = self.memmap.flag("PG_hwpoison") & self.memmap.known
        self.klass[poisoned | (poisoned & judged)[self.head]] = Class.HWPOISON

    # What follows

    @property
    def present(self):
        return self.core.present

    @property
    def zero(self):
        if self._zero is None:
            self._zero = self.core.zero_pages()
        return self._zero

    def dump_set(self, level):
        """For each pfn whether a dump of this level has it. Zero pages stay in: the format shares their data instead."""
        return self.core.has_data & ~numpy.isin(self.klass, list(dropped_classes(level)))

    def zero_set(self, level):
        """The pages of dump_set(level) that are stored as the one shared zero page."""
        if not level & LEVEL_ZERO:
            return numpy.zeros(len(self.klass), bool)
        return self.dump_set(level) & self.zero

    def describe(self, pfn):
        text = f"{Class(self.klass[pfn]).name}, {self.memmap.describe(pfn)}"
        head = int(self.head[pfn])
        return text if head == pfn else f"{text}; head {self.memmap.describe(head)}"

    def compare_with_free_lists(self):
        """Blocks that only the memmap, and blocks that only the kernel's free lists call free."""
        listed = set()
        nodes = self.prog["node_data"]
        node_count = self.prog["nr_node_ids"].value_() if "nr_node_ids" in self.prog else 1
        for node in range(node_count):
            if nodes[node]:
                for zone in nodes[node].node_zones:
                    if zone.spanned_pages:  # the lists of an empty zone were never set up
                        listed.update(self._blocks_of_zone(zone))
        found = set(self.free_blocks)
        return sorted(found - listed), sorted(listed - found)

    def _blocks_of_zone(self, zone):
        for order in range(self.layout.free_orders):
            for head in zone.free_area[order].free_list:
                yield from ((pfn, order) for pfn in self._walk_list(head))

    def _walk_list(self, head):
        end, next_link = head.address_, head.next.value_()
        links = self.memmap.u64(self.layout.list)
        for _ in range(len(links)):
            if next_link == end:
                return
            pfn = (next_link - self.layout.list - self.memmap.base) // self.layout.size
            if not 0 <= pfn < len(links):
                self.notes.append(f"free list leads to {next_link:#x}")
                return
            yield pfn
            next_link = int(links[pfn])


def load_kernel(prog, vmlinux_path):
    try:
        prog.load_debug_info([vmlinux_path])
    except drgn.MissingDebugInfoError:
        pass  # the modules' is not needed


def main():
    if len(sys.argv) != 3:
        sys.exit("classify: a raw vmcore and its debug kernel, please: classify.py RAW VMLINUX")
    started = time.monotonic()
    c = Classifier(sys.argv[1], sys.argv[2])
    print(f"{int(c.present.sum())} pages present of {c.core.max_pfn}, {int((c.present & ~c.memmap.known).sum())} without struct page")
    for klass in Class:
        print(f"  {klass.name.lower():14} {int((c.present & (c.klass == klass)).sum()):9}")
    print(f"  zero (any class) {int(c.zero.sum()):7}")
    print("  contents: " + ", ".join(f"{name} {count}" for name, count in c.contents.items()))
    for level in (0, 1, 2, 4, 8, 16, 30, 31):
        print(f"  level {level:2}: {int(c.dump_set(level).sum())} pages, {int(c.zero_set(level).sum())} of them zero")
    only_memmap, only_lists = c.compare_with_free_lists()
    print(f"free blocks: {len(c.free_blocks)}; not on a list {len(only_memmap)}; only on a list {len(only_lists)}")
    for title, blocks in (("not on a list", only_memmap), ("only on a list", only_lists)):
        for pfn, order in blocks[:8]:
            print(f"  {title}: order {order}, {c.describe(pfn)}")
    for pfn in c.orphans[:8].tolist():
        print(f"  tail of no head: {c.describe(pfn)}")
    print("\n".join("  " + note for note in c.notes[:40]))
    print(f"{time.monotonic() - started:.1f} s")
    sys.exit(bool(len(c.orphans) or c.notes or only_memmap or only_lists))


if __name__ == "__main__":
    main()
