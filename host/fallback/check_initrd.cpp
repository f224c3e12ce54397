// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/check_initrd.h"

#include "host/archive/initrd_reader.h"
#include "host/archive/initrd_tree.h"
#include "host/fallback/good_store.h"
#include "host/fallback/installed_initrd.h"
#include "host/fallback/root_modules.h"
#include "host/machine/installed_kernel.h"
#include "host/machine/kernel_modules.h"

#include <algorithm>
#include <set>

namespace lifeboat::host {

namespace {

// What of an initrd the verdict needs.
class Contents : public InitrdVisitor {
public:
    explicit Contents(std::string_view version)
        : folder_(std::format("lib/modules/{}/", version)) {}

    Result<> visit(const CpioEntry& entry, EntryContent& /*content*/) override {
        tree_.add(entry);
        std::string_view path = plain_path(entry.path);
        if (path.starts_with("usr/"))
            path.remove_prefix(4);
        if (std::string name = path.starts_with(folder_) ? module_name_of_file(path) : ""; !name.empty())
            modules_.insert(std::move(name));
        return {};
    }

    [[nodiscard]] const InitrdTree& tree() const { return tree_; }
    [[nodiscard]] const std::set<std::string, std::less<>>& modules() const { return modules_; }

private:
    std::string folder_;
    InitrdTree tree_;
    std::set<std::string, std::less<>> modules_;
};

// Source: Linux init/main.c: without /init the kernel mounts the root file system itself, which it cannot
// where modules are needed for it.
void judge_init(const Contents& contents, InitrdVerdict& verdict) {
    if (const auto init = contents.tree().find_file("init"); !init)
        verdict.reasons.push_back("it has no init: " + init.error().text);
}

void judge_modules(const SystemPaths& paths, const Contents& contents, InitrdVerdict& verdict) {
    // One without modules of its own, as Fedora's rescue entry, cannot lack them.
    if (!std::ranges::contains(installed_kernel_versions(paths), verdict.kernel)) {
        verdict.not_checked =
            std::format("its modules, for '{}/lib/modules/{}' is not there", paths.root, verdict.kernel);
        return;
    }
    const auto needed = modules_for_root(paths, verdict.kernel);
    if (!needed)
        verdict.not_checked = "which modules the root file system needs: " + needed.error().text;
    if (contents.modules().empty() && (!needed || !needed->empty())) {
        verdict.reasons.push_back(std::format("it has no modules of kernel {}", verdict.kernel));
        return;
    }
    std::string missing;
    for (const std::string& name : needed ? *needed : std::vector<std::string>())
        if (!contents.modules().contains(name))
            missing += (missing.empty() ? "" : ", ") + name;
    if (!missing.empty())
        verdict.reasons.push_back("it lacks what the root file system needs: " + missing);
}

} // namespace

InitrdVerdict check_initrd(const SystemPaths& paths, const std::string& version, const std::string& path) {
    InitrdVerdict verdict{.kernel = version, .path = path};
    Contents contents(version);
    const auto summary = read_initrd(paths.root + path, contents);
    if (!summary) {
        verdict.reasons.push_back(summary.error().text);
        return verdict;
    }
    // What is behind the damage is not seen: only that is told.
    if (!summary->is_whole()) {
        verdict.reasons.push_back(summary->problem->text);
        return verdict;
    }
    judge_init(contents, verdict);
    judge_modules(paths, contents, verdict);
    return verdict;
}

InitrdVerdict check_installed_initrd(const SystemPaths& paths, const std::string& version) {
    if (const auto path = find_installed_initrd(paths, version))
        return check_initrd(paths, version, *path);
    InitrdVerdict verdict{.kernel = version};
    const auto store = read_good_store(paths);
    if (store && store->newest_of(version) != nullptr)
        verdict.reasons.emplace_back("there is none, and one is known good");
    return verdict;
}

std::vector<InitrdVerdict> check_installed_initrds(const SystemPaths& paths) {
    std::vector<InitrdVerdict> verdicts;
    for (const std::string& version : kernels_in_boot(paths))
        verdicts.push_back(check_installed_initrd(paths, version));
    return verdicts;
}

} // namespace lifeboat::host
