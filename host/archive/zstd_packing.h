// SPDX-License-Identifier: GPL-2.0-or-later
// zstd, as an initrd is packed. Source for what the kernel takes: Linux lib/decompress_unzstd.c.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace lifeboat::host {

// One frame. Unpacking takes a window of at most 128 KiB beside what comes out of it; the frame tells its
// size and ends in a checksum, so that a damaged initrd is known for one.
Result<std::string> pack_for_kernel(std::string_view content);

} // namespace lifeboat::host
