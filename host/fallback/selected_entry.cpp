// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/selected_entry.h"

#include "base/descriptor.h"
#include "base/text.h"

#include <array>
#include <format>
#include <vector>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view variable =
    "/firmware/efi/efivars/LoaderEntrySelected-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
constexpr std::size_t attributes_bytes = 4; // in front of the value. Source: Linux fs/efivarfs/file.c
// Where the partitions are mounted whose entries systemd-boot reads: their paths begin there.
constexpr std::array<std::string_view, 3> partitions = {"/efi", "/boot", "/boot/efi"};

// UTF-16, little-endian, of which only ASCII can be the name of an entry.
Result<std::string> selected_name(const SystemPaths& paths) {
    const auto value = read_file(paths.sys + std::string(variable));
    if (!value)
        return fail(ErrorKind::no_data, "no LoaderEntrySelected, as systemd-boot leaves it");
    std::string name;
    for (std::size_t at = attributes_bytes;
         at + 1 < value->size() && ((*value)[at] != 0 || (*value)[at + 1] != 0); at += 2) {
        if ((*value)[at + 1] != 0 || (*value)[at] == '/')
            return fail(ErrorKind::no_data, "a LoaderEntrySelected that names no entry");
        name += (*value)[at];
    }
    return name;
}

// With a suffix that counts boots the file has another name; such entries have not proved themselves yet
// either.
Result<std::string> partition_of(const SystemPaths& paths, const std::string& name) {
    for (const std::string_view partition : partitions)
        if (::access(std::format("{}{}/loader/entries/{}", paths.root, partition, name).c_str(), F_OK) == 0)
            return std::string(partition);
    return fail(ErrorKind::no_data, "the entry '{}', of which there is no file", name);
}

std::vector<std::string> values_of(std::string_view entry, std::string_view key) {
    std::vector<std::string> values;
    for (const std::string_view line : split_lines(entry)) {
        const auto words = split_words(line);
        if (words.size() > 1 && words[0] == key)
            values.emplace_back(words[1]);
    }
    return values;
}

} // namespace

Result<SelectedEntry> find_selected_entry(const SystemPaths& paths, std::string_view version) {
    const std::string name = TRY(selected_name(paths));
    const std::string partition = TRY(partition_of(paths, name));
    SelectedEntry entry{.path = std::format("{}/loader/entries/{}", partition, name)};
    const std::string text = TRY(read_file(paths.root + entry.path));
    const auto images = values_of(text, "linux");
    const auto initrds = values_of(text, "initrd");
    if (images.size() != 1 || initrds.size() != 1)
        return fail(ErrorKind::no_data, "the entry '{}', which is not one image with one initrd", name);
    if (!images[0].contains(version) &&
        values_of(text, "version") != std::vector<std::string>{std::string(version)})
        return fail(ErrorKind::no_data, "the entry '{}', which is not of the running kernel {}", name,
                    version);
    entry.image = partition + images[0];
    entry.initrd = partition + initrds[0];
    return entry;
}

} // namespace lifeboat::host
