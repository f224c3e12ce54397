// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/run_program.h"

#include "base/descriptor.h"
#include "base/scope_guard.h"
#include "base/system.h"
#include "base/text.h"

#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lifeboat {

namespace {

// As a shell has it for a program that cannot be run.
constexpr int cannot_run = 127;

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Tells the parent by a byte: a program's own exit status may be the same.
class Failure {
public:
    explicit Failure(int fd)
        : fd_(fd) {}
    [[noreturn]] void give_up(const char* what, const std::string& name) const {
        (void)std::fprintf(stderr, "%s '%s': %s\n", what, name.c_str(), std::strerror(errno));
        (void)!::write(fd_, "!", 1);
        ::_exit(cannot_run);
    }

private:
    int fd_;
};

// Job control and ^C need a terminal of one's own. /dev/console itself cannot be one.
// Source: Linux drivers/tty/tty_io.c, tty_open().
void talk_to_terminal(const std::string& device, const Failure& failure) {
    ::setsid();
    const int fd = ::open(device.c_str(), O_RDWR);
    if (fd < 0 || ::ioctl(fd, TIOCSCTTY, 1) != 0)
        failure.give_up("open terminal", device);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(fd, standard);
    if (fd > STDERR_FILENO)
        ::close(fd);
}

// Also where they are these already, because whoever started us had closed them: dup2(2) then leaves
// O_CLOEXEC on.
void talk_to_log(int input, int output) {
    // Out of the way of each other first.
    const int from = ::fcntl(input, F_DUPFD, STDERR_FILENO + 1),
              to = ::fcntl(output, F_DUPFD, STDERR_FILENO + 1);
    ::dup2(from, STDIN_FILENO);
    ::dup2(to, STDOUT_FILENO);
    ::dup2(to, STDERR_FILENO);
    ::close(from);
    ::close(to);
}

[[noreturn]] void become(const Program& program, int input, int output, const Failure& failure) {
    reset_signals(); // those that PID 1 ignores and blocks are not for others
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!program.shares_streams)
        talk_to_log(input, output); // also of a terminal that cannot be opened
    if (!program.terminal.empty())
        talk_to_terminal(program.terminal, failure);
    if (!program.root.empty() && (sys::change_root(program.root.c_str()) != 0 || ::chdir("/") != 0))
        failure.give_up("enter", program.root);
    if (!program.folder.empty())
        (void)!::chdir(program.folder.c_str());
    std::vector<char*> words = words_of(program.path, program.arguments);
    char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char terminal_type[] = "TERM=linux";
    char* environment[] = {path_variable, terminal_type, nullptr};
    ::execve(program.path.c_str(), words.data(), environment);
    failure.give_up("run", program.path);
}

void log_lines(Descriptor output, std::string_view prefix, Log& log) {
    const File file(::fdopen(output.release(), "r"));
    if (!file)
        return log.warning("{}: what it says cannot be read, going on without", prefix);
    char* line = nullptr;
    std::size_t size = 0;
    ScopeGuard release([&line] { std::free(line); });
    while (::getline(&line, &size, file.get()) >= 0)
        for (const std::string_view text : split_lines(line))
            if (!trim(text).empty())
                log.info("{}: {}", prefix, trim(text));
}

struct Pipe {
    Descriptor reading, writing;
};

// Out of the way of the standard streams, which the child takes into use.
Result<Pipe> make_pipe(const std::string& path) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fail_system("make a pipe for '{}'", path);
    Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
    for (Descriptor* const end : {&pipe.reading, &pipe.writing})
        if (end->get() <= STDERR_FILENO)
            *end = Descriptor(::fcntl(end->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    return pipe;
}

// A pipe takes that much without a reader. Source: pipe(7).
Result<Descriptor> input_of(const Program& program) {
    if (program.input.empty())
        return open_file("/dev/null", O_RDONLY);
    if (program.input.size() > PIPE_BUF)
        return fail(ErrorKind::invalid, "the input of '{}' is longer than {} bytes", program.path, PIPE_BUF);
    Pipe pipe = TRY(make_pipe(program.path));
    TRY(write_all(pipe.writing.get(), program.input, program.path));
    return std::move(pipe.reading);
}

} // namespace

Result<int> run_program(const Program& program, std::string_view prefix, Log& log) {
    Descriptor input = TRY(input_of(program));
    Pipe said = TRY(make_pipe(program.path)), failed = TRY(make_pipe(program.path));
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_system("make a process for '{}'", program.path);
    if (pid == 0)
        become(program, input.get(), said.writing.get(), Failure(failed.writing.get()));
    said.writing.reset();
    failed.writing.reset();
    log_lines(std::move(said.reading), prefix, log);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail_system("wait for '{}'", program.path);
    if (WIFSIGNALED(status))
        return fail(ErrorKind::system, "'{}' was killed by signal {}", program.path, WTERMSIG(status));
    char byte = 0;
    if (::read(failed.reading.get(), &byte, 1) == 1)
        return fail(ErrorKind::no_data, "'{}' cannot be run", program.path);
    return WEXITSTATUS(status);
}

void reset_signals() {
    for (int number = 1; number < SIGRTMIN; ++number)
        ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> words_of(const std::string& path, const std::vector<std::string>& arguments) {
    std::vector<char*> words{const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments)
        words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    return words;
}

} // namespace lifeboat
