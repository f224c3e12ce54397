// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/side_process.h"

#include <array>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lifeboat {

namespace {

[[noreturn]] void answer_and_end(const std::function<std::string()>& work, int fd) {
    try {
        (void)write_all(fd, work(), "the answer");
    } catch (const std::exception&) { // no memory: no answer
    }
    ::_exit(0);
}

} // namespace

Result<SideProcess> SideProcess::start(const std::function<std::string()>& work) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fail_system("make a pipe");
    Descriptor reading(ends[0]), writing(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_system("make a process");
    if (pid == 0)
        answer_and_end(work, writing.get());
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    return SideProcess(pid, std::move(reading));
}

SideProcess::~SideProcess() {
    if (!answer_.is_open())
        return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, WNOHANG);
}

std::optional<std::string> SideProcess::take_answer() {
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t count = ::read(answer_.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return std::nullopt;
        if (count <= 0)
            return text_;
        text_.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

std::optional<std::string> SideProcess::wait_for_answer(Deadline deadline) {
    for (;;) {
        if (auto answer = take_answer(); answer || deadline.has_passed())
            return answer;
        pollfd waited{.fd = fd(), .events = POLLIN, .revents = 0};
        ::poll(&waited, 1, deadline.poll_timeout_ms(INT32_MAX));
    }
}

} // namespace lifeboat
