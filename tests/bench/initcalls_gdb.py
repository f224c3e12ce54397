# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of tests/bench/initcalls that gdb runs: free pages before and after each initcall, as JSON."""

import json
import os
import struct

import gdb

inferior = gdb.selected_inferior()
rows = []  # name, pages taken
returns = set()
running = None  # name, free pages before
places = []  # where the numbers of free pages stand: address, pages that each stands for, format


def value(text):
    return int(gdb.parse_and_eval(text))


def register(name):
    return int(gdb.selected_frame().read_register(name)) & (1 << 64) - 1


def read(address, form):
    return struct.unpack(form, inferior.read_memory(address, struct.calcsize(form)))[0]


def find_places():
    own_of_cpu = value("(unsigned long)__per_cpu_offset[0]")
    for zone in range(2):  # DMA and DMA32: there is no more memory than they have
        name = f"node_data[0]->node_zones[{zone}]"
        for order in range(11):
            places.append((value(f"(unsigned long)&{name}.free_area[{order}].nr_free"), 1 << order, "<Q"))
        lists = own_of_cpu + value(f"(unsigned long){name}.per_cpu_pageset")
        places.append((value(f"(unsigned long)&((struct per_cpu_pages *){lists})->count"), 1, "<i"))


def free_pages():
    if not places:
        find_places()
    return sum(pages * read(address, form) for address, pages, form in places)


class Return(gdb.Breakpoint):
    def stop(self):
        name, before = running
        rows.append([name, before - free_pages()])
        return False


class Call(gdb.Breakpoint):
    def stop(self):
        global running
        back = read(register("rsp"), "<Q")
        if back not in returns:
            returns.add(back)
            Return(f"*{back}", internal=True)
        running = gdb.execute(f"info symbol {register('rdi')}", to_string=True).split()[0], free_pages()
        return False


class End(gdb.Breakpoint):
    def stop(self):
        rows.append(["(left)", free_pages()])
        return True


Call("*do_one_initcall", internal=True)
# The first call: all initcalls have run, and the kernel gives its init sections back.
End("*free_kernel_image_pages", internal=True)
gdb.execute("continue")
with open(os.environ["LIFEBOAT_ROWS"], "w") as file:
    json.dump(rows, file)
gdb.execute("kill")
