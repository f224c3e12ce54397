// SPDX-License-Identifier: GPL-2.0-or-later
// An initrd as it comes: every entry and its content is read, then every path is looked up.
#include "host/archive/entry_line.h"
#include "host/archive/initrd_reader.h"
#include "host/archive/initrd_tree.h"

using namespace lifeboat;
using namespace lifeboat::host;

namespace {

class Everything : public InitrdVisitor {
public:
    Result<> visit(const CpioEntry& entry, EntryContent& content) override {
        if (paths_.size() < 100) // the tree is looked through in proportion to the square
            paths_.push_back(entry.path);
        tree_.add(entry);
        (void)entry_line(entry);
        std::byte buffer[512];
        std::uint64_t bytes = 0;
        for (;;) {
            const std::size_t count = TRY(content.read(buffer));
            bytes += count;
            if (count == 0)
                break;
        }
        // Of a link it has been read already.
        if (bytes != entry.content_bytes && entry.link_target.empty() && (entry.mode & 0170000) != 0120000)
            __builtin_trap();
        return {};
    }

    void look_up() const {
        for (const std::string& path : paths_)
            (void)tree_.find_file(path);
    }

private:
    InitrdTree tree_;
    std::vector<std::string> paths_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Everything everything;
    const auto summary = read_initrd({reinterpret_cast<const std::byte*>(data), size}, everything);
    if (!summary)
        return 0;
    everything.look_up();
    std::uint64_t end = 0;
    for (const InitrdPart& part : summary->parts) {
        (void)part_line(part);
        if (part.file_offset < end || part.file_offset + part.packed_bytes > size)
            __builtin_trap();
        end = part.file_offset + part.packed_bytes;
    }
    if (summary->problem && (summary->problem->file_offset < end || summary->problem->file_offset > size))
        __builtin_trap();
    return 0;
}
