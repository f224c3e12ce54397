// SPDX-License-Identifier: GPL-2.0-or-later
// Where rescue images are: beside the kernels, since the boot loader reads them.
#pragma once

#include <format>
#include <string>
#include <string_view>

namespace lifeboat::host {

inline constexpr std::string_view rescue_folder = "/boot/lifeboat/rescue";
inline constexpr std::string_view rescue_prefix = "initrd.img-"; // the version follows

// Without the root of the machine in front.
inline std::string rescue_image(std::string_view version) {
    return std::format("{}/{}{}", rescue_folder, rescue_prefix, version);
}

} // namespace lifeboat::host
