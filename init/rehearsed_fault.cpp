// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/rehearsed_fault.h"

#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace lifeboat {

namespace {

[[noreturn]] void eat_all_memory() {
    constexpr std::size_t bite_bytes = 1 << 20;
    for (;;)
        if (void* bite = std::malloc(bite_bytes))
            std::memset(bite, 1, bite_bytes);
}

void strike(Fault::Kind kind) {
    switch (kind) {
    case Fault::Kind::segv:
        ::kill(::getpid(), SIGSEGV);
        break;
    case Fault::Kind::kill:
        ::kill(::getpid(), SIGKILL);
        break;
    case Fault::Kind::oom:
        eat_all_memory();
    case Fault::Kind::hang:
        break;
    }
    for (;;)
        ::pause();
}

class StrikingReport final : public StageReport {
public:
    StrikingReport(StageReport& behind, Fault::Kind kind)
        : behind_(behind)
        , kind_(kind) {}

    void write(LogLevel level, std::string_view line) override { behind_.write(level, line); }
    void fact(std::string_view key, std::string_view value) override { behind_.fact(key, value); }
    void progress(const DumpProgress& progress) override {
        behind_.progress(progress);
        if (progress.phase == DumpProgress::Phase::copying && progress.done_pages >= progress.total_pages / 2)
            strike(kind_);
    }

private:
    StageReport& behind_;
    Fault::Kind kind_;
};

} // namespace

StageWork with_rehearsed_fault(StageWork work, const std::optional<Fault>& fault, std::string_view stage,
                               int attempt) {
    if (!fault || fault->stage != stage || (fault->once && attempt > 1))
        return work;
    return [work = std::move(work), kind = fault->kind, half_way = stage == "vmcore"](StageReport& report) {
        report.warning("a fault is rehearsed here, as the plan says");
        if (!half_way)
            strike(kind);
        StrikingReport striking(report, kind);
        return work(striking);
    };
}

} // namespace lifeboat
