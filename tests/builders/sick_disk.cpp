// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/sick_disk.h"

#include "base/descriptor.h"
#include "tests/builders/run_program.h"

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace lifeboat::tests {

namespace {

constexpr std::uint64_t disk_bytes = std::uint64_t{64} << 20;
constexpr std::uint64_t block_bytes = 4096;

bool succeeds(const std::vector<std::string>& command) {
    return run_program(command).exit_code == 0;
}

} // namespace

SickDisk::SickDisk() {
    const std::string image = folder_.path("image");
    std::filesystem::create_directory(folder_.path("mount"));
    open_file(image, O_WRONLY | O_CREAT, 0600).value();
    std::filesystem::resize_file(image, disk_bytes);
    if (!succeeds({"/sbin/mkfs.ext4", "-q", "-b", std::to_string(block_bytes), "-O", "^has_journal", image}))
        throw std::runtime_error("mkfs.ext4 failed");
    const ProgramResult attached = run_program({"/sbin/losetup", "--find", "--show", image});
    if (attached.exit_code == 0)
        device_ = attached.out.substr(0, attached.out.find('\n'));
    if (!device_.empty())
        mount("rw");
    if (!mounted_)
        std::fputs("no loop device can be mounted here: a sick disk is not tried\n", stderr);
}

SickDisk::~SickDisk() {
    if (mounted_)
        run_program({"/bin/umount", folder_.path("mount")});
    if (!device_.empty())
        run_program({"/sbin/losetup", "--detach", device_});
}

std::string SickDisk::path(std::string_view name) const {
    return folder_.path("mount/") + std::string(name);
}

void SickDisk::store(std::string_view name, std::string_view content) const {
    const Descriptor file = open_file(path(name), O_WRONLY | O_CREAT | O_EXCL, 0600).value();
    if (::posix_fallocate(file.get(), 0, static_cast<off_t>(content.size())) != 0)
        throw std::runtime_error("no room on the disk");
    write_all(file.get(), content, name).value();
    ::fsync(file.get());
}

void SickDisk::spoil(std::string_view name, std::uint64_t offset) {
    int block = static_cast<int>(offset / block_bytes);
    {
        const Descriptor file = open_file(path(name), O_RDONLY).value();
        if (::ioctl(file.get(), FIBMAP, &block) != 0 || block == 0)
            throw std::runtime_error("the file's place on the disk cannot be asked");
    }
    if (!succeeds({"/bin/umount", folder_.path("mount")}))
        throw std::runtime_error("the disk cannot be unmounted");
    std::filesystem::resize_file(folder_.path("image"), static_cast<std::uint64_t>(block) * block_bytes);
    mount("ro");
    if (!mounted_)
        throw std::runtime_error("the spoilt disk cannot be mounted");
}

void SickDisk::mount(const std::string& options) {
    mounted_ = succeeds({"/bin/mount", "-o", options, device_, folder_.path("mount")});
}

} // namespace lifeboat::tests
