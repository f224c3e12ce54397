// SPDX-License-Identifier: GPL-2.0-or-later
// Which pages of a dump may have the same content as one before, so that descriptors can share its data: a
// table of fixed size that forgets what was not met for long. It goes by checksums and only suspects: the
// bytes have to be compared, since a page's content is chosen by whoever ran on the dead machine.
//
// Two parties use it, each in page order, the second behind the first: look_up() before a page is compressed,
// and what belongs to a slot when it is written. So the second sees a slot as the first saw it, although the
// first may have given the slot to another page meanwhile: the second has not come to that page yet.
#pragma once

#include "vmcore/dump_writer.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace lifeboat {

class IdenticalPages {
public:
    // `entries`: how many pages it remembers; rounded up to a power of two, 4 at least.
    explicit IdenticalPages(std::size_t entries);

    static constexpr std::size_t bytes_per_entry();

    struct Match {
        std::uint32_t slot = 0;
        // The page whose slot it is, if that was met before. Nothing: this one is the first and has the slot
        // now; its data must then be written, and set_place() called.
        std::optional<std::uint64_t> original_pfn;
    };
    Match look_up(std::uint64_t checksum, std::uint64_t pfn);

    // Where the data of the slot's page lies.
    void set_place(std::uint32_t slot, const StoredPage& place) { places_[slot] = place; }
    [[nodiscard]] const StoredPage& place(std::uint32_t slot) const { return places_[slot]; }

private:
    static constexpr std::size_t ways = 4;
    struct Entry {
        std::uint64_t checksum = 0;
        std::uint64_t pfn = 0;
        std::uint32_t slot = 0;
        bool is_used = false;
    };
    // The pages that may be at one place, the last met first.
    using Bucket = std::array<Entry, ways>;

    std::vector<Bucket> buckets_; // a power of two
    std::vector<StoredPage> places_;
};

constexpr std::size_t IdenticalPages::bytes_per_entry() {
    return sizeof(Entry) + sizeof(StoredPage);
}

} // namespace lifeboat
