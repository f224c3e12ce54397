// SPDX-License-Identifier: GPL-2.0-or-later
// What there is to say of a captured dump.
#pragma once

#include "host/dump_store.h"

#include <string>

namespace lifeboat::host {

struct DumpDescription {
    std::string kernel;       // its release; empty: it cannot be told
    std::string reason;       // why it crashed; empty likewise
    std::string lesser_level; // lesser_level_of()
};
DumpDescription describe(const KeptDump& kept);
// By the dump's own log, of one whose kernel did not tell which pages were to be left out: "level 1 instead
// of 31"; else empty.
std::string lesser_level_of(const KeptDump& kept);

// "/var/crash/20261126T120000Z-web  complete        32.6 MB  6.1.0-56-amd64  sysrq: Trigger a crash"
std::string description_line(const KeptDump& kept);

} // namespace lifeboat::host
