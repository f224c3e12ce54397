// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/module_builder.h"

#include "base/text.h"
#include "tests/builders/run_program.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>

#include <elf.h>

namespace lifeboat::tests {

namespace {

// Strings one behind the other, each with its end; where each begins.
class Strings {
public:
    std::uint32_t add(std::string_view text) {
        const auto at = static_cast<std::uint32_t>(bytes_.size());
        bytes_.append(text) += '\0';
        return at;
    }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_{'\0'};
};

class ElfFile {
public:
    void add(std::string_view name, std::uint32_t type, std::uint64_t flags, std::string_view content,
             std::uint32_t link = 0, std::uint64_t entry_bytes = 0) {
        file_.resize((file_.size() + 15) / 16 * 16);
        sections_.push_back({.sh_name = names_.add(name),
                             .sh_type = type,
                             .sh_flags = flags,
                             .sh_offset = file_.size(),
                             .sh_size = content.size(),
                             .sh_link = link,
                             .sh_info = 1,
                             .sh_addralign = 16,
                             .sh_entsize = entry_bytes});
        file_ += content;
    }
    [[nodiscard]] std::uint32_t next() const { return static_cast<std::uint32_t>(sections_.size()); }

    std::string finish() {
        const std::uint32_t last = next();
        // Its own name has to be in it before it is written.
        const std::uint32_t name = names_.add(".shstrtab");
        add("", SHT_STRTAB, 0, names_.bytes());
        sections_.back().sh_name = name;
        file_.resize((file_.size() + 15) / 16 * 16);
        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_REL;
        header.e_machine = EM_X86_64;
        header.e_version = EV_CURRENT;
        header.e_shoff = file_.size();
        header.e_ehsize = sizeof header;
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = static_cast<Elf64_Half>(sections_.size());
        header.e_shstrndx = static_cast<Elf64_Half>(last);
        std::memcpy(file_.data(), &header, sizeof header);
        file_.append(reinterpret_cast<const char*>(sections_.data()), sections_.size() * sizeof(Elf64_Shdr));
        return std::move(file_);
    }

private:
    std::string file_ = std::string(sizeof(Elf64_Ehdr), '\0');
    Strings names_;
    std::vector<Elf64_Shdr> sections_{Elf64_Shdr{}};
};

void write(const std::string& path, std::string_view content) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
}

void run(const std::vector<std::string>& arguments) {
    const ProgramResult result = run_program(arguments);
    if (result.exit_code != 0)
        throw std::runtime_error(arguments[0] + ": " + result.err);
}

ModuleText parse_module(std::span<const std::string_view> words) {
    ModuleText module{.path = std::string(words[0])};
    for (const std::string_view word : words.subspan(1)) {
        const std::string_view value = word.substr(word.find('=') + 1);
        const auto symbols = split(value, ',');
        if (word.starts_with("exports="))
            module.exports.assign(symbols.begin(), symbols.end());
        else if (word.starts_with("needs="))
            module.needs.assign(symbols.begin(), symbols.end());
        else if (word.starts_with("softdep="))
            module.info.push_back("softdep=" + std::string(value.substr(0, value.find(':') + 1)) + " " +
                                  std::string(value.substr(value.find(':') + 1)));
        else
            module.info.emplace_back(word);
    }
    return module;
}

std::string module_name(const std::string& path) {
    std::string name = std::filesystem::path(path).filename();
    return name.substr(0, name.find('.'));
}

// Source: kbuild(7) of Linux: Documentation/kbuild/kbuild.rst, modules.builtin and modules.builtin.modinfo.
std::string builtin_info(const ModuleText& module) {
    std::string text =
        module_name(module.path) + ".file=" + module.path.substr(0, module.path.find(".ko")) + '\0';
    for (const std::string& info : module.info)
        text += module_name(module.path) + "." + info + '\0';
    return text;
}

void write_module(const std::string& folder, const ModuleText& module) {
    std::string plain = folder + "/" + module.path;
    const bool is_packed = plain.ends_with(".xz");
    plain = is_packed ? plain.substr(0, plain.size() - 3) : plain;
    write(plain, build_module(module));
    if (is_packed)
        run({"/usr/bin/xz", "--check=crc32", plain});
}

void write_image(const std::string& path, std::uint32_t init_bytes) {
    std::string image(0x400, '\0');
    image.replace(0x202, 4, "HdrS");
    image.replace(0x206, 2, "\x0f\x02");
    std::memcpy(image.data() + 0x260, &init_bytes, sizeof init_bytes);
    write(path, image);
}

} // namespace

std::string build_module(const ModuleText& module) {
    Strings info;
    info.add("license=GPL");
    for (const std::string& each : module.info)
        info.add(each);
    Strings exported;
    for (const std::string& symbol : module.exports)
        exported.add(symbol);
    Strings names;
    std::vector<Elf64_Sym> symbols(1);
    for (const std::string& symbol : module.needs)
        symbols.push_back({.st_name = names.add(symbol),
                           .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
                           .st_shndx = SHN_UNDEF});
    ElfFile file;
    file.add(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, std::string(100, '\x90'));
    file.add(".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, std::string(36, 'b'));
    file.add(".modinfo", SHT_PROGBITS, SHF_ALLOC, info.bytes());
    file.add("__ksymtab_strings", SHT_PROGBITS, SHF_ALLOC, exported.bytes());
    file.add(".BTF", SHT_PROGBITS, 0, std::string(5000, 'B'));
    file.add(".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "data of " + module.path);
    file.add(".symtab", SHT_SYMTAB, 0,
             {reinterpret_cast<const char*>(symbols.data()), symbols.size() * sizeof(Elf64_Sym)},
             file.next() + 1, sizeof(Elf64_Sym));
    file.add(".strtab", SHT_STRTAB, 0, names.bytes());
    return file.finish();
}

std::string build_signed_module(const ModuleText& module) {
    return build_module(module) + std::string(300, 's') + "~Module signature appended~\n";
}

void install_kernel(const std::string& root, const std::string& version, std::string_view text,
                    unsigned init_bytes) {
    const std::string folder = root + "/lib/modules/" + version;
    std::filesystem::create_directories(folder);
    std::string order, builtin, modinfo;
    for (const std::string_view line : split_lines(text)) {
        const auto words = split_words(line);
        if (words.size() < 2)
            continue;
        const ModuleText module = parse_module(std::span(words).subspan(1));
        if (words[0] == "builtin") {
            builtin += module.path + "\n";
            modinfo += builtin_info(module);
        } else {
            write_module(folder, module);
            order += module.path + "\n";
        }
    }
    write(folder + "/modules.order", order);
    write(folder + "/modules.builtin", builtin);
    write(folder + "/modules.builtin.modinfo", modinfo);
    run({"/sbin/depmod", "-b", root, version});
    write_image(root + "/boot/vmlinuz-" + version, init_bytes);
}

} // namespace lifeboat::tests
