// SPDX-License-Identifier: GPL-2.0-or-later
// What a dump's own lifeboat.log says of it in its last line: docs/formats.md, "The summary line".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lifeboat::host {

// The value of a key in the log's last summary; nothing where there is none.
std::optional<std::string> find_in_summary(std::string_view log, std::string_view key);

} // namespace lifeboat::host
