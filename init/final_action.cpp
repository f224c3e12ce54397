// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/final_action.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/system.h"
#include "base/text.h"

#include <csignal>
#include <functional>

#include <poll.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

namespace lifeboat {

namespace {

constexpr int own_faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
constexpr int disturbances[] = {SIGPIPE, SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM};

// In a child, because it may hang in the kernel; waited for until it ends or the time is over. The pipe
// tells: the child holds its other end.
void try_for(std::int64_t time_ms, const std::function<void()>& step) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return step();
    Descriptor reading(ends[0]), writing(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0)
        return step();
    if (pid == 0) {
        step();
        ::_exit(0);
    }
    writing.reset();
    pollfd end{.fd = reading.get(), .events = POLLIN, .revents = 0};
    const Deadline deadline = Deadline::after_ms(time_ms);
    int ended = 0;
    while ((ended = ::poll(&end, 1, deadline.poll_timeout_ms(time_ms))) < 0 && errno == EINTR) {
    }
    if (ended == 0)
        ::kill(pid, SIGKILL);
}

int reboot_command(Action action) {
    switch (action) {
    case Action::reboot:
        return RB_AUTOBOOT;
    case Action::power_off:
        return RB_POWER_OFF;
    case Action::halt:
        return RB_HALT_SYSTEM;
    }
    return RB_AUTOBOOT;
}

void last_resort(int) {
    constexpr std::string_view words = "lifeboat: PID 1 itself failed, rebooting\n";
    (void)!::write(STDERR_FILENO, words.data(), words.size());
    sys::reboot(RB_AUTOBOOT);
    sys::exit_process(1);
}

} // namespace

void carry_out_final_action(Action action, const SystemPaths& paths, int console_fd,
                            const FinalActionTimes& times) {
    if (console_fd >= 0)
        try_for(times.drain_ms, [&] { ::tcdrain(console_fd); });
    try_for(times.sync_ms, [] { sys::sync_all(); });
    try_for(times.action_ms, [&] { sys::reboot(reboot_command(action)); });
    // Source: Linux Documentation/admin-guide/sysrq.rst; the trigger file works whatever kernel.sysrq says.
    try_for(times.sysrq_ms, [&] {
        (void)write_existing_file(paths.proc + "/sysrq-trigger", action == Action::power_off ? "o" : "b");
    });
}

void reboot_on_own_fault() {
    for (const int number : disturbances)
        ::signal(number, SIG_IGN);
    for (const int number : own_faults)
        ::signal(number, last_resort);
}

void ensure_panic_timeout(const SystemPaths& paths) {
    const std::string file = paths.proc + "/sys/kernel/panic";
    const std::string seconds = read_file(file).value_or("");
    if (split_words(seconds.substr(0, seconds.find('\n'))) == std::vector<std::string_view>{"0"})
        (void)write_existing_file(file, "10");
}

} // namespace lifeboat
