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

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace guest {

namespace {

constexpr auto starving_time = std::chrono::seconds(30);

std::optional<pid_t> as_pid(const std::string& name) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size())
        return std::nullopt;
    return pid;
}

std::optional<pid_t> find_victim(const std::string& stage) {
    for (const std::string& entry : names_in("/proc")) {
        const auto pid = as_pid(entry);
        if (!pid)
            continue;
        const auto name = lifeboat::read_file(std::format("/proc/{}/comm", *pid));
        if (name && *name == std::format("lb-{}\n", stage))
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

// Nobody else runs but in the twentieth that the kernel keeps from real-time tasks.
// Source: Linux Documentation/scheduler/sched-rt-group.rst, sched_rt_runtime_us.
void starve_all() {
    const auto end = std::chrono::steady_clock::now() + starving_time;
    for (long cpu = sysconf(_SC_NPROCESSORS_ONLN); cpu > 0; --cpu) {
        if (must_call(fork(), "fork") != 0)
            continue;
        const sched_param highest{.sched_priority = 99};
        // musl has the call by name only.
        must_call(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &highest), "become a real-time task");
        while (std::chrono::steady_clock::now() < end) {
        }
        _exit(0);
    }
}

void harm(pid_t victim, const std::string& how) {
    say("saboteur: {} for process {}", how, victim);
    if (how == "oom")
        return exhaust_memory(victim);
    if (how == "starve")
        return starve_all();
    if (how == "panic")
        return must(lifeboat::write_existing_file("/proc/sysrq-trigger", "c"));
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

[[noreturn]] void run(const Sabotage& sabotage) {
    do {
        std::optional<pid_t> victim;
        // Some children live for a few milliseconds only.
        while (!(victim = find_victim(sabotage.stage)))
            std::this_thread::sleep_for(std::chrono::microseconds(sabotage.delay_ms > 0 ? 2000 : 100));
        std::this_thread::sleep_for(std::chrono::milliseconds(sabotage.delay_ms));
        harm(*victim, sabotage.how);
        wait_until_gone(*victim);
    } while (sabotage.every_time);
    _exit(0);
}

} // namespace

void start_saboteur(const Sabotage& sabotage) {
    if (must_call(fork(), "fork") != 0)
        return;
    prctl(PR_SET_NAME, "guest-saboteur");
    // What is to be killed for lack of memory is lifeboat's child, never this.
    must(lifeboat::write_existing_file("/proc/self/oom_score_adj", "-1000"));
    run(sabotage);
}

} // namespace guest
