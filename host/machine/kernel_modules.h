// SPDX-License-Identifier: GPL-2.0-or-later
// The modules of one installed kernel, through libkmod: which ones a name or a modalias stands for, and in
// which order they load, with dependencies, soft dependencies, and the options that modprobe.d(5) and the
// kernel command line give them.
#pragma once

#include "base/result.h"
#include "host/machine/installed_kernel.h"
#include "stages/system_paths.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct kmod_ctx;

namespace lifeboat::host {

struct ModuleToLoad {
    std::string name; // "virtio_scsi"
    std::string path; // the file, paths.root in front; maybe compressed
    std::string parameters;
};

// What a name or a modalias stands for in that kernel.
struct ModuleNames {
    std::vector<std::string> modules;  // files to load
    std::vector<std::string> built_in; // nothing to load

    [[nodiscard]] bool is_known() const { return !modules.empty() || !built_in.empty(); }
};

class KernelModules {
public:
    static Result<KernelModules> open(const SystemPaths& paths, const InstalledKernel& kernel);

    // By a module's name or an alias that stands for one thing ("virtio_pci", "fs-ext4").
    [[nodiscard]] ModuleNames look_up(const std::string& name) const;
    // By a device's modalias: without what modprobe.d has on its blacklist, which is for these.
    [[nodiscard]] ModuleNames look_up_device(const std::string& modalias) const;

    // The names of all modules whose files are below a folder ("kernel/drivers/ata/").
    [[nodiscard]] std::vector<std::string> names_in(std::string_view folder) const;

    // Adds `name` and what it needs to `order`, each after what it needs; an install command of modprobe.d is
    // passed over, for the crash kernel has no programs; what is there already is not added
    // again. Fails with no_data where a file is missing.
    Result<> add_in_load_order(const std::string& name, std::vector<ModuleToLoad>& order) const;

    // The files that a module's needs to have been loaded before it, without soft dependencies; paths as in
    // ModuleToLoad.
    [[nodiscard]] std::vector<std::string> dependencies_of(const ModuleToLoad& module) const;

    [[nodiscard]] const std::string& version() const { return version_; }

private:
    struct Release {
        void operator()(kmod_ctx* context) const;
    };
    KernelModules(const InstalledKernel& kernel, kmod_ctx* context)
        : version_(kernel.version)
        , folder_(kernel.modules)
        , context_(context) {}

    [[nodiscard]] Result<> check_files(const ModuleToLoad& module) const;
    [[nodiscard]] Result<> check_file(const std::string& path) const;

    std::string version_;
    std::string folder_;
    std::string dependencies_; // modules.dep
    std::unique_ptr<kmod_ctx, Release> context_;
};

// The path of a module's file without the suffix of what compressed it.
std::string_view without_compression(std::string_view path);

// A module's name out of its file's: "kernel/drivers/scsi/virtio-scsi.ko.xz" has virtio_scsi. Empty where it
// is not a module's file.
std::string module_name_of_file(std::string_view path);

} // namespace lifeboat::host
