// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/stream_decompressors.h"

#include <zstd.h>
#include <zstd_errors.h>

namespace lifeboat::host {

namespace {

struct FreeContext {
    void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
};

class ZstdDecompressor : public SteppingDecompressor {
public:
    explicit ZstdDecompressor(DecompressorInput input)
        : SteppingDecompressor(std::move(input))
        , context_(::ZSTD_createDCtx()) {}

    [[nodiscard]] bool is_made() const { return context_ != nullptr; }

private:
    Result<std::size_t> step(std::span<std::byte> output) override {
        const std::span<const std::byte> input = TRY(input_.next());
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        ZSTD_outBuffer out{output.data(), output.size(), 0};
        const std::size_t result = ::ZSTD_decompressStream(context_.get(), &out, &in);
        input_.consume(in.pos);
        if (::ZSTD_isError(result) != 0)
            return failure(result);
        ended_ = result == 0;
        if (!ended_ && in.pos == 0 && out.pos == 0)
            return input_.cut("zstd");
        return out.pos;
    }

    [[nodiscard]] std::unexpected<Error> failure(std::size_t result) const {
        const char* const words = ::ZSTD_getErrorName(result);
        switch (::ZSTD_getErrorCode(result)) {
        case ZSTD_error_frameParameter_windowTooLarge:
            return fail(ErrorKind::unsupported, "decompress zstd: {}", words);
        case ZSTD_error_memory_allocation:
            return fail(ErrorKind::system, "decompress zstd: {}", words);
        default:
            return input_.damaged("zstd", words);
        }
    }

    std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
};

} // namespace

DecompressorResult make_zstd_decompressor(DecompressorInput input) {
    auto made = std::make_unique<ZstdDecompressor>(std::move(input));
    if (!made->is_made())
        return fail(ErrorKind::system, "make a zstd context: no memory");
    return made;
}

} // namespace lifeboat::host
