// SPDX-License-Identifier: GPL-2.0-or-later
#include "qemu/guest/page_content.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace guest {

namespace {

// Emulated, making content anew costs more than the page faults; so pages are copies of these, each stamped
// with numbers of its own.
constexpr std::size_t template_count = 64;
using Page = std::array<std::byte, page_bytes>;

class Templates {
public:
    Templates() {
        for (std::size_t index = 0; index < template_count; ++index)
            make(index);
    }
    const Page& operator[](std::size_t index) const { return pages_[index % template_count]; }

private:
    void make(std::size_t index) {
        switch (index % 4) {
        case 0:
            return make_pattern(pages_[index], index);
        case 1:
            return make_text(pages_[index]);
        case 2:
            return make_random(pages_[index]);
        default:
            return make_sparse(pages_[index]);
        }
    }
    void make_pattern(Page& page, std::size_t index) { page.fill(std::byte(0x11 * (index % 16))); }
    void make_text(Page& page);
    void make_random(Page& page);
    void make_sparse(Page& page);

    std::uint64_t next_random() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    void store(Page& page, std::size_t offset, std::uint64_t value) {
        std::memcpy(page.data() + offset, &value, sizeof value);
    }

    std::array<Page, template_count> pages_{};
    std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

void Templates::make_text(Page& page) {
    constexpr std::array<std::string_view, 8> words = {"harbour ", "keel ", "lantern ",  "oar ",
                                                       "signal ",  "tide ", "wreckage ", "2024-11-05 "};
    for (std::size_t offset = 0; offset < page.size();) {
        const std::string_view word = words[next_random() % words.size()];
        const std::size_t count = std::min(word.size(), page.size() - offset);
        std::memcpy(page.data() + offset, word.data(), count);
        offset += count;
    }
}

void Templates::make_random(Page& page) {
    for (std::size_t offset = 0; offset < page.size(); offset += 8)
        store(page, offset, next_random());
}

// Looks like slab objects: pointers and small counters with zeroes between them.
void Templates::make_sparse(Page& page) {
    for (std::size_t offset = 0; offset < page.size(); offset += 64) {
        store(page, offset, 0xffff888000000000 + (next_random() & 0x7fffffc0));
        store(page, offset + 24, next_random() & 0xff);
    }
}

} // namespace

void fill_pages(std::span<std::byte> memory, std::uint32_t seed) {
    static const Templates templates;
    for (std::uint64_t index = 0; index < memory.size() / page_bytes; ++index) {
        std::byte* page = memory.data() + index * page_bytes;
        std::memcpy(page, templates[index + seed].data(), page_bytes);
        const std::uint64_t stamp = (std::uint64_t{seed} << 32) + index + 1;
        std::memcpy(page + 128, &stamp, sizeof stamp);
        std::memcpy(page + 2048, &stamp, sizeof stamp);
    }
}

} // namespace guest
