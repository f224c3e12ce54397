// SPDX-License-Identifier: GPL-2.0-or-later
// Single struct pages, judged as some kernel's: the first byte chooses which, then come the page's own and
// that of the page after it.
#include "tests/builders/core_builder.h"
#include "vmcore/struct_page.h"

#include <array>
#include <format>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::array<std::string_view, 9> kernels = {"4.19", "5.10", "6.1",       "6.4", "6.7",
                                                     "6.10", "6.12", "7.1-plain", "7.1"};
constexpr std::uint64_t pfn = 0x40000; // aligned to a large order

StructPageLayout layout_of(std::string_view kernel) {
    const BuiltCore core =
        BuiltCore::from(std::format("kernel {}\nram 0x1000000..0x1900000\nvmemmap 4k", kernel));
    std::vector<std::string> doubts;
    return StructPageLayout::from(Vmcoreinfo::parse(core.vmcoreinfo()), doubts).value();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::array layouts = [] {
        std::array<StructPageLayout, kernels.size()> all;
        std::ranges::transform(kernels, all.begin(), layout_of);
        return all;
    }();
    std::array<std::byte, 1 + 2 * struct_page_bytes> input{};
    std::memcpy(input.data(), data, std::min(size, input.size()));
    const StructPageLayout& layout = layouts[std::to_integer<unsigned>(input[0]) % layouts.size()];
    // Of their own, so that a read beyond is seen.
    const std::vector<std::byte> pages(input.begin() + 1, input.end());
    const std::byte* page = pages.data();
    const std::byte* next = page + struct_page_bytes;
    for (const std::byte* after : {next, static_cast<const std::byte*>(nullptr)}) {
        const PageVerdict verdict = layout.judge(pfn, page, after);
        if (verdict.order > 0 && (pfn & ((std::uint64_t{1} << verdict.order) - 1)) != 0)
            __builtin_trap();
        if ((verdict.order_is_corrupt || verdict.type_is_unknown) &&
            (verdict.page_class != PageClass::kept || verdict.order != 0))
            __builtin_trap();
        // The quick way is either the same or not taken.
        if (const auto lone = layout.judge_lone(page))
            if (*lone != verdict.page_class || verdict.order != 0 || verdict.order_is_corrupt ||
                verdict.type_is_unknown)
                __builtin_trap();
    }
    return 0;
}
