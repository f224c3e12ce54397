// SPDX-License-Identifier: GPL-2.0-or-later
// The plan: what was decided on the healthy host for the boot after the crash.
//
// A text of lines `key = value`, `#` at a line's start for comments; later lines win, except that `target`
// and `module` are lists. `lifeboat.KEY=VALUE` on the kernel command line overrides; the first of a list's
// key there replaces the plan's list. docs/formats.md has the keys.
//
// Nothing here fails: what cannot be used is named in `complaints`, each ending in what is done instead.
#pragma once

#include "stages/kernel_command_line.h"
#include "vmcore/dump.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

// How a target's device is named.
enum class TargetTag : std::uint8_t { uuid, label, part_uuid, part_label, device_path };

struct Target {
    TargetTag tag = TargetTag::device_path;
    std::string name; // the tag's value, or the path
    std::string path; // the folder on that file system, absolute
    std::string type = "auto";
    std::string options = "rw,noatime";
    std::uint64_t size_bytes =
        0; // of its device on the host; 0: not known. Devices of that size are looked at first.

    [[nodiscard]] std::string source() const; // "UUID=...", "/dev/sda1"
    [[nodiscard]] std::string text() const;   // as parse_target() reads it
};

// A blank, tab, line end, quote or backslash in a field stands as \ and three octal digits, as in fstab(5).
std::string encode_octal(std::string_view text);
std::string decode_octal(std::string_view text);

// `SOURCE PATH [TYPE|auto] [OPTIONS] [size=BYTES]`; a blank in one of them is written \040, as in fstab(5).
Result<Target> parse_target(std::string_view text);

struct PlannedModule {
    std::string path;
    std::string parameters;
};

enum class Action : std::uint8_t { reboot, power_off, halt };
enum class Prune : std::uint8_t { never, when_full }; // older dumps, where the new one would not fit
// What a boot that is not a crash kernel's does before it starts the system: it boots, or it puts known-good
// initrds in place of broken ones first, or it asks on the console.
enum class Rescue : std::uint8_t { boot, repair, shell };
// Whether the console may change things where no root file system is there to ask for root's password.
enum class ConsoleAccess : std::uint8_t { locked, open };
enum class Coldplug : std::uint8_t { automatic, always, never };

struct PlannedDeadlines {
    std::uint64_t modules_s = 30;
    std::uint64_t target_s = 30;
    std::uint64_t dmesg_s = 60;
    std::uint64_t vmcore_s = 3600;
    std::uint64_t finish_s = 60;
    std::uint64_t total_s = 5400;
    std::uint64_t stall_s = 60;
};

struct Plan {
    std::vector<Target> targets;
    std::vector<PlannedModule> modules;
    unsigned level = dump_level_maximum;
    Compression compression;
    unsigned threads = 0; // 0: as many as CPUs
    std::string host = "unknown";
    Action action = Action::reboot;
    Coldplug coldplug = Coldplug::automatic;
    Prune prune = Prune::never;
    // Of a rescue boot: where root was when this was packed, should root= on the command line not do.
    std::vector<Target> roots;
    Rescue rescue = Rescue::boot;
    ConsoleAccess console = ConsoleAccess::locked; // never from the command line of the boot itself
    PlannedDeadlines deadlines;
    // After how long without a sign of life from PID 1 a watchdog restarts the machine; 0: none is started.
    unsigned watchdog_timeout_s = 60;

    std::vector<std::string> complaints;

    static Plan parse(std::string_view text);
    // One line's worth; nothing is changed where it fails: no_data when the key is not known, else invalid.
    Result<> set(std::string_view key, std::string_view value);
    void override_from(std::span<const KernelParameter> parameters);
    // The plan as parse() reads it, every key named; without the complaints. A host name's line ends, a part
    // of it that no line can hold, become blanks.
    [[nodiscard]] std::string text() const;
};

// Reads /etc/lifeboat/plan and /proc/cmdline. A file that cannot be read is a complaint too.
struct SystemPaths;
Plan read_plan(const SystemPaths& paths);

} // namespace lifeboat
