// SPDX-License-Identifier: GPL-2.0-or-later
// A machine that has booted kernel 6.1 with its initrd, for the tests of what is known good.
#pragma once

#include "host/fallback/good_store.h"
#include "host/fallback/keep_good.h"
#include "host/machine/lock_folder.h"
#include "tests/builders/newc_builder.h"
#include "tests/fakes/temporary_system.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

namespace lifeboat::tests {

inline std::string initrd_with(const std::string& content) {
    return newc({{"init", 0100755, "#!/bin/sh\n" + content},
                 {"usr", 040755},
                 {"usr/lib", 040755},
                 {"lib", 0120777, "usr/lib"}});
}

struct GoodMachine : fakes::TemporarySystem {
    GoodMachine() {
        write("proc/sys/kernel/osrelease", "6.1\n");
        write("proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=a ro quiet\n");
        write("boot/vmlinuz-6.1", "kernel 6.1");
        write("boot/initrd.img-6.1", initrd_with("first"));
        // Those files are older than the boot: it was in the future.
        boot_at(std::time(nullptr) + 1000);
    }

    void boot_at(std::int64_t seconds) const {
        write("proc/stat", "cpu 1 2 3\nbtime " + std::to_string(seconds) + "\nprocesses 7\n");
    }

    [[nodiscard]] Result<host::Kept> keep(std::int64_t now_s = 1'700'000'000,
                                          std::size_t generations = 3) const {
        const host::BootWords words = host::read_boot_words(read("proc/cmdline"));
        const auto booted = host::find_booted_files(paths(), words);
        if (!booted)
            return fail(booted.error());
        return host::keep_good(
            {.paths = paths(), .booted = *booted, .generations = generations, .now_s = now_s});
    }

    // What is kept, the newest first.
    [[nodiscard]] std::vector<std::string> kept_names() const {
        std::vector<std::string> names;
        for (const host::Generation& generation : host::read_good_store(paths()).value().generations)
            names.push_back(generation.name);
        return names;
    }

    // But for the lock, which stays.
    [[nodiscard]] std::vector<std::string> names_in(const std::string& folder) const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path(folder)))
            if (entry.path().filename() != host::lock_file_name)
                names.push_back(entry.path().filename());
        std::ranges::sort(names);
        return names;
    }
};

} // namespace lifeboat::tests
