// SPDX-License-Identifier: GPL-2.0-or-later
// The first things either role does to the machine: mounts and kernel modules.
#pragma once

#include <string>
#include <string_view>

namespace guest {

// /proc, /sys and /dev.
void mount_early();
void mount_at(const std::string& source, const std::string& place, const std::string& type,
              const std::string& options = "");

// That it is loaded already is fine.
void load_module(const std::string& path, const std::string& parameters = {});
// Those that /etc/guest/modules lists, in that order.
void load_listed_modules();

// The block device whose last 512 bytes begin with "magic"; waits for it up to ten seconds.
std::string find_disk(std::string_view magic);

} // namespace guest
