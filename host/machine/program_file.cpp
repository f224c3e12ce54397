// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/program_file.h"

#include "base/descriptor.h"
#include "host/archive/initrd_reader.h"

#include <span>

#include <sys/stat.h>

namespace lifeboat::host {

namespace {

constexpr std::size_t program_limit_bytes = std::size_t{64} << 20;
constexpr std::string_view elf_magic = "\177ELF";
constexpr std::string_view init_option = "--init";

class InitSearch final : public InitrdVisitor {
public:
    Result<> visit(const CpioEntry& entry, EntryContent& /*content*/) override {
        if (S_ISREG(entry.mode)) {
            rootfs_bytes_ += bytes_in_rootfs(entry.content_bytes);
            has_init_ = has_init_ || plain_path(entry.path) == "init";
        }
        return {};
    }
    [[nodiscard]] bool has_init() const { return has_init_; }
    [[nodiscard]] std::uint64_t rootfs_bytes() const { return rootfs_bytes_; }

private:
    std::uint64_t rootfs_bytes_ = 0;
    bool has_init_ = false;
};

Result<std::string> read_for(const std::string& path, std::string_view option) {
    auto content = read_file(path, program_limit_bytes);
    if (!content)
        return fail(ErrorKind::no_data, "{}: without it there is no initrd, name one with {}",
                    content.error().text, option);
    return content;
}

std::unexpected<Error> no_program(const std::string& path, std::string_view option) {
    return fail(ErrorKind::invalid, "'{}' is not a program: name lifeboat's with {}", path, option);
}

Result<> add_packed_init(InitrdWriter& writer, const std::string& path, std::string content) {
    InitSearch search;
    const InitrdSummary summary = TRY(read_initrd(std::as_bytes(std::span(content)), search));
    if (!search.has_init())
        return no_program(path, init_option);
    if (summary.problem)
        return fail(ErrorKind::corrupt, "'{}', which has init: {}", path, summary.problem->text);
    InitrdSizes sizes{.packed_bytes = content.size(), .rootfs_bytes = search.rootfs_bytes()};
    for (const InitrdPart& part : summary.parts)
        sizes.unpacked_bytes += part.unpacked_bytes;
    writer.put_in_front({std::move(content), sizes});
    return {};
}

} // namespace

Result<std::string> read_program(const std::string& path, std::string_view option) {
    std::string content = TRY(read_for(path, option));
    if (!content.starts_with(elf_magic))
        return no_program(path, option);
    return content;
}

Result<> add_init(InitrdWriter& writer, const std::string& path) {
    std::string content = TRY(read_for(path, init_option));
    if (!content.starts_with(elf_magic))
        return add_packed_init(writer, path, std::move(content));
    writer.add_file("init", std::move(content), 0755);
    return {};
}

} // namespace lifeboat::host
