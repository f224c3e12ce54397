// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/load_modules.h"

#include "base/descriptor.h"
#include "base/system.h"

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
    if (sys::load_module(file.get(), module.parameters.c_str(), flags_for(module.path)) == 0 ||
        errno == EEXIST)
        return {};
    return fail_system("load module '{}'", module.path);
}

} // namespace

ModuleCounts load_modules(std::span<const PlannedModule> modules, Log& log) {
    ModuleCounts counts;
    for (const PlannedModule& module : modules) {
        const auto loaded = load_module(module);
        ++(loaded ? counts.loaded : counts.failed);
        if (!loaded)
            log.warning("modules: {}, passing over it", loaded.error().text);
    }
    return counts;
}

} // namespace lifeboat
