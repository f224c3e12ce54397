// SPDX-License-Identifier: GPL-2.0-or-later
// lz4's frame, as lz4(1) writes it; not the kernel's (lz4_legacy_decompressor.cpp).
#include "host/archive/stream_decompressors.h"

#include <lz4frame.h>

namespace lifeboat::host {

namespace {

struct FreeContext {
    void operator()(LZ4F_dctx* context) const { ::LZ4F_freeDecompressionContext(context); }
};

class Lz4Decompressor : public SteppingDecompressor {
public:
    Lz4Decompressor(DecompressorInput input, LZ4F_dctx* context)
        : SteppingDecompressor(std::move(input))
        , context_(context) {}

private:
    Result<std::size_t> step(std::span<std::byte> output) override {
        std::size_t made = output.size();
        const std::span<const std::byte> input = TRY(input_.next());
        std::size_t used = input.size();
        const std::size_t result =
            ::LZ4F_decompress(context_.get(), output.data(), &made, input.data(), &used, nullptr);
        if (::LZ4F_isError(result) != 0)
            return input_.damaged("lz4", ::LZ4F_getErrorName(result));
        input_.consume(used);
        ended_ = result == 0;
        if (!ended_ && used == 0 && made == 0)
            return input_.cut("lz4");
        return made;
    }

    std::unique_ptr<LZ4F_dctx, FreeContext> context_;
};

} // namespace

DecompressorResult make_lz4_decompressor(DecompressorInput input) {
    LZ4F_dctx* context = nullptr;
    if (::LZ4F_isError(::LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0)
        return fail(ErrorKind::system, "make an lz4 context: no memory");
    return std::make_unique<Lz4Decompressor>(std::move(input), context);
}

} // namespace lifeboat::host
