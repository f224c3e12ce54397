// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/crash_mount_options.h"

#include "base/text.h"
#include "host/machine/mount_table.h"

#include <algorithm>
#include <array>

namespace lifeboat::host {

namespace {

constexpr std::string_view usual_options = "rw,noatime";

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

bool names_characters(std::string_view type) {
    return is_one_of(type, {"vfat", "msdos", "exfat", "ntfs3"});
}

// Source: Linux Documentation/admin-guide/xfs.rst. Without its quota options XFS forgets the accounting, and
// the next usual mount counts the whole file system again.
bool is_kept_for_xfs(std::string_view word) {
    return is_one_of(word, {"nouuid", "usrquota", "uquota", "uqnoenforce", "grpquota", "gquota",
                            "gqnoenforce", "prjquota", "pquota", "pqnoenforce"});
}

// Source: Linux Documentation/filesystems/vfat.rst.
bool is_kept_for_characters(std::string_view word) {
    return word.starts_with("codepage=") || word.starts_with("iocharset=") || word.starts_with("nls=");
}

bool is_kept(std::string_view type, std::string_view word) {
    return (type == "xfs" && is_kept_for_xfs(word)) ||
           (names_characters(type) && is_kept_for_characters(word));
}

// "codepage=437" is nls_cp437, "iocharset=ascii" nls_ascii. Source: Linux fs/nls/Makefile.
std::string module_of(std::string_view word) {
    const std::string_view value = word.substr(word.find('=') + 1);
    return std::format("nls_{}{}", word.starts_with("codepage=") ? "cp" : "", value);
}

} // namespace

Result<CrashMountOptions> crash_mount_options(std::string_view type, std::string_view super_options) {
    if (type == "xfs" && (has_option(super_options, "logdev=") || has_option(super_options, "rtdev=")))
        return fail(ErrorKind::unsupported,
                    "its XFS has a log or realtime device of its own, and a dump can only "
                    "go to a file system on one device");
    CrashMountOptions mount{.options = std::string(usual_options)};
    // Its folders are named from the top, whichever subvolume is the default.
    if (type == "btrfs")
        mount.options += ",subvolid=5";
    for (const std::string_view word : split(super_options, ',')) {
        if (!is_kept(type, word))
            continue;
        mount.options += std::format(",{}", word);
        if (is_kept_for_characters(word))
            mount.modules.push_back(module_of(word));
    }
    // Not mounted now: the kernel's own choice of characters is not known, so each of its usual ones is
    // there.
    if (mount.modules.empty() && names_characters(type))
        mount.modules = {"nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8"};
    return mount;
}

} // namespace lifeboat::host
