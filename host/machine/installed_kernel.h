// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel installed on this machine: its image and its modules.
#pragma once

#include "base/result.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct InstalledKernel {
    std::string version; // "6.1.0-56-amd64"
    std::string image;   // path, paths.root in front
    std::string modules; // folder, paths.root in front
    // What the image takes while it boots: itself, unpacked, with its bss and the room to unpack it in.
    std::uint64_t init_bytes = 0;
    // It is of 6.6 or later, which tell a loaded crash kernel of CPUs and memory that come and go.
    bool follows_hotplug = false;
    // It is older than 6.18, and what is unpacked may fill half of its memory only.
    bool limits_rootfs = false;
};

// Of the running kernel.
Result<std::string> running_kernel_version(const SystemPaths& paths);

// The versions that have modules installed, sorted by name.
std::vector<std::string> installed_kernel_versions(const SystemPaths& paths);

// Where distributions put a kernel's image; nothing when it is not there.
std::optional<std::string> find_installed_image(const SystemPaths& paths, std::string_view version);

// Fails with no_data where the image or the modules are missing.
Result<InstalledKernel> find_installed_kernel(const SystemPaths& paths, std::string_view version);

// The init_size field of an x86 image. Source: Linux Documentation/arch/x86/boot.rst, protocol 2.10 and
// later.
Result<std::uint64_t> read_init_bytes(const std::string& image);

} // namespace lifeboat::host
