// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/kernel_modules.h"

#include "base/descriptor.h"
#include "base/scope_guard.h"
#include "base/text.h"

#include <algorithm>

#include <libkmod.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

// Debian's kernel for any hardware has 0.7 MB.
constexpr std::size_t dependencies_limit_bytes = std::size_t{64} << 20;

bool is_built_in(kmod_module* module) {
    return ::kmod_module_get_initstate(module) == KMOD_MODULE_BUILTIN;
}

// What libkmod would load, in its order. It tells through a function without an argument of ours.
thread_local std::vector<ModuleToLoad>* planned = nullptr;

void note_planned(kmod_module* module, bool /*has_install_command*/, const char* parameters) {
    if (is_built_in(module))
        return;
    const char* const path = ::kmod_module_get_path(module);
    planned->push_back({::kmod_module_get_name(module), path == nullptr ? "" : path,
                        parameters == nullptr ? "" : std::string(trim(parameters))});
}

// Loads nothing and runs nothing. That a module is loaded in the running kernel is of no meaning here. With
// KMOD_PROBE_IGNORE_COMMAND libkmod would pass over the module's own soft dependencies too.
Result<std::vector<ModuleToLoad>> dry_run(kmod_module* module) {
    std::vector<ModuleToLoad> order;
    planned = &order;
    ScopeGuard forget([] { planned = nullptr; });
    const int error = ::kmod_module_probe_insert_module(module, KMOD_PROBE_DRY_RUN | KMOD_PROBE_IGNORE_LOADED,
                                                        nullptr, nullptr, nullptr, note_planned);
    if (error < 0)
        return fail(system_error(
            std::format("work out what module '{}' needs", ::kmod_module_get_name(module)), -error));
    return order;
}

bool contains(const std::vector<ModuleToLoad>& modules, std::string_view name) {
    return std::ranges::any_of(modules, [&](const ModuleToLoad& module) { return module.name == name; });
}

enum class Blacklist : std::uint8_t { heeded, passed_over };

ModuleNames look_up_in(kmod_ctx* context, const std::string& name, Blacklist blacklist) {
    kmod_list* found = nullptr;
    if (::kmod_module_new_from_lookup(context, name.c_str(), &found) < 0)
        return {};
    ScopeGuard release([&found] { ::kmod_module_unref_list(found); });
    if (kmod_list* allowed = nullptr;
        blacklist == Blacklist::heeded &&
        ::kmod_module_apply_filter(context, KMOD_FILTER_BLACKLIST, found, &allowed) == 0) {
        ::kmod_module_unref_list(found);
        found = allowed;
    }
    ModuleNames names;
    kmod_list* each = nullptr;
    kmod_list_foreach(each, found) {
        kmod_module* const module = ::kmod_module_get_module(each);
        ScopeGuard unref([module] { ::kmod_module_unref(module); });
        if (is_built_in(module))
            names.built_in.emplace_back(::kmod_module_get_name(module));
        else // in the index; where its file is missing, adding it says so
            names.modules.emplace_back(::kmod_module_get_name(module));
    }
    return names;
}

} // namespace

void KernelModules::Release::operator()(kmod_ctx* context) const {
    ::kmod_unref(context);
}

Result<KernelModules> KernelModules::open(const SystemPaths& paths, const InstalledKernel& kernel) {
    // Source: modprobe.d(5). The first file of a name hides those of the same name after it.
    std::vector<std::string> places;
    for (const char* folder : {"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d",
                               "/usr/lib/modprobe.d", "/lib/modprobe.d"})
        places.push_back(paths.root + folder);
    places.push_back(kernel.modules + "/modules.softdep");
    std::vector<const char*> configuration;
    for (const std::string& place : places)
        configuration.push_back(place.c_str());
    configuration.push_back(nullptr);

    kmod_ctx* const context = ::kmod_new(kernel.modules.c_str(), configuration.data());
    if (context == nullptr)
        return fail_system("open the modules of '{}'", kernel.modules);
    KernelModules modules(kernel, context);
    ::kmod_set_log_priority(context, -1); // what fails is said here, once
    if (const int error = ::kmod_load_resources(context); error < 0)
        return fail(system_error(std::format("read the module indexes of '{}'", kernel.modules), -error));
    modules.dependencies_ = TRY(read_file(kernel.modules + "/modules.dep", dependencies_limit_bytes));
    return modules;
}

ModuleNames KernelModules::look_up(const std::string& name) const {
    return look_up_in(context_.get(), name, Blacklist::passed_over);
}

ModuleNames KernelModules::look_up_device(const std::string& modalias) const {
    return modalias.empty() ? ModuleNames() : look_up_in(context_.get(), modalias, Blacklist::heeded);
}

std::vector<std::string> KernelModules::names_in(std::string_view folder) const {
    std::vector<std::string> names;
    for (const std::string_view line : split_lines(dependencies_)) {
        if (!line.starts_with(folder))
            continue;
        names.push_back(module_name_of_file(line.substr(0, line.find(':'))));
    }
    return names;
}

// Source: modules.dep(5): "kernel/a.ko: kernel/b.ko kernel/c.ko".
std::vector<std::string> KernelModules::dependencies_of(const ModuleToLoad& module) const {
    const std::string_view path = std::string_view(module.path).substr(folder_.size() + 1);
    std::vector<std::string> files;
    for (const std::string_view line : split_lines(dependencies_)) {
        if (!line.starts_with(path) || !line.substr(path.size()).starts_with(':'))
            continue;
        for (const std::string_view needed : split_words(line.substr(path.size() + 1)))
            files.push_back(std::format("{}/{}", folder_, needed));
    }
    return files;
}

// libkmod says nothing of a dependency whose file is missing, and leaves out all the others with it.
Result<> KernelModules::check_files(const ModuleToLoad& module) const {
    for (const std::string& file : dependencies_of(module))
        TRY(check_file(file));
    return check_file(module.path);
}

Result<> KernelModules::check_file(const std::string& path) const {
    if (::access(path.c_str(), R_OK) != 0)
        return fail(ErrorKind::no_data,
                    "kernel {} lacks its module '{}': install its package again, or run 'depmod {}'",
                    version_, path, version_);
    return {};
}

Result<> KernelModules::add_in_load_order(const std::string& name, std::vector<ModuleToLoad>& order) const {
    kmod_module* module = nullptr;
    if (const int error = ::kmod_module_new_from_name(context_.get(), name.c_str(), &module); error < 0)
        return fail(system_error(std::format("look up module '{}'", name), -error));
    ScopeGuard unref([module] { ::kmod_module_unref(module); });
    for (ModuleToLoad& needed : TRY(dry_run(module))) {
        if (contains(order, needed.name))
            continue;
        if (needed.path.empty())
            return fail(
                ErrorKind::no_data,
                "kernel {} lacks the file of module '{}': install its package again, or run 'depmod {}'",
                version_, needed.name, version_);
        TRY(check_files(needed));
        order.push_back(std::move(needed));
    }
    return {};
}

std::string_view without_compression(std::string_view path) {
    for (const std::string_view suffix : {".xz", ".zst", ".gz"})
        if (path.ends_with(suffix))
            return path.substr(0, path.size() - suffix.size());
    return path;
}

std::string module_name_of_file(std::string_view path) {
    const std::string_view name = without_compression(path.substr(path.rfind('/') + 1));
    if (!name.ends_with(".ko"))
        return {};
    std::string module(name.substr(0, name.size() - 3));
    std::ranges::replace(module, '-', '_');
    return module;
}

} // namespace lifeboat::host
