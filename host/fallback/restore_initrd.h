// SPDX-License-Identifier: GPL-2.0-or-later
// Puts the initrd that is known good in the place of one that is not.
//
// At each moment, also after a power cut, the initrd's name has the old file or the new one, whole and on
// disk; what was there is beside it then as NAME.broken.
#pragma once

#include "base/result.h"
#include "host/fallback/good_store.h"

#include <string>
#include <vector>

namespace lifeboat::host {

struct Restored {
    std::string path;   // the initrd, without paths.root
    std::string broken; // what was there, now under this name; empty: nothing was, or it could not be kept
    std::string from;   // the generation's name
    StoredBy way = StoredBy::copy;
    std::vector<std::string> notes; // one sentence each
};

// The newest generation of that version whose initrd is what was kept and is found whole. Fails with no_data
// where there is none, and then says why those that are there were not taken; with no_space where it does not
// fit: nothing is changed then.
Result<Restored> restore_initrd(const SystemPaths& paths, const std::string& version);

} // namespace lifeboat::host
