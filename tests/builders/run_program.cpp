// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/run_program.h"

#include "tests/builders/temporary_folder.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lifeboat::tests {

namespace {

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, const std::function<void()>& prepare) {
    const TemporaryFolder folder;
    const std::string out = folder.path("out");
    const std::string err = folder.path("err");
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0)
        throw std::runtime_error("fork failed");
    if (child == 0) {
        const auto replace = [](int fd, const std::string& path, int flags) {
            const int opened = ::open(path.c_str(), flags, 0600);
            ::dup2(opened, fd);
            ::close(opened);
        };
        replace(STDIN_FILENO, "/dev/null", O_RDONLY);
        replace(STDOUT_FILENO, out, O_WRONLY | O_CREAT);
        replace(STDERR_FILENO, err, O_WRONLY | O_CREAT);
        if (prepare)
            prepare();
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child)
        throw std::runtime_error("waitpid failed");
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(out),
            content_of(err)};
}

} // namespace lifeboat::tests
