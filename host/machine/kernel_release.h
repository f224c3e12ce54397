// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel's release as a number: "6.12.117+deb12-cloud-amd64" is of 6.12.
#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace lifeboat::host {

struct KernelLine {
    unsigned major = 0;
    unsigned minor = 0;
    auto operator<=>(const KernelLine&) const = default;
};

// The newest that lifeboat is tried with: qemu/harness/kernels.py.
constexpr KernelLine newest_tried_kernel{7, 3};

// Nothing where it does not begin with two numbers.
std::optional<KernelLine> parse_kernel_line(std::string_view release);

} // namespace lifeboat::host
