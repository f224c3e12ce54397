// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/supervisor.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lifeboat {

namespace {

constexpr std::int64_t tick_ms = 1000;
constexpr std::int64_t lately_ms = 10'000;
constexpr std::int64_t progress_interval_ms = 100;
// Facts are few; a damaged child shall not fill PID 1's memory with them.
constexpr std::size_t facts_limit = 64;

sigset_t child_signal() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    return set;
}

// Of /proc/vmstat, oom_kill: how often the OOM killer has struck.
std::uint64_t count_oom_kills(const std::string& proc) {
    const std::string text = read_file(proc + "/vmstat").value_or("");
    for (const std::string_view line : split_lines(text))
        if (const auto field = split_key_value(line, ' '); field && field->key == "oom_kill")
            return parse_unsigned(field->value).value_or(0);
    return 0;
}

// ---- The child's side.

class PipeReport final : public StageReport {
public:
    explicit PipeReport(int fd)
        : fd_(fd) {}

    void write(LogLevel level, std::string_view line) override { send(LogMessage{level, std::string(line)}); }
    void fact(std::string_view key, std::string_view value) override {
        send(FactMessage{std::string(key), std::string(value)});
    }
    void progress(const DumpProgress& progress) override {
        const bool last = progress.done_pages == progress.total_pages;
        if (!last && progress.phase == last_phase_ && !next_progress_.has_passed())
            return;
        last_phase_ = progress.phase;
        next_progress_ = Deadline::after_ms(progress_interval_ms);
        send(progress);
    }
    // A pipe that takes nothing more means that PID 1 has given this child up: there is nobody to tell.
    void send(const StageMessage& message) const { (void)write_all(fd_, encode(message), "report"); }

private:
    int fd_;
    DumpProgress::Phase last_phase_ = DumpProgress::Phase::scanning;
    Deadline next_progress_ = Deadline::after_ms(0);
};

void take_default_signals() {
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT, SIGHUP})
        ::signal(number, SIG_DFL);
    const sigset_t set = child_signal();
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

Result<> do_work(const StageWork& work, StageReport& report) {
    try {
        return work(report);
    } catch (const std::bad_alloc&) {
        return fail(Error{ErrorKind::system, "there is no memory left", ENOMEM});
    } catch (const std::exception& exception) {
        return fail(ErrorKind::system, "an exception: {}", exception.what());
    }
}

[[noreturn]] void live_as_child(const StageRequest& request, const StageWork& work, int fd) {
    take_default_signals();
    for (const int own : request.closed_in_child)
        ::close(own);
    ::prctl(PR_SET_NAME, ("lb-" + request.name).c_str());
    if (request.oom_rank == OomRank::first_to_go)
        (void)write_existing_file(request.proc + "/self/oom_score_adj", "1000");
    PipeReport report(fd);
    const auto done = do_work(work, report);
    report.send(EndMessage{done ? std::nullopt : std::optional(done.error())});
    ::_exit(done ? 0 : 1);
}

// ---- PID 1's side.

struct Child {
    pid_t pid;
    Descriptor pipe;
};

Result<Child> start_child(const StageRequest& request, const StageWork& work) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fail_system("make a pipe for stage {}", request.name);
    Descriptor reading(ends[0]), writing(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_system("make a child for stage {}", request.name);
    if (pid == 0) {
        reading.reset();
        live_as_child(request, work, writing.get());
    }
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    return Child{pid, std::move(reading)};
}

class Watch {
public:
    Watch(Child child, const StageRequest& request, StageObserver& observer, int child_events,
          std::uint64_t oom_kills_before)
        : child_(std::move(child))
        , request_(request)
        , observer_(observer)
        , child_events_(child_events)
        , oom_kills_before_(oom_kills_before) {}

    StageOutcome run() {
        while (!reaped_ && !outcome_.abandoned)
            step();
        while (take_reports()) {
        }
        settle();
        return std::move(outcome_);
    }

private:
    void step() {
        wait_for_something();
        take_reports();
        reap();
        if (!reaped_)
            enforce_limits();
        observer_.still_running();
    }

    void wait_for_something() {
        std::array<pollfd, 3> waited{{{child_.pipe.get(), POLLIN, 0},
                                      {child_events_, POLLIN, 0},
                                      {observer_.pending_output_fd(), POLLOUT, 0}}};
        ::poll(waited.data(), waited.size(), next_limit().poll_timeout_ms(tick_ms));
        if (waited[1].revents != 0)
            drain_child_events();
        if (waited[2].revents != 0)
            observer_.write_pending();
    }

    Deadline next_limit() const {
        if (killed_)
            return give_up_;
        return request_.limits.stall_ms > 0 ? request_.limits.deadline.earlier_of(stall_)
                                            : request_.limits.deadline;
    }

    void drain_child_events() const {
        std::array<signalfd_siginfo, 8> events;
        while (::read(child_events_, events.data(), sizeof events) > 0) {
        }
    }

    // One buffer at a time, so that a child that never stops talking does not keep us from looking at the
    // clock.
    bool take_reports() {
        if (!child_.pipe.is_open())
            return false;
        std::array<char, 16384> buffer;
        const ssize_t count = ::read(child_.pipe.get(), buffer.data(), buffer.size());
        if (count == 0)
            child_.pipe.reset(); // all its writers are gone; poll would return at once for ever
        if (count <= 0)
            return false;
        for (const std::string& line : lines_.add({buffer.data(), static_cast<std::size_t>(count)}))
            if (auto message = decode(line))
                std::visit([this](auto& content) { take(content); }, *message);
        return true;
    }

    void take(LogMessage& message) { observer_.logged(message.level, message.text); }
    void take(FactMessage& message) {
        if (outcome_.facts.size() < facts_limit || outcome_.facts.contains(message.key))
            outcome_.facts[message.key] = std::move(message.value);
    }
    void take(EndMessage& message) { last_words_ = std::move(message); }
    void take(DumpProgress& progress) {
        const DumpProgress& before = outcome_.last_progress;
        // To say the same again is no progress.
        if (progress.phase != before.phase || progress.done_pages > before.done_pages ||
            progress.written_bytes > before.written_bytes) {
            stall_ = Deadline::after_ms(request_.limits.stall_ms);
            lately_ = Deadline::after_ms(lately_ms);
        }
        outcome_.last_progress = progress;
        observer_.progressed(progress);
    }

    void reap() {
        rusage usage{};
        int status = 0;
        for (pid_t pid; (pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0;)
            if (pid == child_.pid) {
                reaped_ = true;
                status_ = status;
                outcome_.peak_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
            }
    }

    void enforce_limits() {
        if (killed_)
            outcome_.abandoned = give_up_.has_passed();
        else if (request_.limits.deadline.has_passed())
            kill_for(StageEnd::timed_out);
        else if (request_.limits.stall_ms > 0 && stall_.has_passed())
            kill_for(StageEnd::stalled);
    }

    void kill_for(StageEnd reason) {
        ::kill(child_.pid, SIGKILL);
        killed_ = true;
        outcome_.end = reason;
        outcome_.progressed_lately = !lately_.has_passed();
        give_up_ = Deadline::after_ms(request_.limits.kill_wait_ms);
    }

    void settle() {
        // It may have come to its end by itself just when its limit passed.
        if (killed_ && !(reaped_ && WIFEXITED(status_)))
            return;
        if (WIFSIGNALED(status_))
            return settle_killed(WTERMSIG(status_));
        if (last_words_ && !last_words_->error) {
            outcome_.end = StageEnd::completed;
            return;
        }
        outcome_.end = StageEnd::failed;
        outcome_.error =
            last_words_ ? *last_words_->error
                        : Error{ErrorKind::system, std::format("it ended with status {} and said nothing",
                                                               WEXITSTATUS(status_))};
    }

    void settle_killed(int signal) {
        outcome_.end = StageEnd::killed;
        outcome_.signal = signal;
        outcome_.out_of_memory = signal == SIGKILL && count_oom_kills(request_.proc) > oom_kills_before_;
    }

    Child child_;
    const StageRequest& request_;
    StageObserver& observer_;
    int child_events_;
    std::uint64_t oom_kills_before_;
    LineCutter lines_;
    StageOutcome outcome_;
    std::optional<EndMessage> last_words_;
    Deadline stall_ = Deadline::after_ms(request_.limits.stall_ms);
    Deadline lately_ = Deadline::after_ms(0);
    Deadline give_up_ = Deadline::never();
    bool killed_ = false;
    bool reaped_ = false;
    int status_ = 0;
};

} // namespace

std::string StageOutcome::describe() const {
    const std::string left = abandoned ? ", and it cannot be killed, leaving it behind" : "";
    switch (end) {
    case StageEnd::completed:
        return "completed";
    case StageEnd::failed:
        return error.text;
    case StageEnd::timed_out:
        return "its deadline passed" + left;
    case StageEnd::stalled:
        return "it made no progress" + left;
    case StageEnd::killed:
        return out_of_memory ? "killed by the OOM killer"
                             : std::format("killed by signal {} ({})", signal, ::strsignal(signal));
    }
    return {};
}

std::string StageOutcome::fact(std::string_view key) const {
    const auto found = facts.find(key);
    return found == facts.end() ? "" : found->second;
}

Error StageOutcome::as_error() const {
    if (end == StageEnd::failed)
        return error;
    return Error{hung() ? ErrorKind::timed_out : ErrorKind::system, describe()};
}

Supervisor Supervisor::start() {
    const sigset_t set = child_signal();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return Supervisor(Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)));
}

Supervisor::~Supervisor() {
    if (!child_events_.is_open())
        return;
    const sigset_t set = child_signal();
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

StageOutcome Supervisor::run(const StageRequest& request, const StageWork& work, StageObserver& observer) {
    const std::uint64_t oom_kills_before = count_oom_kills(request.proc); // a child may be dead in no time
    auto child = start_child(request, work);
    if (!child)
        return StageOutcome{.error = std::move(child).error()};
    return Watch(*std::move(child), request, observer, child_events_.get(), oom_kills_before).run();
}

} // namespace lifeboat
