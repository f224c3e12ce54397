// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/module_signatures.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "stages/read_attribute.h"

#include <algorithm>

#include <unistd.h>

namespace lifeboat::host {

namespace {

bool is_enforced_by_build(const SystemPaths& paths, const InstalledKernel& kernel) {
    const auto config = read_file(std::format("{}/boot/config-{}", paths.root, kernel.version));
    return config &&
           std::ranges::contains(split_lines(*config), std::string_view("CONFIG_MODULE_SIG_FORCE=y"));
}

// Without securityfs only firmware that could have locked the kernel down is a reason for doubt.
bool may_be_locked_down(const SystemPaths& paths) {
    const std::string lockdown = read_attribute(paths.sys + "/kernel/security/lockdown");
    if (lockdown.empty())
        return ::access((paths.sys + "/firmware/efi").c_str(), F_OK) == 0;
    return !lockdown.contains("[none]");
}

} // namespace

ModuleSignatures module_signatures(const SystemPaths& paths, const InstalledKernel& kernel) {
    const std::string enforced = read_attribute(paths.sys + "/module/module/parameters/sig_enforce");
    const bool must_stay =
        enforced == "Y" || is_enforced_by_build(paths, kernel) || may_be_locked_down(paths);
    return must_stay ? ModuleSignatures::must_stay : ModuleSignatures::may_go;
}

} // namespace lifeboat::host
