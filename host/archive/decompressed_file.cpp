// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/decompressed_file.h"

#include "base/descriptor.h"
#include "host/archive/decompressor.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

constexpr std::size_t step_bytes = std::size_t{256} << 10;

std::span<const std::byte> without_padding(std::span<const std::byte> bytes) {
    const auto first = std::ranges::find_if(bytes, [](std::byte byte) { return byte != std::byte{0}; });
    return bytes.subspan(static_cast<std::size_t>(first - bytes.begin()));
}

Result<> append_stream(Decompressor& stream, std::string& content, std::size_t limit_bytes) {
    for (;;) {
        const std::size_t before = content.size();
        content.resize(before + step_bytes);
        const std::size_t count =
            TRY(stream.read(std::as_writable_bytes(std::span(content).subspan(before))));
        content.resize(before + count);
        if (content.size() > limit_bytes)
            return fail(ErrorKind::unsupported, "more than {} bytes come out of it", limit_bytes);
        if (count == 0)
            return {};
    }
}

// Several streams of one kind, one after the other, are one content: so do the programs of these names.
Result<std::string> decompress(std::span<const std::byte> packed, std::size_t limit_bytes) {
    const auto compression = compression_of(packed);
    std::string content;
    for (std::size_t offset = 0; offset < packed.size();) {
        const std::span<const std::byte> rest = packed.subspan(offset);
        if (compression_of(rest) != compression)
            return fail(ErrorKind::corrupt, "at byte {} something follows that is not {}", offset,
                        name_of(*compression));
        const auto stream = TRY(make_decompressor(*compression, rest, offset));
        TRY(append_stream(*stream, content, limit_bytes));
        offset = packed.size() - without_padding(rest.subspan(stream->consumed_bytes())).size();
    }
    return content;
}

} // namespace

Result<std::string> read_decompressed(const std::string& path, std::size_t limit_bytes) {
    std::string content = TRY(read_file(path, limit_bytes));
    const std::span<const std::byte> bytes = std::as_bytes(std::span(content));
    if (!compression_of(bytes))
        return content;
    return decompress(bytes, limit_bytes).transform_error(while_doing(std::format("read '{}'", path)));
}

} // namespace lifeboat::host
