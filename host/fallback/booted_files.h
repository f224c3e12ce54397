// SPDX-License-Identifier: GPL-2.0-or-later
// Which kernel, initrd and command line this boot was: what it has proved, and what it has not.
#pragma once

#include "base/result.h"
#include "host/machine/manifest.h"
#include "stages/system_paths.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace lifeboat::host {

// The words of the kernel's command line that tell how it came to be started.
struct BootWords {
    // Of lifeboat.rescue=: a boot through lifeboat's own initrd proves nothing of the installed one.
    bool is_rescue = false;
    bool is_known_good = false; // from the store
    std::string image;          // BOOT_IMAGE=, as GRUB has it
    std::string command_line;   // the rest: what another boot of the same kind is to have
};
BootWords read_boot_words(std::string_view command_line);

struct BootedFiles {
    std::string version; // of the kernel that is running
    std::string image;   // path, without paths.root
    std::string initrd;
    std::string command_line;
    std::int64_t booted_s = 0; // since 1970
};

// By uname, BOOT_IMAGE= and where distributions put an initrd; without BOOT_IMAGE= by the entry that the boot
// loader says it has chosen. no_data where this boot is no proof of the installed files: through rescue,
// through an entry of the store, or not known from which file.
Result<BootedFiles> find_booted_files(const SystemPaths& paths, const BootWords& words);

// Keeping the image as a link has changed the inode's time: where that was done only its content's counts.
enum class ImageKept : std::uint8_t { otherwise, as_link };

// Whether the files are what was booted: not written, renamed or otherwise touched since. no_data where one
// was. A clock that was set back since is not noticed.
Result<> check_unchanged_since_boot(const SystemPaths& paths, const BootedFiles& booted,
                                    ImageKept image_kept);

} // namespace lifeboat::host
