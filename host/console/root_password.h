// SPDX-License-Identifier: GPL-2.0-or-later
// Root's password as it stands in a root file system: who knows it may do as root.
// Source: shadow(5), crypt(5), sulogin(8).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>

namespace lifeboat::host {

enum class PasswordState : std::uint8_t {
    set,    // to be asked for
    empty,  // none is needed
    locked, // no password opens it
};

class RootPassword {
public:
    // `root` is the folder where the root file system is mounted. Fails where its shadow file cannot be read
    // or has no line for root.
    static Result<RootPassword> read(const std::string& root);

    [[nodiscard]] PasswordState state() const;
    // Asks the root file system's own unix_chkpwd(8), which is run there; fails where that cannot be.
    [[nodiscard]] Result<bool> is(const std::string& password) const;

private:
    RootPassword(std::string root, std::string hash)
        : root_(std::move(root))
        , hash_(std::move(hash)) {}

    std::string root_;
    std::string hash_; // the second field, as it stands there
};

} // namespace lifeboat::host
