// SPDX-License-Identifier: GPL-2.0-or-later
// Real children that come to real harm.
#include "base/text.h"
#include "init/supervisor.h"
#include "tests/fakes/temporary_system.h"

#include <csignal>

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lifeboat;

namespace {

struct Observed final : StageObserver {
    void logged(LogLevel, std::string_view text) override { lines.emplace_back(text); }
    void progressed(const DumpProgress& progress) override { last = progress; }
    void still_running() override { ++ticks; }

    std::vector<std::string> lines;
    DumpProgress last;
    int ticks = 0;
};

struct Run {
    StageOutcome outcome;
    Observed observed;
    std::int64_t took_ms = 0;
};

Run run(const StageWork& work, StageLimits limits = {.deadline = Deadline::after_ms(20'000)},
        const std::string& proc = "/proc") {
    Supervisor supervisor = Supervisor::start();
    Run result;
    const std::int64_t started_ms = monotonic_ms();
    result.outcome = supervisor.run({.name = "test", .limits = limits, .proc = proc}, work, result.observed);
    result.took_ms = monotonic_ms() - started_ms;
    return result;
}

[[noreturn]] void hang() {
    for (;;)
        ::pause();
}

// The only pipe here that is closed at exec is the report's: what was inherited from outside is not touched.
void write_garbage_to_own_pipe() {
    for (int fd = 3; fd < 256; ++fd) {
        struct stat status{};
        const bool is_pipe = ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
        if (is_pipe && (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0)
            (void)!::write(fd, "garbage\nfact\nprogress c 9 1 0\n", 30);
    }
}

// Sanitizers have handlers of their own for what a test does on purpose.
void die_of(int signal) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

} // namespace

TEST_CASE("a child that does its work") {
    const Run done = run([](StageReport& report) -> Result<> {
        report.info("line {}", 1);
        report.warning("two\nlines");
        report.fact("folder", "a b");
        report.fact("bytes", 7);
        report.fact("bytes", 8);
        report.progress({DumpProgress::Phase::copying, 1, 1, 10});
        return {};
    });
    CHECK(done.outcome.completed());
    CHECK(done.outcome.describe() == "completed");
    CHECK(done.observed.lines == std::vector<std::string>{"line 1", "two\nlines"});
    CHECK(done.outcome.facts == Facts{{"bytes", "8"}, {"folder", "a b"}});
    CHECK(done.outcome.last_progress.written_bytes == 10);
    CHECK(done.outcome.peak_kib > 0);
    CHECK(done.took_ms < 5000);
}

TEST_CASE("a child that fails says why") {
    const Run done = run([](StageReport& report) -> Result<> {
        report.fact("bytes", 3);
        return fail(Error{ErrorKind::no_space, "write 'x': No space left on device", ENOSPC});
    });
    CHECK(done.outcome.end == StageEnd::failed);
    CHECK(done.outcome.error.kind == ErrorKind::no_space);
    CHECK(done.outcome.error.os_error == ENOSPC);
    CHECK(done.outcome.describe() == "write 'x': No space left on device");
    CHECK(done.outcome.facts == Facts{{"bytes", "3"}});
}

TEST_CASE("exceptions are failures") {
    const Run no_memory = run([](StageReport&) -> Result<> { throw std::bad_alloc(); });
    CHECK(no_memory.outcome.end == StageEnd::failed);
    CHECK(no_memory.outcome.error.os_error == ENOMEM);
    const Run other = run([](StageReport&) -> Result<> { throw std::runtime_error("odd"); });
    CHECK(other.outcome.describe() == "an exception: odd");
}

TEST_CASE("a child that is killed, with what it had said") {
    const struct {
        int signal;
        std::string_view words;
    } rows[] = {{SIGSEGV, "killed by signal 11 (Segmentation fault)"},
                {SIGKILL, "killed by signal 9 (Killed)"}};
    for (const auto& row : rows) {
        const Run done = run([&](StageReport& report) -> Result<> {
            report.fact("folder", "x");
            die_of(row.signal);
            return {};
        });
        CHECK(done.outcome.end == StageEnd::killed);
        CHECK(done.outcome.signal == row.signal);
        CHECK_FALSE(done.outcome.out_of_memory);
        CHECK(done.outcome.describe() == row.words);
        CHECK(done.outcome.facts == Facts{{"folder", "x"}});
    }
}

TEST_CASE("the OOM killer is told from others by the kernel's count") {
    const fakes::TemporarySystem system;
    system.write("proc/vmstat", "nr_free 1\noom_kill 4\n");
    const Run done = run(
        [&](StageReport&) -> Result<> {
            system.write("proc/vmstat", "nr_free 1\noom_kill 5\n");
            ::kill(::getpid(), SIGKILL);
            return {};
        },
        {.deadline = Deadline::after_ms(20'000)}, system.path("proc"));
    CHECK(done.outcome.out_of_memory);
    CHECK(done.outcome.describe() == "killed by the OOM killer");
}

TEST_CASE("a child that ends without a word") {
    const Run done = run([](StageReport&) -> Result<> { ::_exit(3); });
    CHECK(done.outcome.end == StageEnd::failed);
    CHECK(done.outcome.describe() == "it ended with status 3 and said nothing");
}

TEST_CASE("a child that hangs ends at its deadline") {
    const Run done = run([](StageReport&) -> Result<> { hang(); }, {.deadline = Deadline::after_ms(100)});
    CHECK(done.outcome.end == StageEnd::timed_out);
    CHECK(done.outcome.describe() == "its deadline passed");
    CHECK_FALSE(done.outcome.progressed_lately);
    CHECK(done.took_ms >= 100);
    CHECK(done.took_ms < 5000);
}

TEST_CASE("a deadline that has passed already") {
    const Run done = run([](StageReport&) -> Result<> { hang(); }, {.deadline = Deadline::after_ms(0)});
    CHECK(done.outcome.end == StageEnd::timed_out);
}

TEST_CASE("a child that says the same again and again has stalled") {
    const Run done = run(
        [](StageReport& report) -> Result<> {
            for (;;) {
                report.progress({DumpProgress::Phase::copying, 5, 10, 100});
                report.info("still here");
                ::usleep(1000);
            }
        },
        {.deadline = Deadline::after_ms(20'000), .stall_ms = 300});
    CHECK(done.outcome.end == StageEnd::stalled);
    CHECK(done.outcome.describe() == "it made no progress");
    CHECK(done.took_ms >= 300);
    CHECK(done.took_ms < 10'000);
}

TEST_CASE("progress holds a stall off") {
    const Run done = run(
        [](StageReport& report) -> Result<> {
            for (std::uint64_t page = 1; page <= 10; ++page) {
                report.progress({DumpProgress::Phase::copying, page, 10, page});
                ::usleep(110'000);
            }
            return {};
        },
        {.deadline = Deadline::after_ms(20'000), .stall_ms = 600});
    CHECK(done.outcome.completed());
    CHECK(done.observed.last.done_pages == 10);
}

TEST_CASE("a slow child is told from a hanging one") {
    const Run done = run(
        [](StageReport& report) -> Result<> {
            for (std::uint64_t page = 1;; ++page) {
                report.progress({DumpProgress::Phase::copying, page, 1'000'000, page});
                ::usleep(10'000);
            }
        },
        {.deadline = Deadline::after_ms(400), .stall_ms = 10'000});
    CHECK(done.outcome.end == StageEnd::timed_out);
    CHECK(done.outcome.progressed_lately);
}

TEST_CASE("a child that floods the pipe is ended at its deadline like any other") {
    const Run done = run(
        [](StageReport& report) -> Result<> {
            for (std::uint64_t number = 0;; ++number)
                report.fact(std::format("key{}", number), std::string(10'000, 'x'));
        },
        {.deadline = Deadline::after_ms(200)});
    CHECK(done.outcome.end == StageEnd::timed_out);
    CHECK(done.outcome.facts.size() <= 64);
    CHECK(done.took_ms < 5000);
}

TEST_CASE("garbage in the pipe is dropped") {
    const Run done = run([](StageReport& report) -> Result<> {
        report.info("before");
        write_garbage_to_own_pipe();
        report.info("after");
        return {};
    });
    CHECK(done.outcome.completed());
    CHECK(done.observed.lines == std::vector<std::string>{"before", "after"});
}

TEST_CASE("the child has its stage's name and, where asked for, the first place with the OOM killer") {
    Supervisor supervisor = Supervisor::start();
    Observed observed;
    const auto work = [](StageReport& report) -> Result<> {
        char name[16];
        ::prctl(PR_GET_NAME, name);
        report.info("{}", static_cast<const char*>(name));
        report.info("{}", std::string(trim(TRY(read_file("/proc/self/oom_score_adj")).substr(0, 4))));
        return {};
    };
    const StageRequest request{.name = "vmcore", .limits = {}, .oom_rank = OomRank::first_to_go};
    CHECK(supervisor.run(request, work, observed).completed());
    CHECK(observed.lines == std::vector<std::string>{"lb-vmcore", "1000"});
}

TEST_CASE("orphans are reaped while a stage runs") {
    const Run done = run([](StageReport&) -> Result<> {
        for (int i = 0; i < 3; ++i)
            if (::fork() == 0)
                ::_exit(0);
        ::usleep(50'000);
        return {};
    });
    CHECK(done.outcome.completed());
}

TEST_CASE("output that waits is written while a child works") {
    struct Writing final : StageObserver {
        int pipe_ends[2] = {};
        bool waiting = true;
        void logged(LogLevel, std::string_view) override {}
        void progressed(const DumpProgress&) override {}
        void still_running() override {}
        int pending_output_fd() const override { return waiting ? pipe_ends[1] : -1; }
        void write_pending() override { waiting = false; }
    } writing;
    REQUIRE(::pipe(writing.pipe_ends) == 0);
    Supervisor supervisor = Supervisor::start();
    const StageRequest request{.name = "test", .limits = {}};
    CHECK(supervisor.run(request, [](StageReport&) -> Result<> { return {}; }, writing).completed());
    CHECK_FALSE(writing.waiting);
    ::close(writing.pipe_ends[0]);
    ::close(writing.pipe_ends[1]);
}
