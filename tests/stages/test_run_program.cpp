// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/run_program.h"
#include "tests/error_text.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/recording_report.h"

#include <csignal>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace lifeboat;

namespace {

Result<int> run_shell(const std::string& script, fakes::RecordingReport& log, const std::string& input = {}) {
    return run_program({.path = "/bin/sh", .arguments = {"-c", script}, .input = input}, "sh", log);
}

} // namespace

TEST_CASE("what a program says goes to the log line by line, and its status comes back") {
    fakes::RecordingReport log;
    CHECK(run_shell("echo one; echo two >&2; printf three; exit 7", log).value() == 7);
    CHECK(log.lines == std::vector<std::string>{"sh: one", "sh: two", "sh: three"});
}

TEST_CASE("a program reads what it is given, else nothing") {
    fakes::RecordingReport log;
    CHECK(run_shell("cat", log, "given\n").value() == 0);
    CHECK(run_shell("cat", log).value() == 0);
    CHECK(log.lines == std::vector<std::string>{"sh: given"});
}

TEST_CASE("a program starts with signals as they should be, also where PID 1 has them otherwise") {
    fakes::RecordingReport log;
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    CHECK(run_shell("kill -PIPE $$; echo survived", log).has_value() == false);
    ::signal(SIGPIPE, before);
    CHECK(log.lines.empty());
}

TEST_CASE("a program that cannot be run, or is killed, is named") {
    fakes::RecordingReport log;
    const auto absent = run_program({.path = "/nowhere/at-all"}, "it", log);
    CHECK(tests::error_text(absent) == "'/nowhere/at-all' cannot be run");
    CHECK(log.lines == std::vector<std::string>{"it: run '/nowhere/at-all': No such file or directory"});
    CHECK(tests::error_text(run_shell("kill -9 $$", log)) == "'/bin/sh' was killed by signal 9");
}

TEST_CASE("127 can be a program's own status") {
    fakes::RecordingReport log;
    CHECK(run_shell("exit 127", log).value() == 127);
}

TEST_CASE("a program has its streams also where whoever starts it has none") {
    fakes::RecordingReport log;
    const int kept[] = {::dup(0), ::dup(1), ::dup(2)};
    for (const int standard : {0, 1, 2})
        ::close(standard);
    const auto status = run_shell("cat; echo said; echo so >&2", log, "given\n");
    for (const int standard : {0, 1, 2}) {
        ::dup2(kept[standard], standard);
        ::close(kept[standard]);
    }
    CHECK(status.value() == 0);
    CHECK(log.lines == std::vector<std::string>{"sh: given", "sh: said", "sh: so"});
}

TEST_CASE("a program can be given another root, and does not run where it cannot") {
    fakes::reset();
    fakes::fail_call("change_root /elsewhere", EPERM);
    fakes::RecordingReport log;
    const auto done = run_program({.path = "/bin/true", .root = "/elsewhere"}, "it", log);
    CHECK_FALSE(done);
    CHECK(log.lines == std::vector<std::string>{"it: enter '/elsewhere': Operation not permitted"});
}

TEST_CASE("a program that shares the streams says nothing to the log, and starts where it is told to") {
    fakes::RecordingReport log;
    const int before = ::dup(STDOUT_FILENO);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::dup2(ends[1], STDOUT_FILENO);
    const auto done = run_program({.path = "/bin/pwd", .shares_streams = true, .folder = "/usr"}, "pwd", log);
    ::dup2(before, STDOUT_FILENO);
    for (const int fd : {before, ends[1]})
        ::close(fd);
    char said[16]{};
    const ssize_t count = ::read(ends[0], said, sizeof said);
    ::close(ends[0]);
    CHECK(done.value() == 0);
    CHECK(std::string_view(said, static_cast<std::size_t>(count)) == "/usr\n");
    CHECK(log.lines.empty());
}
