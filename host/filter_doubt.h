// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the next dump can be filtered, which is known before the crash: a kernel that tells too little of
// its pages has all of them kept, and its dump may not fit.
#pragma once

#include "stages/system_paths.h"

#include <string>
#include <string_view>

namespace lifeboat::host {

// Why a dump of the kernel `version` will not, or may not, be of `asked_level`: a sentence; empty where it
// will. Of the running kernel /proc/kcore tells, with the same eyes as the crash kernel's; of another one,
// and where that cannot be read (a kernel that is locked down), only whether it is newer than those that were
// tried.
std::string filter_doubt(const SystemPaths& paths, std::string_view version, unsigned asked_level);

} // namespace lifeboat::host
