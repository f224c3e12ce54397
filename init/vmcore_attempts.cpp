// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/vmcore_attempts.h"

#include "base/text.h"

#include <cerrno>

namespace lifeboat {

namespace {

std::uint64_t copied_pages(const StageOutcome& attempt) {
    const DumpProgress& progress = attempt.last_progress;
    return progress.phase == DumpProgress::Phase::copying ? progress.done_pages : 0;
}

// From how far it came to how large the whole would be, and an eighth for what may differ.
std::uint64_t expected_bytes(const DumpProgress& progress) {
    if (progress.phase != DumpProgress::Phase::copying || progress.done_pages == 0)
        return 0;
    const double share = static_cast<double>(progress.total_pages) / static_cast<double>(progress.done_pages);
    return static_cast<std::uint64_t>(static_cast<double>(progress.written_bytes) * share * 1.125);
}

} // namespace

bool is_worth_second_attempt(const StageOutcome& first) {
    switch (first.end) {
    case StageEnd::completed:
        return false;
    case StageEnd::failed:
        return first.error.os_error == ENOMEM || first.error.os_error == EAGAIN;
    case StageEnd::timed_out:
        return !first.progressed_lately;
    case StageEnd::stalled:
    case StageEnd::killed:
        return !is_complete(first);
    }
    return false;
}

CopyRequest second_attempt_after(const CopyRequest& request, const StageOutcome& first) {
    CopyRequest second = request;
    second.options.threads = 1;
    second.save.access = CoreAccess::read;
    second.second_attempt = true;
    second.expected_bytes = expected_bytes(first.last_progress);
    second.first_got_half_way =
        copied_pages(first) > 0 && copied_pages(first) * 2 >= first.last_progress.total_pages;
    return second;
}

bool is_complete(const StageOutcome& attempt) {
    return attempt.fact("complete") == "1";
}

} // namespace lifeboat
