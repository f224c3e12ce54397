// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel modules and a kernel's /lib/modules, out of readable text:
//
//     module kernel/drivers/virtio/virtio.ko      exports=register_virtio
//     module kernel/drivers/virtio/virtio_pci.ko  needs=register_virtio alias=pci:v00001AF4d*
//     module kernel/fs/xfs.ko.xz                  alias=fs-xfs softdep=pre:crc32c firmware=x.bin
//     builtin kernel/fs/ext4/ext4.ko              alias=fs-ext4
//
// depmod itself makes the indexes. `exports` and `needs` are symbols, between commas; other words go to
// modinfo.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::tests {

struct ModuleText {
    std::string path; // below /lib/modules/VERSION
    std::vector<std::string> exports;
    std::vector<std::string> needs;
    std::vector<std::string> info; // "alias=fs-xfs"
};

// A relocatable ELF file with a little code, BTF and a build-id beside what the text says.
std::string build_module(const ModuleText& module);
// With the mark of a signature at its end.
std::string build_signed_module(const ModuleText& module);

// Below `root`: lib/modules/VERSION with its indexes, and boot/vmlinuz-VERSION, a header with `init_bytes`.
void install_kernel(const std::string& root, const std::string& version, std::string_view text,
                    unsigned init_bytes = 50U << 20);

} // namespace lifeboat::tests
