// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/boot_entries.h"

#include "host/fallback/installed_initrd.h"
#include "host/machine/rescue_folder.h"
#include "stages/kernel_command_line.h"
#include "stages/list_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <ctime>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view plain_letters = "-_./=:,+@%~"; // beside letters and digits

std::string minute_of(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    std::array<char, 32> text{};
    ::gmtime_r(&time, &parts);
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts)};
}

BootEntry entry_of(const Generation& generation) {
    return {.id = "lifeboat-good-" + generation.name,
            .title =
                std::format("lifeboat: known good {} ({})", generation.kernel, minute_of(generation.kept_s)),
            .version = generation.kernel,
            .image = generation.image_path(),
            .initrd = generation.initrd_path(),
            .command_line = generation.command_line,
            // That boot is no proof of the installed files.
            .added = "lifeboat.good=" + generation.name};
}

// The versions that a rescue initrd was packed for, the newest first.
std::vector<std::string> rescue_versions(const SystemPaths& paths) {
    std::vector<std::string> versions;
    const auto names = list_folder(std::format("{}{}", paths.root, rescue_folder));
    for (const std::string& name : names.value_or(std::vector<std::string>{}))
        if (name.starts_with(rescue_prefix))
            versions.push_back(name.substr(rescue_prefix.size()));
    std::ranges::sort(versions, [](const std::string& one, const std::string& other) {
        return ::strverscmp(one.c_str(), other.c_str()) > 0;
    });
    return versions;
}

// With a kernel that has booted where there is one.
std::optional<BootEntry> rescue_entry(const SystemPaths& paths, const std::vector<Generation>& good) {
    const std::vector<std::string> versions = rescue_versions(paths);
    const auto kept = std::ranges::find_if(good, [&](const Generation& generation) {
        return std::ranges::contains(versions, generation.kernel);
    });
    const auto line = good.empty() ? std::nullopt : std::optional(good.front().command_line);
    if (kept != good.end())
        return BootEntry{.version = kept->kernel,
                         .image = kept->image_path(),
                         .initrd = rescue_image(kept->kernel),
                         .command_line = kept->command_line};
    const std::vector<std::string> installed = kernels_in_boot(paths);
    for (const std::string& version : versions)
        if (std::ranges::contains(installed, version))
            return BootEntry{.version = version,
                             .image = "/boot/vmlinuz-" + version,
                             .initrd = rescue_image(version),
                             .command_line = line};
    return std::nullopt;
}

struct RescueKind {
    BootEntry::Place place;
    std::string_view id;
    std::string_view title;
    std::string_view added;
};
constexpr std::array<RescueKind, 3> rescue_kinds = {{
    {BootEntry::Place::top, "lifeboat-rescue", "lifeboat: rescue", "lifeboat.rescue=boot"},
    {BootEntry::Place::more, "lifeboat-repair", "lifeboat: rescue and repair", "lifeboat.rescue=repair"},
    {BootEntry::Place::more, "lifeboat-shell", "lifeboat: rescue console", "lifeboat.rescue=shell"},
}};

std::string grub_word(const KernelParameter& word) {
    // Without the kernel's double quotes: GRUB puts them around what has blanks.
    std::string text = word.text;
    std::erase(text, '"');
    const bool is_plain = std::ranges::all_of(text, [](char letter) {
        return std::isalnum(static_cast<unsigned char>(letter)) != 0 || plain_letters.contains(letter);
    });
    if (is_plain)
        return text;
    std::string quoted = "'";
    for (const char letter : text)
        quoted += letter == '\'' ? std::string(R"('\'')") : std::string(1, letter);
    return quoted + "'";
}

} // namespace

std::vector<BootEntry> boot_entries(const SystemPaths& paths, const GoodStore& store) {
    std::vector<Generation> good = store.generations;
    std::erase_if(good, [&](const Generation& generation) { return !has_whole_sizes(paths, generation); });
    std::vector<BootEntry> entries;
    for (const Generation& generation : good)
        entries.push_back(entry_of(generation));
    for (std::size_t i = 1; i < entries.size(); ++i)
        entries[i].place = BootEntry::Place::more;
    if (const auto rescue = rescue_entry(paths, good))
        for (const RescueKind& kind : rescue_kinds) {
            BootEntry& entry = entries.emplace_back(*rescue);
            entry.place = kind.place;
            entry.id = kind.id;
            entry.title = kind.title;
            entry.added = kind.added;
        }
    std::ranges::stable_sort(entries, {}, &BootEntry::place);
    return entries;
}

std::string grub_words(std::string_view command_line) {
    std::string text;
    for (const KernelParameter& word : parse_kernel_command_line(command_line))
        (text += text.empty() ? "" : " ") += grub_word(word);
    return text;
}

std::string row_text(const BootEntry& entry) {
    return std::format(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", entry.place == BootEntry::Place::top ? "top" : "more", entry.id,
        entry.version, entry.image, entry.initrd,
        entry.command_line && !entry.command_line->empty() ? grub_words(*entry.command_line) : "-",
        entry.added, entry.title);
}

} // namespace lifeboat::host
