// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/rescue_boot.h"

#include "base/descriptor.h"
#include "base/system.h"
#include "base/text.h"
#include "init/hand_over.h"
#include "init/module_stage.h"
#include "init/stage_runner.h"
#include "stages/console_order.h"
#include "stages/mount_from_fstab.h"
#include "stages/mount_target.h"
#include "stages/read_attribute.h"
#include "stages/root_parameters.h"
#include "stages/run_program.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <optional>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace lifeboat {

namespace {

// The host command, which the rescue image carries.
constexpr const char* own_command = "/bin/lifeboat";
constexpr std::string_view beside_root[] = {"/usr", "/boot"};
constexpr std::string_view boot_folder = "/boot";

constexpr std::uint64_t fsck_deadline_s = 600;
constexpr std::uint64_t check_deadline_s = 300;
constexpr std::uint64_t repair_deadline_s = 600;
constexpr std::uint64_t short_deadline_s = 30;
constexpr std::uint64_t console_deadline_s = 86'400;
// A stage that keeps its deadline itself says what it saw before it ends; only then is it killed.
constexpr std::int64_t self_limited_grace_ms = 20'000;
// Here there are all CPUs, and time: a scan that was not needed is ten seconds.
constexpr std::int64_t first_scan_ms = 3000;
// Source: fsck(8), exit status: file system errors left uncorrected, and above it what is worse.
constexpr int fsck_errors_left = 4;

using ProgramWork = std::function<Result<int>(StageReport&)>;

enum class InitrdState : std::uint8_t { unknown, whole, broken };
constexpr std::string_view state_words[] = {"unknown", "whole", "broken"};

class RescueBoot {
public:
    RescueBoot(const BootStart& start, BootLog& log)
        : paths_(start.paths)
        , start_(start)
        , log_(log)
        , runner_(start.paths, log) {}

    Action run();

private:
    struct Step {
        std::string_view name;
        void (RescueBoot::*carry_out)();
    };
    static const Step first_steps[];
    static const Step steps_to_root[];

    void greet();
    void take_plan();
    void load_modules_of_plan();
    void reach_root();
    void check_root();
    void mount_beside();
    void check_initrds();
    void repair();

    void carry_out(std::span<const Step> steps);
    void note_failure(std::string_view stage, std::string_view what, std::string_view instead);
    [[nodiscard]] std::vector<Target> root_candidates() const;
    bool is_packed_root(const Target& used, const FoundTarget& found, Log& log) const;
    void repair_on_disk();
    Result<> remount(unsigned long flags, StageReport& report) const;
    [[nodiscard]] bool is_mounted_beside(std::string_view folder) const;
    Result<int> exit_status(std::string_view stage, StageLimits limits, const ProgramWork& work);
    std::optional<int> run_own(std::string_view stage, std::uint64_t seconds,
                               std::vector<std::string> arguments);
    void start_system();
    void leave_words();
    std::optional<Action> ask_on_console();
    std::string summary_line() const;

    const SystemPaths& paths_;
    const BootStart& start_;
    BootLog& log_;
    StageRunner runner_;
    Plan plan_;
    RootParameters root_parameters_;

    std::string root_node_;       // empty: root is not mounted
    bool is_packed_root_ = false; // the one that this image was made for, whose password opens the console
    std::string root_source_;
    bool root_has_errors_ = false;
    std::vector<std::string> mounted_beside_;
    InitrdState initrds_ = InitrdState::unknown;
    bool repaired_ = false;
    std::string failed_stage_;
};

constexpr RescueBoot::Step RescueBoot::first_steps[] = {
    {"start", &RescueBoot::greet},
    {"plan", &RescueBoot::take_plan},
    {"modules", &RescueBoot::load_modules_of_plan},
};

// Again after each time on the console that did not end the boot, as long as there is no root.
constexpr RescueBoot::Step RescueBoot::steps_to_root[] = {
    // Loads modules for every device, scans the SCSI hosts, finds and mounts. From here on root_node_ says
    // where root is; without it the steps below do nothing.
    {"root", &RescueBoot::reach_root},    {"fsck", &RescueBoot::check_root},
    {"fstab", &RescueBoot::mount_beside}, {"initrds", &RescueBoot::check_initrds},
    {"repair", &RescueBoot::repair},
};

Action RescueBoot::run() {
    carry_out(first_steps);
    bool on_console = plan_.rescue == Rescue::shell;
    for (;;) {
        if (root_node_.empty())
            carry_out(steps_to_root);
        if (!on_console && !root_node_.empty())
            start_system(); // comes back where it failed
        if (const auto action = ask_on_console()) {
            log_.info("{}", summary_line());
            return *action;
        }
        on_console = false;
    }
}

void RescueBoot::carry_out(std::span<const Step> steps) {
    for (const Step& step : steps)
        try {
            (this->*step.carry_out)();
        } catch (const std::exception& exception) {
            note_failure(step.name, exception.what(), "going on");
        }
}

void RescueBoot::note_failure(std::string_view stage, std::string_view what, std::string_view instead) {
    log_.error("{}: {}, {}", stage, what, instead);
    if (failed_stage_.empty())
        failed_stage_ = stage;
}

void RescueBoot::greet() {
    utsname names{};
    ::uname(&names);
    log_.info("started without a vmcore, kernel {}: a rescue boot", std::string_view(names.release));
    for (const std::string& complaint : start_.complaints)
        log_.warning("{}", complaint);
    // Moves along to the system, which leaves as it is what is mounted there.
    ::mkdir(paths_.run.c_str(), 0755);
    if (sys::mount("tmpfs", paths_.run.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=20%") != 0)
        log_.warning("{}, leaving no log to the system",
                     system_error(std::format("mount tmpfs on '{}'", paths_.run)).text);
}

void RescueBoot::take_plan() {
    plan_ = read_plan(paths_);
    for (const std::string& complaint : plan_.complaints)
        log_.warning("{}", complaint);
    const std::string line = read_file(paths_.proc + "/cmdline").value_or("");
    root_parameters_ = read_root_parameters(parse_kernel_command_line(line));
    for (const std::string& complaint : root_parameters_.complaints)
        log_.warning("root: {}", complaint);
}

void RescueBoot::load_modules_of_plan() {
    if (const auto ended = load_planned_modules(runner_, plan_))
        note_failure("modules", ended->describe(), "going on with what is loaded");
}

// What the command line names first, then where root was when this image was packed.
std::vector<Target> RescueBoot::root_candidates() const {
    std::vector<Target> candidates;
    if (root_parameters_.root)
        candidates.push_back(*root_parameters_.root);
    for (Target root : plan_.roots) {
        root.options = root_parameters_.options_with(root.options);
        if (std::ranges::none_of(candidates,
                                 [&](const Target& one) { return one.source() == root.source(); }))
            candidates.push_back(std::move(root));
    }
    return candidates;
}

void RescueBoot::reach_root() {
    const std::vector<Target> candidates = root_candidates();
    StageLimits limits = runner_.limits_of(std::max(plan_.deadlines.target_s, root_parameters_.wait_s));
    const TargetRequest request{.paths = paths_,
                                .targets = candidates,
                                .deadline = limits.deadline,
                                .coldplug = true,
                                .role = "root",
                                .first_scan_ms = first_scan_ms,
                                .match = TargetSearch::Match::only};
    limits.deadline = limits.deadline.extended_by_ms(self_limited_grace_ms);
    const auto outcome = runner_.run("root", limits, [&](StageReport& report) -> Result<> {
        const auto mounted = TRY(find_and_mount_target(request, report));
        report.fact("source", candidates[mounted.index].source());
        report.fact("node", mounted.found.node);
        if (is_packed_root(candidates[mounted.index], mounted.found, report))
            report.fact("packed", 1);
        return {};
    });
    if (!outcome.completed())
        return note_failure("root", outcome.describe(), "asking on the console");
    root_node_ = outcome.facts.at("node");
    root_source_ = outcome.facts.at("source");
    is_packed_root_ = outcome.facts.contains("packed");
    if (!is_packed_root_)
        log_.warning(
            "root: {} is not the root that this image was made for, no password of it opens the console",
            root_source_);
    failed_stage_.clear();
}

// By its name, or by being the only device that has the name it was packed with.
bool RescueBoot::is_packed_root(const Target& used, const FoundTarget& found, Log& log) const {
    return std::ranges::any_of(plan_.roots, [&](const Target& packed) {
        if (packed.source() == used.source())
            return true;
        const TargetRequest request{.paths = paths_,
                                    .targets = std::span(&packed, 1),
                                    .deadline = Deadline::after_ms(0),
                                    .tells_devices = false,
                                    .role = "root",
                                    .first_scan_ms = first_scan_ms,
                                    .match = TargetSearch::Match::only};
        const auto same = find_target(request, log);
        return same && same->node == found.node;
    });
}

// With the root file system's own program: it knows more than could be packed, and nothing is changed by it.
void RescueBoot::check_root() {
    if (root_node_.empty())
        return;
    const auto status =
        exit_status("fsck", runner_.limits_of(fsck_deadline_s), [this](StageReport& report) -> Result<int> {
            const std::string dev = paths_.mount_point + "/dev";
            if (sys::mount(paths_.dev.c_str(), dev.c_str(), nullptr, MS_BIND, nullptr) != 0)
                return fail_system("bind '{}' to '{}'", paths_.dev, dev);
            const Program fsck{
                .path = "/sbin/fsck", .arguments = {"-T", "-n", root_node_}, .root = paths_.mount_point};
            auto ended = run_program(fsck, "fsck -n", report);
            sys::unmount(dev.c_str(), MNT_DETACH);
            return ended;
        });
    if (!status)
        return log_.warning("fsck: {}, the state of root is not known", status.error().text);
    root_has_errors_ = *status >= fsck_errors_left;
    if (root_has_errors_)
        log_.warning("fsck: status {}: root has errors, changing nothing on it", *status);
    else
        log_.info("fsck: status {}: root has no errors", *status);
}

void RescueBoot::mount_beside() {
    if (root_node_.empty())
        return;
    StageLimits limits = runner_.limits_of(plan_.deadlines.target_s);
    const Deadline deadline = limits.deadline;
    limits.deadline = deadline.extended_by_ms(self_limited_grace_ms);
    const auto outcome = runner_.run("fstab", limits, [&](StageReport& report) -> Result<> {
        for (const std::string& folder : mount_from_fstab(paths_, beside_root, deadline, report))
            report.fact(folder.substr(1), "mounted");
        return {};
    });
    if (!outcome.completed())
        note_failure("fstab", outcome.describe(), "going on with what is mounted");
    for (const auto& [folder, state] : outcome.facts)
        mounted_beside_.push_back("/" + folder);
}

bool RescueBoot::is_mounted_beside(std::string_view folder) const {
    return std::ranges::contains(mounted_beside_, folder);
}

// Of the program that the work of a stage runs; fails where it did not come to its end.
Result<int> RescueBoot::exit_status(std::string_view stage, StageLimits limits, const ProgramWork& work) {
    const auto outcome = runner_.run(stage, limits, [&work](StageReport& report) -> Result<> {
        const int status = TRY(work(report));
        report.fact("status", static_cast<std::uint64_t>(status));
        return {};
    });
    if (!outcome.completed())
        return fail(ErrorKind::system, "{}", outcome.describe());
    return static_cast<int>(TRY(parse_in_range(outcome.facts.at("status"), 0, 255)));
}

// The exit status of the host command on the root file system; nothing where it did not come to its end.
std::optional<int> RescueBoot::run_own(std::string_view stage, std::uint64_t seconds,
                                       std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--root", paths_.mount_point});
    const Program command{.path = paths_.root + own_command, .arguments = std::move(arguments)};
    const auto status = exit_status(stage, runner_.limits_of(seconds),
                                    [&](StageReport& report) { return run_program(command, stage, report); });
    if (status)
        return *status;
    note_failure(stage, status.error().text, "going on");
    return std::nullopt;
}

void RescueBoot::check_initrds() {
    if (root_node_.empty())
        return;
    // A check that did not come to its end, of a disk that hangs or that kills its reader, is no sign of
    // health; what is whole after all is not replaced.
    const auto status = run_own("initrds", check_deadline_s, {"good", "check"});
    initrds_ = !status || *status == 1 ? InitrdState::broken
               : *status == 0          ? InitrdState::whole
                                       : InitrdState::unknown;
}

void RescueBoot::repair() {
    if (root_node_.empty() || plan_.rescue != Rescue::repair)
        return;
    if (initrds_ != InitrdState::broken)
        return log_.info("repair: no initrd is known to be broken, repairing nothing");
    if (root_has_errors_)
        return note_failure("repair", "root has errors", "leaving the repair until fsck has mended it");
    repair_on_disk();
}

void RescueBoot::repair_on_disk() {
    const auto remounted = [&](std::string_view stage, unsigned long flags) {
        const auto outcome = runner_.run(stage, runner_.limits_of(short_deadline_s),
                                         [&](StageReport& report) { return remount(flags, report); });
        if (!outcome.completed())
            note_failure(stage, outcome.describe(), "going on");
        return outcome.completed();
    };
    if (!remounted("repair", 0))
        return;
    repaired_ = run_own("repair", repair_deadline_s, {"good", "restore"}) == 0;
    if (!root_parameters_.read_write)
        remounted("repair", MS_RDONLY);
    if (repaired_)
        check_initrds();
    else
        note_failure("repair", "not all of it could be done", "booting all the same");
}

Result<> RescueBoot::remount(unsigned long flags, StageReport& report) const {
    const std::string folder =
        paths_.mount_point + (is_mounted_beside(boot_folder) ? std::string(boot_folder) : "");
    sys::sync_all();
    if (sys::mount(nullptr, folder.c_str(), nullptr, MS_REMOUNT | flags, nullptr) != 0)
        return fail_system("mount '{}' again, {}", folder, flags == 0 ? "to write" : "read-only");
    report.info("repair: '{}' is mounted {}", folder, flags == 0 ? "to be written to" : "read-only again");
    return {};
}

void RescueBoot::start_system() {
    // Mounted read-only, it would stay that in the system, which mounts it as it should be.
    if (is_mounted_beside(boot_folder))
        sys::unmount((paths_.mount_point + std::string(boot_folder)).c_str(), MNT_DETACH);
    const auto outcome =
        runner_.run("init", runner_.limits_of(short_deadline_s), [this](StageReport& report) -> Result<> {
            report.fact("init", TRY(find_init(paths_, root_parameters_.init)));
            return {};
        });
    if (!outcome.completed())
        return note_failure("init", outcome.describe(), "asking on the console");
    const NextInit next{outcome.facts.at("init"), start_.arguments};
    log_.info("starting '{}' on {}", next.path, root_source_);
    log_.info("{}", summary_line());
    leave_words();
    log_.console().flush(2000, Deadline::after_ms(20'000));
    const Error error = hand_over(paths_, next);
    note_failure("init", error.text, "asking on the console");
}

// For `lifeboat status`, and for whoever wonders how this boot went.
void RescueBoot::leave_words() {
    const std::string folder = paths_.run + "/lifeboat";
    ::mkdir(folder.c_str(), 0755);
    const auto file = open_file(folder + "/rescue.log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const auto written = file ? write_all(file->get(), log_.text(), folder) : Result<>(fail(file.error()));
    if (!written)
        log_.warning("{}, leaving no log to the system", written.error().text);
}

// Nothing where the boot is to go on.
std::optional<Action> RescueBoot::ask_on_console() {
    if (::access((paths_.root + own_command).c_str(), X_OK) != 0) {
        note_failure("console", "it went with the initrd when the system was to start", "rebooting");
        return plan_.action;
    }
    const std::string active = read_attribute(paths_.sys + "/class/tty/console/active");
    const auto names = split_words(active);
    std::vector<std::string> arguments{"console", "--root", paths_.mount_point};
    if (!root_node_.empty())
        arguments.emplace_back("--mounted");
    if (is_packed_root_)
        arguments.emplace_back("--password");
    if (plan_.console == ConsoleAccess::open)
        arguments.emplace_back("--open");
    // The last that console= names is the one that /dev/console is.
    const Program console{.path = paths_.root + own_command,
                          .arguments = std::move(arguments),
                          .terminal =
                              std::format("{}/{}", paths_.dev, names.empty() ? "tty1" : names.back())};
    leave_words();
    log_.console().flush(2000, Deadline::after_ms(20'000));
    // It ends by itself when nobody answers; this is for one that cannot.
    const auto status =
        exit_status("console", runner_.limits_of(console_deadline_s),
                    [&](StageReport& report) { return run_program(console, "console", report); });
    if (!status) {
        note_failure("console", status.error().text, "rebooting");
        return plan_.action;
    }
    const auto order = static_cast<ConsoleOrder>(*status);
    if (order == ConsoleOrder::boot)
        return std::nullopt;
    return order == ConsoleOrder::power_off ? Action::power_off : plan_.action;
}

std::string RescueBoot::summary_line() const {
    return std::format("rescue root={} initrds={} repaired={} failed_stage={} seconds_total={:.3f}",
                       root_source_.empty() ? "-" : root_source_, state_words[std::to_underlying(initrds_)],
                       repaired_ ? "yes" : "no", failed_stage_.empty() ? "-" : failed_stage_,
                       static_cast<double>(monotonic_ms() - start_.started_ms) / 1000);
}

} // namespace

Action rescue_boot(const BootStart& start, BootLog& log) {
    return RescueBoot(start, log).run();
}

} // namespace lifeboat
