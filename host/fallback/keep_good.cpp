// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/keep_good.h"

#include "base/replace_file.h"
#include "base/scope_guard.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

// What makes initrds writes into the file that is there (dracut, `cp`), and so does what brings images to
// /boot (linux-base 4.17 in Debian 13's backports): a link would be written into with it.
constexpr std::array ways = {StoredBy::reflink, StoredBy::copy, StoredBy::link};

constexpr std::size_t record_room_bytes = 4096;

class Keeping {
public:
    explicit Keeping(const KeepRequest& request)
        : paths_(request.paths)
        , request_(request) {}

    Result<Kept> keep() {
        const Descriptor lock = TRY(lock_good_store(paths_));
        const GoodStore store = TRY(read_good_store(paths_));
        kept_.notes = store.unreadable;
        TRY(read_booted());
        image_kept_ = how_image_is_kept(store);
        if (const Generation* const same = find_same(store))
            TRY(keep_command_line(*same));
        else
            TRY(keep_generation());
        return TRY(drop_beyond_bound().transform_error(
            while_doing("what is beyond good.generations stays, for this went wrong")));
    }

private:
    Result<> read_booted() {
        const BootedFiles& booted = request_.booted;
        kept_.generation = {.name = generation_name(booted.version, request_.now_s),
                            .kernel = booted.version,
                            .kept_s = request_.now_s,
                            .command_line = booted.command_line};
        kept_.generation.image.original = TRY(read_file_state(paths_, "image", booted.image));
        kept_.generation.initrd.original = TRY(read_file_state(paths_, "initrd", booted.initrd));
        return {};
    }

    [[nodiscard]] const Generation* find_same(const GoodStore& store) const {
        const auto is_same = [&](const Generation& other) {
            return other.kernel == kept_.generation.kernel &&
                   other.image.original.digest == kept_.generation.image.original.digest &&
                   other.initrd.original.digest == kept_.generation.initrd.original.digest &&
                   has_whole_sizes(paths_, other);
        };
        const auto found = std::ranges::find_if(store.generations, is_same);
        return found == store.generations.end() ? nullptr : &*found;
    }

    [[nodiscard]] ImageKept how_image_is_kept(const GoodStore& store) const {
        struct stat image{};
        if (::stat((paths_.root + request_.booted.image).c_str(), &image) != 0)
            return ImageKept::otherwise;
        const bool is_linked = std::ranges::any_of(store.generations, [&](const Generation& generation) {
            struct stat kept{};
            return ::stat((paths_.root + generation.image_path()).c_str(), &kept) == 0 &&
                   kept.st_dev == image.st_dev && kept.st_ino == image.st_ino;
        });
        return is_linked ? ImageKept::as_link : ImageKept::otherwise;
    }

    Result<> keep_command_line(const Generation& same) {
        const std::string line = std::exchange(kept_.generation, same).command_line;
        if (line == same.command_line || !check_unchanged_since_boot(paths_, request_.booted, image_kept_))
            return {};
        kept_.generation.command_line = line;
        TRY(replace_file(paths_.root + same.folder() + "/record", record_text(kept_.generation)));
        kept_.what = Kept::What::command_line;
        return {};
    }

    Result<> keep_generation() {
        // After they were read: a change while they were is one too.
        TRY(check_unchanged_since_boot(paths_, request_.booted, image_kept_));
        const std::string aside = aside_folder(paths_, kept_.generation.name);
        if (::mkdir(aside.c_str(), 0755) != 0)
            return fail_system("make folder '{}'", aside);
        ScopeGuard remove([&] {
            std::error_code ignored;
            std::filesystem::remove_all(aside, ignored);
        });
        TRY(fill(aside));
        const std::string folder = paths_.root + kept_.generation.folder();
        if (::rename(aside.c_str(), folder.c_str()) != 0)
            return fail_system("rename '{}' to '{}'", aside, folder);
        remove.disarm();
        TRY(sync_folder(folder_of(folder)));
        kept_.what = Kept::What::generation;
        return {};
    }

    // The image last: a link, where there is no room, changes its time, after which this boot is a proof of
    // it no more.
    Result<> fill(const std::string& aside) {
        const Descriptor record = TRY(open_file(aside + "/record", O_WRONLY | O_CREAT, 0644));
        ::posix_fallocate(record.get(), 0, record_room_bytes); // where that is not known, it is written later
        Generation& made = kept_.generation;
        const std::uint64_t pair_bytes = made.image.original.size_bytes + made.initrd.original.size_bytes;
        TRY(place(made.initrd, aside + "/initrd.img", pair_bytes));
        TRY(place(made.image, aside + "/vmlinuz", pair_bytes));
        const std::string text = record_text(made);
        TRY(write_all(record.get(), text, aside + "/record"));
        if (::ftruncate(record.get(), static_cast<off_t>(text.size())) != 0 || ::fsync(record.get()) != 0)
            return fail_system("write '{}/record'", aside);
        return sync_folder(aside);
    }

    // What a copy leaves free is what the next kernel with its initrd will take.
    Result<> place(KeptFile& kept, const std::string& to, std::uint64_t reserve_bytes) {
        const std::string from = paths_.root + kept.original.path;
        kept.stored_by =
            TRY(place_file({.from = from, .to = to, .ways = ways, .reserve_bytes = reserve_bytes})
                    .transform_error(while_doing("nothing new is kept, what is kept stays")));
        const ManifestFile now = TRY(read_file_state({}, kept.original.role, to));
        if (now.digest != kept.original.digest)
            return fail(ErrorKind::corrupt, "'{}' has changed while it was being kept: what is kept stays",
                        from);
        if (kept.stored_by == StoredBy::link)
            kept_.notes.push_back(std::format(
                "there is no room for a copy of '{}': it is kept as a link, which is spoilt with it where "
                "something writes into the file",
                from));
        return {};
    }

    Result<Kept> drop_beyond_bound() {
        const GoodStore store = TRY(read_good_store(paths_));
        for (std::string& name : beyond_bound(store, request_.generations, request_.booted.version)) {
            TRY(remove_generation(paths_, name));
            kept_.dropped.push_back(std::move(name));
        }
        return kept_;
    }

    const SystemPaths& paths_;
    const KeepRequest& request_;
    ImageKept image_kept_ = ImageKept::otherwise;
    Kept kept_;
};

} // namespace

Result<Kept> keep_good(const KeepRequest& request) {
    return Keeping(request).keep();
}

} // namespace lifeboat::host
