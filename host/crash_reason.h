// SPDX-License-Identifier: GPL-2.0-or-later
// Why a kernel crashed, as its own log has it.
#pragma once

#include <string>
#include <string_view>

namespace lifeboat::host {

// The first line of a log (vmcore-dmesg.txt) that names a reason ("BUG: ...", "Oops: ...", "sysrq: Trigger a
// crash", "Kernel panic - not syncing: ..."), without its time, printable, at most 200 bytes; empty when none
// does.
std::string find_crash_reason(std::string_view kernel_log);

} // namespace lifeboat::host
