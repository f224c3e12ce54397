// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/root_modules.h"

#include "host/machine/driver_modules.h"
#include "host/machine/installed_kernel.h"
#include "host/machine/kernel_modules.h"
#include "host/machine/mount_table.h"
#include "stages/block_devices.h"
#include "stages/list_folder.h"
#include "stages/read_attribute.h"

#include <algorithm>
#include <filesystem>

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace lifeboat::host {

namespace {

constexpr int stack_limit = 16; // of devices on devices

// What is refused as a target for dumps is told in other words here: nobody wants to write one.
auto without_advice(const std::string& folder) {
    return [folder](Error error) {
        if (error.kind == ErrorKind::unsupported)
            error.text = std::format("'{}' is no plain disk, and how it is reached is not known", folder);
        return error;
    };
}

class RootNeeds {
public:
    RootNeeds(const SystemPaths& paths, const KernelModules& kernel, ChainSeenUnder seen_under)
        : paths_(paths)
        , kernel_(kernel)
        , seen_under_(seen_under) {}

    // Devices that stand on others are followed down to the disks.
    Result<> add_device(dev_t device, int depth = 0) {
        const std::string folder =
            std::format("{}/dev/block/{}:{}", paths_.sys, major(device), minor(device));
        const auto below = list_folder(folder + "/slaves");
        if (!below || below->empty() || depth > stack_limit) {
            const DeviceChain chain =
                TRY(follow_device(paths_, device).transform_error(without_advice(folder)));
            return add_all(TRY(modules_for_chain(chain, kernel_, seen_under_)));
        }
        add_known(drivers_of_stack(folder));
        for (const std::string& name : *below) {
            const dev_t number = TRY(device_named(name));
            TRY(add_device(number, depth + 1));
        }
        return {};
    }

    Result<> add_file_system(std::string_view type) {
        const auto names = modules_for_file_system(type, kernel_);
        return names ? add_all(*names) : Result<>(fail(names.error()));
    }

    Result<std::vector<std::string>> with_dependencies() const {
        std::vector<std::string> all;
        for (const std::string& name : names_) {
            std::vector<ModuleToLoad> order;
            TRY(kernel_.add_in_load_order(name, order));
            const auto module = std::ranges::find(order, name, &ModuleToLoad::name);
            if (module == order.end())
                continue; // built in
            std::vector<std::string> files = kernel_.dependencies_of(*module);
            files.push_back(module->path);
            for (const std::string& file : files)
                if (std::string needed = module_name_of_file(file); !std::ranges::contains(all, needed))
                    all.push_back(std::move(needed));
        }
        return all;
    }

private:
    // Source: Linux Documentation/ABI/testing/sysfs-block-dm; dm/uuid as cryptsetup makes it; md/level.
    static std::vector<std::string> drivers_of_stack(const std::string& folder) {
        if (const std::string level = read_attribute(folder + "/md/level"); !level.empty())
            return {"md_mod", level};
        if (read_attribute(folder + "/dm/uuid").starts_with("CRYPT-"))
            return {"dm_mod", "dm_crypt"};
        return {"dm_mod"};
    }

    [[nodiscard]] Result<dev_t> device_named(const std::string& name) const {
        const std::string path = std::format("{}/class/block/{}/dev", paths_.sys, name);
        const auto number = parse_device_number(read_attribute(path));
        if (!number)
            return fail(ErrorKind::no_data, "'{}' names no device", path);
        return *number;
    }

    Result<> add_all(const std::vector<std::string>& names) {
        for (const std::string& name : names)
            if (!std::ranges::contains(names_, name))
                names_.push_back(name);
        return {};
    }

    void add_known(const std::vector<std::string>& names) {
        for (const std::string& name : names)
            for (const std::string& module : kernel_.look_up(name).modules)
                if (!std::ranges::contains(names_, module))
                    names_.push_back(module);
    }

    const SystemPaths& paths_;
    const KernelModules& kernel_;
    ChainSeenUnder seen_under_;
    std::vector<std::string> names_;
};

// A file system without a device number of its own, as btrfs, names its device as the source.
Result<dev_t> device_of(const MountEntry& mount) {
    struct stat status{};
    if (major(mount.device) != 0)
        return mount.device;
    if (mount.source.starts_with('/') && ::stat(mount.source.c_str(), &status) == 0 &&
        S_ISBLK(status.st_mode))
        return status.st_rdev;
    return fail(ErrorKind::unsupported, "the root file system is {} ('{}'), which is on no block device",
                mount.type, mount.source);
}

Result<MountEntry> root_mount(const SystemPaths& paths) {
    const std::vector<MountEntry> mounts = TRY(read_mount_table(paths));
    std::error_code ignored;
    const std::string root =
        paths.root.empty() ? "/" : std::filesystem::canonical(paths.root, ignored).string();
    const MountEntry* const mount = find_mount(mounts, root);
    if (mount == nullptr)
        return fail(ErrorKind::no_data, "no file system is mounted at '{}'", root);
    return *mount;
}

Result<InstalledKernel> kernel_with_modules(const SystemPaths& paths, std::string_view version) {
    if (!std::ranges::contains(installed_kernel_versions(paths), version))
        return fail(ErrorKind::no_data, "kernel {} has no modules in '{}/lib/modules'", version, paths.root);
    return InstalledKernel{.version = std::string(version),
                           .modules = std::format("{}/lib/modules/{}", paths.root, version)};
}

} // namespace

Result<std::vector<std::string>> modules_for_root(const SystemPaths& paths, std::string_view version) {
    const InstalledKernel installed = TRY(kernel_with_modules(paths, version));
    const KernelModules kernel = TRY(KernelModules::open(paths, installed));
    const MountEntry mount = TRY(root_mount(paths));
    RootNeeds needs(paths, kernel, seen_under(paths, version));
    const dev_t device = TRY(device_of(mount));
    TRY(needs.add_device(device));
    TRY(needs.add_file_system(mount.type));
    return needs.with_dependencies();
}

} // namespace lifeboat::host
