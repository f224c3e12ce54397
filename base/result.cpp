// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/result.h"

#include <cstring>

namespace lifeboat {

Error system_error(std::string_view what, int os_error) {
    const bool no_space = os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG;
    return Error{no_space ? ErrorKind::no_space : ErrorKind::system,
                 std::format("{}: {}", what, std::strerror(os_error)), os_error};
}

} // namespace lifeboat
