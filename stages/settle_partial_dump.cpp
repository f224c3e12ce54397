// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/settle_partial_dump.h"

#include "stages/copy_vmcore.h"
#include "vmcore/kdump_format.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include <sys/stat.h>

namespace lifeboat {

namespace {

template <class Record>
Result<Record> read_record(int fd, std::uint64_t offset) {
    Record record{};
    TRY(read_exactly_at(fd, std::as_writable_bytes(std::span(&record, 1)), offset, vmcore_working_name));
    return record;
}

// Where the descriptors begin, out of a header that was the first to be written.
Result<std::uint64_t> find_descriptors(int fd) {
    const KdumpHeader header = TRY(read_record<KdumpHeader>(fd, 0));
    if (std::memcmp(header.signature, kdump_signature, sizeof header.signature) != 0 ||
        header.block_bytes <= 0 || header.sub_header_blocks < 0)
        return fail(ErrorKind::corrupt, "'{}' has no header", vmcore_working_name);
    const auto blocks =
        1 + static_cast<std::uint64_t>(header.sub_header_blocks) + std::uint64_t{header.bitmap_blocks};
    return blocks * static_cast<std::uint64_t>(header.block_bytes);
}

// Descriptors are written in order and the first page's data lies right behind them, so they end at the first
// that is empty, at data that is not there, or there.
std::uint64_t count_pages(int fd, std::uint64_t offset, std::uint64_t file_bytes) {
    std::uint64_t pages = 0, end = file_bytes;
    std::vector<KdumpPageDescriptor> batch(1024);
    for (;; offset += batch.size() * sizeof(KdumpPageDescriptor)) {
        const std::uint64_t room = offset < end ? (end - offset) / sizeof(KdumpPageDescriptor) : 0;
        const auto part = std::span(batch).first(std::min<std::uint64_t>(room, batch.size()));
        if (part.empty() || !read_exactly_at(fd, std::as_writable_bytes(part), offset, vmcore_working_name))
            return pages;
        for (const KdumpPageDescriptor& page : part) {
            const bool is_whole = page.offset != 0 && page.offset + page.bytes <= file_bytes;
            if (!is_whole || offset >= end)
                return pages;
            end = std::min(end, page.offset);
            ++pages;
        }
    }
}

struct Attempt {
    std::string name;
    PartialDump dump;
};

std::optional<Attempt> look_at(DumpFolder& folder, const char* name) {
    const auto file = open_file_at(folder.fd(), name, O_RDONLY | O_NOFOLLOW);
    if (!file)
        return std::nullopt;
    return Attempt{
        name, measure_partial_dump(file->get()).value_or(PartialDump{folder.size_of(name).value_or(0), 0})};
}

Result<> keep_second(DumpFolder& folder) {
    // rename() replaces: at no moment is there neither.
    return folder.rename_file(vmcore_second_name, vmcore_working_name);
}

} // namespace

Result<PartialDump> measure_partial_dump(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return fail_system("stat '{}'", vmcore_working_name);
    const auto bytes = static_cast<std::uint64_t>(status.st_size);
    const auto descriptors = find_descriptors(fd);
    return PartialDump{bytes, descriptors ? count_pages(fd, *descriptors, bytes) : 0};
}

Result<> settle_partial_dump(const SaveRequest& request, StageReport& report) {
    DumpFolder folder = TRY(DumpFolder::open(request));
    const auto first = look_at(folder, vmcore_working_name), second = look_at(folder, vmcore_second_name);
    const bool second_is_better = second && (!first || second->dump.pages > first->dump.pages);
    const PartialDump kept = second_is_better ? second->dump : first ? first->dump : PartialDump{};
    report.fact("bytes", kept.bytes);
    report.fact("dumped", kept.pages);
    report.info("vmcore: {} bytes with {} pages stay as {}", kept.bytes, kept.pages, vmcore_working_name);
    if (second_is_better)
        return keep_second(folder);
    return second ? folder.remove_file(vmcore_second_name) : Result<>{};
}

} // namespace lifeboat
