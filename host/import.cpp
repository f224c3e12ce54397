// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "host/config.h"
#include "host/kdump_conf.h"
#include "host/subcommands.h"

#include <cstdio>
#include <format>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "import";

Result<ImportedConfig> import_file(const std::string& path) {
    ImportedConfig imported = import_kdump_conf(TRY(read_file(path)));
    // What kdump never looked at closely may be nothing that can be used: that shows here, and not in a
    // crash.
    TRY(Config::parse(imported.text).transform_error(while_doing("what came of it cannot be used")));
    return imported;
}

} // namespace

ExitCode import_config(const Arguments& arguments) {
    const std::string path = arguments.operands().empty() ? "/etc/kdump.conf" : arguments.operand(0);
    const auto imported = import_file(path).transform_error(while_doing(std::format("import '{}'", path)));
    if (!imported)
        return failure(name, imported.error().text);
    std::fputs(std::format("# Made of '{}' by lifeboat import.\n{}", path, imported->text).c_str(), stdout);
    for (const std::string& line : imported->not_translated)
        failure(name, std::format("not translated: {}", line));
    return imported->not_translated.empty() ? exit_ok : exit_failed;
}

} // namespace lifeboat::host
