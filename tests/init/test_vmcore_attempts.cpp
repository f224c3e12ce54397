// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/vmcore_attempts.h"

#include <cerrno>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

StageOutcome ended(StageEnd end, std::uint64_t done = 0, std::uint64_t total = 100, std::uint64_t bytes = 0) {
    StageOutcome outcome;
    outcome.end = end;
    outcome.last_progress = {DumpProgress::Phase::copying, done, total, bytes};
    return outcome;
}

StageOutcome failed(ErrorKind kind, int os_error) {
    StageOutcome outcome = ended(StageEnd::failed);
    outcome.error = {kind, "text", os_error};
    return outcome;
}

} // namespace

TEST_CASE("which first attempts are followed by a second") {
    StageOutcome slow = ended(StageEnd::timed_out, 50);
    slow.progressed_lately = true;
    StageOutcome after_the_end = ended(StageEnd::killed, 100);
    after_the_end.facts["complete"] = "1";
    const struct {
        const char* what;
        StageOutcome first;
        bool second;
    } rows[] = {
        {"it is done", ended(StageEnd::completed), false},
        {"killed", ended(StageEnd::killed), true},
        {"stalled", ended(StageEnd::stalled), true},
        {"hung until its deadline", ended(StageEnd::timed_out), true},
        {"too slow for its deadline", slow, false},
        {"killed when all was done", after_the_end, false},
        {"the disk is full", failed(ErrorKind::no_space, ENOSPC), false},
        {"the input is at fault", failed(ErrorKind::corrupt, 0), false},
        {"the disk is broken", failed(ErrorKind::system, EIO), false},
        {"no memory", failed(ErrorKind::system, ENOMEM), true},
        {"no thread", failed(ErrorKind::system, EAGAIN), true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        CHECK(is_worth_second_attempt(row.first) == row.second);
    }
}

TEST_CASE("the second attempt has one thread and knows what room it needs") {
    CopyRequest request;
    request.options.threads = 8;
    const CopyRequest early = second_attempt_after(request, ended(StageEnd::killed, 25, 100, 1000));
    CHECK(early.second_attempt);
    CHECK(early.options.threads == 1);
    CHECK(early.save.access == CoreAccess::read);
    CHECK(early.expected_bytes == 4500);
    CHECK_FALSE(early.first_got_half_way);
    CHECK(second_attempt_after(request, ended(StageEnd::killed, 50, 100, 1000)).first_got_half_way);

    const CopyRequest nothing = second_attempt_after(request, StageOutcome{.end = StageEnd::killed});
    CHECK(nothing.expected_bytes == 0);
    CHECK_FALSE(nothing.first_got_half_way);
}
