// SPDX-License-Identifier: GPL-2.0-or-later
// Options for the guest on the kernel's command line: "guest.NAME=VALUE" or "guest.NAME".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace guest {

// Empty text for an option without a value; nothing when it is absent.
std::optional<std::string> option(std::string_view name);

} // namespace guest
