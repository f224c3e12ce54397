// SPDX-License-Identifier: GPL-2.0-or-later
// Which entry of the boot menu this boot was, where the boot loader tells: systemd-boot names no BOOT_IMAGE=,
// but leaves the entry's name in an EFI variable. Sources: systemd's Boot Loader Interface
// (LoaderEntrySelected), UAPI Boot Loader Specification (type 1).
#pragma once

#include "base/result.h"
#include "stages/system_paths.h"

#include <string>
#include <string_view>

namespace lifeboat::host {

// Paths on this machine, without paths.root.
struct SelectedEntry {
    std::string path;
    std::string image;
    std::string initrd;
};

// no_data, and why: no such variable, no file of that entry, not of this kernel, or not one image with one
// initrd.
Result<SelectedEntry> find_selected_entry(const SystemPaths& paths, std::string_view version);

} // namespace lifeboat::host
