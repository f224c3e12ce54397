// SPDX-License-Identifier: GPL-2.0-or-later
// pack-init PROGRAM OUTPUT: an initrd with PROGRAM as its /init and nothing else, packed as small as it goes.
// The build makes the package's init.img with it, so that `lifeboat pack` has only modules left to compress.
#include "base/descriptor.h"
#include "host/archive/initrd_writer.h"

#include <cstdio>
#include <format>

using namespace lifeboat;

namespace {

constexpr std::size_t program_limit_bytes = std::size_t{64} << 20;

Result<> pack_init(const std::string& program, const std::string& output) {
    host::InitrdWriter initrd;
    initrd.add_file("init", TRY(read_file(program, program_limit_bytes)), 0755);
    TRY(initrd.write(output, host::Packing::smallest));
    return {};
}

} // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fputs("usage: pack-init PROGRAM OUTPUT\n", stderr);
        return 2;
    }
    if (const auto done = pack_init(arguments[1], arguments[2]); !done) {
        std::fputs(std::format("pack-init: {}\n", done.error().text).c_str(), stderr);
        return 1;
    }
    return 0;
}
