// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/saboteur.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"
#include "qemu/guest/folder.h"
#include "qemu/guest/machine.h"

#include <charconv>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace guest {

namespace {

constexpr std::string_view victim_name = "lb-vmcore";

std::optional<pid_t> as_pid(const std::string& name) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size())
        return std::nullopt;
    return pid;
}

std::optional<pid_t> find_victim() {
    for (const std::string& entry : names_in("/proc")) {
        const auto pid = as_pid(entry);
        if (!pid)
            continue;
        const auto name = lifeboat::read_file(std::format("/proc/{}/comm", *pid));
        if (name && *name == std::format("{}\n", victim_name))
            return pid;
    }
    return std::nullopt;
}

// Dead children that nobody has waited for yet have no memory and no command line any more.
bool lives(pid_t pid) {
    const auto state = lifeboat::read_file(std::format("/proc/{}/stat", pid));
    return state && state->find(") Z") == std::string::npos && state->find(") X") == std::string::npos;
}

void eat_memory_until_dead(pid_t victim) {
    constexpr std::size_t bite_bytes = std::size_t{256} << 10;
    while (lives(victim)) {
        void* bite = mmap(nullptr, bite_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (bite == MAP_FAILED)
            give_up("no address space to eat memory in");
    }
}

// The OOM killer is to take the victim first. Were nobody left after that it would panic, so what eats may
// be killed too, but last of all.
void exhaust_memory(pid_t victim) {
    const auto eater = static_cast<pid_t>(must_call(fork(), "fork"));
    if (eater == 0) {
        must(lifeboat::write_existing_file("/proc/self/oom_score_adj", "-999"));
        eat_memory_until_dead(victim);
        _exit(0);
    }
    waitpid(eater, nullptr, 0);
}

// PID 1 takes no signal that would stop it; a tracer stops it all the same.
[[noreturn]] void hold_init() {
    must_call(ptrace(PTRACE_SEIZE, 1, nullptr, nullptr), "trace PID 1");
    must_call(ptrace(PTRACE_INTERRUPT, 1, nullptr, nullptr), "hold PID 1");
    for (;;)
        pause();
}

void harm(pid_t victim, std::string_view how) {
    say("saboteur: {} for process {}", how, victim);
    if (how == "oom")
        return exhaust_memory(victim);
    if (how == "hold-init")
        hold_init();
    if (how == "stand-still")
        load_module("/stand_still.ko"); // nothing is after it
    const int signal_number = how == "stop" ? SIGSTOP : how == "crash" ? SIGSEGV : SIGKILL;
    kill(victim, signal_number);
}

void wait_until_gone(pid_t victim) {
    while (lives(victim))
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

[[noreturn]] void run(std::string_view how, bool every_time) {
    do {
        std::optional<pid_t> victim;
        while (!(victim = find_victim()))
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        // Some way into its work, not in its first instructions.
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        harm(*victim, how);
        wait_until_gone(*victim);
    } while (every_time);
    _exit(0);
}

} // namespace

void start_saboteur(std::string_view how, bool every_time) {
    if (must_call(fork(), "fork") != 0)
        return;
    prctl(PR_SET_NAME, "guest-saboteur");
    // What is to be killed for lack of memory is lifeboat's child, never this.
    must(lifeboat::write_existing_file("/proc/self/oom_score_adj", "-1000"));
    run(how, every_time);
}

} // namespace guest
