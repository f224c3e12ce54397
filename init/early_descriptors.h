// SPDX-License-Identifier: GPL-2.0-or-later
// Makes sure that descriptors 0, 1 and 2 are open. The kernel starts PID 1 without them where the initrd has
// no /dev/console; whatever file is opened next would then be written to by whoever prints an error.
#pragma once

namespace lifeboat {

void open_standard_descriptors();

} // namespace lifeboat
