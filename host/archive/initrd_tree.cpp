// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/initrd_tree.h"

#include <sys/stat.h>

namespace lifeboat::host {

namespace {

constexpr int link_limit = 40; // as in the kernel

// The first part of a path, which loses it.
std::string_view take_part(std::string_view& path) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    return part;
}

std::string_view folder_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string joined(std::string_view folder, std::string_view name) {
    return folder.empty() ? std::string(name) : std::format("{}/{}", folder, name);
}

} // namespace

std::string InitrdTree::content_path(const CpioEntry& entry) {
    return std::string(plain_path(entry.hard_link_to.empty() ? entry.path : entry.hard_link_to));
}

void InitrdTree::add(const CpioEntry& entry) {
    nodes_.insert_or_assign(std::string(plain_path(entry.path)),
                            Node{entry.mode, entry.link_target, content_path(entry)});
}

// From the top, part by part; a link's target takes the place of the link.
Result<std::string> InitrdTree::follow(std::string_view path) const {
    std::string place;
    std::string rest(path);
    for (int links = 0; !rest.empty();) {
        std::string_view left = rest;
        const std::string_view part = take_part(left);
        const std::string next = part == ".."                  ? std::string(folder_of(place))
                                 : part.empty() || part == "." ? place
                                                               : joined(place, part);
        const auto node = nodes_.find(next);
        if (node == nodes_.end() || !S_ISLNK(node->second.mode)) {
            place = next;
            rest = std::string(left);
            continue;
        }
        if (++links > link_limit)
            return fail(ErrorKind::corrupt, "too many links");
        const std::string& target = node->second.link_target;
        if (target.starts_with('/'))
            place.clear();
        rest = left.empty() ? target : std::format("{}/{}", target, left);
    }
    return place;
}

Result<std::string> InitrdTree::find_file(std::string_view path) const {
    const std::string place = TRY(follow(path));
    const auto node = nodes_.find(place);
    if (node == nodes_.end())
        return fail(ErrorKind::no_data, "nothing of that name is there");
    if (S_ISDIR(node->second.mode))
        return fail(ErrorKind::unsupported, "it is a folder");
    if (!S_ISREG(node->second.mode))
        return fail(ErrorKind::unsupported, "it is not a file");
    return node->second.content_path;
}

} // namespace lifeboat::host
