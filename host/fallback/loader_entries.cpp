// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/loader_entries.h"

#include "base/descriptor.h"
#include "base/replace_file.h"
#include "base/text.h"
#include "host/machine/mount_table.h"
#include "host/machine/resolved_path.h"
#include "stages/list_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::array<std::string_view, 3> entry_folders = {"/boot/loader/entries", "/efi/loader/entries",
                                                           "/boot/efi/loader/entries"};
constexpr std::string_view own_prefix = "lifeboat-";
constexpr std::string_view suffix = ".conf";

bool is_own(std::string_view name) {
    return name.starts_with(own_prefix) && name.ends_with(suffix);
}

// One folder of entries, and the file system whose paths they have.
class EntryFolder {
public:
    EntryFolder(const SystemPaths& paths, std::string path)
        : paths_(paths)
        , path_(std::move(path)) {}

    // The boot loader reads the entries' own file system and no other.
    [[nodiscard]] bool can_reach_store() const {
        struct stat folder{};
        struct stat store{};
        return ::stat(path_.c_str(), &folder) == 0 &&
               ::stat((paths_.root + std::string(fallback_folder)).c_str(), &store) == 0 &&
               folder.st_dev == store.st_dev;
    }

    Result<> write(const std::vector<BootEntry>& entries, const std::string& command_line,
                   LoaderEntries& made) {
        names_ = TRY(list_folder(path_));
        TRY(find_file_system_root());
        for (const BootEntry& entry : entries)
            TRY(write_entry(entry, command_line, made));
        return {};
    }

    Result<> remove_others(const std::vector<BootEntry>& entries, LoaderEntries& made) const {
        for (const std::string& name : TRY(list_folder(path_))) {
            const bool stays = std::ranges::any_of(
                entries, [&](const BootEntry& entry) { return file_name(entry) == name; });
            if (!is_own(name) || stays)
                continue;
            const std::string path = std::format("{}/{}", path_, name);
            if (::unlink(path.c_str()) != 0)
                return fail_system("remove '{}'", path);
            made.changed.push_back(path);
        }
        return sync_folder(path_);
    }

private:
    static std::string file_name(const BootEntry& entry) { return std::format("{}{}", entry.id, suffix); }

    Result<> find_file_system_root() {
        const std::vector<MountEntry> mounts = TRY(read_mount_table(paths_));
        std::error_code error;
        const std::string real = std::filesystem::canonical(path_, error);
        const MountEntry* const mount = find_mount(mounts, real);
        if (error || mount == nullptr)
            return fail(ErrorKind::no_data, "no file system is mounted for '{}'", path_);
        mount_folder_ = mount->folder;
        mount_root_ = mount->root;
        return {};
    }

    [[nodiscard]] std::string on_file_system(const std::string& path) const {
        std::error_code ignored;
        const std::string real = std::filesystem::weakly_canonical(paths_.root + path, ignored);
        return joined_path(mount_root_, path_below(real, mount_folder_));
    }

    // Behind the others, so that none of these becomes the default. With no sort-key in any of them systemd's
    // boot loader sorts by name; one with a key would come before all others then.
    [[nodiscard]] bool others_have_sort_key() const {
        return std::ranges::any_of(names_, [&](const std::string& name) {
            const auto text =
                is_own(name) ? Result<std::string>("") : read_file(std::format("{}/{}", path_, name));
            return text && std::ranges::any_of(split_lines(*text), [](std::string_view line) {
                       return line.starts_with("sort-key");
                   });
        });
    }

    [[nodiscard]] std::string text_of(const BootEntry& entry, const std::string& command_line) const {
        return std::format("title {}\nversion {}\n{}linux {}\ninitrd {}\noptions {} {}\n", entry.title,
                           entry.version, others_have_sort_key() ? "sort-key zz-lifeboat\n" : "",
                           on_file_system(entry.image), on_file_system(entry.initrd),
                           entry.command_line.value_or(command_line), entry.added);
    }

    Result<> write_entry(const BootEntry& entry, const std::string& command_line, LoaderEntries& made) const {
        const std::string path = std::format("{}/{}", path_, file_name(entry));
        const std::string text = text_of(entry, command_line);
        const auto now = read_file(path);
        if (now && *now == text)
            return {};
        TRY(replace_file(path, text));
        made.changed.push_back(path);
        return {};
    }

    const SystemPaths& paths_;
    std::string path_;
    std::vector<std::string> names_;
    std::string mount_folder_;
    std::string mount_root_;
};

} // namespace

Result<LoaderEntries> write_loader_entries(const SystemPaths& paths, const std::vector<BootEntry>& entries,
                                           const std::string& command_line) {
    LoaderEntries made;
    for (const std::string_view name : entry_folders) {
        const std::string path = std::format("{}{}", paths.root, name);
        if (::access(path.c_str(), F_OK) != 0)
            continue;
        EntryFolder folder(paths, path);
        if (entries.empty() || folder.can_reach_store())
            TRY(folder.write(entries, command_line, made));
        else
            made.notes.push_back(
                std::format("'{}' is on another file system than '{}{}', where its boot loader "
                            "cannot read: no entries are made there",
                            path, paths.root, fallback_folder));
        TRY(folder.remove_others(folder.can_reach_store() ? entries : std::vector<BootEntry>(), made));
    }
    return made;
}

} // namespace lifeboat::host
