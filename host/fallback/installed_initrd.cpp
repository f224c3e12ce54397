// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/installed_initrd.h"

#include "stages/list_folder.h"

#include <algorithm>
#include <cstring>
#include <format>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view image_prefix = "vmlinuz-";

} // namespace

std::optional<std::string> find_installed_initrd(const SystemPaths& paths, std::string_view version) {
    // Debian, older Fedora, SUSE, Fedora: in the order in which GRUB's 10_linux looks for them.
    for (std::string path :
         {std::format("/boot/initrd.img-{}", version), std::format("/boot/initrd-{}.img", version),
          std::format("/boot/initrd-{}", version), std::format("/boot/initramfs-{}.img", version)})
        if (::access((paths.root + path).c_str(), F_OK) == 0)
            return path;
    return std::nullopt;
}

std::vector<std::string> kernels_in_boot(const SystemPaths& paths) {
    std::vector<std::string> versions;
    for (const std::string& name : list_folder(paths.root + "/boot").value_or(std::vector<std::string>{}))
        if (name.starts_with(image_prefix))
            versions.push_back(name.substr(image_prefix.size()));
    std::ranges::sort(versions, [](const std::string& one, const std::string& other) {
        return ::strverscmp(one.c_str(), other.c_str()) > 0;
    });
    return versions;
}

} // namespace lifeboat::host
