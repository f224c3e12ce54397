// SPDX-License-Identifier: GPL-2.0-or-later
// Programs that go into an initrd.
#pragma once

#include "base/result.h"
#include "host/archive/initrd_writer.h"

#include <string>
#include <string_view>

namespace lifeboat::host {

// Its bytes. `option` names another one: for the error where there is none (no_data) or it is not one
// (invalid).
Result<std::string> read_program(const std::string& path, std::string_view option);

// Puts init into an initrd. `path` is the program, or an initrd that has it, packed when lifeboat was built
// (host/pack_init.cpp). Errors as in read_program(); corrupt: an initrd that is damaged.
Result<> add_init(InitrdWriter& writer, const std::string& path);

} // namespace lifeboat::host
