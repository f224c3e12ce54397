// SPDX-License-Identifier: GPL-2.0-or-later
// The ways in which a kernel dies: by a module of the tests, by the kernel's own watch over lockups, by a
// lack of memory, by an NMI that QEMU is asked for.
#pragma once

#include <string_view>

namespace guest {

// "sysrq"; what qemu/test_modules/die knows; "oom"; "nmi". The kernel is told before to panic for it.
// Does not return.
[[noreturn]] void die(std::string_view way);

} // namespace guest
