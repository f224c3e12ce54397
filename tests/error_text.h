// SPDX-License-Identifier: GPL-2.0-or-later
// For failure tables: the exact message of a Result, or that there is none.
#pragma once

#include "base/result.h"

#include <string>

namespace lifeboat::tests {

template <class T>
std::string error_text(const Result<T>& result) {
    return result ? "no error" : result.error().text;
}

} // namespace lifeboat::tests
