// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/booted_files.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "host/fallback/good_store.h"
#include "host/fallback/installed_initrd.h"
#include "host/fallback/selected_entry.h"
#include "host/machine/installed_kernel.h"
#include "host/machine/resolved_path.h"
#include "stages/kernel_command_line.h"

#include <algorithm>
#include <array>

#include <sys/stat.h>

namespace lifeboat::host {

namespace {

constexpr std::array<std::string_view, 4> words_of_one_boot = {"BOOT_IMAGE", "initrd", "lifeboat.good",
                                                               "lifeboat.rescue"};

// systemd-boot has backslashes. Source: Linux drivers/firmware/efi/libstub/file.c.
bool is_in_store(std::string path) {
    std::ranges::replace(path, '\\', '/');
    return path.contains("/lifeboat/good/");
}

std::string last_name(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

// "(hd0,gpt2)/vmlinuz" is "/vmlinuz" of that partition. Source: GRUB's manual, "File name syntax".
std::string_view without_device(std::string_view path) {
    const std::size_t end = path.find(')');
    return path.starts_with('(') && end != std::string_view::npos ? path.substr(end + 1) : path;
}

// GRUB's path is that on the file system, which may be /boot's own; and it may be a link's.
bool leads_to(const SystemPaths& paths, std::string_view booted, const std::string& image) {
    if (last_name(booted) == last_name(image))
        return true;
    return std::ranges::any_of(std::array{std::string(booted), std::format("/boot{}", booted)},
                               [&](const std::string& path) {
                                   const auto resolved = resolve_path(paths.root, path);
                                   return resolved && *resolved == image;
                               });
}

Result<std::string> booted_image(const SystemPaths& paths, const BootWords& words,
                                 const std::string& version) {
    const auto installed = find_installed_image(paths, version);
    if (!installed)
        return fail(ErrorKind::no_data, "the running kernel {} has no image in '{}/boot' any more", version,
                    paths.root);
    std::string image = installed->substr(paths.root.size());
    if (!leads_to(paths, without_device(words.image), image))
        return fail(ErrorKind::no_data, "the boot loader has started '{}', which is not '{}'", words.image,
                    image);
    return image;
}

// Source: proc_stat(5), btime: seconds since 1970.
Result<std::int64_t> boot_time_s(const SystemPaths& paths) {
    const std::string path = paths.proc + "/stat";
    const std::string text = TRY(read_file(path));
    for (const std::string_view line : split_lines(text)) {
        const auto words = split_words(line);
        if (words.size() == 2 && words[0] == "btime")
            if (const auto seconds = parse_signed(words[1]))
                return *seconds;
    }
    return fail(ErrorKind::no_data, "read '{}': it does not tell when the machine has booted", path);
}

// An entry that was written since the boot may have named other files then.
Result<> take_selected_entry(const SystemPaths& paths, BootedFiles& booted) {
    const auto entry = find_selected_entry(paths, booted.version);
    if (!entry)
        return fail(
            ErrorKind::no_data,
            "the boot loader names no BOOT_IMAGE= and {}, so that it is not known which files have booted",
            entry.error().text);
    struct stat status{};
    if (::stat((paths.root + entry->path).c_str(), &status) != 0)
        return fail_system("look at '{}{}'", paths.root, entry->path);
    if (std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec) >= booted.booted_s)
        return fail(ErrorKind::no_data, "the boot menu's '{}' was written since this boot", entry->path);
    booted.image = entry->image;
    booted.initrd = entry->initrd;
    return {};
}

} // namespace

BootWords read_boot_words(std::string_view command_line) {
    BootWords words;
    for (const KernelParameter& word : parse_kernel_command_line(command_line)) {
        if (word.name == "lifeboat.rescue")
            words.is_rescue = true;
        if (word.name == "lifeboat.good" || (word.name == "initrd" && is_in_store(word.value)))
            words.is_known_good = true;
        if (word.name == "BOOT_IMAGE") {
            words.image = word.value;
            words.is_known_good |= is_in_store(word.value);
        }
        if (!std::ranges::contains(words_of_one_boot, word.name))
            (words.command_line += words.command_line.empty() ? "" : " ") += word.text;
    }
    return words;
}

Result<BootedFiles> find_booted_files(const SystemPaths& paths, const BootWords& words) {
    if (words.is_rescue)
        return fail(ErrorKind::no_data,
                    "this is a rescue boot, which proves nothing of the installed initrd");
    if (words.is_known_good)
        return fail(ErrorKind::no_data, "this boot was from what is kept already");
    BootedFiles booted{.version = TRY(running_kernel_version(paths)), .command_line = words.command_line};
    booted.booted_s = TRY(boot_time_s(paths));
    if (words.image.empty()) {
        TRY(take_selected_entry(paths, booted));
        return booted;
    }
    booted.image = TRY(booted_image(paths, words, booted.version));
    const auto initrd = find_installed_initrd(paths, booted.version);
    if (!initrd)
        return fail(ErrorKind::no_data,
                    "kernel {} has no initrd in '{}/boot': without one there is nothing to keep",
                    booted.version, paths.root);
    booted.initrd = *initrd;
    return booted;
}

Result<> check_unchanged_since_boot(const SystemPaths& paths, const BootedFiles& booted,
                                    ImageKept image_kept) {
    for (const std::string& path : {booted.image, booted.initrd}) {
        struct stat status{};
        if (::stat((paths.root + path).c_str(), &status) != 0)
            return fail_system("look at '{}{}'", paths.root, path);
        const bool is_linked = path == booted.image && image_kept == ImageKept::as_link;
        const std::int64_t changed_s =
            is_linked ? status.st_mtim.tv_sec : std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec);
        if (changed_s >= booted.booted_s)
            return fail(ErrorKind::no_data,
                        "'{}' was written or renamed since this boot, so that no boot has proved it yet",
                        path);
    }
    return {};
}

} // namespace lifeboat::host
