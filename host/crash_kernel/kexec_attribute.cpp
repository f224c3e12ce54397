// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/kexec_attribute.h"

#include "stages/read_attribute.h"

#include <format>

namespace lifeboat::host {

std::string read_kexec_attribute(const std::string& sys, std::string_view name) {
    std::string text = read_attribute(std::format("{}/kernel/kexec/{}", sys, name));
    return text.empty() ? read_attribute(std::format("{}/kernel/kexec_{}", sys, name)) : text;
}

} // namespace lifeboat::host
