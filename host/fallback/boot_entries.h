// SPDX-License-Identifier: GPL-2.0-or-later
// What lifeboat adds to the boot menu: the kernels that are known good, and rescue through lifeboat's own
// initrd.
#pragma once

#include "host/fallback/good_store.h"
#include "stages/system_paths.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct BootEntry {
    enum class Place : std::uint8_t { top, more } place = Place::top;
    std::string id;
    std::string title; // ASCII
    std::string version;
    std::string image; // paths, without paths.root
    std::string initrd;
    // Nothing: as the machine's other entries have it, and `added` behind.
    std::optional<std::string> command_line;
    std::string added; // "lifeboat.rescue=boot"
};

// In the order in which they are to be shown: first those at the top. A generation whose files are not there
// has none; rescue has none where it was not packed.
std::vector<BootEntry> boot_entries(const SystemPaths& paths, const GoodStore& store);

// A command line in words for GRUB's script language: what is special there stands between single quotes.
// Source: GRUB's manual, "Quoting".
std::string grub_words(std::string_view command_line);

// For a generator of menus: place, id, version, image, initrd, command line in GRUB's words (`-`: as the
// other entries), what is added to it, and the title, with tabs between.
std::string row_text(const BootEntry& entry);

} // namespace lifeboat::host
