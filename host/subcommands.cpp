// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/subcommands.h"

#include <algorithm>
#include <cstdint>

namespace lifeboat::host {

namespace {

constexpr Option json_option{"--json", "", "as one JSON object"};

constexpr Option filter_options[] = {
    {"--level", "0..31", "what is left out: 1 zero pages, 2 and 4 page cache, 8 user memory, 16 free pages"},
    {"--format", "kdump|elf", "a kdump-compressed file (the default) or an ELF core"},
    {"--compress", "zstd[:LEVEL]|zlib[:LEVEL]|none", "how pages are compressed; zstd:1 by default"},
    {"--threads", "N", "1 to 256; as many as CPUs by default"},
};
constexpr Option ls_options[] = {
    {"--long", "", "as ls -l has it, with a heading for each archive"},
    {"-l", "", "the same"},
};
constexpr Option info_options[] = {json_option};

constexpr Subcommand table[] = {
    {{"filter", "INPUT OUTPUT", 2, 2, filter_options}, "make a filtered dump of a core or of a dump", filter},
    {{"dmesg", "FILE", 1, 1, {}}, "print the kernel log that is in a core or dump", dmesg},
    {{"info", "FILE", 1, 1, info_options}, "print what a core or dump is and what is in it", info},
    {{"verify", "FILE", 1, 1, {}}, "read all of a dump and say whether it is whole", verify},
    {{"ls", "INITRD", 1, 1, ls_options}, "list what is in an initrd, all its archives", ls},
    {{"cat", "INITRD PATH...", 2, SIZE_MAX, {}}, "print files that are in an initrd", cat},
    {{"unpack", "INITRD FOLDER", 2, 2, {}}, "make the tree that an initrd becomes in a new folder", unpack},
    {{"completion", "bash|zsh", 1, 1, {}}, "print the shell's completion of this command", completion},
    {{"help", "[SUBCOMMAND]", 0, 1, {}}, "list the subcommands, or explain one", help},
};

} // namespace

std::span<const Subcommand> subcommands() {
    return table;
}

const Subcommand* find_subcommand(std::string_view name) {
    const auto* const found =
        std::ranges::find(table, name, [](const Subcommand& each) { return each.syntax.name; });
    return found == std::end(table) ? nullptr : found;
}

} // namespace lifeboat::host
