// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/program_file.h"

#include "base/descriptor.h"

namespace lifeboat::host {

namespace {

constexpr std::size_t program_limit_bytes = std::size_t{64} << 20;
constexpr std::string_view elf_magic = "\177ELF";

} // namespace

Result<std::string> read_program(const std::string& path, std::string_view option) {
    auto content = read_file(path, program_limit_bytes);
    if (!content)
        return fail(ErrorKind::no_data, "{}: without it there is no initrd, name one with {}",
                    content.error().text, option);
    if (!content->starts_with(elf_magic))
        return fail(ErrorKind::invalid, "'{}' is not a program: name lifeboat's with {}", path, option);
    return content;
}

} // namespace lifeboat::host
