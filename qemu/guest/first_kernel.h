// SPDX-License-Identifier: GPL-2.0-or-later
// Init of the kernel that is going to crash.
#pragma once

namespace guest {

[[noreturn]] void run_first_kernel();

} // namespace guest
