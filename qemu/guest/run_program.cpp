// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/run_program.h"

#include "qemu/guest/console.h"

#include <sys/wait.h>
#include <unistd.h>

namespace guest {

int run_program(std::vector<std::string> words) {
    const auto child = static_cast<pid_t>(must_call(fork(), "fork"));
    if (child == 0) {
        std::vector<char*> arguments;
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        execv(arguments[0], arguments.data());
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

} // namespace guest
