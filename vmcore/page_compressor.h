// SPDX-License-Identifier: GPL-2.0-or-later
// Compresses single pages, with a context that is made once. One for each thread.
#pragma once

#include "base/result.h"
#include "vmcore/dump.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct ZSTD_CCtx_s;
struct z_stream_s;

namespace lifeboat {

class PageCompressor {
public:
    static Result<PageCompressor> make(Compression compression);

    struct Output {
        std::size_t bytes;
        std::uint32_t flags; // of the page's descriptor; 0: stored as it is, since compressing gained nothing
    };
    // `output` has room for a page at least.
    Output compress(std::span<const std::byte> page, std::span<std::byte> output);

private:
    Result<> make_zstd(int level);
    Result<> make_zlib(int level);
    std::size_t compress_zlib(std::span<const std::byte> page, std::span<std::byte> output);

    struct FreeContext {
        void operator()(ZSTD_CCtx_s* context) const;
        void operator()(z_stream_s* stream) const;
    };
    // One of them, or with method none neither. zlib's state points back to the stream, which must not move.
    std::unique_ptr<ZSTD_CCtx_s, FreeContext> zstd_;
    std::unique_ptr<z_stream_s, FreeContext> zlib_;
};

} // namespace lifeboat
