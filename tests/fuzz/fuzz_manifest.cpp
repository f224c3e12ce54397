// SPDX-License-Identifier: GPL-2.0-or-later
// A manifest and a generation's record: what is read is written as the same.
#include "host/fallback/good_store.h"
#include "host/json_object.h"
#include "host/machine/manifest.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

using namespace lifeboat;
using namespace lifeboat::host;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (const auto manifest = parse_manifest(input)) {
        const std::string text = manifest_text(*manifest);
        const auto again = parse_manifest(text);
        if (!again || manifest_text(*again) != text)
            __builtin_trap();
    }
    if (const auto generation = parse_record("name", input)) {
        const std::string text = record_text(*generation);
        const auto again = parse_record("name", text);
        if (!again || record_text(*again) != text)
            __builtin_trap();
    }
    const std::string json = json_string(input); // as it is printed
    if (std::ranges::any_of(json, [](char letter) { return letter < 0x20 || letter == 0x7f; }))
        __builtin_trap();
    return 0;
}
