// SPDX-License-Identifier: GPL-2.0-or-later
// The manifest of a packed initrd: of what it was made, so that later it can be told whether that has
// changed.
//
//     Manifest manifest{.kernel = "6.1.0-56-amd64"};
//     manifest.add_file("config", "/etc/lifeboat.conf");       // read here and now; that it is absent is
//     noted too manifest.facts.push_back({"target", "UUID=... /crash ext4 rw"});   // what stands in no file
//     TRY(write_manifest("/var/lib/lifeboat/manifest-6.1.0-56-amd64", manifest));
//     ...
//     for (const Change& change : changed_files(TRY(read_manifest(path))))   // "module '/lib/...' was
//     removed"
//
// The file is text, a line for each entry; docs/formats.md has it.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

// One file that went into the initrd, or that would have if it had been there.
struct ManifestFile {
    std::string role; // "config", "kernel", "module", "init", ...: no blanks
    std::string path;
    bool is_there = false; // the rest counts only if so
    std::uint64_t size_bytes = 0;
    std::int64_t modified_ns = 0; // since 1970
    std::string digest;           // of the content: XXH3, 128 bits, in hexadecimal digits
};

// Something that the initrd follows from and that stands in no file: whoever wrote it compares it.
struct ManifestFact {
    std::string name; // no blanks
    std::string value;
};

struct Manifest {
    std::string kernel; // its release
    std::vector<ManifestFact> facts;
    std::vector<ManifestFile> files;

    // Fails when the file is there and cannot be read.
    Result<> add_file(std::string role, std::string path);
    [[nodiscard]] std::optional<std::string_view> fact(std::string_view name) const;
};

std::string manifest_text(const Manifest& manifest);
// Fails with corrupt: the line's number and what is wrong with it.
Result<Manifest> parse_manifest(std::string_view text);

// Written aside and renamed.
Result<> write_manifest(const std::string& path, const Manifest& manifest);
Result<Manifest> read_manifest(const std::string& path);

struct Change {
    std::string role;
    std::string path;
    enum class Kind : std::uint8_t { appeared, removed, changed, unreadable } kind = Kind::changed;

    [[nodiscard]] std::string text() const; // "config '/etc/lifeboat.conf' has changed"
};

// Which files are no longer as they were. Size and time the same: so is the content; else the content
// decides, for a file that was only touched or written again with the same content makes the same initrd.
std::vector<Change> changed_files(const Manifest& manifest);

} // namespace lifeboat::host
