// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/apply_sysctl.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "stages/list_folder.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include <glob.h>
#include <unistd.h>

namespace lifeboat {

namespace {

// "net.ipv4.conf.eth0/100.forwarding" and "net/ipv4/conf/eth0.100/forwarding" are the same: the first
// separator decides which of the two separates, the other is then a plain character in the same place.
std::string path_of_key(std::string_view key) {
    std::string path(key);
    const std::size_t first = path.find_first_of("./");
    if (first != std::string::npos && path[first] == '.')
        for (char& character : path)
            character = character == '.' ? '/' : character == '/' ? '.' : character;
    while (path.starts_with('/'))
        path.erase(0, 1);
    return path;
}

// Nothing that would leave /proc/sys.
bool is_safe(std::string_view path) {
    const std::string framed = std::format("/{}/", path);
    return !path.empty() && !path.contains('\0') && framed.find("/../") == std::string::npos;
}

bool is_glob(std::string_view path) {
    return path.find_first_of("*?[") != std::string_view::npos;
}

void put(std::vector<SysctlSetting>& settings, SysctlSetting setting) {
    std::erase_if(settings, [&](const SysctlSetting& other) { return other.path == setting.path; });
    settings.push_back(std::move(setting));
}

Result<SysctlSetting> parse_setting(std::string_view line) {
    SysctlSetting setting;
    const bool dashed = line.starts_with('-');
    if (dashed)
        line = trim(line.substr(1));
    const auto cut = split_key_value(line);
    if (!cut && !dashed)
        return fail(ErrorKind::invalid, "'{}' is not `key = value`", line);
    setting.path = path_of_key(cut ? cut->key : line);
    setting.value = cut ? cut->value : std::string_view{};
    setting.ignore_failure = dashed;
    setting.exclude_only = !cut;
    if (!is_safe(setting.path))
        return fail(ErrorKind::invalid, "'{}' is not a sysctl's name", cut ? cut->key : line);
    return setting;
}

std::vector<std::string> matches_of(const std::string& pattern) {
    std::vector<std::string> matches;
    glob_t found{};
    if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
        matches.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    std::ranges::sort(matches);
    return matches;
}

class Applier {
public:
    Applier(const SystemPaths& paths, std::span<const SysctlSetting> settings, Log& log)
        : folder_(paths.proc + "/sys/")
        , settings_(settings)
        , log_(log) {
        for (const SysctlSetting& setting : settings)
            named_.insert(setting.path);
    }

    SysctlCounts apply() {
        for (const SysctlSetting& setting : settings_)
            apply_one(setting);
        return counts_;
    }

private:
    void apply_one(const SysctlSetting& setting) {
        if (setting.exclude_only)
            return;
        if (!is_glob(setting.path))
            return write(folder_ + setting.path, setting);
        // A key with a line of its own is not for a glob to set.
        for (const std::string& match : matches_of(folder_ + setting.path))
            if (!named_.contains(match.substr(folder_.size())))
                write(match, setting);
    }

    void write(const std::string& file, const SysctlSetting& setting) {
        const auto written = write_existing_file(file, setting.value + "\n");
        if (written)
            ++counts_.applied;
        else if (!setting.ignore_failure)
            complain(file, setting, written.error().os_error);
    }

    void complain(const std::string& file, const SysctlSetting& setting, int os_error) {
        ++counts_.failed;
        log_.warning("sysctl: {}, passing over it",
                     system_error(std::format("set '{}' to '{}' ({})", file.substr(folder_.size()),
                                              setting.value, setting.where),
                                  os_error)
                         .text);
    }

    std::string folder_;
    std::span<const SysctlSetting> settings_;
    std::set<std::string, std::less<>> named_;
    Log& log_;
    SysctlCounts counts_;
};

void read_settings(const std::string& file, std::vector<SysctlSetting>& settings, Log& log) {
    const auto text = read_file(file);
    if (!text)
        return log.warning("sysctl: {}, passing over it", text.error().text);
    for (const std::string& complaint : parse_sysctl_file(*text, file, settings))
        log.warning("sysctl: {}", complaint);
}

} // namespace

std::vector<std::string> parse_sysctl_file(std::string_view text, std::string_view name,
                                           std::vector<SysctlSetting>& settings) {
    std::vector<std::string> complaints;
    std::size_t number = 0;
    for (std::string_view line : split_lines(text)) {
        ++number;
        line = trim(line);
        if (line.empty() || line.starts_with('#') || line.starts_with(';'))
            continue;
        const std::string where = std::format("'{}' line {}", name, number);
        auto setting = parse_setting(line);
        if (!setting) {
            complaints.push_back(std::format("{}: {}, passing over it", where, setting.error().text));
            continue;
        }
        setting->where = where;
        put(settings, *std::move(setting));
    }
    return complaints;
}

std::vector<std::string> list_sysctl_files(const SystemPaths& paths) {
    // By falling precedence: of files with the same name the first one found counts.
    constexpr const char* folders[] = {"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d",
                                       "/usr/lib/sysctl.d", "/lib/sysctl.d"};
    std::map<std::string, std::string> by_name;
    for (const char* folder : folders)
        for (const std::string& name : list_folder(paths.root + folder).value_or(std::vector<std::string>{}))
            if (name.ends_with(".conf"))
                by_name.try_emplace(name, paths.root + folder + "/" + name);
    std::vector<std::string> files;
    files.reserve(by_name.size() + 1);
    for (auto& [name, file] : by_name)
        files.push_back(std::move(file));
    files.push_back(paths.root + "/etc/sysctl.conf");
    return files;
}

SysctlCounts apply_sysctl(const SystemPaths& paths, Log& log) {
    std::vector<SysctlSetting> settings;
    for (const std::string& file : list_sysctl_files(paths))
        if (::access(file.c_str(), F_OK) == 0)
            read_settings(file, settings, log);
    return Applier(paths, settings, log).apply();
}

} // namespace lifeboat
