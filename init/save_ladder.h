// SPDX-License-Identifier: GPL-2.0-or-later
// The ladder by which evidence comes ashore: each target in the plan's order is tried for each thing that is
// not saved yet, the kernel log before the vmcore, until all is saved, no target is left or the time is over.
// A target that does not take something is left for the next one; what it has taken stays there.
//
//     not there, cannot be mounted      the next target
//     the way to it hangs or dies       the next target, and once more where no other was better
//     does not take the log             the next target; the vmcore is tried here only where no other took it
//     the core tells no log             the vmcore is tried here all the same
//     does not take the vmcore          the next target, log and vmcore
//
// Each target that was never reached is tried once more in the second round, which loads further modules.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lifeboat {

enum class SaveEnd : std::uint8_t {
    saved,   // it has its final name and is on disk
    refused, // the target did not take it: full, read-only, failing, too slow
    failed,  // nothing that another target could mend
};

enum class Reach : std::uint8_t {
    reached,
    absent,    // it is not there, or cannot be mounted
    broke_off, // what looked for it or mounted it hung or died
};

// What the ladder has done. Each step keeps its own limits and says what went wrong.
class SaveSteps {
public:
    virtual ~SaveSteps() = default;
    enum class Round : std::uint8_t { planned, with_further_modules };

    // Finds the target, 0 being the plan's first, and mounts it. The steps below work on the one that was
    // reached.
    virtual Reach reach(std::size_t target, Round round) = 0;
    virtual SaveEnd save_log() = 0;
    // `others`: there are targets still to be tried, so that one that hangs is not tried twice.
    virtual SaveEnd save_vmcore(bool others) = 0;
    // Makes what it took durable and unmounts it.
    virtual void leave() = 0;

    [[nodiscard]] virtual bool may_load_further_modules() const = 0;
    [[nodiscard]] virtual bool time_is_over() const = 0;
};

struct Saved {
    bool log = false;
    bool vmcore = false;
};

Saved climb_ladder(std::size_t targets, SaveSteps& steps);

} // namespace lifeboat
