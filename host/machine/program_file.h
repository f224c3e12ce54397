// SPDX-License-Identifier: GPL-2.0-or-later
// A program that goes into an initrd.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace lifeboat::host {

// Its bytes. `option` names another one: for the error where there is none (no_data) or it is not one
// (invalid).
Result<std::string> read_program(const std::string& path, std::string_view option);

} // namespace lifeboat::host
