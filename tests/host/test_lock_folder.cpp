// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/lock_folder.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <filesystem>
#include <format>

#include <doctest/doctest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lifeboat;
using namespace lifeboat::host;
using namespace lifeboat::tests;

namespace {

// A process that has the folder locked until it is told to go on.
class Holder {
public:
    explicit Holder(const std::string& folder) {
        REQUIRE(::pipe(ready_) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            const auto lock = lock_folder(folder);
            (void)!::write(ready_[1], lock ? "y" : "n", 1);
            ::pause();
            ::_exit(0);
        }
        char answer = 0;
        REQUIRE(::read(ready_[0], &answer, 1) == 1);
        REQUIRE(answer == 'y');
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() {
        end();
        ::close(ready_[0]);
        ::close(ready_[1]);
    }
    void end() {
        if (pid_ <= 0)
            return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    int ready_[2] = {-1, -1};
    pid_t pid_ = -1;
};

} // namespace

TEST_CASE("a folder is locked by a file that nobody else can open") {
    const TemporaryFolder folder;
    CHECK(lock_folder(folder.path(), 0));
    struct stat status{};
    REQUIRE(::lstat(folder.path(".lock").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(lock_folder(folder.path(), 0)); // the one before is closed
}

TEST_CASE("whoever waits for too long is told for whom") {
    const TemporaryFolder folder;
    Holder holder(folder.path());
    const auto refused = lock_folder(folder.path(), 100);
    CHECK(error_text(refused) ==
          std::format("lock '{}': process {} has held it for 0 s", folder.path(".lock"), holder.pid()));
    CHECK(refused.error().kind == ErrorKind::timed_out);
    holder.end();
    CHECK(lock_folder(folder.path(), 0));
}

// flock(2) asks for no right to write: anybody who may read a folder may have done this.
TEST_CASE("a lock on the folder itself stops nobody") {
    const TemporaryFolder folder;
    const Descriptor stranger = open_file(folder.path(), O_RDONLY | O_DIRECTORY).value();
    REQUIRE(::flock(stranger.get(), LOCK_EX | LOCK_NB) == 0);
    CHECK(lock_folder(folder.path(), 0));
}

TEST_CASE("a folder or a lock that others can have prepared is not used") {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.path("shared"));
    ::chmod(folder.path("shared").c_str(), 01777);
    CHECK(error_text(lock_folder(folder.path("shared"), 0)) ==
          std::format("lock '{0}': others may write to the folder (mode 1777)", folder.path("shared")));
    std::filesystem::create_directory(folder.path("linked"));
    std::filesystem::create_symlink(folder.path("elsewhere"), folder.path("linked/.lock"));
    CHECK(error_text(lock_folder(folder.path("linked"), 0)) ==
          std::format("lock '{}': open '.lock': Too many levels of symbolic links", folder.path("linked")));
    CHECK_FALSE(std::filesystem::exists(folder.path("elsewhere")));
    std::filesystem::create_directory(folder.path("open"));
    ::close(::open(folder.path("open/.lock").c_str(), O_CREAT | O_WRONLY, 0600));
    ::chmod(folder.path("open/.lock").c_str(), 0666);
    CHECK(error_text(lock_folder(folder.path("open"), 0)) ==
          std::format("lock '{}': others may write to the file (mode 666)", folder.path("open/.lock")));
    if (::geteuid() != 0)
        return;
    std::filesystem::create_directory(folder.path("foreign"));
    REQUIRE(::chown(folder.path("foreign").c_str(), 65534, 65534) == 0);
    CHECK(error_text(lock_folder(folder.path("foreign"), 0)) ==
          std::format("lock '{}': the folder belongs to user 65534, not to who runs this",
                      folder.path("foreign")));
}
