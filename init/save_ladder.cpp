// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/save_ladder.h"

#include <vector>

namespace lifeboat {

namespace {

// One kind of evidence, over all targets.
struct Evidence {
    bool is_saved = false;
    bool is_hopeless = false;

    [[nodiscard]] bool is_done() const { return is_saved || is_hopeless; }
    SaveEnd note(SaveEnd end) {
        is_saved |= end == SaveEnd::saved;
        is_hopeless |= end == SaveEnd::failed;
        return end;
    }
};

class Ladder {
public:
    explicit Ladder(SaveSteps& steps)
        : steps_(steps) {}

    Saved climb(std::size_t targets) {
        std::vector<std::size_t> all;
        for (std::size_t target = 0; target < targets; ++target)
            all.push_back(target);
        const auto absent = try_each(all, SaveSteps::Round::planned);
        if (!is_over() && !absent.empty() && steps_.may_load_further_modules())
            try_each(absent, SaveSteps::Round::with_further_modules);
        come_back();
        return {.log = log_.is_saved, .vmcore = vmcore_.is_saved};
    }

private:
    [[nodiscard]] bool is_over() const {
        return (log_.is_done() && vmcore_.is_done()) || steps_.time_is_over();
    }

    // Those that were not reached.
    std::vector<std::size_t> try_each(const std::vector<std::size_t>& targets, SaveSteps::Round round) {
        std::vector<std::size_t> absent;
        for (const std::size_t target : targets) {
            if (is_over())
                break;
            const Reach way = steps_.reach(target, round);
            if (way != Reach::reached) {
                (way == Reach::absent ? absent : left_).push_back(target);
                continue;
            }
            if (!takes_all(target != targets.back()))
                left_.push_back(target);
            steps_.leave();
        }
        return absent;
    }

    // The log also where another target has it: it belongs beside the vmcore, which that one did not take.
    bool takes_all(bool others) {
        if (log_.note(steps_.save_log()) == SaveEnd::refused && others)
            return false;
        return vmcore_.note(steps_.save_vmcore(others)) != SaveEnd::refused || !others;
    }

    // To those that were left for another, when that was no better.
    void come_back() {
        for (const std::size_t target : left_) {
            if (is_over())
                return;
            if (steps_.reach(target, SaveSteps::Round::planned) != Reach::reached)
                continue;
            if (!log_.is_done())
                log_.note(steps_.save_log());
            if (!vmcore_.is_done())
                vmcore_.note(steps_.save_vmcore(false));
            steps_.leave();
        }
    }

    SaveSteps& steps_;
    Evidence log_, vmcore_;
    std::vector<std::size_t> left_;
};

} // namespace

Saved climb_ladder(std::size_t targets, SaveSteps& steps) {
    return Ladder(steps).climb(targets);
}

} // namespace lifeboat
