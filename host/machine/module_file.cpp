// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/module_file.h"

#include <algorithm>
#include <cstring>
#include <span>

#include <elf.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view signature_magic = "~Module signature appended~\n";
constexpr std::string_view firmware_key = "firmware=";
// A page is the most that a section asks for; more would make a file of any size.
constexpr std::uint64_t alignment_limit = 1 << 16;

class ModuleImage {
public:
    static Result<ModuleImage> open(std::string_view content, std::string_view name);

    [[nodiscard]] const Elf64_Ehdr& header() const { return header_; }
    [[nodiscard]] std::span<const Elf64_Shdr> sections() const { return sections_; }
    [[nodiscard]] std::string_view name_of(const Elf64_Shdr& section) const;
    [[nodiscard]] std::string_view bytes_of(const Elf64_Shdr& section) const;

private:
    explicit ModuleImage(std::string_view content)
        : content_(content) {}
    [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t length) const {
        return offset <= content_.size() && length <= content_.size() - offset;
    }
    [[nodiscard]] bool read_sections();

    std::string_view content_;
    Elf64_Ehdr header_{};
    std::vector<Elf64_Shdr> sections_;
};

bool is_module_header(const Elf64_Ehdr& header) {
    return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
           header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_type == ET_REL &&
           header.e_shentsize == sizeof(Elf64_Shdr) && header.e_shstrndx < header.e_shnum;
}

bool has_bytes(const Elf64_Shdr& section) {
    return section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL;
}

bool ModuleImage::read_sections() {
    if (content_.size() < sizeof header_)
        return false;
    std::memcpy(&header_, content_.data(), sizeof header_);
    const std::uint64_t table_bytes = std::uint64_t{header_.e_shnum} * sizeof(Elf64_Shdr);
    if (!is_module_header(header_) || !holds(header_.e_shoff, table_bytes))
        return false;
    sections_.resize(header_.e_shnum);
    std::memcpy(sections_.data(), content_.data() + header_.e_shoff, table_bytes);
    return std::ranges::all_of(sections_, [this](const Elf64_Shdr& section) {
        return section.sh_addralign <= alignment_limit &&
               (!has_bytes(section) || holds(section.sh_offset, section.sh_size));
    });
}

Result<ModuleImage> ModuleImage::open(std::string_view content, std::string_view name) {
    ModuleImage image(content);
    if (!image.read_sections())
        return fail(ErrorKind::corrupt, "'{}' is not a 64-bit kernel module, {} bytes", name, content.size());
    return image;
}

std::string_view ModuleImage::bytes_of(const Elf64_Shdr& section) const {
    return has_bytes(section) ? content_.substr(section.sh_offset, section.sh_size) : std::string_view();
}

std::string_view ModuleImage::name_of(const Elf64_Shdr& section) const {
    const std::string_view names = bytes_of(sections_[header_.e_shstrndx]);
    if (section.sh_name >= names.size())
        return {};
    const std::string_view rest = names.substr(section.sh_name);
    return rest.substr(0, rest.find('\0'));
}

std::uint64_t rounded_up(std::uint64_t number, std::uint64_t unit) {
    return unit > 1 ? (number + unit - 1) / unit * unit : number;
}

std::vector<std::string> firmware_of(std::string_view modinfo) {
    std::vector<std::string> files;
    while (!modinfo.empty()) {
        const std::size_t end = std::min(modinfo.find('\0'), modinfo.size());
        const std::string_view field = modinfo.substr(0, end);
        if (field.starts_with(firmware_key))
            files.emplace_back(field.substr(firmware_key.size()));
        modinfo.remove_prefix(std::min(end + 1, modinfo.size()));
    }
    return files;
}

// The unwinder's tables (and what relocates them) are a quarter of a file system's module; without them a
// stack trace through the module is a guess, which the kernel marks as one.
bool is_left_out(std::string_view name) {
    if (name.starts_with(".rela"))
        name.remove_prefix(5);
    return name == ".BTF" || name == ".BTF.ext" || name == ".comment" || name == ".note.gnu.build-id" ||
           name == ".gnu_debuglink" || name == ".orc_unwind" || name == ".orc_unwind_ip" ||
           name == ".orc_header" || name.starts_with(".debug_");
}

// The sections' bytes one behind the other, then their table; a section that is left out becomes an empty one
// of its number, for others are named by number.
std::string lay_out(const ModuleImage& image) {
    std::string file(sizeof(Elf64_Ehdr), '\0');
    std::vector<Elf64_Shdr> sections(image.sections().begin(), image.sections().end());
    for (Elf64_Shdr& section : sections) {
        const bool holds_names = &section == &sections[image.header().e_shstrndx];
        if (is_left_out(image.name_of(section)) && !holds_names)
            section = {.sh_name = section.sh_name};
        const std::string_view bytes = image.bytes_of(section);
        file.resize(rounded_up(file.size(), std::max<std::uint64_t>(section.sh_addralign, 1)));
        section.sh_offset = section.sh_type == SHT_NULL ? 0 : file.size();
        file += bytes;
    }
    file.resize(rounded_up(file.size(), alignof(Elf64_Shdr)));
    Elf64_Ehdr header = image.header();
    header.e_shoff = file.size();
    std::memcpy(file.data(), &header, sizeof header);
    file.append(reinterpret_cast<const char*>(sections.data()), sections.size() * sizeof(Elf64_Shdr));
    return file;
}

} // namespace

Result<ModuleFacts> read_module_facts(std::string_view content, std::string_view name) {
    const ModuleImage image = TRY(ModuleImage::open(content, name));
    ModuleFacts facts{.is_signed = content.ends_with(signature_magic)};
    for (const Elf64_Shdr& section : image.sections()) {
        if ((section.sh_flags & SHF_ALLOC) != 0)
            facts.memory_bytes = rounded_up(facts.memory_bytes, section.sh_addralign) + section.sh_size;
        if (image.name_of(section) == ".modinfo")
            facts.firmware = firmware_of(image.bytes_of(section));
    }
    return facts;
}

Result<std::string> slim_module(std::string_view content, std::string_view name) {
    const ModuleImage image = TRY(ModuleImage::open(content, name));
    return lay_out(image);
}

} // namespace lifeboat::host
