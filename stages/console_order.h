// SPDX-License-Identifier: GPL-2.0-or-later
// What the console of a rescue boot tells PID 1 to do, as its exit status.
#pragma once

namespace lifeboat {

enum class ConsoleOrder : int {
    boot = 0,    // go on, with root looked for again where there is none
    reboot = 10, // also when nobody has answered, and whatever is none of these
    power_off = 11,
};

} // namespace lifeboat
