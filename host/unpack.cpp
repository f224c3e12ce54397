// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/initrd_unpacker.h"
#include "host/subcommands.h"

#include <cstdio>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "unpack";

ExitCode report(const std::string& initrd, const InitrdUnpacker& unpacker, const InitrdSummary& summary) {
    if (::geteuid() != 0)
        std::fputs("lifeboat unpack: not root: everything belongs to you, no set-user-ID is set\n", stderr);
    if (unpacker.devices_left_out() > 0)
        std::fputs(std::format("lifeboat unpack: {} devices left out: not permitted to make them\n",
                               unpacker.devices_left_out())
                       .c_str(),
                   stderr);
    for (const std::string& complaint : unpacker.complaints())
        failure(name, complaint + ", left out");
    if (summary.problem)
        return failure(name, std::format("'{}': {}", initrd, summary.problem->text));
    return unpacker.complaints().empty() ? exit_ok : exit_failed;
}

Result<ExitCode> unpack_into(const std::string& initrd, const std::string& folder) {
    InitrdUnpacker unpacker = TRY(InitrdUnpacker::into(folder));
    const auto summary = read_initrd(initrd, unpacker);
    unpacker.finish();
    if (!summary)
        return fail(summary.error());
    return report(initrd, unpacker, *summary);
}

} // namespace

ExitCode unpack(const Arguments& arguments) {
    const auto done = unpack_into(arguments.operand(0), arguments.operand(1));
    return done ? *done : failure(name, done.error().text);
}

} // namespace lifeboat::host
