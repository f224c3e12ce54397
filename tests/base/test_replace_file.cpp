// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/replace_file.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <csignal>
#include <filesystem>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

std::size_t files_in(const TemporaryFolder& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()),
                                                  std::filesystem::directory_iterator()));
}

// As a full disk does, with a full error of its own: files of this process cannot get larger.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes)
        : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    void (*handler_)(int);
    rlimit before_{};
};

} // namespace

TEST_CASE("replace_file makes a file of the mode asked for") {
    const TemporaryFolder folder;
    const std::string path = folder.path("file");
    REQUIRE(replace_file(path, "content", 0640));
    CHECK(*read_file(path) == "content");
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    CHECK(files_in(folder) == 1);
}

TEST_CASE("replace_file takes the place of a file, and of a link without its target") {
    const TemporaryFolder folder;
    REQUIRE(replace_file(folder.path("old"), "old"));
    std::filesystem::create_symlink("old", folder.path("link"));
    REQUIRE(replace_file(folder.path("link"), "new"));
    CHECK(*read_file(folder.path("old")) == "old");
    CHECK(*read_file(folder.path("link")) == "new");
    CHECK(!std::filesystem::is_symlink(folder.path("link")));
}

TEST_CASE("when the disk is full the old file stays and nothing of the new one does") {
    const TemporaryFolder folder;
    const std::string path = folder.path("file");
    REQUIRE(replace_file(path, "old"));
    const auto done = [&] {
        const FileSizeLimit limit(4096);
        return replace_file(path, std::string(10000, 'x'));
    }();
    REQUIRE(!done);
    CHECK(done.error().kind == ErrorKind::no_space);
    CHECK(done.error().text.starts_with("write 5904 bytes to '" + path + ".incomplete-"));
    CHECK(done.error().text.ends_with("': File too large"));
    CHECK(*read_file(path) == "old");
    CHECK(files_in(folder) == 1);
}

TEST_CASE("replace_file names what stands in its way") {
    const TemporaryFolder folder;
    const std::string missing = folder.path("missing/file");
    CHECK(error_text(replace_file(missing, "")) ==
          "create a file beside '" + missing + "': No such file or directory");
    std::filesystem::create_directory(folder.path("folder"));
    const auto onto_folder = replace_file(folder.path("folder"), "");
    REQUIRE(!onto_folder);
    CHECK(onto_folder.error().text.ends_with("' to '" + folder.path("folder") + "': Is a directory"));
    CHECK(files_in(folder) == 1);
}
