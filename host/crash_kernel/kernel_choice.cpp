// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/kernel_choice.h"

#include "base/replace_file.h"
#include "host/machine/installed_kernel.h"
#include "host/machine/state_folder.h"
#include "stages/list_folder.h"
#include "stages/read_attribute.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view initrd_prefix = "initrd.img-";

bool is_there(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

Result<std::string> wanted_version(const SystemPaths& paths, const std::string& wanted) {
    if (!wanted.empty())
        return wanted;
    if (const auto pinned = pinned_version(paths))
        return *pinned;
    return running_kernel_version(paths);
}

bool is_newer(const PackedKernel& one, const PackedKernel& other) {
    return ::strverscmp(one.version.c_str(), other.version.c_str()) > 0;
}

std::vector<PackedKernel> packed_kernels_besides(const SystemPaths& paths, const std::string& version) {
    std::vector<PackedKernel> kernels;
    const auto names = list_folder(in_state(paths, ""));
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
        if (!name.starts_with(initrd_prefix) || name.substr(initrd_prefix.size()) == version)
            continue;
        if (auto kernel = find_packed_kernel(paths, name.substr(initrd_prefix.size())))
            kernels.push_back(*std::move(kernel));
    }
    std::ranges::sort(kernels, is_newer);
    return kernels;
}

// A link that is made aside and renamed, so that there always is one.
Result<> replace_link(const std::string& path, const std::string& target) {
    const std::string aside = path + ".new";
    ::unlink(aside.c_str());
    if (::symlink(target.c_str(), aside.c_str()) != 0)
        return fail_system("make link '{}'", aside);
    if (::rename(aside.c_str(), path.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", aside, path);
    return {};
}

} // namespace

Result<PackedKernel> find_packed_kernel(const SystemPaths& paths, const std::string& version) {
    PackedKernel kernel{.version = version};
    kernel.files.initrd = in_state(paths, std::string(initrd_prefix) + version);
    if (!is_there(kernel.files.initrd))
        return fail(ErrorKind::no_data, "kernel {} has no crash initrd: `lifeboat pack --kernel {}` makes it",
                    version, version);
    kernel.files.image = in_state(paths, "vmlinuz-" + version);
    if (is_there(kernel.files.image))
        return kernel;
    if (auto installed = find_installed_image(paths, version)) {
        kernel.files.image = *std::move(installed);
        return kernel;
    }
    return fail(ErrorKind::no_data, "the image of kernel {} is neither in '{}' nor in '{}/boot'", version,
                in_state(paths, ""), paths.root);
}

Result<KernelChoice> choose_kernel(const SystemPaths& paths, const std::string& wanted) {
    std::string version = TRY(wanted_version(paths, wanted));
    auto kernel = find_packed_kernel(paths, version);
    auto others = packed_kernels_besides(paths, version);
    return KernelChoice{std::move(version), std::move(kernel), std::move(others)};
}

std::optional<std::string> pinned_version(const SystemPaths& paths) {
    std::string version = read_attribute(in_state(paths, "pinned"));
    return version.empty() ? std::nullopt : std::optional(std::move(version));
}

Result<> pin_version(const SystemPaths& paths, const std::string& version) {
    return replace_file(in_state(paths, "pinned"), version + "\n");
}

Result<> unpin_version(const SystemPaths& paths) {
    const std::string path = in_state(paths, "pinned");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail_system("remove '{}'", path);
    return {};
}

Result<> link_packed_kernel(const SystemPaths& paths, const PackedKernel& kernel) {
    // Without the root in front: on the machine itself they are to be found.
    const auto on_machine = [&](const std::string& path) { return path.substr(paths.root.size()); };
    TRY(replace_link(in_state(paths, "vmlinuz"), on_machine(kernel.files.image)));
    return replace_link(in_state(paths, "initrd.img"), on_machine(kernel.files.initrd));
}

} // namespace lifeboat::host
