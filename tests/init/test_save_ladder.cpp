// SPDX-License-Identifier: GPL-2.0-or-later
// The ladder over targets that take or refuse, as a table.
#include "init/save_ladder.h"

#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

// What each target does, a letter a step: is it there ("+", "-", "m" only with further modules, "!" the way
// to it breaks off the first time), then the log and the vmcore ("s" saved, "r" refused, "f" failed).
class FakeTargets final : public SaveSteps {
public:
    explicit FakeTargets(std::vector<std::string> targets)
        : targets_(std::move(targets)) {}

    Reach reach(std::size_t target, Round round) override {
        here_ = target;
        char& there = targets_[target][0];
        if (there == '!') {
            there = '+';
            note("break");
            return Reach::broke_off;
        }
        const bool reached = there == '+' || (there == 'm' && round == Round::with_further_modules);
        note(reached ? "reach" : "miss");
        return reached ? Reach::reached : Reach::absent;
    }
    SaveEnd save_log() override { return end_of("log", targets_[here_][1]); }
    SaveEnd save_vmcore(bool others) override {
        return end_of(others ? "vmcore" : "vmcore!", targets_[here_][2]);
    }
    void leave() override { note("leave"); }
    [[nodiscard]] bool may_load_further_modules() const override { return has_further_modules; }
    [[nodiscard]] bool time_is_over() const override { return steps_left == 0; }

    bool has_further_modules = true;
    unsigned steps_left = 100;
    std::string done;

private:
    void note(const std::string& what) {
        done += std::format("{}{}{}", done.empty() ? "" : " ", here_, what);
        if (steps_left > 0)
            --steps_left;
    }
    SaveEnd end_of(const std::string& what, char letter) {
        note(what);
        return letter == 's' ? SaveEnd::saved : letter == 'r' ? SaveEnd::refused : SaveEnd::failed;
    }

    std::vector<std::string> targets_;
    std::size_t here_ = 0;
};

} // namespace

TEST_CASE("what is tried where, and what came of it") {
    const struct {
        std::string what;
        std::vector<std::string> targets;
        bool log, vmcore;
        std::string done;
    } rows[] = {
        {"all is well", {"+ss", "+ss"}, true, true, "0reach 0log 0vmcore 0leave"},
        {"the first is not there", {"-ss", "+ss"}, true, true, "0miss 1reach 1log 1vmcore! 1leave"},
        {"the first takes nothing, full or read-only",
         {"+rr", "+ss"},
         true,
         true,
         "0reach 0log 0leave 1reach 1log 1vmcore! 1leave"},
        {"the first fails in the middle of the vmcore",
         {"+sr", "+ss"},
         true,
         true,
         "0reach 0log 0vmcore 0leave 1reach 1log 1vmcore! 1leave"},
        {"the first takes the log, and there is no other",
         {"+sr", "-ss"},
         true,
         false,
         "0reach 0log 0vmcore 0leave 1miss 1miss 0reach 0vmcore! 0leave"},
        {"a bad block under the log, and no other target",
         {"+rs", "-ss"},
         false,
         true,
         "0reach 0log 0leave 1miss 1miss 0reach 0log 0vmcore! 0leave"},
        {"the only one refuses the log", {"+rs"}, false, true, "0reach 0log 0vmcore! 0leave"},
        {"the core tells no log", {"+fs", "+ss"}, false, true, "0reach 0log 0vmcore 0leave"},
        {"a core that no target can mend", {"+sf", "+ss"}, true, false, "0reach 0log 0vmcore 0leave"},
        {"a core without log and memory", {"+ff", "+ff"}, false, false, "0reach 0log 0vmcore 0leave"},
        {"one that further modules bring", {"mss"}, true, true, "0miss 0reach 0log 0vmcore! 0leave"},
        {"one that further modules bring, behind one that refuses",
         {"+sr", "mss"},
         true,
         true,
         "0reach 0log 0vmcore 0leave 1miss 1reach 1log 1vmcore! 1leave"},
        {"the way to the only one breaks off", {"!ss"}, true, true, "0break 0reach 0log 0vmcore! 0leave"},
        {"the way to the first breaks off", {"!ss", "+ss"}, true, true, "0break 1reach 1log 1vmcore! 1leave"},
        {"none at all", {}, false, false, ""},
        {"none is there", {"-ss", "-ss"}, false, false, "0miss 1miss 0miss 1miss"},
        {"each takes the log only",
         {"+sr", "+sr"},
         true,
         false,
         "0reach 0log 0vmcore 0leave 1reach 1log 1vmcore! 1leave 0reach 0vmcore! 0leave"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        FakeTargets targets(row.targets);
        const Saved saved = climb_ladder(row.targets.size(), targets);
        CHECK(saved.log == row.log);
        CHECK(saved.vmcore == row.vmcore);
        CHECK(targets.done == row.done);
    }
}

TEST_CASE("without further modules nothing is looked for twice") {
    FakeTargets targets({"-ss"});
    targets.has_further_modules = false;
    CHECK_FALSE(climb_ladder(1, targets).log);
    CHECK(targets.done == "0miss");
}

TEST_CASE("when the time is over no further target is tried, and the one that was reached is left") {
    FakeTargets targets({"+rr", "+ss"});
    targets.steps_left = 2;
    climb_ladder(2, targets);
    CHECK(targets.done == "0reach 0log 0leave");
}
