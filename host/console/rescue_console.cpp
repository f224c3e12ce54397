// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/console/rescue_console.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/log.h"
#include "base/system.h"
#include "base/text.h"
#include "host/console/root_password.h"
#include "host/crash_kernel/kexec_attribute.h"
#include "stages/block_devices.h"
#include "stages/coldplug_modules.h"
#include "stages/find_target.h"
#include "stages/mount_target.h"
#include "stages/run_program.h"
#include "stages/scan_scsi_hosts.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <vector>

#include <poll.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <termios.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr int tries_limit = 3;
constexpr std::int64_t mount_patience_ms = 10'000;
constexpr std::size_t shown_log_lines = 200;
constexpr const char* this_program = "/proc/self/exe";
constexpr unsigned terminal_patience_s = 60;

void say(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

class ScreenLog final : public Log {
public:
    void write(LogLevel, std::string_view line) override { say(printable(line) + "\n"); }
};

enum class Input : std::uint8_t { line, end, gone, nobody };

struct Answer {
    Input kind = Input::nobody;
    std::string text;
};

// The terminal's own editing of a line is all there is: it works on whatever line there is.
Answer read_line(std::int64_t idle_ms) {
    std::string line;
    const Deadline deadline = Deadline::after_ms(idle_ms);
    for (;;) {
        pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&input, 1, deadline.poll_timeout_ms(idle_ms));
        if (ready == 0 || deadline.has_passed())
            return {Input::nobody, {}};
        char character = 0;
        const ssize_t count = ready < 0 ? -1 : ::read(STDIN_FILENO, &character, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return {Input::gone, {}};
        if (count == 0)
            return {::isatty(STDIN_FILENO) == 1 ? Input::end : Input::gone, {}};
        if (character == '\n')
            return {Input::line, line};
        line += character;
    }
}

// While it lives, what is typed is not shown.
class WithoutEcho {
public:
    WithoutEcho() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0)
            return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    WithoutEcho(const WithoutEcho&) = delete;
    WithoutEcho& operator=(const WithoutEcho&) = delete;
    ~WithoutEcho() {
        if (changed_)
            ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }

private:
    termios before_{};
    bool changed_ = false;
};

// With this terminal; its exit status, or what a shell has for one that cannot be run.
// However long it takes: it has a user.
std::optional<int> run_here(Program program, Log& log) {
    program.shares_streams = true;
    ::alarm(0);
    const auto status = run_program(program, program.path, log);
    return status ? std::optional(*status) : std::nullopt;
}

class RescueConsole {
public:
    explicit RescueConsole(const ConsoleSetting& setting)
        : setting_(setting) {}

    ConsoleOrder run();

private:
    using Words = std::vector<std::string>;
    struct Command {
        std::string_view name;
        std::string_view operands;
        bool is_harmless; // neither reads nor changes data
        std::string_view purpose;
        void (RescueConsole::*carry_out)(const Words& operands);
    };
    static const Command commands[];

    void help(const Words& operands);
    void devices(const Words& operands);
    void scan(const Words& operands);
    void log(const Words& operands);
    void mounts(const Words& operands);
    void mount_source(const Words& operands);
    void check_initrds(const Words& operands);
    void list_initrd(const Words& operands);
    void restore(const Words& operands);
    void shell(const Words& operands);
    void dump(const Words& operands);
    void boot(const Words& operands);
    void reboot(const Words& operands);
    void power_off(const Words& operands);

    void greet() const;
    void obey(const std::string& line);
    bool is_allowed();
    bool ask_password(const RootPassword& password);
    void run_own(Words arguments);

    const ConsoleSetting& setting_;
    ScreenLog screen_;
    int tries_left_ = tries_limit;
    bool is_unlocked_ = false;
    std::optional<ConsoleOrder> order_;
};

constexpr RescueConsole::Command RescueConsole::commands[] = {
    {"help", "", true, "this list", &RescueConsole::help},
    {"devices", "", true, "the block devices that are there", &RescueConsole::devices},
    {"scan", "", true, "load modules for what is there, and have the SCSI hosts look again",
     &RescueConsole::scan},
    {"log", "[kernel]", true, "what this boot has said, or the end of the kernel's log", &RescueConsole::log},
    {"boot", "", true, "go on: look for root where there is none yet, and start the system",
     &RescueConsole::boot},
    {"reboot", "", true, "restart the machine", &RescueConsole::reboot},
    {"poweroff", "", true, "switch the machine off", &RescueConsole::power_off},
    {"mounts", "", false, "what is mounted", &RescueConsole::mounts},
    {"mount", "SOURCE FOLDER", false, "mount UUID=..., LABEL=... or /dev/... read-only on a folder",
     &RescueConsole::mount_source},
    {"initrds", "", false, "say which of the installed initrds are whole", &RescueConsole::check_initrds},
    {"ls", "INITRD", false, "list an initrd, named by its path on root", &RescueConsole::list_initrd},
    {"restore", "[VERSION]", false, "put the known-good initrd of a kernel back; of all that are broken",
     &RescueConsole::restore},
    {"shell", "", false, "the root file system's own shell", &RescueConsole::shell},
    {"dump", "", false, "panic now, so that the crash kernel saves a dump", &RescueConsole::dump},
};

ConsoleOrder RescueConsole::run() {
    greet();
    while (!order_) {
        // Writing to a terminal that takes nothing would never end.
        ::alarm(static_cast<unsigned>(setting_.idle_ms / 1000) + terminal_patience_s);
        say("lifeboat> ");
        const Answer answer = read_line(setting_.idle_ms);
        if (answer.kind == Input::line)
            obey(answer.text);
        else if (answer.kind == Input::end)
            order_ = ConsoleOrder::boot;
        else
            order_ = ConsoleOrder::reboot;
        if (answer.kind == Input::nobody)
            say("\nnobody has answered, rebooting\n");
    }
    return *order_;
}

void RescueConsole::greet() const {
    say(std::format("\nThis is lifeboat's rescue console: 'help' lists what can be done, 'boot' goes on.\n"
                    "Without an answer for {} s the machine reboots.\n",
                    setting_.idle_ms / 1000));
}

void RescueConsole::obey(const std::string& line) {
    Words words;
    for (const std::string_view word : split_words(line))
        words.emplace_back(word);
    if (words.empty())
        return;
    const auto* const found = std::ranges::find(commands, words.front(), &Command::name);
    if (found == std::end(commands))
        return say(
            std::format("'{}' is not a command; 'help' lists what there is\n", printable(words.front())));
    words.erase(words.begin());
    if (found->is_harmless || is_allowed())
        (this->*found->carry_out)(words);
}

bool RescueConsole::is_allowed() {
    if (is_unlocked_ || setting_.is_open)
        return true;
    if (!setting_.has_password) {
        say(setting_.root_is_mounted
                ? "this is not the root file system that the image was made for, its passwords do not count: "
                  "this cannot be done\n"
                : "root's password is on the root file system, which is not there: this cannot be done\n");
        return false;
    }
    const auto password = RootPassword::read(setting_.root);
    if (!password || password->state() == PasswordState::locked) {
        say(std::format("{}: this cannot be done\n",
                        password ? "root's password is locked" : password.error().text));
        return false;
    }
    is_unlocked_ = password->state() == PasswordState::empty || ask_password(*password);
    return is_unlocked_;
}

bool RescueConsole::ask_password(const RootPassword& password) {
    while (tries_left_ > 0) {
        const Answer answer = [&] {
            const WithoutEcho silence; // before it is asked for: whoever types ahead is not shown either
            say("root's password: ");
            return read_line(setting_.idle_ms);
        }();
        say("\n");
        if (answer.kind != Input::line)
            return false;
        --tries_left_;
        const auto right = password.is(answer.text);
        if (right && *right)
            return true;
        say(right ? "wrong\n" : right.error().text + "\n");
    }
    say("too many wrong passwords: only what needs none can be done\n");
    return false;
}

void RescueConsole::run_own(Words arguments) {
    arguments.insert(arguments.end(), {"--root", setting_.root});
    run_here({.path = this_program, .arguments = std::move(arguments)}, screen_);
}

void RescueConsole::help(const Words&) {
    for (const Command& command : commands)
        say(std::format("  {:<22} {}{}\n", std::format("{} {}", command.name, command.operands),
                        command.purpose,
                        command.is_harmless || setting_.is_open || is_unlocked_ ? "" : " (password)"));
}

void RescueConsole::devices(const Words&) {
    for (const BlockDevice& device : list_block_devices(setting_.paths))
        say(printable(describe(device, probe_device(setting_.paths, device))) + "\n");
}

void RescueConsole::scan(const Words&) {
    if (auto loader = ModuleLoader::open(setting_.paths, screen_)) {
        loader->load_for_all_devices();
        say(std::format("{} modules loaded\n", loader->loaded()));
    } else {
        say(loader.error().text + "\n");
    }
    say(std::format("{} SCSI hosts scanned\n", scan_scsi_hosts(setting_.paths, screen_)));
}

void RescueConsole::log(const Words& operands) {
    if (operands.empty()) {
        const auto text = read_file(setting_.paths.run + "/lifeboat/rescue.log");
        return say(text ? *text : text.error().text + "\n");
    }
    // Source: syslog(2), SYSLOG_ACTION_READ_ALL.
    constexpr int read_all = 3;
    std::string text(std::size_t{1} << 20, '\0');
    const int count = ::klogctl(read_all, text.data(), static_cast<int>(text.size()));
    text.resize(static_cast<std::size_t>(std::max(count, 0)));
    const auto lines = split_lines(text);
    for (std::size_t i = lines.size() - std::min(lines.size(), shown_log_lines); i < lines.size(); ++i)
        say(printable(lines[i]) + "\n");
}

void RescueConsole::mounts(const Words&) {
    say(read_file(setting_.paths.proc + "/mounts").value_or(""));
}

void RescueConsole::mount_source(const Words& operands) {
    if (operands.size() != 2 || !operands[1].starts_with('/'))
        return say("mount SOURCE FOLDER\n");
    auto target = parse_target(operands[0] + " /");
    if (!target)
        return say(target.error().text + "\n");
    target->options = "ro";
    SystemPaths paths = setting_.paths;
    paths.mount_point = operands[1];
    const TargetRequest request{.paths = paths,
                                .targets = std::span(&*target, 1),
                                .deadline = Deadline::after_ms(mount_patience_ms),
                                .coldplug = true,
                                .role = "mount"};
    if (const auto done = find_and_mount_target(request, screen_); !done)
        say(done.error().text + "\n");
}

void RescueConsole::check_initrds(const Words&) {
    run_own({"good", "check"});
}

void RescueConsole::list_initrd(const Words& operands) {
    if (operands.size() != 1)
        return say("ls INITRD\n");
    run_here({.path = this_program, .arguments = {"ls", "-l", setting_.root + "/" + operands[0]}}, screen_);
}

void RescueConsole::restore(const Words& operands) {
    Words arguments{"good", "restore"};
    arguments.insert(arguments.end(), operands.begin(), operands.end());
    const auto remount = [&](unsigned long flags) {
        for (const std::string& folder : {setting_.root, setting_.root + "/boot"})
            if (sys::mount(nullptr, folder.c_str(), nullptr, MS_REMOUNT | flags, nullptr) != 0 &&
                errno != EINVAL)
                say(system_error(std::format("mount '{}' again", folder)).text + "\n");
    };
    remount(0);
    run_own(std::move(arguments));
    sys::sync_all();
    remount(MS_RDONLY);
}

void RescueConsole::shell(const Words&) {
    if (!setting_.root_is_mounted)
        return say("the root file system is not there, and this image has no shell\n");
    const std::string dev = setting_.root + "/dev", proc = setting_.root + "/proc",
                      sys = setting_.root + "/sys";
    const std::pair<const std::string&, const std::string&> shown[] = {
        {setting_.paths.dev, dev}, {setting_.paths.proc, proc}, {setting_.paths.sys, sys}};
    for (const auto& [ours, theirs] : shown)
        sys::mount(ours.c_str(), theirs.c_str(), nullptr, MS_BIND, nullptr);
    std::optional<int> status;
    for (const char* path : {"/bin/bash", "/bin/sh"})
        if (!status)
            status = run_here({.path = path, .arguments = {"-i"}, .root = setting_.root, .folder = "/root"},
                              screen_);
    if (!status)
        say("the root file system has no shell that can be run\n");
    for (const auto& [ours, theirs] : shown)
        sys::unmount(theirs.c_str(), MNT_DETACH);
}

void RescueConsole::dump(const Words&) {
    if (read_kexec_attribute(setting_.paths.sys, "crash_loaded") != "1")
        return say("no crash kernel is loaded: a panic would save nothing, so there is none\n");
    sys::sync_all();
    if (const auto done = write_existing_file(setting_.paths.proc + "/sysrq-trigger", "c"); !done)
        say(done.error().text + "\n");
}

void RescueConsole::boot(const Words&) {
    order_ = ConsoleOrder::boot;
}

void RescueConsole::reboot(const Words&) {
    order_ = ConsoleOrder::reboot;
}

void RescueConsole::power_off(const Words&) {
    order_ = ConsoleOrder::power_off;
}

} // namespace

ConsoleOrder run_console(const ConsoleSetting& setting) {
    return RescueConsole(setting).run();
}

} // namespace lifeboat::host
