// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/struct_page.h"
#include "vmcore/vmcoreinfo.h"

#include <array>

using namespace lifeboat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Vmcoreinfo info = Vmcoreinfo::parse({reinterpret_cast<const char*>(data), size});
    (void)info.page_bytes();
    (void)info.kernel_offset();
    (void)info.crash_time();
    std::vector<std::string> doubts;
    const auto layout = StructPageLayout::from(info, doubts);
    if (!layout || layout->struct_bytes() > 512)
        return 0;
    const std::vector<std::byte> page(layout->struct_bytes(), std::byte{0xff});
    (void)layout->judge(0, page.data(), page.data());
    (void)layout->judge(7, page.data(), nullptr);
    return 0;
}
