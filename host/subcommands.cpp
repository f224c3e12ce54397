// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/subcommands.h"

#include <algorithm>
#include <cstdint>

namespace lifeboat::host {

namespace {

constexpr Option config_option{"--config", "FILE", "in place of /etc/lifeboat.conf"};
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
constexpr Option list_options[] = {json_option, config_option};
constexpr Option estimate_options[] = {
    json_option,
    {"--crashkernel", "",
     "print only what to boot with, as crashkernel= has it, for all kernels that are packed"},
    config_option,
};
constexpr Option test_options[] = {{"--yes", "", "without asking"}, config_option};
constexpr Option report_options[] = {{"--state", "FOLDER", "in place of /var/lib/lifeboat"}, config_option};
constexpr Option prune_options[] = {
    {"--count", "N", "how many dumps stay in a folder; 0: any number"},
    {"--days", "N", "older dumps go; 0: however old"},
    {"--size", "BYTES", "what a folder's dumps may take, with K, M, G or T; 0: anything"},
    {"--dry-run", "", "only say what would go"},
    config_option,
};
constexpr Option pack_options[] = {
    {"--kernel", "VERSION", "for this installed kernel; the running one by default"},
    {"--output", "FILE",
     "the initrd; by default initrd.img-VERSION in /var/lib/lifeboat or /boot/lifeboat/rescue"},
    {"--rescue", "", "the rescue image, which boots this machine when its own initrd does not"},
    {"--open-console", "",
     "of the rescue image: its console needs no password where no root file system is there"},
    {"--init", "FILE", "a program, or an initrd with one, in place of /usr/lib/lifeboat/init.img"},
    {"--command", "FILE", "of the rescue image: the lifeboat command in it, in place of this one"},
    {"--root", "DIR", "for the machine whose files, /proc and /sys too, are below this folder"},
    config_option,
};

constexpr Option load_options[] = {
    {"--kernel", "VERSION|running", "that packed kernel from now on; running: the running one's again"},
    {"--image", "FILE", "this kernel image, and --initrd with it"},
    {"--initrd", "FILE", "this initrd, and --image with it"},
    {"--dry-run", "", "only say what would be loaded, and its command line"},
    {"--links-only", "", "only make the links in /var/lib/lifeboat, for kdump-tools, which loads from them"},
    config_option,
};
constexpr Option console_options[] = {
    {"--root", "DIR", "where the root file system is mounted, /target by default"},
    {"--mounted", "", "it is mounted"},
    {"--password", "", "root's password there opens what can change things"},
    {"--open", "", "all can be done without a password"},
    {"--idle", "SECONDS", "without a line for that long the machine reboots, 600 by default"},
};
constexpr Option reload_options[] = {config_option};

constexpr Option good_options[] = {
    json_option,
    {"--kernel", "VERSION", "check: this kernel's initrd; by default each one's"},
    {"--write", "", "menu: write entries of the Boot Loader Specification, where this machine has such"},
    {"--root", "DIR", "with /boot, /lib/modules and /etc below this folder"},
    config_option,
};

constexpr Subcommand table[] = {
    {{"pack", "", 0, 0, pack_options},
     "work out what a capture on this machine needs, and make its initrd",
     pack},
    {{"filter", "INPUT OUTPUT", 2, 2, filter_options}, "make a filtered dump of a core or of a dump", filter},
    {{"dmesg", "FILE", 1, 1, {}}, "print the kernel log that is in a core or dump", dmesg},
    {{"info", "FILE", 1, 1, info_options}, "print what a core or dump is and what is in it", info},
    {{"verify", "FILE", 1, 1, {}}, "read all of a dump and say whether it is whole", verify},
    {{"status", "", 0, 0, list_options}, "say whether the next panic will be captured", status},
    {{"estimate", "", 0, 0, estimate_options},
     "say what has to be reserved here, and what dumps would take",
     estimate},
    {{"load", "", 0, 0, load_options}, "load the crash kernel", load},
    {{"reload", "", 0, 0, reload_options}, "load again what is loaded, if lifeboat has loaded it", reload},
    {{"unload", "", 0, 0, {}}, "take the crash kernel out again", unload},
    {{"list", "[FOLDER]", 0, 1, list_options}, "list the dumps that were captured, oldest first", list},
    {{"test", "", 0, 0, test_options}, "crash this machine, to see whether a dump comes of it", test},
    {{"report", "", 0, 0, report_options},
     "after a boot: tell of dumps that are new, and of a crash test",
     report},
    {{"prune", "", 0, 0, prune_options},
     "remove dumps beyond what the configuration keeps, oldest first",
     prune},
    {{"good", "list|keep|drop|restore|check|menu [NAME]", 1, 2, good_options},
     "look after the kernels and initrds that have booted, and repair an initrd with them",
     good},
    {{"ls", "INITRD", 1, 1, ls_options}, "list what is in an initrd, all its archives", ls},
    {{"cat", "INITRD PATH...", 2, SIZE_MAX, {}}, "print files that are in an initrd", cat},
    {{"unpack", "INITRD FOLDER", 2, 2, {}}, "make the tree that an initrd becomes in a new folder", unpack},
    {{"import", "[FILE]", 0, 1, {}}, "print a kdump.conf(5) as a lifeboat.conf(5)", import_config},
    {{"console", "", 0, 0, console_options}, "ask what to do, in a rescue boot; init runs it", console},
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
