// SPDX-License-Identifier: GPL-2.0-or-later
// Reads any initrd: archives one after the other, each compressed or not, zeros between them. As the kernel
// does (Linux init/initramfs.c), it goes on until the end or the first thing that it cannot read.
//
//     class Names : public InitrdVisitor {
//         Result<> visit(const CpioEntry& entry, EntryContent&) override { ...; return {}; }
//     };
//     const InitrdSummary summary = TRY(read_initrd(path, names));
//     if (!summary.is_whole()) ... summary.problem->text ...
//
// Memory: a decompressor's window and a piece of the file, not the initrd.
#pragma once

#include "host/archive/compression.h"
#include "host/archive/cpio_entry.h"

#include <optional>
#include <vector>

namespace lifeboat::host {

// A compressed stream with what is in it, or an archive that is not compressed.
struct InitrdPart {
    unsigned number = 1; // from 1
    std::uint64_t file_offset = 0;
    Compression compression = Compression::none;
    std::uint64_t packed_bytes = 0;   // 0 until it has been read
    std::uint64_t unpacked_bytes = 0; // as far as it was read
    std::uint64_t entries = 0;
};

// Errors from these end the reading and are read_initrd()'s.
class InitrdVisitor {
public:
    virtual ~InitrdVisitor() = default;
    // An entry of the part that is being read.
    virtual Result<> visit(const CpioEntry& entry, EntryContent& content) = 0;
    // The part has been read, or as much of it as can be.
    virtual Result<> end_part(const InitrdPart& /*part*/) { return {}; }
};

struct InitrdProblem {
    ErrorKind kind = ErrorKind::corrupt;
    unsigned part = 0;             // 0: between or after the parts
    std::uint64_t file_offset = 0; // where the part, or what is no part, begins
    std::uint64_t unpacked_offset = 0;
    std::string text; // names all of these
};

struct InitrdSummary {
    std::uint64_t file_bytes = 0;
    std::vector<InitrdPart> parts;
    std::optional<InitrdProblem> problem;

    // Everything in the file was read and makes sense.
    [[nodiscard]] bool is_whole() const { return !problem; }
};

// Fails where the file cannot be opened, is empty, or the visitor fails. What is wrong with the initrd is in
// the summary; a part of the file that cannot be read, too.
Result<InitrdSummary> read_initrd(const std::string& path, InitrdVisitor& visitor);
Result<InitrdSummary> read_initrd(std::span<const std::byte> bytes, InitrdVisitor& visitor);

} // namespace lifeboat::host
