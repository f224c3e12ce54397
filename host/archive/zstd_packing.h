// SPDX-License-Identifier: GPL-2.0-or-later
// zstd, as an initrd is packed. Source for what the kernel takes: Linux lib/decompress_unzstd.c.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lifeboat::host {

enum class Packing : std::uint8_t {
    smallest, // for a crash kernel, whose memory is what counts, and packed once: when lifeboat is built
    small,    // the same on the machine itself: in half the time, half a percent larger
    quick,    // for a boot that has all of the machine's memory: nine times as fast, with a larger window
};

// One frame. Unpacking what is packed smallest or small takes a window of at most 128 KiB beside what comes
// out of it; the frame tells its size and ends in a checksum, so that a damaged initrd is known for one.
Result<std::string> pack_for_kernel(std::string_view content, Packing packing);

} // namespace lifeboat::host
