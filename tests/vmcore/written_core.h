// SPDX-License-Identifier: GPL-2.0-or-later
// A described core, as a file in a folder of its own.
#pragma once

#include "base/descriptor.h"
#include "tests/builders/core_builder.h"
#include "tests/builders/temporary_folder.h"
#include "vmcore/core_file.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace lifeboat::tests {

class WrittenCore {
public:
    // `damage` may change memory before it is written.
    explicit WrittenCore(
        std::string_view description, const std::function<void(BuiltCore&)>& damage = [](BuiltCore&) {})
        : built(BuiltCore::from(description)) {
        damage(built);
        built.write(path());
    }

    [[nodiscard]] std::string path() const { return folder.path("core"); }
    [[nodiscard]] CoreFile open() const { return CoreFile::open(path()).value(); }
    // Bytes of the file replaced.
    template <class Value>
    void patch(std::uint64_t offset, Value value) const {
        const Descriptor file = open_file(path(), O_RDWR).value();
        write_all_at(file.get(), std::as_bytes(std::span(&value, 1)), offset, "core").value();
    }
    void truncate(std::uint64_t bytes) const { std::filesystem::resize_file(path(), bytes); }

    TemporaryFolder folder;
    BuiltCore built;
};

// 24 MiB of RAM in section 0, as small as a kernel of ours gets; more may follow.
inline std::string small_machine(std::string_view more = "") {
    return "ram 0x1000..0x9fc00\nram 0x100000..0x1900000\n" + std::string(more);
}

} // namespace lifeboat::tests
