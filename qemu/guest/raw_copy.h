// SPDX-License-Identifier: GPL-2.0-or-later
// Keeps /proc/vmcore as it is, for tests and measurements of the engine.
#pragma once

namespace guest {

// Copies it to the start of the disk that ends in "guest-raw"; pages of zeroes are left out, the disk being
// sparse. Says the size, so that the harness can cut the image to it.
void copy_raw_vmcore();

} // namespace guest
