// SPDX-License-Identifier: GPL-2.0-or-later
// What a stage tells while it works: log lines, facts for the summary, progress. In a supervised child this
// is a pipe to PID 1 (init/stage_messages.h); in unit tests it is a list.
#pragma once

#include "base/log.h"
#include "vmcore/dump.h"

#include <string_view>

namespace lifeboat {

// Said before a failure that is the target's: another one may take what this one did not.
inline constexpr std::string_view refused_fact = "refused";

class StageReport : public Log {
public:
    // A value that outlives the stage, also one that dies later: `folder`, `bytes`, ... Keys are single
    // words.
    virtual void fact(std::string_view key, std::string_view value) = 0;
    void fact(std::string_view key, std::uint64_t value) {
        fact(key, std::string_view(std::format("{}", value)));
    }
    virtual void progress(const DumpProgress& progress) = 0;

    // What was done on the target, handed on; where it failed, that is the target's fault.
    template <class T>
    Result<T> on_target(Result<T> done) {
        if (!done)
            fact(refused_fact, 1);
        return done;
    }
};

} // namespace lifeboat
