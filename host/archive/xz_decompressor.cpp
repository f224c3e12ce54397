// SPDX-License-Identifier: GPL-2.0-or-later
// xz and its older format, lzma.
#include "host/archive/stream_decompressors.h"

#include <lzma.h>

namespace lifeboat::host {

namespace {

constexpr std::uint64_t memory_limit_bytes = std::uint64_t{512} << 20;

std::string_view words_for(lzma_ret result) {
    switch (result) {
    case LZMA_FORMAT_ERROR:
        return "not a header of this format";
    case LZMA_OPTIONS_ERROR:
        return "options that are not supported, or damaged ones";
    case LZMA_DATA_ERROR:
        return "wrong data";
    default:
        return "damaged";
    }
}

class XzDecompressor : public SteppingDecompressor {
public:
    XzDecompressor(DecompressorInput input, std::string_view method)
        : SteppingDecompressor(std::move(input))
        , method_(method) {}
    XzDecompressor(const XzDecompressor&) = delete;
    XzDecompressor& operator=(const XzDecompressor&) = delete;
    ~XzDecompressor() override { ::lzma_end(&stream_); }

    bool start_xz() { return ::lzma_stream_decoder(&stream_, memory_limit_bytes, 0) == LZMA_OK; }
    bool start_lzma() { return ::lzma_alone_decoder(&stream_, memory_limit_bytes) == LZMA_OK; }

private:
    Result<std::size_t> step(std::span<std::byte> output) override {
        const std::span<const std::byte> input = TRY(input_.next());
        const std::size_t given = input.size();
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(input.data());
        stream_.avail_in = given;
        stream_.next_out = reinterpret_cast<std::uint8_t*>(output.data());
        stream_.avail_out = output.size();
        // Where it is all the input there is, liblzma tells a cut stream from one that waits for more, the
        // second time that it gets nowhere.
        const lzma_ret result = ::lzma_code(&stream_, given == input_.remaining() ? LZMA_FINISH : LZMA_RUN);
        input_.consume(given - stream_.avail_in);
        ended_ = result == LZMA_STREAM_END;
        if (result != LZMA_OK && result != LZMA_STREAM_END)
            return failure(result);
        return output.size() - stream_.avail_out;
    }

    [[nodiscard]] std::unexpected<Error> failure(lzma_ret result) const {
        if (result == LZMA_MEMLIMIT_ERROR)
            return fail(ErrorKind::unsupported, "decompress {}: it wants {} MiB of memory", method_,
                        ::lzma_memusage(&stream_) >> 20);
        if (result == LZMA_MEM_ERROR)
            return fail(ErrorKind::system, "decompress {}: no memory", method_);
        if (result == LZMA_BUF_ERROR)
            return input_.cut(method_);
        return input_.damaged(method_, words_for(result));
    }

    std::string_view method_;
    lzma_stream stream_ = LZMA_STREAM_INIT;
};

} // namespace

DecompressorResult make_xz_decompressor(DecompressorInput input) {
    auto made = std::make_unique<XzDecompressor>(std::move(input), "xz");
    if (!made->start_xz())
        return fail(ErrorKind::system, "make an xz stream: no memory");
    return made;
}

DecompressorResult make_lzma_decompressor(DecompressorInput input) {
    auto made = std::make_unique<XzDecompressor>(std::move(input), "lzma");
    if (!made->start_lzma())
        return fail(ErrorKind::system, "make an lzma stream: no memory");
    return made;
}

} // namespace lifeboat::host
