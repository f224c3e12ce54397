// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/manifest.h"
#include "tests/builders/temporary_folder.h"
#include "tests/error_text.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using lifeboat::tests::error_text;

namespace {

struct Folder {
    void write(const std::string& name, const std::string& content) const {
        std::ofstream(folder.path(name), std::ios::binary) << content;
    }
    // As if it had been written an hour later.
    void age(const std::string& name) const {
        const std::filesystem::path path = folder.path(name);
        last_write_time(path, last_write_time(path) + std::chrono::hours(1));
    }
    [[nodiscard]] Manifest of(const std::vector<std::string>& names) const {
        Manifest manifest{.kernel = "6.1.0-56-amd64"};
        for (const std::string& name : names)
            CHECK(error_text(manifest.add_file("module", folder.path(name))) == "no error");
        return manifest;
    }
    [[nodiscard]] std::vector<std::string> changes(const Manifest& manifest) const {
        std::vector<std::string> texts;
        for (const Change& change : changed_files(manifest))
            texts.push_back(change.text());
        return texts;
    }
    [[nodiscard]] std::string named(const std::string& name, const std::string& what) const {
        return "module '" + folder.path(name) + "' " + what;
    }
    tests::TemporaryFolder folder;
};

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("a manifest is read as it was written") {
    const Folder files;
    files.write("a b\nc\\012", "content");
    Manifest manifest = files.of({"a b\nc\\012", "absent"});
    manifest.facts = {{"target", "UUID=1 /crash ext4 rw"}, {"empty", ""}};
    const std::string path = files.folder.path("manifest");
    REQUIRE(error_text(write_manifest(path, manifest)) == "no error");
    CHECK_FALSE(std::filesystem::exists(path + ".new"));

    const auto again = read_manifest(path);
    REQUIRE(error_text(again) == "no error");
    CHECK(manifest_text(*again) == manifest_text(manifest));
    CHECK(again->kernel == "6.1.0-56-amd64");
    CHECK(again->fact("target") == "UUID=1 /crash ext4 rw");
    CHECK(again->fact("empty") == "");
    CHECK(again->fact("none") == std::nullopt);
    REQUIRE(again->files.size() == 2);
    CHECK(again->files[0].path == files.folder.path("a b\nc\\012"));
    CHECK(again->files[0].size_bytes == 7);
    CHECK_FALSE(again->files[1].is_there);
    CHECK(files.changes(*again) == Texts{});
}

TEST_CASE("what has changed since is told") {
    const Folder files;
    for (const char* name : {"same", "touched", "longer", "other", "gone"})
        files.write(name, "content");
    const Manifest manifest = files.of({"same", "touched", "longer", "other", "gone", "absent", "came"});
    files.age("touched");
    files.write("longer", "content and more");
    files.write("other", "CONTENT");
    files.age("other");
    std::filesystem::remove(files.folder.path("gone"));
    files.write("came", "");
    CHECK(files.changes(manifest) ==
          Texts{files.named("longer", "has changed"), files.named("other", "has changed"),
                files.named("gone", "was removed"), files.named("came", "was not there")});
}

TEST_CASE("a file of more than one piece is read to its end") {
    const Folder files;
    const std::string content(std::size_t{200} << 10, 'x');
    files.write("large", content);
    const Manifest manifest = files.of({"large"});
    files.write("large", content.substr(1) + "y");
    files.age("large");
    CHECK(files.changes(manifest) == Texts{files.named("large", "has changed")});
}

TEST_CASE("damaged manifests") {
    const std::string head = "lifeboat-manifest 1\nkernel 6.1\n";
    const std::vector<std::pair<std::string, std::string>> table = {
        {"", "line 1: not 'lifeboat-manifest 1'"},
        {"lifeboat-manifest 2\n", "line 1: not 'lifeboat-manifest 1'"},
        {"lifeboat-manifest 1\n", "no kernel is named"},
        {head + "colour blue\n", "line 3: 'colour' is not an entry"},
        {head + "file init 12\n", "line 3: no role, size, time, digest and path"},
        {head + "file init many 5 00 /init\n", "line 3: no role, size, time, digest and path"},
        {head + "absent config\n", "line 3: no role and path"},
        {head + "absent config /etc/lifeboat.conf", "no error"},
    };
    for (const auto& [text, error] : table)
        CHECK(error_text(parse_manifest(text)) == error);
}

TEST_CASE("a manifest that cannot be had") {
    const Folder files;
    files.write("damaged", "x");
    CHECK(error_text(read_manifest(files.folder.path("none"))) ==
          "open '" + files.folder.path("none") + "': No such file or directory");
    CHECK(error_text(read_manifest(files.folder.path("damaged"))) ==
          "manifest '" + files.folder.path("damaged") + "': line 1: not 'lifeboat-manifest 1'");
    CHECK(error_text(write_manifest(files.folder.path("none/manifest"), {})) ==
          "create a file beside '" + files.folder.path("none/manifest") + "': No such file or directory");
    Manifest manifest;
    CHECK(error_text(manifest.add_file("module", files.folder.path())) ==
          "read 65536 bytes of '" + files.folder.path() + "': Is a directory");
}
