// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/progress_bar.h"
#include "host/subcommands.h"
#include "vmcore/dump_verifier.h"

#include <cstdio>
#include <format>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "verify";
constexpr std::uint64_t page_bytes = 4096; // for the rate that is shown

std::string_view name_of(DumpVerdict::State state) {
    switch (state) {
    case DumpVerdict::State::whole:
        return "whole";
    case DumpVerdict::State::incomplete:
        return "incomplete";
    case DumpVerdict::State::damaged:
        break;
    }
    return "damaged";
}

std::string_view name_of(DumpVerdict::Digests digests) {
    switch (digests) {
    case DumpVerdict::Digests::absent:
        return "it has no digests";
    case DumpVerdict::Digests::right:
        return "the digests are right";
    case DumpVerdict::Digests::wrong:
        break;
    }
    return "the digests are wrong";
}

Result<DumpVerdict> verify_with_progress(const std::string& path) {
    ProgressBar bar("reading", page_bytes);
    return verify_dump(path, [&](const DumpProgress& progress) { bar.show(progress); });
}

} // namespace

ExitCode verify(const Arguments& arguments) {
    const std::string path = arguments.operand(0);
    const auto verdict = verify_with_progress(path);
    if (!verdict)
        return failure(name, verdict.error().text);
    for (const std::string& finding : verdict->findings)
        failure(name, std::format("'{}': {}", path, finding));
    std::puts(std::format("{}: {} pages read, {}", name_of(verdict->state), verdict->pages,
                          name_of(verdict->digests))
                  .c_str());
    return verdict->state == DumpVerdict::State::whole ? exit_ok : exit_failed;
}

} // namespace lifeboat::host
