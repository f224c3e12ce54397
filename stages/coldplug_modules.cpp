// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/coldplug_modules.h"

#include "base/descriptor.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "stages/list_folder.h"
#include "stages/load_modules.h"

#include <libkmod.h>
#include <sys/stat.h>
#include <sys/utsname.h>

namespace lifeboat {

namespace {

// Device trees are not deeper than some dozen steps; a bound against a loop that should not be there.
constexpr int depth_limit = 40;

bool is_real_folder(const std::string& path) {
    struct stat status{};
    return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void collect_modaliases(const std::string& folder, int depth, std::set<std::string>& aliases) {
    const auto names = list_folder(folder);
    if (!names || depth > depth_limit)
        return;
    for (const std::string& name : *names) {
        const std::string path = std::format("{}/{}", folder, name);
        if (name != "modalias") {
            if (is_real_folder(path))
                collect_modaliases(path, depth + 1, aliases);
            continue;
        }
        const std::string alias(read_file(path).value_or(""));
        if (const auto lines = split_lines(alias); !lines.empty() && !lines.front().empty())
            aliases.emplace(lines.front());
    }
}

bool is_loaded(kmod_module* module) {
    const int state = ::kmod_module_get_initstate(module);
    return state == KMOD_MODULE_BUILTIN || state == KMOD_MODULE_LIVE || state == KMOD_MODULE_COMING;
}

} // namespace

std::set<std::string> list_modaliases(const SystemPaths& paths) {
    std::set<std::string> aliases;
    collect_modaliases(paths.sys + "/devices", 0, aliases);
    return aliases;
}

void ModuleLoader::Release::operator()(kmod_ctx* context) const {
    ::kmod_unref(context);
}

Result<ModuleLoader> ModuleLoader::open(const SystemPaths& paths, Log& log) {
    utsname names{};
    ::uname(&names);
    const std::string folder = std::format("{}/lib/modules/{}", paths.root, names.release);
    const std::string soft_dependencies = folder + "/modules.softdep";
    const char* configuration[] = {soft_dependencies.c_str(), nullptr};
    kmod_ctx* context = ::kmod_new(folder.c_str(), configuration);
    if (context == nullptr)
        return fail_system("open the modules of '{}'", folder);
    ModuleLoader loader(paths, log, context);
    ::kmod_set_log_priority(context, -1); // what fails is said here, once
    if (const int error = ::kmod_load_resources(context); error < 0)
        return fail(system_error(std::format("read the module indexes of '{}'", folder), -error));
    return loader;
}

void ModuleLoader::load_for(const std::string& modalias) {
    if (!tried_.insert(modalias).second)
        return;
    kmod_list* found = nullptr;
    if (::kmod_module_new_from_lookup(context_.get(), modalias.c_str(), &found) < 0)
        return;
    ScopeGuard release([found] { ::kmod_module_unref_list(found); });
    kmod_list* each = nullptr;
    kmod_list_foreach(each, found) {
        kmod_module* module = ::kmod_module_get_module(each);
        ScopeGuard unref([module] { ::kmod_module_unref(module); });
        if (is_loaded(module))
            continue;
        // There are no install commands to ignore, and KMOD_PROBE_IGNORE_COMMAND would pass over the soft
        // dependencies of the module itself (ext4's crc32c).
        const int error =
            ::kmod_module_probe_insert_module(module, 0, async_probe, nullptr, nullptr, nullptr);
        if (error == 0)
            ++loaded_;
        else if (error < 0 && error != -EEXIST)
            log_->warning(
                "coldplug: {}, passing over it",
                system_error(std::format("load module '{}'", ::kmod_module_get_name(module)), -error).text);
    }
}

void ModuleLoader::load_for_all_devices() {
    std::size_t tried_before = 0;
    do {
        tried_before = tried_.size();
        for (const std::string& alias : list_modaliases(paths_))
            load_for(alias);
    } while (tried_.size() != tried_before);
}

} // namespace lifeboat
