// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/load_modules.h"

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/system.h"
#include "stages/side_process.h"

#include <linux/module.h>

namespace lifeboat {

namespace {

#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4 // Linux 5.17 and later
#endif

int flags_for(std::string_view path) {
    const bool compressed = path.ends_with(".xz") || path.ends_with(".zst") || path.ends_with(".gz");
    return compressed ? MODULE_INIT_COMPRESSED_FILE : 0;
}

Result<> load_module(const PlannedModule& module) {
    const Descriptor file = TRY(open_file(module.path, O_RDONLY));
    const std::string parameters = with_async_probe(module.parameters);
    if (sys::load_module(file.get(), parameters.c_str(), flags_for(module.path)) == 0 || errno == EEXIST)
        return {};
    return fail_system("load module '{}'", module.path);
}

// A driver that waits for its hardware keeps no other from being loaded: it goes on beside them.
Result<> load_within(const PlannedModule& module, std::int64_t limit_ms) {
    auto loading = TRY(SideProcess::start([&]() -> std::string {
        const auto loaded = load_module(module);
        return loaded ? "loaded" : loaded.error().text;
    }));
    const auto answer = loading.wait_for_answer(Deadline::after_ms(limit_ms));
    if (answer == "loaded")
        return {};
    loading.let_go();
    return fail(ErrorKind::timed_out, "{}",
                !answer ? std::format("load module '{}': not done within {} ms", module.path, limit_ms)
                : answer->empty() ? std::format("load module '{}': the process died", module.path)
                                  : *answer);
}

} // namespace

std::string with_async_probe(const std::string& parameters) {
    return parameters.empty() ? async_probe : std::format("{} {}", parameters, async_probe);
}

ModuleCounts load_modules(std::span<const PlannedModule> modules, Log& log, std::int64_t limit_ms) {
    ModuleCounts counts;
    for (const PlannedModule& module : modules) {
        const auto loaded = load_within(module, limit_ms);
        ++(loaded ? counts.loaded : counts.failed);
        if (!loaded)
            log.warning("modules: {}, passing over it", loaded.error().text);
    }
    return counts;
}

} // namespace lifeboat
