// SPDX-License-Identifier: GPL-2.0-or-later
// A module's file: what the kernel makes of it, and the file without what a crash kernel does not read.
// Source: Linux kernel/module/main.c; gABI, relocatable files; Linux include/linux/module_signature.h.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct ModuleFacts {
    std::uint64_t memory_bytes = 0; // once loaded: the sections that are kept, each section's alignment in it
    std::vector<std::string> firmware; // files below /lib/firmware that it may ask for
    bool is_signed = false;
};

// `content` is the file, decompressed. Fails with corrupt where it is no 64-bit little-endian ELF module.
Result<ModuleFacts> read_module_facts(std::string_view content, std::string_view name);

// Without its signature, BTF, notes of the build and comments: what loading it does not need. The rest stays
// as it is, at the same section numbers. Only for kernels that load modules without a signature.
Result<std::string> slim_module(std::string_view content, std::string_view name);

} // namespace lifeboat::host
