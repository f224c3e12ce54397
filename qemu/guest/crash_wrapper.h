// SPDX-License-Identifier: GPL-2.0-or-later
// Init of the crash kernel in the cases that need something done before, or beside, the real one. It is told
// what by "guest.*" on the command line and then becomes /init.lifeboat, still as PID 1.
#pragma once

namespace guest {

[[noreturn]] void run_crash_wrapper();

} // namespace guest
