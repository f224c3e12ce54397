// SPDX-License-Identifier: GPL-2.0-or-later
// A module's file: it is told apart or refused, and what is slim stays a module that tells the same.
#include "host/machine/module_file.h"

#include <cstddef>
#include <cstdint>

using namespace lifeboat::host;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view content(reinterpret_cast<const char*>(data), size);
    const auto facts = read_module_facts(content, "fuzz.ko");
    const auto slim = slim_module(content, "fuzz.ko");
    if (facts.has_value() != slim.has_value())
        __builtin_trap();
    if (!slim)
        return 0;
    const auto slim_facts = read_module_facts(*slim, "fuzz.ko");
    if (!slim_facts || slim_facts->firmware != facts->firmware ||
        slim_module(*slim, "fuzz.ko").value() != *slim)
        __builtin_trap();
    return 0;
}
