// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/dump_description.h"

#include "base/descriptor.h"
#include "base/log.h"
#include "base/text.h"
#include "host/crash_reason.h"
#include "host/saved_summary.h"
#include "stages/dump_files.h"
#include "vmcore/core_file.h"

#include <format>

namespace lifeboat::host {

namespace {

constexpr std::size_t kernel_log_limit_bytes = std::size_t{16} << 20;

std::string kernel_of(const KeptDump& kept) {
    for (const char* file : {vmcore_name, vmcore_working_name})
        if (const auto core = CoreFile::open(kept.path() + '/' + file, CoreAccess::read))
            return std::string(core->release());
    return {};
}

std::string reason_of(const KeptDump& kept) {
    const auto log = read_file(kept.path() + '/' + kernel_log_name, kernel_log_limit_bytes);
    return log ? find_crash_reason(*log) : std::string();
}

std::string or_unknown(std::string text) {
    return text.empty() ? "?" : std::move(text);
}

} // namespace

// The dump itself does not know what was asked for.
std::string lesser_level_of(const KeptDump& kept) {
    const auto log = read_file(kept.path() + '/' + boat_log_name, kernel_log_limit_bytes);
    if (!log)
        return {};
    const auto number = [&](std::string_view key) {
        return parse_unsigned(find_in_summary(*log, key).value_or(""));
    };
    const auto level = number("level");
    const auto asked = number("asked_level");
    return level && asked && (*level & *asked) != *asked
               ? std::format("level {} instead of {}", *level, *asked)
               : std::string();
}

DumpDescription describe(const KeptDump& kept) {
    return {kernel_of(kept), reason_of(kept), lesser_level_of(kept)};
}

std::string description_line(const KeptDump& kept) {
    auto [kernel, reason, lesser_level] = describe(kept);
    if (!lesser_level.empty())
        lesser_level = std::format("  ({}: its lifeboat.log says why)", lesser_level);
    return printable(std::format("{}  {:<10}  {:>8.1f} MB  {}  {}{}", kept.path(), name_of(kept.dump.state),
                                 static_cast<double>(kept.dump.bytes) / 1e6, or_unknown(kernel),
                                 or_unknown(reason), lesser_level));
}

} // namespace lifeboat::host
