// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/log.h"
#include "host/config.h"
#include "host/fallback/boot_entries.h"
#include "host/fallback/booted_files.h"
#include "host/fallback/check_initrd.h"
#include "host/fallback/good_store.h"
#include "host/fallback/installed_initrd.h"
#include "host/fallback/keep_good.h"
#include "host/fallback/loader_entries.h"
#include "host/fallback/restore_initrd.h"
#include "host/json_object.h"
#include "host/machine/installed_kernel.h"
#include "host/subcommands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "good";
const std::string menu_script = "/usr/lib/lifeboat/refresh-boot-menu";

struct GoodRequest {
    // Boot files, modules and configuration are those below --root; /proc, /sys and /dev stay the running
    // machine's: in a rescue boot the root file system is mounted somewhere, and nothing else is there yet.
    SystemPaths paths;
    std::string config;
    std::string operand; // of the action; empty: none
    std::string kernel;
    bool as_json = false;
    bool writes = false;
};

using Action = Result<ExitCode> (*)(const GoodRequest&);

void say(std::string_view text) {
    std::puts(printable(text).c_str());
}

void note_all(const std::vector<std::string>& notes) {
    for (const std::string& note : notes)
        failure(name, note);
}

// The menu names generations: it is made anew when they change. What is below another root has none here.
void refresh_menu(const GoodRequest& request) {
    if (!request.paths.root.empty() || ::access(menu_script.c_str(), X_OK) != 0)
        return;
    std::string program = menu_script;
    std::array<char*, 2> arguments = {program.data(), nullptr};
    pid_t pid = 0;
    int status = 0;
    const int error = ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments.data(), environ);
    if (error != 0 || ::waitpid(pid, &status, 0) != pid || status != 0)
        failure(name, std::format("'{}' has failed: the boot menu may name what is not there", menu_script));
}

JsonObject json_of(const SystemPaths& paths, const Generation& generation) {
    JsonObject row;
    row.add("name", generation.name);
    row.add("kernel", generation.kernel);
    row.add("kept_time", generation.kept_s);
    row.add("folder", generation.folder());
    row.add("command_line", generation.command_line);
    row.add("image_bytes", generation.image.original.size_bytes);
    row.add("image_stored", name_of(generation.image.stored_by));
    row.add("initrd_bytes", generation.initrd.original.size_bytes);
    row.add("initrd_stored", name_of(generation.initrd.stored_by));
    row.add("present", has_whole_sizes(paths, generation));
    return row;
}

Result<ExitCode> list_good(const GoodRequest& request) {
    const GoodStore store = TRY(read_good_store(request.paths));
    std::vector<JsonObject> rows;
    for (const Generation& generation : store.generations) {
        rows.push_back(json_of(request.paths, generation));
        if (!request.as_json)
            say(std::format("{} kernel {} ({}), initrd {} bytes ({}){}", generation.name, generation.kernel,
                            name_of(generation.image.stored_by), generation.initrd.original.size_bytes,
                            name_of(generation.initrd.stored_by),
                            has_whole_sizes(request.paths, generation) ? "" : ", not as it was kept"));
    }
    note_all(store.unreadable);
    JsonObject list;
    list.add("generations", rows);
    if (request.as_json)
        std::puts(list.text().c_str());
    return store.unreadable.empty() ? exit_ok : exit_failed;
}

void tell(const Kept& kept) {
    const std::string& generation = kept.generation.name;
    switch (kept.what) {
    case Kept::What::nothing:
        say(std::format("kept already: {}", generation));
        break;
    case Kept::What::command_line:
        say(std::format("kept already: {}, with another command line from now on", generation));
        break;
    case Kept::What::generation:
        say(std::format("kept: {} (image by {}, initrd by {})", generation,
                        name_of(kept.generation.image.stored_by), name_of(kept.generation.initrd.stored_by)));
        break;
    }
    for (const std::string& dropped : kept.dropped)
        say(std::format("dropped: {}", dropped));
    note_all(kept.notes);
}

Result<ExitCode> keep(const GoodRequest& request) {
    const Config config = TRY(read_config(request.config));
    const std::string line = TRY(read_file(request.paths.proc + "/cmdline"));
    const BootWords words = read_boot_words(line);
    if (words.is_known_good) {
        say("this boot was from what is known good: nothing new is kept");
        return exit_ok;
    }
    const BootedFiles booted = TRY(find_booted_files(request.paths, words));
    const Kept kept = TRY(keep_good({.paths = request.paths,
                                     .booted = booted,
                                     .generations = config.good_generations,
                                     .now_s = std::time(nullptr)}));
    tell(kept);
    if (kept.what != Kept::What::nothing || !kept.dropped.empty())
        refresh_menu(request);
    return exit_ok;
}

Result<ExitCode> drop(const GoodRequest& request) {
    const Descriptor lock = TRY(lock_good_store(request.paths));
    TRY(remove_generation(request.paths, request.operand));
    say("dropped: " + request.operand);
    refresh_menu(request);
    return exit_ok;
}

std::string verdict_line(const InitrdVerdict& verdict) {
    const std::string subject = verdict.path.empty() ? "kernel " + verdict.kernel : verdict.path;
    std::string text = subject + ": ";
    if (verdict.is_whole())
        text += verdict.path.empty() ? "no initrd, and none is known to be needed" : "whole";
    else
        text += "broken: ";
    for (const std::string& reason : verdict.reasons)
        text += (&reason == &verdict.reasons.front() ? "" : "; ") + reason;
    if (!verdict.not_checked.empty())
        text += std::format(" (not checked: {})", verdict.not_checked);
    return text;
}

JsonObject json_of(const InitrdVerdict& verdict) {
    JsonObject row;
    row.add("kernel", verdict.kernel);
    row.add("initrd", verdict.path);
    row.add("whole", verdict.is_whole());
    row.add("reasons", verdict.reasons);
    row.add("not_checked", verdict.not_checked);
    return row;
}

Result<std::vector<InitrdVerdict>> verdicts_for(const GoodRequest& request) {
    if (request.kernel.empty())
        return check_installed_initrds(request.paths);
    if (!std::ranges::contains(kernels_in_boot(request.paths), request.kernel))
        return fail(ErrorKind::no_data, "'{}/boot' has no kernel {}", request.paths.root, request.kernel);
    return std::vector{check_installed_initrd(request.paths, request.kernel)};
}

Result<ExitCode> check(const GoodRequest& request) {
    const std::vector<InitrdVerdict> verdicts = TRY(verdicts_for(request));
    std::vector<JsonObject> rows;
    for (const InitrdVerdict& verdict : verdicts) {
        rows.push_back(json_of(verdict));
        if (!request.as_json)
            say(verdict_line(verdict));
    }
    JsonObject list;
    list.add("initrds", rows);
    if (request.as_json)
        std::puts(list.text().c_str());
    return std::ranges::all_of(verdicts, &InitrdVerdict::is_whole) ? exit_ok : exit_failed;
}

Result<> restore_one(const GoodRequest& request, const std::string& version) {
    const Restored restored = TRY(restore_initrd(request.paths, version));
    note_all(restored.notes);
    say(std::format("{}: restored by {} from {}{}", restored.path, name_of(restored.way), restored.from,
                    restored.broken.empty() ? "" : std::format(", what was there is {}", restored.broken)));
    return {};
}

Result<ExitCode> restore_broken(const GoodRequest& request) {
    ExitCode code = exit_ok;
    bool any = false;
    for (const InitrdVerdict& verdict : check_installed_initrds(request.paths)) {
        if (verdict.is_whole())
            continue;
        any = true;
        say(verdict_line(verdict));
        if (const auto done = restore_one(request, verdict.kernel); !done)
            code = failure(name, done.error().text);
    }
    if (!any)
        say("every installed initrd is whole, nothing is restored");
    return code;
}

Result<ExitCode> restore(const GoodRequest& request) {
    if (request.operand.empty())
        return restore_broken(request);
    const InitrdVerdict verdict = check_installed_initrd(request.paths, request.operand);
    say(verdict_line(verdict));
    TRY(restore_one(request, request.operand));
    return exit_ok;
}

// That of the other entries where nothing is known good: as kernel-install(8) takes it.
std::string usual_command_line(const SystemPaths& paths) {
    auto line = read_file(paths.root + "/etc/kernel/cmdline");
    if (!line)
        line = read_file(paths.proc + "/cmdline");
    return read_boot_words(line.value_or("")).command_line;
}

// For what makes boot menus; docs/formats.md has it.
Result<ExitCode> menu(const GoodRequest& request) {
    const Config config = TRY(read_config(request.config));
    const GoodStore store = TRY(read_good_store(request.paths));
    const std::vector<BootEntry> entries = boot_entries(request.paths, store);
    if (request.writes) {
        const LoaderEntries made =
            TRY(write_loader_entries(request.paths, entries, usual_command_line(request.paths)));
        note_all(made.notes);
        for (const std::string& path : made.changed)
            say(path);
        return exit_ok;
    }
    std::puts(std::format("after-failed-boots\t{}", config.failed_boots).c_str());
    for (const BootEntry& entry : entries)
        std::puts(row_text(entry).c_str());
    return exit_ok;
}

struct ActionRow {
    std::string_view name;
    Action run;
    std::size_t operands_minimum;
    std::size_t operands_maximum;
};
constexpr std::array<ActionRow, 6> actions = {{
    {"list", list_good, 0, 0},
    {"keep", keep, 0, 0},
    {"drop", drop, 1, 1},
    {"restore", restore, 0, 1},
    {"check", check, 0, 0},
    {"menu", menu, 0, 0},
}};

GoodRequest read_request(const Arguments& arguments) {
    const std::string root(arguments.value("--root").value_or(""));
    const auto config = arguments.value("--config");
    return {.paths = {.root = root == "/" ? "" : root},
            .config = config ? std::string(*config) : root + default_config_path,
            .operand = arguments.operands().size() > 1 ? arguments.operand(1) : "",
            .kernel = std::string(arguments.value("--kernel").value_or("")),
            .as_json = arguments.has("--json"),
            .writes = arguments.has("--write")};
}

} // namespace

ExitCode good(const Arguments& arguments) {
    const auto* const action = std::ranges::find(actions, arguments.operands()[0], &ActionRow::name);
    if (action == actions.end())
        return usage_error(name, std::format("'{}' is not list, keep, drop, restore, check or menu",
                                             arguments.operands()[0]));
    const std::size_t operands = arguments.operands().size() - 1;
    if (operands < action->operands_minimum)
        return usage_error(name, std::format("{} needs the name of a generation", action->name));
    if (operands > action->operands_maximum)
        return usage_error(name, std::format("{} takes no such name", action->name));
    const auto code = action->run(read_request(arguments));
    return code ? *code : failure(name, code.error().text);
}

} // namespace lifeboat::host
