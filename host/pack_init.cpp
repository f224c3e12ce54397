// SPDX-License-Identifier: GPL-2.0-or-later
// pack-init PROGRAM OUTPUT: an initrd with PROGRAM as its /init and nothing else, packed as small as it goes.
// The build makes the package's init.img with it, so that `lifeboat pack` has only modules left to compress.
#include "host/archive/initrd_writer.h"
#include "host/machine/program_file.h"

#include <cstdio>
#include <format>

using namespace lifeboat;

namespace {

Result<> pack_init(const std::string& program, const std::string& output) {
    host::InitrdWriter initrd;
    TRY(host::add_init(initrd, program));
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
