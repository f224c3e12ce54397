// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/stream_decompressors.h"

#include <algorithm>

#include <bzlib.h>

namespace lifeboat::host {

namespace {

constexpr std::size_t step_bytes = std::size_t{1} << 30; // bzip2 counts in unsigned int

class Bzip2Decompressor : public SteppingDecompressor {
public:
    explicit Bzip2Decompressor(DecompressorInput input)
        : SteppingDecompressor(std::move(input)) {}
    Bzip2Decompressor(const Bzip2Decompressor&) = delete;
    Bzip2Decompressor& operator=(const Bzip2Decompressor&) = delete;
    ~Bzip2Decompressor() override { ::BZ2_bzDecompressEnd(&stream_); }

    bool start() { return ::BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK; }

private:
    Result<std::size_t> step(std::span<std::byte> output) override {
        const std::span<const std::byte> input = TRY(input_.next());
        const auto given = static_cast<unsigned>(std::min(input.size(), step_bytes));
        const auto room = static_cast<unsigned>(std::min(output.size(), step_bytes));
        stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(input.data()));
        stream_.avail_in = given;
        stream_.next_out = reinterpret_cast<char*>(output.data());
        stream_.avail_out = room;
        const int result = ::BZ2_bzDecompress(&stream_);
        input_.consume(given - stream_.avail_in);
        ended_ = result == BZ_STREAM_END;
        if (result == BZ_MEM_ERROR)
            return fail(ErrorKind::system, "decompress bzip2: no memory");
        if (result != BZ_OK && result != BZ_STREAM_END)
            return input_.damaged("bzip2",
                                  result == BZ_DATA_ERROR_MAGIC ? "not a bzip2 header" : "wrong data");
        if (result == BZ_OK && given == 0 && stream_.avail_out == room)
            return input_.cut("bzip2");
        return room - stream_.avail_out;
    }

    bz_stream stream_{};
};

} // namespace

DecompressorResult make_bzip2_decompressor(DecompressorInput input) {
    auto made = std::make_unique<Bzip2Decompressor>(std::move(input));
    if (!made->start())
        return fail(ErrorKind::system, "make a bzip2 stream: no memory");
    return made;
}

} // namespace lifeboat::host
