// SPDX-License-Identifier: GPL-2.0-or-later
// A temporary tree in place of /proc, /sys, /dev, /etc, ...
#pragma once

#include "stages/system_paths.h"
#include "tests/builders/temporary_folder.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace lifeboat::fakes {

class TemporarySystem {
public:
    TemporarySystem() {
        for (const char* folder : {"proc", "sys", "dev", "target"})
            std::filesystem::create_directories(folder_.path(folder));
    }

    [[nodiscard]] SystemPaths paths() const {
        return {folder_.path("proc"),   folder_.path("sys"),   folder_.path("dev"), folder_.path(),
                folder_.path("target"), folder_.path("nodes"), folder_.path("run")};
    }
    [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }

    void write(const std::string& name, const std::string& content) const {
        std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
        std::ofstream(path(name), std::ios::binary) << content;
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream file(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    [[nodiscard]] bool exists(const std::string& name) const {
        return std::filesystem::exists(std::filesystem::symlink_status(path(name)));
    }
    [[nodiscard]] unsigned mode(const std::string& name) const {
        return static_cast<unsigned>(std::filesystem::status(path(name)).permissions());
    }

private:
    tests::TemporaryFolder folder_;
};

} // namespace lifeboat::fakes
