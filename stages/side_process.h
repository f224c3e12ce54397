// SPDX-License-Identifier: GPL-2.0-or-later
// Work that may hang in the kernel for as long as it likes, done beside us by a process of its own. Whoever
// started it polls for its answer and gives it up when it likes: nothing waits for it.
#pragma once

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/result.h"

#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

namespace lifeboat {

class SideProcess {
public:
    // `work` runs in a child of this process, which must have no other thread; what it returns is the answer.
    // It must not take part in what this process shares with others (the pipe to PID 1).
    static Result<SideProcess> start(const std::function<std::string()>& work);

    SideProcess(SideProcess&&) noexcept = default;
    SideProcess& operator=(SideProcess&&) = delete;
    // Kills it, if it can be killed, and does not wait: PID 1 buries it.
    ~SideProcess();

    // Goes on by itself, and its answer is nobody's.
    void let_go() { answer_.reset(); }

    // Readable when there is more of the answer, and at its end.
    [[nodiscard]] int fd() const { return answer_.get(); }
    // The whole answer, once it is there; never blocks. That of a process that died is what it had said by
    // then.
    std::optional<std::string> take_answer();
    // The same, waited for.
    std::optional<std::string> wait_for_answer(Deadline deadline);

private:
    SideProcess(pid_t pid, Descriptor answer)
        : pid_(pid)
        , answer_(std::move(answer)) {}

    pid_t pid_;
    Descriptor answer_; // not open in one that was moved from or let go
    std::string text_;
};

} // namespace lifeboat
