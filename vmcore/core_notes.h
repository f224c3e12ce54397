// SPDX-License-Identifier: GPL-2.0-or-later
// The notes of a crashed kernel's core: one NT_PRSTATUS for each CPU, and VMCOREINFO. Every dump format
// carries them on as they are.
// Source: System V ABI gABI chapter 5 (note section), Linux kernel/kexec_core.c and kernel/vmcore_info.c.
#pragma once

#include "vmcore/vmcoreinfo.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

// What a sane file's notes stay below. The kernel's own limit is the note space of its CPUs: 8192 CPUs take
// some 3 MB.
constexpr std::uint64_t notes_limit_bytes = std::uint64_t{64} << 20;

class CoreNotes {
public:
    CoreNotes() = default;
    // `doubts` gets a sentence for each thing found wrong.
    static CoreNotes parse(std::vector<std::byte> bytes, std::vector<std::string>& doubts);
    // One note that holds VMCOREINFO, for a file that has its text alone.
    static std::vector<std::byte> vmcoreinfo_note(std::string_view text);

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    // Empty (no keys) when there is none.
    [[nodiscard]] const Vmcoreinfo& vmcoreinfo() const { return vmcoreinfo_; }
    // Where in bytes() VMCOREINFO's text begins; 0 when there is none.
    [[nodiscard]] std::uint64_t vmcoreinfo_offset() const { return vmcoreinfo_offset_; }
    // One NT_PRSTATUS for each CPU.
    [[nodiscard]] unsigned cpu_count() const { return cpu_count_; }

private:
    std::vector<std::byte> bytes_;
    std::uint64_t vmcoreinfo_offset_ = 0;
    Vmcoreinfo vmcoreinfo_;
    unsigned cpu_count_ = 0;
};

} // namespace lifeboat
