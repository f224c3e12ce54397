// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/initrd_reader.h"

#include "host/archive/cpio_archive.h"
#include "host/archive/packed_bytes.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

constexpr std::uint64_t alignment_bytes = 4; // of an archive that is not compressed, in the file
constexpr std::size_t magic_bytes = 16;      // more than any compression's

// What the kernel goes by; that it is newc is seen later.
bool is_archive(std::span<const std::byte> bytes) {
    return !bytes.empty() && bytes.front() == std::byte{'0'};
}

class InitrdReading {
public:
    InitrdReading(std::shared_ptr<PackedBytes> bytes, InitrdVisitor& visitor)
        : bytes_(std::move(bytes))
        , visitor_(visitor) {}

    Result<InitrdSummary> read() {
        summary_.file_bytes = bytes_->size();
        while (!summary_.problem && skip_padding())
            TRY(read_part());
        if (!summary_.problem && summary_.parts.empty())
            set_problem_between(ErrorKind::no_data, "no archive is in it, only zeros");
        return std::move(summary_);
    }

private:
    // False at the end of the file, and where it cannot be read.
    bool skip_padding() {
        while (offset_ < bytes_->size()) {
            const auto piece = bytes_->at(offset_);
            if (!piece) {
                set_problem_between(piece.error().kind, piece.error().text);
                return false;
            }
            const auto rest =
                std::ranges::find_if(*piece, [](std::byte byte) { return byte != std::byte{0}; });
            offset_ += static_cast<std::uint64_t>(rest - piece->begin());
            if (rest != piece->end())
                return true;
        }
        return false;
    }

    Result<> read_part() {
        const auto rest = bytes_->at(offset_, magic_bytes);
        if (!rest) {
            set_problem_between(rest.error().kind, rest.error().text);
            return {};
        }
        const bool is_plain = is_archive(*rest);
        const auto compression = compression_of(*rest);
        if (!is_plain && !compression) {
            set_problem_between(ErrorKind::corrupt, "neither an archive nor padding, unread to the end");
            return {};
        }
        part_ = {.number = part_.number + (summary_.parts.empty() ? 0U : 1U),
                 .file_offset = offset_,
                 .compression = is_plain ? Compression::none : *compression};
        if (is_plain && offset_ % alignment_bytes != 0) {
            set_problem_between(ErrorKind::corrupt,
                                "an archive not aligned to 4 bytes, which the kernel does not read");
            return {};
        }
        UnpackedStream stream(TRY(make_decompressor(part_.compression, bytes_, offset_)));
        TRY(read_archives(stream));
        part_.unpacked_bytes = stream.position();
        if (!summary_.problem)
            part_.packed_bytes = is_plain ? stream.position() : stream.decompressor().consumed_bytes();
        summary_.parts.push_back(part_);
        offset_ += part_.packed_bytes;
        return visitor_.end_part(part_);
    }

    // A compressed stream can hold several, one that is not compressed is a part of its own.
    Result<> read_archives(UnpackedStream& stream) {
        do {
            CpioArchive archive(stream);
            TRY(read_entries(archive));
        } while (!summary_.problem && part_.compression != Compression::none && finds_another(stream));
        return {};
    }

    bool finds_another(UnpackedStream& stream) {
        const auto more = stream.skip_zeros();
        if (!more)
            set_problem_in_part(more.error().kind, stream.position(), more.error().text);
        return more && *more;
    }

    Result<> read_entries(CpioArchive& archive) {
        for (;;) {
            const auto entry = archive.next();
            if (!entry) {
                set_problem_in_part(entry.error().kind, archive.error_position(), entry.error().text);
                return {};
            }
            if (!*entry)
                return {};
            ++part_.entries;
            if (auto visited = visitor_.visit(**entry, archive); !visited) {
                if (!archive.has_failed())
                    return visited;
                set_problem_in_part(visited.error().kind, archive.error_position(), visited.error().text);
                return {};
            }
        }
    }

    void set_problem_between(ErrorKind kind, std::string_view what) {
        summary_.problem = {kind, 0, offset_, 0,
                            std::format("byte {} of {}: {}", offset_, bytes_->size(), what)};
    }

    void set_problem_in_part(ErrorKind kind, std::uint64_t unpacked_offset, std::string_view what) {
        summary_.problem = {kind, part_.number, offset_, unpacked_offset,
                            std::format("archive {} ({}) from byte {}, at byte {} unpacked: {}", part_.number,
                                        name_of(part_.compression), offset_, unpacked_offset, what)};
    }

    std::shared_ptr<PackedBytes> bytes_;
    InitrdVisitor& visitor_;
    std::uint64_t offset_ = 0;
    InitrdPart part_;
    InitrdSummary summary_;
};

} // namespace

Result<InitrdSummary> read_initrd(std::span<const std::byte> bytes, InitrdVisitor& visitor) {
    return InitrdReading(std::make_shared<PackedMemory>(bytes), visitor).read();
}

Result<InitrdSummary> read_initrd(const std::string& path, InitrdVisitor& visitor) {
    return InitrdReading(std::make_shared<PackedFile>(TRY(PackedFile::open(path))), visitor).read();
}

} // namespace lifeboat::host
