// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vmcore/forbidden_calls.h"

#include <cerrno>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <thread>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace lifeboat::tests {

namespace {

constexpr std::uint64_t window_bytes = 128 << 10;

// Jumps count from the instruction after; each rule falls through to the next one.
class Filter {
public:
    void load(std::size_t offset) {
        program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
    }
    // Skips `count` instructions unless the loaded word is `value`.
    void unless(std::uint64_t value, unsigned count) {
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(value), 0,
                                    static_cast<std::uint8_t>(count)));
    }
    void unless_above(std::uint64_t value, unsigned count) {
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, static_cast<std::uint32_t>(value), 0,
                                    static_cast<std::uint8_t>(count)));
    }
    void fail_with(int error) {
        program_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)));
    }
    void allow() { program_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)); }
    void install() {
        const sock_fprog program{static_cast<unsigned short>(program_.size()), program_.data()};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
            throw std::runtime_error("no seccomp filter can be set");
    }

private:
    std::vector<sock_filter> program_;
};

constexpr std::size_t argument(unsigned index) { // its lower half
    return offsetof(seccomp_data, args) + index * sizeof(std::uint64_t);
}

void install(const ForbiddenCalls& forbidden) {
    Filter filter;
    if (forbidden.shared_mappings) {
        filter.load(offsetof(seccomp_data, nr));
        filter.unless(SYS_mmap, 3);
        filter.load(argument(3));
        filter.unless(MAP_SHARED, 1);
        filter.fail_with(ENODEV);
    }
    for (const std::uint64_t offset : forbidden.unreadable_offsets) {
        filter.load(offsetof(seccomp_data, nr));
        filter.unless(SYS_pread64, 3);
        filter.load(argument(3));
        filter.unless(offset, 1);
        filter.fail_with(EIO);
        filter.load(offsetof(seccomp_data, nr));
        filter.unless(SYS_pread64, 5);
        filter.load(argument(3));
        filter.unless(offset / window_bytes * window_bytes, 3);
        filter.load(argument(2));
        filter.unless_above(4096, 1);
        filter.fail_with(EIO);
    }
    filter.allow();
    filter.install();
}

} // namespace

void with_forbidden_calls(const ForbiddenCalls& forbidden, const std::function<void()>& action) {
    std::exception_ptr failure;
    std::thread thread([&] {
        try {
            install(forbidden);
            action();
        } catch (...) {
            failure = std::current_exception();
        }
    });
    thread.join();
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace lifeboat::tests
