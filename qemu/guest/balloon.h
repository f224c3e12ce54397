// SPDX-License-Identifier: GPL-2.0-or-later
// Memory that the guest gives back to the host.
#pragma once

#include <cstddef>

namespace guest {

// Asks the harness to inflate the balloon by that much, and waits until it is.
void inflate_balloon(std::size_t mebibytes);

} // namespace guest
