// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/restore_initrd.h"

#include "base/replace_file.h"
#include "base/scope_guard.h"
#include "host/fallback/check_initrd.h"
#include "host/fallback/installed_initrd.h"

#include <array>
#include <cstdio>

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

Result<> take_place(const std::string& aside, const std::string& path) {
    if (::rename(aside.c_str(), path.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", aside, path);
    return sync_folder(folder_of(path));
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
    if (::access(path.c_str(), F_OK) == 0) {
        if (TRY(keep_broken(path, path + ".broken")))
            restored.broken = restored.path + ".broken";
        else
            restored.notes.push_back(
                std::format("the file system of '{}' has no hard links: what was there is gone", path));
    }
    return take_place(aside, path);
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
