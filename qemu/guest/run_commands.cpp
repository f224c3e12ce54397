// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/run_commands.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"
#include "qemu/guest/machine.h"
#include "qemu/guest/run_program.h"

#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/wait.h>

namespace guest {

static std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

static int exit_code_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_commands(std::string_view commands) {
    // What a distribution's init would have made.
    mount_at("tmpfs", "/run", "tmpfs");
    mkdir("/tmp", 0755);
    mount_at("securityfs", "/sys/kernel/security", "securityfs");
    for (const std::string& command : split(commands, ';')) {
        const std::vector<std::string> words = split(command, ',');
        if (words.size() == 3 && words[0] == "write") {
            must(lifeboat::write_existing_file(words[1], words[2]));
            continue;
        }
        say("ran {}: exit {}", command, exit_code_of(run_program(words)));
    }
    reboot_now();
}

} // namespace guest
