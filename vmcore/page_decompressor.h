// SPDX-License-Identifier: GPL-2.0-or-later
// Decompresses single pages of dumps, with contexts that are made when they are first needed. One for each
// thread.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

struct ZSTD_DCtx_s;
struct z_stream_s;

namespace lifeboat {

class PageDecompressor {
public:
    // `flags`: those of the page's descriptor. Fails with corrupt when `data` does not become exactly `page`,
    // with unsupported for a method that is not known here. The data is not believed.
    Result<> decompress(std::uint32_t flags, std::span<const std::byte> data, std::span<std::byte> page);

private:
    Result<> decompress_zlib(std::span<const std::byte> data, std::span<std::byte> page);
    Result<> decompress_zstd(std::span<const std::byte> data, std::span<std::byte> page);

    struct FreeContext {
        void operator()(ZSTD_DCtx_s* context) const;
        void operator()(z_stream_s* stream) const;
    };
    std::unique_ptr<ZSTD_DCtx_s, FreeContext> zstd_;
    std::unique_ptr<z_stream_s, FreeContext> zlib_; // its state points back to it: it must not move
};

} // namespace lifeboat
