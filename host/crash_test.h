// SPDX-License-Identifier: GPL-2.0-or-later
// A crash that was wanted: what `lifeboat test` notes before it, and what the next boot makes of it.
//
// Below the state folder (/var/lib/lifeboat) `test-pending` is the record of what was loaded
// (host/crash_kernel/loading.h), with the facts `time` (seconds since 1970) and `boot` (the kernel's random
// boot id); `tested` is the same of the last test that passed, with the fact `dump`.
#pragma once

#include "base/result.h"
#include "host/dump_store.h"
#include "host/machine/manifest.h"

#include <optional>
#include <span>
#include <string>

namespace lifeboat::host {

// Notes, durably, that the machine is about to be crashed with this loaded.
Result<> note_pending_test(const std::string& folder, Manifest loaded, std::int64_t now_s);

// Of a test whose crash is behind us.
struct TestResult {
    bool passed = false;
    std::string text; // one sentence
};
// Nothing when none is pending, or the machine has not been down since. Else `tested` is written if it
// passed, and the test is no longer pending. Reads all of the dump.
Result<std::optional<TestResult>> settle_pending_test(const std::string& folder,
                                                      std::span<const KeptDump> dumps);

} // namespace lifeboat::host
