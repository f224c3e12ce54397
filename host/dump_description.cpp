// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/dump_description.h"

#include "base/descriptor.h"
#include "host/crash_reason.h"
#include "stages/dump_files.h"
#include "vmcore/core_file.h"

#include <format>

namespace lifeboat::host {

namespace {

constexpr std::size_t kernel_log_limit_bytes = std::size_t{16} << 20;

std::string kernel_of(const KeptDump& kept) {
    for (const char* file : {vmcore_name, vmcore_working_name})
        if (const auto core = CoreFile::open(kept.path() + '/' + file))
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

DumpDescription describe(const KeptDump& kept) {
    return {kernel_of(kept), reason_of(kept)};
}

std::string description_line(const KeptDump& kept) {
    const auto [kernel, reason] = describe(kept);
    return std::format("{}  {:<10}  {:>8.1f} MB  {}  {}", kept.path(), name_of(kept.dump.state),
                       static_cast<double>(kept.dump.bytes) / 1e6, or_unknown(kernel), or_unknown(reason));
}

} // namespace lifeboat::host
