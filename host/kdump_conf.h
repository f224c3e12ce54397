// SPDX-License-Identifier: GPL-2.0-or-later
// What Fedora's and Red Hat's /etc/kdump.conf asks for, said as /etc/lifeboat.conf.
// Source: kdump-utils, kdump.conf(5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct ImportedConfig {
    std::string text; // of lifeboat.conf: what has been translated, each line under the one it comes from
    // Lines that ask for what lifeboat does not do, or does otherwise, one sentence each: the line, and why.
    std::vector<std::string> not_translated;
};

ImportedConfig import_kdump_conf(std::string_view text);

} // namespace lifeboat::host
