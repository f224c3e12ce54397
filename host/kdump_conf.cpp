// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/kdump_conf.h"

#include "base/text.h"
#include "stages/plan.h"

#include <algorithm>
#include <array>
#include <format>
#include <optional>

namespace lifeboat::host {

namespace {

using Words = std::vector<std::string_view>;

struct Directive {
    std::string_view name;
    std::string_view reason;
};

constexpr std::string_view file_systems[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "minix", "f2fs", "vfat"};
constexpr std::string_view final_actions[] = {"reboot", "poweroff", "halt"};

// What kdump's own tools need to be told and lifeboat does by itself.
constexpr std::string_view needless[] = {
    "force_rebuild", "force_no_rebuild", "override_resettable", "auto_reset_crashkernel", "dracut_args",
};

constexpr Directive impossible[] = {
    {"nfs", "a target over the network is not there yet"},
    {"ssh", "a target over the network is not there yet"},
    {"sshkey", "a target over the network is not there yet"},
    {"raw", "dumps go to file systems"},
    {"kdump_pre", "there is no shell in the initrd"},
    {"kdump_post", "there is no shell in the initrd"},
    {"extra_bins", "there is no shell in the initrd"},
    {"fence_kdump_args", "fencing is not there"},
    {"fence_kdump_nodes", "fencing is not there"},
    {"vmcore_creation_status", "'lifeboat report' and 'lifeboat status' tell"},
};

class Import {
public:
    void take(std::string_view line);
    ImportedConfig finish();

private:
    void add(std::string_view line, const std::string& key, std::string_view value);
    void refuse(std::string_view line, std::string_view reason);
    void take_file_system(std::string_view line, const Words& words);
    void take_collector(std::string_view line, const Words& words);
    void take_makedumpfile(std::string_view line, const Words& words);
    void take_failure_action(std::string_view line, std::string_view action);
    void take_final_action(std::string_view line, std::string_view action);

    ImportedConfig result_;
    std::string path_ = "/var/crash"; // kdump's own default
    std::string path_line_;
    std::string device_line_; // empty: the path is one of this machine's
    std::string device_;
    std::string type_;
    bool falls_back_to_root_ = false;
};

void Import::add(std::string_view line, const std::string& key, std::string_view value) {
    if (!line.empty())
        result_.text += std::format("# {}\n", line);
    result_.text += std::format("{} = {}\n", key, value);
}

void Import::refuse(std::string_view line, std::string_view reason) {
    result_.not_translated.push_back(std::format("'{}': {}", line, reason));
}

void Import::take(std::string_view line) {
    const Words words = split_words(line);
    const std::string_view name = words[0];
    const std::string_view value = words.size() > 1 ? words[1] : "";
    const auto* const refused = std::ranges::find(impossible, name, &Directive::name);
    if (refused != std::end(impossible))
        return refuse(line, refused->reason);
    if (std::ranges::contains(needless, name))
        return;
    if (value.empty())
        return refuse(line, "it has no value");
    if (name == "path") {
        path_ = value;
        path_line_ = line;
    } else if (std::ranges::contains(file_systems, name)) {
        take_file_system(line, words);
    } else if (name == "core_collector") {
        take_collector(line, words);
    } else if (name == "extra_modules") {
        for (const std::string_view module : std::span(words).subspan(1))
            add(module == value ? line : "", "module", module);
    } else if (name == "failure_action" || name == "default") {
        take_failure_action(line, value);
    } else if (name == "final_action") {
        take_final_action(line, value);
    } else {
        refuse(line, "it is not known");
    }
}

void Import::take_file_system(std::string_view line, const Words& words) {
    if (!device_.empty())
        return refuse(line, "kdump has one target, and there is one before it");
    device_line_ = line;
    device_ = words[1];
    type_ = words[0];
}

void Import::take_collector(std::string_view line, const Words& words) {
    if (words[1] == "makedumpfile" || words[1].ends_with("/makedumpfile"))
        return take_makedumpfile(line, words);
    if (words[1] == "cp" || words[1] == "scp") {
        add(line, "level", "0");
        add("", "compress", "none");
        return;
    }
    refuse(line, std::format("lifeboat writes the dump itself, and knows nothing of '{}'", words[1]));
}

void Import::take_makedumpfile(std::string_view line, const Words& words) {
    const auto value_behind = [&](std::string_view option) -> std::optional<std::string_view> {
        const auto found = std::ranges::find(words, option);
        return found == words.end() || found + 1 == words.end() ? std::nullopt : std::optional(found[1]);
    };
    if (const auto level = value_behind("-d"))
        add(line, "level", *level);
    else
        result_.text += std::format("# {}\n", line);
    if (const auto threads = value_behind("--num-threads"))
        add("", "threads", *threads);
    if (std::ranges::contains(words, "-c"))
        add("", "compress", "zlib");
    else if (std::ranges::contains(words, "-l") || std::ranges::contains(words, "-p"))
        result_.text +=
            "# lifeboat compresses with zstd in place of lzo or snappy: smaller, and not slower\n";
    if (std::ranges::contains(words, "-E"))
        refuse(line, "a dump is kdump-compressed; 'lifeboat filter --format elf' makes an ELF core of it");
}

void Import::take_failure_action(std::string_view line, std::string_view action) {
    if (action == "dump_to_rootfs")
        falls_back_to_root_ = true;
    else if (std::ranges::contains(final_actions, action))
        result_.text += std::format("# {}: what follows a failure is what follows a dump, `action`\n", line);
    else
        refuse(line, action == "shell" ? "there is no shell in the initrd" : "it is not known");
}

void Import::take_final_action(std::string_view line, std::string_view action) {
    if (std::ranges::contains(final_actions, action))
        add(line, "action", action);
    else
        refuse(line, "it is not reboot, poweroff or halt");
}

ImportedConfig Import::finish() {
    if (device_.empty())
        add(path_line_, "target", path_);
    else
        add(device_line_, "target", std::format("{} {} {}", device_, path_, type_));
    if (falls_back_to_root_ && !device_.empty())
        add("failure_action dump_to_rootfs", "target", "/var/crash");
    return std::move(result_);
}

} // namespace

ImportedConfig import_kdump_conf(std::string_view text) {
    Import import;
    for (const std::string_view line : split_lines(text))
        if (const std::string_view trimmed = trim(line); !trimmed.empty() && !trimmed.starts_with('#'))
            import.take(trimmed);
    return import.finish();
}

} // namespace lifeboat::host
