// SPDX-License-Identifier: GPL-2.0-or-later
// What the guest says on its console, and how it ends when it cannot go on.
#pragma once

#include "base/result.h"

#include <format>
#include <string_view>

namespace guest {

// One line on the console, after "guest: "; through the kernel's log, so that lines do not tear.
void say(std::string_view text);

template <class... Args>
void say(std::format_string<Args...> text, Args&&... args) {
    say(std::string_view(std::format(text, std::forward<Args>(args)...)));
}

// Says why and reboots; the harness sees the machine end without a dump.
[[noreturn]] void give_up(std::string_view why);
[[noreturn]] void reboot_now();

// The value, or the end of the guest.
template <class T>
T must(lifeboat::Result<T> result) {
    if (!result)
        give_up(result.error().text);
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

// The same for a system call that answers negative on failure.
long must_call(long answer, std::string_view what);

} // namespace guest
