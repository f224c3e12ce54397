// SPDX-License-Identifier: GPL-2.0-or-later
// The first byte chooses between the lockless ring and the record buffer.
#include "tests/fuzz/patched_core.h"
#include "vmcore/kernel_log.h"

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

PatchedCore make(std::string_view kernel, std::vector<std::string_view> places) {
    const BuiltCore core =
        BuiltCore::from("ram 0x1000000..0x1900000\nelf no_text\nlog ring 2^4 records 2^9 bytes\nkernel " +
                        std::string(kernel) +
                        "\nlog \"one\" at 1\nlog \"two\\nlines\" at 2\nlog \"\" at 3\nlog \"four\" at 4");
    std::vector<std::uint64_t> targets;
    for (const std::string_view place : places)
        targets.push_back(core.place(place).physical);
    return {core, targets};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static PatchedCore ring = make("6.1", {"prb_ring", "prb_descriptors", "prb_infos", "log_data"});
    static PatchedCore buffer = make("4.19", {"log_data", "log_first_idx", "log_next_idx", "log_buf_len"});
    if (size == 0)
        return 0;
    PatchedCore& patched = (data[0] & 1) != 0 ? ring : buffer;
    const auto core = CoreFile::open(patched.path_of({data + 1, size - 1}));
    (void)extract_kernel_log(core.value(), [](std::string_view) { return Result<>{}; });
    return 0;
}
