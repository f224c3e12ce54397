// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/zstd_packing.h"

#include <memory>
#include <utility>

#include <zstd.h>

namespace lifeboat::host {

namespace {

constexpr int as_the_level_has_it = 0;
// The kernel has the window in memory while it unpacks, which is when it has least: 128 KiB instead of 2 MiB
// make an initrd of 656 KB 19 KB larger. docs/crash-kernel-memory.md.
constexpr int window_log = 17;

struct Parameters {
    int level;
    int strategy = as_the_level_has_it;
    int search_log = as_the_level_has_it;
    int window_log = as_the_level_has_it;
};

constexpr Parameters parameters_of(Packing packing) {
    switch (packing) {
    case Packing::smallest:
        return {.level = 19, .window_log = window_log};
    case Packing::small:
        return {.level = 18, .strategy = ZSTD_btopt, .search_log = 5, .window_log = window_log};
    case Packing::quick:
        return {.level = 9};
    }
    std::unreachable();
}

struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ::ZSTD_freeCCtx(context); }
};
using ContextPointer = std::unique_ptr<ZSTD_CCtx, FreeContext>;

std::unexpected<Error> zstd_error(std::size_t bytes, std::size_t code) {
    return fail(ErrorKind::system, "compress {} bytes with zstd: {}", bytes, ::ZSTD_getErrorName(code));
}

} // namespace

Result<std::string> pack_for_kernel(std::string_view content, Packing packing) {
    const ContextPointer context(::ZSTD_createCCtx());
    if (!context)
        return fail(ErrorKind::system, "make a zstd context: no memory");
    const Parameters wanted = parameters_of(packing);
    const std::pair<ZSTD_cParameter, int> parameters[] = {{ZSTD_c_compressionLevel, wanted.level},
                                                          {ZSTD_c_strategy, wanted.strategy},
                                                          {ZSTD_c_searchLog, wanted.search_log},
                                                          {ZSTD_c_windowLog, wanted.window_log},
                                                          {ZSTD_c_checksumFlag, 1}};
    for (const auto& [parameter, value] : parameters)
        if (const std::size_t set = ::ZSTD_CCtx_setParameter(context.get(), parameter, value);
            ::ZSTD_isError(set) != 0)
            return zstd_error(content.size(), set);
    std::string packed(::ZSTD_compressBound(content.size()), '\0');
    const std::size_t bytes =
        ::ZSTD_compress2(context.get(), packed.data(), packed.size(), content.data(), content.size());
    if (::ZSTD_isError(bytes) != 0)
        return zstd_error(content.size(), bytes);
    packed.resize(bytes);
    return packed;
}

} // namespace lifeboat::host
