// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/faulty_calls.h"

#include <csignal>
#include <filesystem>
#include <map>
#include <stdexcept>

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lifeboat::tests {

namespace {

const std::map<unsigned long long, std::string> changing_calls = {
    {SYS_write, "write"},         {SYS_pwrite64, "pwrite64"}, {SYS_openat, "openat"},
    {SYS_open, "open"},           {SYS_link, "link"},         {SYS_linkat, "linkat"},
    {SYS_rename, "rename"},       {SYS_renameat, "renameat"}, {SYS_renameat2, "renameat2"},
    {SYS_unlink, "unlink"},       {SYS_unlinkat, "unlinkat"}, {SYS_mkdir, "mkdir"},
    {SYS_rmdir, "rmdir"},         {SYS_mkdirat, "mkdirat"},   {SYS_pwritev, "pwritev"},
    {SYS_fdatasync, "fdatasync"}, {SYS_fsync, "fsync"},       {SYS_fchmod, "fchmod"},
    {SYS_ftruncate, "ftruncate"}, {SYS_ioctl, "ioctl"},       {SYS_fallocate, "fallocate"},
};

const std::map<unsigned long long, std::string> reading_calls = {
    {SYS_read, "read"},       {SYS_pread64, "pread64"},
    {SYS_openat, "openat"},   {SYS_open, "open"},
    {SYS_mmap, "mmap"},       {SYS_getdents64, "getdents64"},
    {SYS_fstat, "fstat"},     {SYS_newfstatat, "newfstatat"},
    {SYS_fstatfs, "fstatfs"}, {SYS_statfs, "statfs"},
};

int become_program(const std::vector<std::string>& arguments) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const int none = ::open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(none, fd);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1); // it cannot look for leaks while it is traced
    ::execv(argv[0], argv.data());
    return 127;
}

// A sanitizer looks at the machine by itself.
bool is_of_kernel(const std::string& path) {
    return path.starts_with("/proc/") || path.starts_with("/sys/") || path.starts_with("/dev/");
}

// A sanitizer writes to pipes of its own.
bool is_file(pid_t process, unsigned long long fd) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(
        "/proc/" + std::to_string(process) + "/fd/" + std::to_string(fd), error);
    return !error && target.string().starts_with('/') && !is_of_kernel(target.string());
}

bool changes_files(pid_t process, const user_regs_struct& registers) {
    switch (registers.orig_rax) {
    case SYS_write:
        return is_file(process, registers.rdi);
    case SYS_openat:
        return (registers.rdx & O_CREAT) != 0;
    case SYS_open:
        return (registers.rsi & O_CREAT) != 0;
    default:
        return changing_calls.contains(registers.orig_rax);
    }
}

// As far as it stands in one word of the process's memory: enough to tell whose it is.
std::string beginning_of_path(pid_t process, unsigned long long address) {
    const long word = ::ptrace(PTRACE_PEEKDATA, process, address, nullptr);
    std::string text(reinterpret_cast<const char*>(&word), sizeof word);
    return text.substr(0, text.find('\0'));
}

// Of files alone, not of a sanitizer's own memory and /proc.
bool reads_files(pid_t process, const user_regs_struct& registers) {
    switch (registers.orig_rax) {
    case SYS_read:
    case SYS_pread64:
    case SYS_fstat:
    case SYS_fstatfs:
    case SYS_getdents64:
        return is_file(process, registers.rdi);
    case SYS_mmap:
        return is_file(process, registers.r8);
    case SYS_open:
    case SYS_statfs:
        return !is_of_kernel(beginning_of_path(process, registers.rdi));
    case SYS_openat:
    case SYS_newfstatat:
        return !is_of_kernel(beginning_of_path(process, registers.rsi));
    default:
        return reading_calls.contains(registers.orig_rax);
    }
}

class Tracer {
public:
    Tracer(pid_t child, std::optional<std::size_t> at, int os_error, Calls which)
        : child_(child)
        , at_(at)
        , os_error_(os_error)
        , which_(which) {}

    FaultyRun run() {
        int status = wait();
        ::ptrace(PTRACE_SETOPTIONS, child_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
        for (bool entering = true;; entering = !entering) {
            int signal = 0;
            do {
                ::ptrace(PTRACE_SYSCALL, child_, nullptr, signal);
                status = wait();
                signal =
                    WIFSTOPPED(status) && WSTOPSIG(status) != (SIGTRAP | 0x80) && WSTOPSIG(status) != SIGTRAP
                        ? WSTOPSIG(status)
                        : 0;
            } while (WIFSTOPPED(status) && WSTOPSIG(status) != (SIGTRAP | 0x80));
            if (!WIFSTOPPED(status))
                break;
            entering ? enter() : leave();
        }
        made_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return made_;
    }

private:
    [[nodiscard]] int wait() const {
        int status = 0;
        if (::waitpid(child_, &status, 0) != child_)
            throw std::runtime_error("waitpid failed");
        return status;
    }

    void enter() {
        user_regs_struct registers{};
        ::ptrace(PTRACE_GETREGS, child_, nullptr, &registers);
        if (changes_files(child_, registers))
            made_.calls.push_back(changing_calls.at(registers.orig_rax));
        else if (which_ == Calls::all && reads_files(child_, registers))
            made_.calls.push_back(reading_calls.at(registers.orig_rax));
        else
            return;
        if (made_.calls.size() - 1 != at_)
            return;
        if (os_error_ == 0) {
            ::kill(child_, SIGKILL);
            return;
        }
        registers.orig_rax = ~0ULL; // no such call: the kernel does nothing
        ::ptrace(PTRACE_SETREGS, child_, nullptr, &registers);
        failing_ = true;
    }

    void leave() {
        if (!failing_)
            return;
        failing_ = false;
        user_regs_struct registers{};
        ::ptrace(PTRACE_GETREGS, child_, nullptr, &registers);
        registers.rax = static_cast<unsigned long long>(-static_cast<long long>(os_error_));
        ::ptrace(PTRACE_SETREGS, child_, nullptr, &registers);
    }

    pid_t child_;
    std::optional<std::size_t> at_;
    int os_error_;
    Calls which_;
    bool failing_ = false;
    FaultyRun made_;
};

} // namespace

FaultyRun run_with_fault(const std::function<int()>& work, std::optional<std::size_t> at, int os_error,
                         Calls which) {
    const pid_t child = ::fork();
    if (child < 0)
        throw std::runtime_error("fork failed");
    if (child == 0) {
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        ::_exit(work());
    }
    return Tracer(child, at, os_error, which).run();
}

FaultyRun run_with_fault(const std::vector<std::string>& arguments, std::optional<std::size_t> at,
                         int os_error) {
    return run_with_fault([&] { return become_program(arguments); }, at, os_error);
}

} // namespace lifeboat::tests
