// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/stream_decompressors.h"

#include <algorithm>

#include <zlib.h>

namespace lifeboat::host {

namespace {

constexpr int window_bits_of_gzip = 15 + 16;             // zlib.h: 16 on top means a gzip header and trailer
constexpr std::size_t step_bytes = std::size_t{1} << 30; // zlib counts in unsigned int

class GzipDecompressor : public SteppingDecompressor {
public:
    explicit GzipDecompressor(DecompressorInput input)
        : SteppingDecompressor(std::move(input)) {}
    GzipDecompressor(const GzipDecompressor&) = delete;
    GzipDecompressor& operator=(const GzipDecompressor&) = delete;
    ~GzipDecompressor() override { ::inflateEnd(&stream_); }

    bool start() { return ::inflateInit2(&stream_, window_bits_of_gzip) == Z_OK; }

private:
    Result<std::size_t> step(std::span<std::byte> output) override {
        const std::span<const std::byte> input = TRY(input_.next());
        const auto given = static_cast<unsigned>(std::min(input.size(), step_bytes));
        const auto room = static_cast<unsigned>(std::min(output.size(), step_bytes));
        // zlib's input is not const for reasons of age; it is not written to.
        stream_.next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(input.data()));
        stream_.avail_in = given;
        stream_.next_out = reinterpret_cast<unsigned char*>(output.data());
        stream_.avail_out = room;
        const int result = ::inflate(&stream_, Z_NO_FLUSH);
        input_.consume(given - stream_.avail_in);
        ended_ = result == Z_STREAM_END;
        if (result == Z_BUF_ERROR || (result == Z_OK && given == 0 && stream_.avail_out == room))
            return input_.cut("gzip");
        if (result != Z_OK && result != Z_STREAM_END)
            return input_.damaged("gzip", stream_.msg == nullptr ? "damaged" : stream_.msg);
        return room - stream_.avail_out;
    }

    z_stream stream_{};
};

} // namespace

DecompressorResult make_gzip_decompressor(DecompressorInput input) {
    auto made = std::make_unique<GzipDecompressor>(std::move(input));
    if (!made->start())
        return fail(ErrorKind::system, "make a zlib stream: no memory");
    return made;
}

} // namespace lifeboat::host
