// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"
#include "host/json_object.h"
#include "host/subcommands.h"
#include "vmcore/core_file.h"
#include "vmcore/dump_inventory.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <format>
#include <optional>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "info";

// Nothing where the file does not tell.
std::optional<std::int64_t> crash_time_of(const CoreFile& core) {
    const auto noted = core.vmcoreinfo().crash_time();
    return noted || core.kdump() == nullptr ? noted : core.kdump()->crash_time;
}

std::string in_utc(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    if (::gmtime_r(&time, &parts) == nullptr)
        return std::format("{} s after 1970", seconds); // a year that has no place in tm
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

bool is_complete(const CoreFile& core) {
    const bool says_so = core.kdump() == nullptr || (core.kdump()->status & kdump_incomplete) == 0;
    return says_so && !core.is_truncated();
}

std::string method_of(std::uint32_t flags) {
    switch (flags) {
    case 0:
        return "none";
    case kdump_zlib:
        return "zlib";
    case kdump_lzo:
        return "lzo";
    case kdump_snappy:
        return "snappy";
    case kdump_zstd:
        return "zstd";
    default:
        return std::format("{:#x}", flags);
    }
}

// The same facts, in the same order, for people and for programs.
void print_text(const CoreFile& core, const DumpInventory& inventory) {
    const auto line = [](std::string_view key, const std::string& value) {
        std::fputs(std::format("{:<12} {}\n", key, printable(value)).c_str(), stdout);
    };
    const KdumpOrigin* const kdump = core.kdump();
    line("format", kdump == nullptr ? "ELF core"
                                    : std::format("kdump-compressed, version {}, status {:#x}",
                                                  kdump->header_version, kdump->status));
    line("complete", is_complete(core) ? "yes" : "no");
    line("size", std::format("{} bytes", core.size_bytes()));
    line("kernel", std::string(core.release()));
    if (kdump != nullptr) {
        line("host", kdump->utsname.nodename);
        line("machine", kdump->utsname.machine);
        line("build", kdump->utsname.version);
        line("level", std::to_string(kdump->level));
    }
    if (const auto crash_time = crash_time_of(core))
        line("crashed", in_utc(*crash_time));
    line("cpus", std::to_string(core.cpu_count()));
    line("page size", std::to_string(core.page_bytes()));
    line("pages", std::format("{} present, {} in the file, {} left out, {} lost", inventory.present_pages,
                              inventory.held_pages, inventory.left_out_pages, inventory.lost_pages));
    for (std::size_t i = 0; i < page_class_count; ++i)
        line(std::format("  {}", name_of(static_cast<PageClass>(i))),
             std::to_string(inventory.pages_by_class[i]));
    for (const auto& [flags, stored] : inventory.stored)
        line(method_of(flags), std::format("{} pages, {} bytes", stored.pages, stored.bytes));
    for (const std::string& doubt : inventory.doubts)
        line("doubt", doubt);
}

void print_json(const CoreFile& core, const DumpInventory& inventory) {
    const KdumpOrigin* const kdump = core.kdump();
    JsonObject info;
    info.add("format", kdump == nullptr ? "elf" : "kdump");
    if (kdump != nullptr) {
        info.add("version", kdump->header_version);
        info.add("status", kdump->status);
    }
    info.add("complete", is_complete(core));
    info.add("bytes", core.size_bytes());
    info.add("kernel", core.release());
    if (kdump != nullptr) {
        info.add("host", kdump->utsname.nodename);
        info.add("machine", kdump->utsname.machine);
        info.add("build", kdump->utsname.version);
        info.add("level", kdump->level);
    }
    if (const auto crash_time = crash_time_of(core))
        info.add("crash_time", *crash_time);
    info.add("cpus", core.cpu_count());
    info.add("page_bytes", core.page_bytes());
    JsonObject pages;
    pages.add("present", inventory.present_pages);
    pages.add("held", inventory.held_pages);
    pages.add("left_out", inventory.left_out_pages);
    pages.add("lost", inventory.lost_pages);
    info.add("pages", pages);
    JsonObject classes;
    for (std::size_t i = 0; i < page_class_count; ++i)
        classes.add(name_of(static_cast<PageClass>(i)), inventory.pages_by_class[i]);
    info.add("classes", classes);
    JsonObject methods;
    for (const auto& [flags, stored] : inventory.stored) {
        JsonObject method;
        method.add("pages", stored.pages);
        method.add("bytes", stored.bytes);
        methods.add(method_of(flags), method);
    }
    info.add("stored", methods);
    info.add("doubts", inventory.doubts);
    std::puts(info.text().c_str());
}

Result<> print_info(const std::string& path, bool as_json) {
    const CoreFile core = TRY(CoreFile::open(path, CoreAccess::read));
    const DumpInventory inventory = TRY(take_inventory(core));
    (as_json ? print_json : print_text)(core, inventory);
    return {};
}

} // namespace

ExitCode info(const Arguments& arguments) {
    if (const auto done = print_info(arguments.operand(0), arguments.has("--json")); !done)
        return failure(name, done.error().text);
    return exit_ok;
}

} // namespace lifeboat::host
