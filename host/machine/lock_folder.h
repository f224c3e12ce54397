// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/descriptor.h"

#include <string>

namespace lifeboat::host {

// Waits for whoever has it; held until the descriptor, which is the folder's, is closed. The folder must be
// there.
Result<Descriptor> lock_folder(const std::string& folder);

} // namespace lifeboat::host
