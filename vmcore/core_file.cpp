// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/core_file.h"

#include "vmcore/elf_image.h"
#include "vmcore/kdump_image.h"

#include <string_view>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>

namespace lifeboat {

namespace {

// Of makedumpfile's output to a pipe: records that a reader would have to search one by one.
constexpr std::string_view flattened_signature = "makedumpfile";

Result<CoreFacts> open_facts(const std::string& path, CoreAccess access) {
    CoreFacts facts;
    facts.path = path;
    facts.access = access;
    // A FIFO would be waited for; of a file it changes nothing.
    facts.file = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
    struct stat status{};
    if (::fstat(facts.file.get(), &status) != 0)
        return fail_system("stat '{}'", path);
    if (!S_ISREG(status.st_mode))
        return fail(ErrorKind::unsupported, "read '{}': not a file", path);
    facts.size_bytes = static_cast<std::uint64_t>(status.st_size);
    struct statfs file_system{}; // a file system need not tell of itself
    facts.reads_map =
        ::fstatfs(facts.file.get(), &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC;
    return facts;
}

// The file's first bytes; nothing where they cannot be had: whoever reads it then says why.
std::string read_signature(const CoreFacts& facts) {
    std::string signature(flattened_signature.size(), '\0');
    const auto bytes = std::as_writable_bytes(std::span(signature));
    return read_exactly_at(facts.file.get(), bytes, 0, facts.path) ? signature : std::string();
}

} // namespace

Result<CoreFile> CoreFile::open(const std::string& path, CoreAccess access) {
    CoreFacts facts = TRY(open_facts(path, access));
    const std::string signature = read_signature(facts);
    if (signature == flattened_signature)
        return fail(ErrorKind::unsupported,
                    "read '{}': a flattened dump; 'makedumpfile -R DUMP < {}' makes a dump of it", path,
                    path);
    if (signature.starts_with(kdump_signature))
        return CoreFile(TRY(KdumpImage::open(std::move(facts))));
    return CoreFile(TRY(ElfImage::open(std::move(facts))));
}

Result<CoreFile> CoreFile::open_elf(const std::string& path, CoreAccess access) {
    CoreFacts facts = TRY(open_facts(path, access));
    return CoreFile(TRY(ElfImage::open(std::move(facts))));
}

std::string_view CoreFile::release() const {
    if (const auto release = vmcoreinfo().value("OSRELEASE"))
        return *release;
    return kdump() == nullptr ? std::string_view() : kdump()->utsname.release;
}

} // namespace lifeboat
