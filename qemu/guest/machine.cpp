// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/machine.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"
#include "qemu/guest/folder.h"

#include <array>
#include <chrono>
#include <thread>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace guest {

using lifeboat::open_file;

void mount_at(const std::string& source, const std::string& place, const std::string& type,
              const std::string& options) {
    mkdir(place.c_str(), 0755);
    must_call(mount(source.c_str(), place.c_str(), type.c_str(), 0, options.c_str()),
              std::format("mount '{}' on '{}'", source, place));
}

void mount_early() {
    mount_at("proc", "/proc", "proc");
    mount_at("sysfs", "/sys", "sysfs");
    mount_at("devtmpfs", "/dev", "devtmpfs");
}

void load_module(const std::string& path, const std::string& parameters) {
    const auto file = must(open_file(path, O_RDONLY));
    const long answer = syscall(SYS_finit_module, file.get(), parameters.c_str(), 0);
    if (answer < 0 && errno != EEXIST)
        must_call(answer, std::format("load '{}'", path));
}

void load_listed_modules() {
    const std::string list = must(lifeboat::read_file("/etc/guest/modules"));
    std::size_t start = 0;
    for (std::size_t end; (end = list.find('\n', start)) != list.npos; start = end + 1)
        load_module(list.substr(start, end - start));
}

static bool ends_with_magic(const std::string& device, std::string_view magic) {
    const auto disk = open_file(device, O_RDONLY);
    std::uint64_t size_bytes = 0;
    if (!disk || ioctl(disk->get(), BLKGETSIZE64, &size_bytes) < 0 || size_bytes < 512)
        return false;
    std::array<char, 512> last{};
    const auto bytes = std::as_writable_bytes(std::span(last));
    return lifeboat::read_exactly_at(disk->get(), bytes, size_bytes - last.size(), device) &&
           std::string_view(last.data(), last.size()).starts_with(magic);
}

std::string find_disk(std::string_view magic) {
    for (int attempt = 0; attempt < 200; ++attempt) {
        for (const std::string& name : names_in("/sys/block")) {
            const std::string device = "/dev/" + name;
            if (ends_with_magic(device, magic))
                return device;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    give_up(std::format("no disk ends in '{}'", magic));
}

} // namespace guest
