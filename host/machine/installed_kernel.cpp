// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/installed_kernel.h"

#include "base/descriptor.h"
#include "host/machine/kernel_release.h"
#include "stages/list_folder.h"
#include "stages/read_attribute.h"

#include <array>
#include <cstring>

#include <unistd.h>

namespace lifeboat::host {

namespace {

// Source: Linux Documentation/arch/x86/boot.rst, the real-mode kernel header.
constexpr std::size_t header_bytes = 0x268;
constexpr std::size_t magic_at = 0x202;
constexpr std::size_t protocol_at = 0x206;
constexpr std::size_t init_size_at = 0x260;
constexpr std::uint16_t first_protocol_with_init_size = 0x020a;

template <class Number>
Number number_at(std::span<const std::byte> bytes, std::size_t offset) {
    Number number{};
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

std::string names_of(const std::vector<std::string>& versions) {
    std::string text;
    for (const std::string& version : versions)
        text += (text.empty() ? "" : ", ") + version;
    return text.empty() ? "none" : text;
}

bool is_at_least(std::string_view version, KernelLine wanted) {
    const auto line = parse_kernel_line(version);
    return line && *line >= wanted;
}

std::string usual_image(const SystemPaths& paths, std::string_view version) {
    return std::format("{}/boot/vmlinuz-{}", paths.root, version);
}

} // namespace

// Debian and Fedora put a kernel into /boot; distributions with kernel-install keep one beside the modules.
std::optional<std::string> find_installed_image(const SystemPaths& paths, std::string_view version) {
    for (std::string image :
         {usual_image(paths, version), std::format("{}/lib/modules/{}/vmlinuz", paths.root, version)})
        if (exists(image))
            return image;
    return std::nullopt;
}

Result<std::string> running_kernel_version(const SystemPaths& paths) {
    const std::string path = paths.proc + "/sys/kernel/osrelease";
    std::string version = read_attribute(path);
    if (version.empty())
        return fail(ErrorKind::no_data, "read '{}': the running kernel is not named, name one with --kernel",
                    path);
    return version;
}

std::vector<std::string> installed_kernel_versions(const SystemPaths& paths) {
    const std::string folder = paths.root + "/lib/modules";
    std::vector<std::string> versions;
    for (const std::string& name : list_folder(folder).value_or(std::vector<std::string>{}))
        if (exists(folder + "/" + name + "/modules.dep.bin"))
            versions.push_back(name);
    return versions;
}

Result<InstalledKernel> find_installed_kernel(const SystemPaths& paths, std::string_view version) {
    if (version.empty() || version.contains('/'))
        return fail(ErrorKind::invalid, "'{}' is not a kernel version", version);
    InstalledKernel kernel{.version = std::string(version),
                           .modules = std::format("{}/lib/modules/{}", paths.root, version)};
    if (!exists(kernel.modules))
        return fail(ErrorKind::no_data,
                    "kernel {} has no modules '{}': install its package; installed are {}", version,
                    kernel.modules, names_of(installed_kernel_versions(paths)));
    if (!exists(kernel.modules + "/modules.dep.bin"))
        return fail(ErrorKind::no_data, "kernel {} has no '{}/modules.dep.bin': run 'depmod {}'", version,
                    kernel.modules, version);
    auto image = find_installed_image(paths, version);
    if (!image)
        return fail(ErrorKind::no_data,
                    "kernel {} has no image '{}': install its package, or choose another kernel", version,
                    usual_image(paths, version));
    kernel.image = *std::move(image);
    // Source: Linux 6.6 arch/x86/kernel/crash.c; Debian's kernels have CONFIG_CRASH_HOTPLUG on.
    kernel.follows_hotplug = is_at_least(version, {6, 6});
    // Source: Linux 6.18 fs/namespace.c, initramfs_options=.
    kernel.limits_rootfs = !is_at_least(version, {6, 18});
    kernel.init_bytes = TRY(read_init_bytes(kernel.image));
    return kernel;
}

Result<std::uint64_t> read_init_bytes(const std::string& image) {
    const Descriptor file = TRY(open_file(image, O_RDONLY));
    std::array<std::byte, header_bytes> header{};
    TRY(read_exactly_at(file.get(), header, 0, image));
    if (std::memcmp(header.data() + magic_at, "HdrS", 4) != 0 ||
        number_at<std::uint16_t>(header, protocol_at) < first_protocol_with_init_size)
        return fail(ErrorKind::unsupported, "'{}' is not an x86 kernel image", image);
    return number_at<std::uint32_t>(header, init_size_at);
}

} // namespace lifeboat::host
