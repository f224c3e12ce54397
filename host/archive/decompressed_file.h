// SPDX-License-Identifier: GPL-2.0-or-later
// A file that may be compressed, as a kernel's modules are (.ko, .ko.xz, .ko.zst, .ko.gz).
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>

namespace lifeboat::host {

// What is in it, decompressed if it is; the content tells, not the name. More than `limit_bytes` of it,
// packed or unpacked, is unsupported. A damaged or cut file is corrupt, the text says where and what.
Result<std::string> read_decompressed(const std::string& path,
                                      std::size_t limit_bytes = std::size_t{256} << 20);

} // namespace lifeboat::host
