// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/resolved_path.h"

#include <array>
#include <climits>
#include <optional>

#include <unistd.h>

namespace lifeboat::host {

namespace {

// As many as the kernel follows. Source: Linux include/linux/namei.h, MAXSYMLINKS.
constexpr int link_limit = 40;

std::optional<std::string> read_link(const std::string& path) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0)
        return std::nullopt; // not a link, or not there
    return std::string(target.data(), static_cast<std::size_t>(length));
}

void leave_folder(std::string& path) {
    path.resize(path.empty() ? 0 : path.rfind('/'));
}

// The first name of `rest`, taken off it; empty at the end.
std::string take_name(std::string& rest) {
    const std::size_t first = rest.find_first_not_of('/');
    if (first == std::string::npos)
        return {};
    const std::size_t end = rest.find('/', first);
    std::string name = rest.substr(first, end == std::string::npos ? end : end - first);
    rest = end == std::string::npos ? "" : rest.substr(end);
    return name;
}

} // namespace

Result<std::string> resolve_path(const std::string& root, std::string_view path) {
    std::string resolved;
    std::string rest(path);
    int links = 0;
    for (std::string name = take_name(rest); !name.empty(); name = take_name(rest)) {
        if (name == ".")
            continue;
        if (name == "..") {
            leave_folder(resolved);
            continue;
        }
        const auto target = read_link(root + resolved + "/" + name);
        if (!target) {
            resolved += "/" + name;
            continue;
        }
        if (++links > link_limit)
            return fail(ErrorKind::invalid, "follow '{}': more than {} symlinks", path, link_limit);
        if (target->starts_with('/'))
            resolved.clear();
        rest = *target + "/" + rest;
    }
    return resolved.empty() ? "/" : resolved;
}

bool is_below(std::string_view path, std::string_view folder) {
    return folder == "/" || path == folder ||
           (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

std::string path_below(std::string_view path, std::string_view folder) {
    const std::string_view below = folder == "/" ? path : path.substr(folder.size());
    return std::string(below.empty() ? "/" : below);
}

std::string joined_path(std::string_view folder, std::string_view below) {
    if (folder == "/")
        return std::string(below);
    return std::string(folder) + std::string(below == "/" ? "" : below);
}

} // namespace lifeboat::host
