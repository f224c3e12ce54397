// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/restore_initrd.h"

#include "base/replace_file.h"
#include "base/scope_guard.h"
#include "host/fallback/check_initrd.h"
#include "host/fallback/installed_initrd.h"

#include <array>
#include <cstdio>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

// A link would be the same file as what is kept, and both would go with the next write into it.
constexpr std::array ways = {StoredBy::reflink, StoredBy::copy, StoredBy::link};

Result<> check_generation(const SystemPaths& paths, const Generation& generation) {
    TRY(check_kept_file(paths, generation.initrd, generation.initrd_path()));
    const InitrdVerdict verdict = check_initrd(paths, generation.kernel, generation.initrd_path());
    if (!verdict.is_whole())
        return fail(ErrorKind::corrupt, "'{}{}': {}", paths.root, verdict.path, verdict.reasons.front());
    return {};
}

// The reasons why newer ones were passed over go to `notes`.
Result<Generation> choose_generation(const SystemPaths& paths, const std::string& version,
                                     std::vector<std::string>& notes) {
    const GoodStore store = TRY(read_good_store(paths));
    std::string reasons;
    for (const Generation& generation : store.generations) {
        if (generation.kernel != version)
            continue;
        const auto fit = check_generation(paths, generation);
        if (fit)
            return generation;
        notes.push_back(fit.error().text + ", trying an older one");
        reasons += (reasons.empty() ? ": " : "; ") + fit.error().text;
    }
    return fail(ErrorKind::no_data, "no initrd of kernel {} is known good in '{}{}'{}", version, paths.root,
                good_folder, reasons);
}

// Under a second name, and that by renaming, for an older one may have it. False: this file system has no
// hard links.
Result<bool> keep_broken(const std::string& path, const std::string& broken) {
    const std::string aside = broken + ".incomplete";
    ::unlink(aside.c_str());
    if (::link(path.c_str(), aside.c_str()) != 0) {
        if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)
            return false;
        return fail_system("link '{}' to '{}'", aside, path);
    }
    // Where both are the same file, as after a cut-off, rename(2) does nothing and leaves them.
    ScopeGuard remove([&] { ::unlink(aside.c_str()); });
    if (::rename(aside.c_str(), broken.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", aside, broken);
    return true;
}

// The two swap their names at once: FAT can, since Linux 6.0, where it has no second names. Not every libc
// has the call.
bool exchange(const std::string& one, const std::string& other) {
    return ::syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
}

Result<> take_place(const std::string& aside, const std::string& path) {
    if (::rename(aside.c_str(), path.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", aside, path);
    return sync_folder(folder_of(path));
}

// What was there is beside it then, where the file system can do that without a moment in which the name is
// missing.
Result<> replace_keeping_broken(const std::string& path, const std::string& aside, Restored& restored) {
    const std::string broken = path + ".broken";
    if (::access(path.c_str(), F_OK) != 0)
        return take_place(aside, path);
    if (TRY(keep_broken(path, broken))) {
        restored.broken = restored.path + ".broken";
        return take_place(aside, path);
    }
    if (!exchange(aside, path)) {
        restored.notes.push_back(std::format(
            "the file system of '{}' has no hard links and cannot swap two names: what was there is gone",
            path));
        return take_place(aside, path);
    }
    TRY(sync_folder(folder_of(path)));
    if (const auto kept = take_place(aside, broken); kept)
        restored.broken = restored.path + ".broken";
    else
        restored.notes.push_back(kept.error().text + ": what was there is gone");
    return {};
}

Result<> put_back(const SystemPaths& paths, const Generation& generation, Restored& restored) {
    const std::string path = paths.root + restored.path;
    const std::string aside = path + ".incomplete";
    ScopeGuard remove([&] { ::unlink(aside.c_str()); });
    restored.way =
        TRY(place_file({.from = paths.root + generation.initrd_path(), .to = aside, .ways = ways})
                .transform_error(while_doing(std::format("restore '{}': it stays as it is", path))));
    TRY(check_kept_file({}, generation.initrd, aside));
    if (restored.way == StoredBy::link)
        restored.notes.push_back(std::format(
            "there is no room for a copy: '{}' is the same file as '{}{}' now, and both are spoilt "
            "where something writes into it",
            path, paths.root, generation.initrd_path()));
    return replace_keeping_broken(path, aside, restored);
}

} // namespace

Result<Restored> restore_initrd(const SystemPaths& paths, const std::string& version) {
    if (TRY(read_good_store(paths)).newest_of(version) == nullptr)
        return fail(ErrorKind::no_data, "no initrd of kernel {} is known good in '{}{}'", version, paths.root,
                    good_folder);
    const Descriptor lock = TRY(lock_good_store(paths));
    Restored restored;
    const Generation generation = TRY(choose_generation(paths, version, restored.notes));
    restored.from = generation.name;
    restored.path = find_installed_initrd(paths, version).value_or(generation.initrd.original.path);
    TRY(put_back(paths, generation, restored));
    return restored;
}

} // namespace lifeboat::host
