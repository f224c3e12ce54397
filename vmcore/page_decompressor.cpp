// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/page_decompressor.h"

#include "vmcore/kdump_format.h"

#include <cstring>

#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

namespace lifeboat {

namespace {

std::unexpected<Error> not_a_page(std::string_view method, std::size_t bytes, std::size_t page_bytes) {
    return fail(ErrorKind::corrupt, "decompress {} bytes of {}: they do not become a page of {} bytes", bytes,
                method, page_bytes);
}

Result<> copy_page(std::span<const std::byte> data, std::span<std::byte> page) {
    if (data.size() != page.size())
        return fail(ErrorKind::corrupt, "a page that is not compressed has {} bytes", data.size());
    std::memcpy(page.data(), data.data(), page.size());
    return {};
}

// lzo_init() only tests how lzo was compiled; decompressing keeps no state.
Result<> decompress_lzo(std::span<const std::byte> data, std::span<std::byte> page) {
    lzo_uint bytes = page.size();
    const int result =
        ::lzo1x_decompress_safe(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                                reinterpret_cast<unsigned char*>(page.data()), &bytes, nullptr);
    if (result != LZO_E_OK || bytes != page.size())
        return not_a_page("lzo", data.size(), page.size());
    return {};
}

} // namespace

void PageDecompressor::FreeContext::operator()(ZSTD_DCtx_s* context) const {
    ::ZSTD_freeDCtx(context);
}

void PageDecompressor::FreeContext::operator()(z_stream_s* stream) const {
    ::inflateEnd(stream);
    delete stream;
}

Result<> PageDecompressor::decompress(std::uint32_t flags, std::span<const std::byte> data,
                                      std::span<std::byte> page) {
    switch (flags) {
    case 0:
        return copy_page(data, page);
    case kdump_zlib:
        return decompress_zlib(data, page);
    case kdump_lzo:
        return decompress_lzo(data, page);
    case kdump_zstd:
        return decompress_zstd(data, page);
    default:
        return fail(ErrorKind::unsupported, "a page is compressed with an unknown method (flags {:#x})",
                    flags);
    }
}

Result<> PageDecompressor::decompress_zlib(std::span<const std::byte> data, std::span<std::byte> page) {
    if (!zlib_) {
        auto stream = std::make_unique<z_stream>();
        if (::inflateInit(stream.get()) != Z_OK)
            return fail(ErrorKind::system, "make a zlib stream: no memory");
        zlib_.reset(stream.release());
    } else {
        ::inflateReset(zlib_.get());
    }
    // zlib's input is not const for reasons of age; it is not written to.
    zlib_->next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(data.data()));
    zlib_->avail_in = static_cast<unsigned>(data.size());
    zlib_->next_out = reinterpret_cast<unsigned char*>(page.data());
    zlib_->avail_out = static_cast<unsigned>(page.size());
    if (::inflate(zlib_.get(), Z_FINISH) != Z_STREAM_END || zlib_->avail_out != 0)
        return not_a_page("zlib", data.size(), page.size());
    return {};
}

Result<> PageDecompressor::decompress_zstd(std::span<const std::byte> data, std::span<std::byte> page) {
    if (!zstd_)
        zstd_.reset(::ZSTD_createDCtx());
    if (!zstd_)
        return fail(ErrorKind::system, "make a zstd context: no memory");
    const std::size_t bytes =
        ::ZSTD_decompressDCtx(zstd_.get(), page.data(), page.size(), data.data(), data.size());
    if (::ZSTD_isError(bytes) != 0 || bytes != page.size())
        return not_a_page("zstd", data.size(), page.size());
    return {};
}

} // namespace lifeboat
