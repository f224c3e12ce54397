// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace lifeboat::host {

// Whether fscrypt encrypts what is made in this folder, with or without its key being there; of one that does
// not exist, whether it does in the nearest folder above that exists. `path` is absolute.
bool is_encrypted_folder(const std::string& path);

} // namespace lifeboat::host
