// SPDX-License-Identifier: GPL-2.0-or-later
// An archive's entries and parts as lines for people.
#pragma once

#include "host/archive/initrd_reader.h"

#include <string>

namespace lifeboat::host {

// As `ls -l` has it, the name without its newline:
// "lrwxrwxrwx   1 root     root            7 2026-11-26 18:44 bin -> usr/bin".
// Root is named, other owners are numbers, for they are not this machine's; times are this machine's.
std::string entry_line(const CpioEntry& entry);
// "archive 2: zstd, bytes 31744 to 6543210, 23456789 unpacked, 812 entries"
std::string part_line(const InitrdPart& part);

} // namespace lifeboat::host
