// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat.conf, and kdump.conf as it is imported: each line of what comes of it is a comment or sets
// something, and a target is always there.
#include "base/text.h"
#include "host/config.h"
#include "host/kdump_conf.h"

#include <cstddef>
#include <cstdint>

using namespace lifeboat;
using namespace lifeboat::host;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (const auto config = Config::parse(input)) {
        if (config->targets.empty() || config->good_generations == 0 ||
            config->plan.level > dump_level_maximum)
            __builtin_trap();
        for (const std::string& target : config->targets)
            if (!target.starts_with('/') && !parse_target(target))
                __builtin_trap();
    }
    bool has_target = false;
    const ImportedConfig imported = import_kdump_conf(input);
    for (const std::string_view line : split_lines(imported.text)) {
        if (!line.starts_with('#') && !split_key_value(line))
            __builtin_trap();
        has_target = has_target || line.starts_with("target = ");
    }
    if (!has_target)
        __builtin_trap();
    (void)Config::parse(imported.text);
    return 0;
}
