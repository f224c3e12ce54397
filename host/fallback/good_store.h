// SPDX-License-Identifier: GPL-2.0-or-later
// What is known good: kernels with their initrds that have booted, each pair in a folder of its own,
//
//     /boot/lifeboat/good/6.1.0-56-amd64+20261126T101500Z/{vmlinuz,initrd.img,record}
//
// The record is a manifest (docs/formats.md). A folder has its final name when all that is in it is on disk.
#pragma once

#include "base/descriptor.h"
#include "base/result.h"
#include "host/fallback/place_file.h"
#include "host/machine/manifest.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

inline constexpr std::string_view fallback_folder = "/boot/lifeboat";
inline constexpr std::string_view good_folder = "/boot/lifeboat/good";

struct KeptFile {
    ManifestFile original; // its path as the machine has it, without paths.root
    StoredBy stored_by = StoredBy::copy;
};

struct Generation {
    std::string name;   // of its folder
    std::string kernel; // "6.1.0-56-amd64"
    std::int64_t kept_s = 0;
    std::string command_line;
    KeptFile image;
    KeptFile initrd;

    // Without paths.root.
    [[nodiscard]] std::string folder() const;
    [[nodiscard]] std::string image_path() const { return folder() + "/vmlinuz"; }
    [[nodiscard]] std::string initrd_path() const { return folder() + "/initrd.img"; }
};

std::string record_text(const Generation& generation);
Result<Generation> parse_record(std::string name, std::string_view text);

struct GoodStore {
    std::vector<Generation> generations; // the newest first
    std::vector<std::string> unreadable; // one sentence for each folder whose record cannot be used

    // nullptr: there is none of that version.
    [[nodiscard]] const Generation* newest_of(std::string_view kernel) const;
};

// A store that is not there is empty.
Result<GoodStore> read_good_store(const SystemPaths& paths);

// Makes the store's folders where they are missing, waits for whoever works on it, and removes what a
// cut-off has left. Held until the descriptor is closed.
Result<Descriptor> lock_good_store(const SystemPaths& paths);

// The content of a file here and now, noted under the path that it has without paths.root.
Result<ManifestFile> read_file_state(const SystemPaths& paths, std::string role, const std::string& path);

// Whether both kept files are there with the sizes that they had.
bool has_whole_sizes(const SystemPaths& paths, const Generation& generation);
// Reads a kept file; corrupt where it is not what was kept.
Result<> check_kept_file(const SystemPaths& paths, const KeptFile& kept, const std::string& path);

// A new name for a generation made now, in seconds since 1970.
std::string generation_name(std::string_view kernel, std::int64_t now_s);

// The name under which a generation is made and removed: nothing reads it.
std::string aside_folder(const SystemPaths& paths, std::string_view name);

// The whole folder, or none of it as far as its name is concerned. The store is locked. no_data: no such.
Result<> remove_generation(const SystemPaths& paths, std::string_view name);

// Those that are more than `bound`, the oldest first. Never the newest of all, and never the only one of the
// kernel that is running.
std::vector<std::string> beyond_bound(const GoodStore& store, std::size_t bound, std::string_view running);

} // namespace lifeboat::host
