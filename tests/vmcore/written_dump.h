// SPDX-License-Identifier: GPL-2.0-or-later
// A described core as a kdump-compressed file, as makedumpfile writes it: any version of the header, any
// method. It shares no code with the engine's writer.
// Source: makedumpfile diskdump_mod.h and IMPLEMENTATION.
#pragma once

#include "base/descriptor.h"
#include "tests/builders/core_builder.h"
#include "tests/builders/temporary_folder.h"
#include "vmcore/core_file.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::tests {

struct DumpShape {
    std::int32_t version = 6;
    std::uint32_t flags = 0; // of pages and of the status: 0x1 zlib, 0x2 lzo, 0x20 zstd, 0 not compressed
    std::uint32_t more_status = 0;
    unsigned level = 0;
    std::string_view machine = "x86_64";
    bool has_notes = true; // where the version knows them
};

class WrittenDump {
public:
    explicit WrittenDump(std::string_view description, const DumpShape& shape = {});

    [[nodiscard]] std::string path() const { return folder.path("dump"); }
    [[nodiscard]] CoreFile open() const { return CoreFile::open(path()).value(); }
    // Bytes of the file replaced.
    template <class Value>
    void patch(std::uint64_t offset, Value value) const {
        const Descriptor file = open_file(path(), O_RDWR).value();
        write_all_at(file.get(), std::as_bytes(std::span(&value, 1)), offset, "dump").value();
    }
    void truncate(std::uint64_t bytes) const { std::filesystem::resize_file(path(), bytes); }
    // Offset of the page's descriptor: 8 bytes offset, 4 bytes size, 4 bytes flags.
    [[nodiscard]] std::uint64_t descriptor_at(std::uint64_t pfn) const;

    TemporaryFolder folder;
    BuiltCore built;
    std::vector<std::uint64_t> dumped;
    std::uint64_t bitmap1_at = 0;
    std::uint64_t bitmap2_at = 0;
    std::uint64_t descriptors_at = 0;
    std::uint64_t file_bytes = 0;
};

} // namespace lifeboat::tests
