// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/installed_kernel.h"
#include "tests/error_text.h"
#include "tests/fakes/temporary_system.h"

#include <string>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;

namespace {

// As much of a bzImage as is read. Source: Linux Documentation/arch/x86/boot.rst.
std::string image(std::uint32_t init_size) {
    std::string bytes(1024, '\0');
    bytes.replace(0x202, 4, "HdrS");
    bytes[0x206] = 0x0f;
    bytes[0x207] = 2;
    for (std::size_t i = 0; i < sizeof init_size; ++i)
        bytes[0x260 + i] = static_cast<char>(init_size >> (8 * i));
    return bytes;
}

} // namespace

TEST_CASE("an installed kernel's image says what it takes, its version what it does") {
    const struct {
        std::string version;
        bool follows_hotplug;
        bool limits_rootfs;
    } rows[] = {
        {"5.10.0-30-amd64", false, true},
        {"6.1.0-56-cloud-amd64", false, true},
        {"6.5.13", false, true},
        {"6.6.1", true, true},
        {"6.12.117+deb12-amd64", true, true},
        {"6.10-rc1", true, true},
        {"6.17.13", true, true},
        {"6.18.0", true, false},
        {"7.0.0", true, false},
        {"test", false, true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.version);
        const fakes::TemporarySystem system;
        system.write("lib/modules/" + row.version + "/modules.dep.bin", "");
        system.write("boot/vmlinuz-" + row.version, image(0x03456000));
        const auto kernel = find_installed_kernel(system.paths(), row.version);
        REQUIRE(tests::error_text(kernel) == "no error");
        CHECK(kernel->init_bytes == 0x03456000);
        CHECK(kernel->follows_hotplug == row.follows_hotplug);
        CHECK(kernel->limits_rootfs == row.limits_rootfs);
    }
}
