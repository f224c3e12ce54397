// SPDX-License-Identifier: GPL-2.0-or-later
// Brings the kernel log and the vmcore to the plan's targets, each step in a child with limits: what the
// ladder (init/save_ladder.h) does, and what came of it.
#pragma once

#include "init/crash_context.h"
#include "init/save_ladder.h"
#include "stages/copy_vmcore.h"
#include "stages/find_target.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

class EvidenceSaver final : public SaveSteps {
public:
    // Must not outlive the context, whose plan is set.
    explicit EvidenceSaver(CrashContext& context)
        : context_(context)
        , search_ends_(Deadline::after_s(context.plan.deadlines.target_s))
        , landings_(context.plan.targets.size()) {}

    Reach reach(std::size_t target, Round round) override;
    SaveEnd save_log() override;
    SaveEnd save_vmcore(bool others) override;
    void leave() override;
    [[nodiscard]] bool may_load_further_modules() const override;
    [[nodiscard]] bool time_is_over() const override { return context_.runner.time_is_over(); }

    // The log's end on the console: the only way left where no target took it.
    void show_log_tail();
    // Sets what the summary says of the target that took the most, the first of those that took the same.
    void tell(Summary& summary) const;

private:
    // What one target took.
    struct Landing {
        std::string folder; // empty: none was made
        bool has_log = false;
        bool has_vmcore = false;
        bool has_pages = false; // an incomplete vmcore
        bool is_stuck = false;  // a child was left behind that may still use it
        DumpCounts counted;
        std::optional<unsigned> level; // of the vmcore
        std::optional<StageOutcome> first_vmcore;
        [[nodiscard]] unsigned rank() const { return has_vmcore ? 3 : has_pages ? 2 : has_log ? 1 : 0; }
    };
    using Work = std::function<Result<>(StageReport&)>;

    Deadline search_deadline(Round round);
    StageOutcome find(const Target& target, Round round);
    StageOutcome mount(const Target& target, const FoundTarget& found);
    StageOutcome attempt_log();
    StageOutcome attempt_vmcore(const CopyRequest& request);
    StageOutcome copy_vmcore_once_or_twice(bool others);
    void settle_vmcore();
    void detach();
    void keep_facts(const Facts& facts);
    void note_seconds(std::string_view stage, std::int64_t began_ms);
    [[nodiscard]] SaveRequest save_request() const;
    [[nodiscard]] CopyRequest copy_request() const;
    [[nodiscard]] Landing& here() { return landings_[target_]; }
    [[nodiscard]] const Landing& here() const { return landings_[target_]; }

    CrashContext& context_;
    Deadline search_ends_; // of all targets together
    bool has_searched_further_ = false;
    bool has_told_devices_ = false;
    CoreAccess access_ = CoreAccess::map;
    bool is_careful_ = false;       // with memory, after a child that was left behind with what it has
    std::size_t target_ = 0;        // the one that was reached
    std::vector<Landing> landings_; // by target
};

} // namespace lifeboat
