// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel says of its crash kernel in /sys/kernel/kexec (6.19 and later), or under the older name of
// the same, which goes after 2028: "crash_loaded" is /sys/kernel/kexec_crash_loaded there. Shell scripts have
// /usr/lib/lifeboat/kexec-attribute.
// Source: Linux Documentation/ABI/testing/sysfs-kernel-kexec-kdump, kernel/kexec_core.c.
#pragma once

#include <string>
#include <string_view>

namespace lifeboat::host {

// `sys` is where sysfs is. Empty where the kernel has neither: it was built without CONFIG_CRASH_DUMP then.
std::string read_kexec_attribute(const std::string& sys, std::string_view name);

} // namespace lifeboat::host
