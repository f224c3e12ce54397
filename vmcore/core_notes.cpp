// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/core_notes.h"

#include <algorithm>
#include <cstring>
#include <format>

#include <elf.h>

namespace lifeboat {

namespace {

constexpr std::string_view vmcoreinfo_name = "VMCOREINFO";
constexpr std::string_view cpu_note_name = "CORE";
constexpr std::size_t vmcoreinfo_limit_bytes = 1U << 20;

// A note's name and descriptor are padded to four bytes each.
constexpr std::uint64_t padded(std::uint64_t bytes) {
    return (bytes + 3) / 4 * 4;
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
    to.resize(padded(to.size()));
}

} // namespace

CoreNotes CoreNotes::parse(std::vector<std::byte> bytes, std::vector<std::string>& doubts) {
    CoreNotes notes;
    notes.bytes_ = std::move(bytes);
    const auto* characters = reinterpret_cast<const char*>(notes.bytes_.data());
    const std::uint64_t notes_end = notes.bytes_.size();
    std::uint64_t at = 0;
    while (notes_end - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note{};
        std::memcpy(&note, notes.bytes_.data() + at, sizeof(note));
        const std::uint64_t name_at = at + sizeof(note);
        const std::uint64_t content_at = name_at + padded(note.n_namesz);
        if (content_at + note.n_descsz > notes_end) {
            doubts.push_back(
                std::format("the note at {:#x} runs past the notes' end, ignoring the rest", at));
            break;
        }
        std::string_view name(characters + name_at, note.n_namesz);
        name = name.substr(0, name.find('\0'));
        if (name == cpu_note_name && note.n_type == NT_PRSTATUS)
            ++notes.cpu_count_;
        if (name == vmcoreinfo_name && notes.vmcoreinfo_.empty() && note.n_descsz <= vmcoreinfo_limit_bytes) {
            notes.vmcoreinfo_offset_ = content_at;
            notes.vmcoreinfo_ = Vmcoreinfo::parse({characters + content_at, note.n_descsz});
        }
        at = std::min(content_at + padded(note.n_descsz), notes_end);
    }
    if (notes.vmcoreinfo_.empty())
        doubts.emplace_back("there is no VMCOREINFO note, keeping every page");
    return notes;
}

std::vector<std::byte> CoreNotes::vmcoreinfo_note(std::string_view text) {
    const std::string name(vmcoreinfo_name);
    const Elf64_Nhdr header{.n_namesz = static_cast<Elf64_Word>(name.size()) + 1, // with its zero byte
                            .n_descsz = static_cast<Elf64_Word>(text.size()),
                            .n_type = 0};
    std::vector<std::byte> note;
    append(note, std::as_bytes(std::span(&header, 1)));
    append(note, std::as_bytes(std::span(name.c_str(), header.n_namesz)));
    append(note, std::as_bytes(std::span(text)));
    return note;
}

} // namespace lifeboat
