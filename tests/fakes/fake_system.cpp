// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fakes/fake_system.h"

#include "base/system.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <format>
#include <map>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lifeboat {

namespace fakes {

namespace {

struct Shared {
    std::atomic<std::size_t> used;
    char text[1 << 16];
};

Shared& shared() {
    static Shared* const memory = static_cast<Shared*>(
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    return *memory;
}

struct Behaviour {
    std::map<std::string, int> failures;
    std::vector<std::string> hanging;
    std::map<std::string, std::string> nodes;
    std::map<std::string, std::function<void()>> actions;
    int uevents_to = -1;
};

Behaviour& behaviour() {
    static Behaviour instance;
    return instance;
}

// Records the call and does what was asked for; the call's return value.
int called(const std::string& record) {
    const std::string line = record + "\n";
    const std::size_t at = shared().used.fetch_add(line.size());
    if (at + line.size() <= sizeof shared().text)
        std::memcpy(shared().text + at, line.data(), line.size());
    for (const std::string& beginning : behaviour().hanging)
        if (record.starts_with(beginning)) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL); // no test waits for what another has left behind
            for (;;)
                ::pause();
        }
    for (const auto& [beginning, action] : behaviour().actions)
        if (record.starts_with(beginning))
            action();
    for (const auto& [beginning, os_error] : behaviour().failures)
        if (record.starts_with(beginning)) {
            errno = os_error;
            return -1;
        }
    return 0;
}

std::string path_of(int fd) {
    std::array<char, 4096> path{};
    const ssize_t size = ::readlink(std::format("/proc/self/fd/{}", fd).c_str(), path.data(), path.size());
    return size < 0 ? "?" : std::string(path.data(), static_cast<std::size_t>(size));
}

} // namespace

void reset() {
    shared().used = 0;
    if (behaviour().uevents_to >= 0)
        ::close(behaviour().uevents_to);
    behaviour() = {};
}

std::vector<std::string> calls() {
    std::vector<std::string> lines;
    std::string_view text(shared().text, shared().used);
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return lines;
}

void fail_call(const std::string& beginning, int os_error) {
    behaviour().failures[beginning] = os_error;
}

void hang_call(const std::string& beginning) {
    behaviour().hanging.push_back(beginning);
}

void give_node(const std::string& name, const std::string& content_path) {
    behaviour().nodes[name] = content_path;
}

void on_call(const std::string& beginning, std::function<void()> action) {
    behaviour().actions[beginning] = std::move(action);
}

void send_uevent(const std::string& message) {
    (void)::send(behaviour().uevents_to, message.data(), message.size(), 0);
}

} // namespace fakes

namespace sys {

int mount(const char* source, const char* target, const char* type, unsigned long, const char*) {
    const auto text = [](const char* word) { return word == nullptr ? "-" : word; };
    return fakes::called(std::format("mount {} on {} type {}", text(source), target, text(type)));
}

int unmount(const char* target, int) {
    return fakes::called(std::format("unmount {}", target));
}

int make_node(const char* path, mode_t, dev_t) {
    const std::string name = std::string_view(path).substr(std::string_view(path).rfind('/') + 1).data();
    const auto& nodes = fakes::behaviour().nodes;
    if (const auto content = nodes.find(name); content != nodes.end())
        (void)!::symlink(content->second.c_str(), path);
    return fakes::called(std::format("make_node {}", path));
}

int load_module(int fd, const char* parameters, int flags) {
    return fakes::called(std::format("load_module {} '{}' {}", fakes::path_of(fd), parameters, flags));
}

int change_root(const char* folder) {
    return fakes::called(std::format("change_root {}", folder));
}

int execute(char* const* words, char* const*) {
    std::string record = "execute";
    for (; *words != nullptr; ++words)
        record += std::format(" {}", *words);
    return fakes::called(record);
}

int sync_all() {
    return fakes::called("sync_all");
}

int sync_file_system(int fd) {
    return fakes::called(std::format("sync_file_system {}", fakes::path_of(fd)));
}

int reboot(int command) {
    return fakes::called(std::format("reboot {:#x}", static_cast<unsigned>(command)));
}

int kexec_file_load(int kernel_fd, int initrd_fd, std::size_t command_line_bytes, const char* command_line,
                    unsigned long flags) {
    const auto name = [](int fd) { return fd < 0 ? "-" : fakes::path_of(fd); };
    const std::string line(command_line == nullptr ? "" : command_line, command_line_bytes);
    return fakes::called(std::format("kexec_file_load {} {} {:#x} '{}'", name(kernel_fd), name(initrd_fd),
                                     flags, line.substr(0, line.find('\0'))));
}

int open_uevents() {
    int ends[2];
    if (fakes::called("open_uevents") != 0 ||
        ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    fakes::behaviour().uevents_to = ends[1];
    return ends[0];
}

void exit_process(int status) {
    fakes::called(std::format("exit_process {}", status));
    throw fakes::Exited{status};
}

} // namespace sys

} // namespace lifeboat
