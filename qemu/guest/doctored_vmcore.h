// SPDX-License-Identifier: GPL-2.0-or-later
// Puts a changed /proc/vmcore over the real one.
#pragma once

#include <string_view>

namespace guest {

// "truncated": ends in its middle; "novmcoreinfo": the note has another name; "ioerror": reads of its second
// half fail. Needs the fuse module.
void doctor_vmcore(std::string_view how);

} // namespace guest
