// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/identical_pages.h"

#include <algorithm>
#include <bit>

namespace lifeboat {

IdenticalPages::IdenticalPages(std::size_t entries)
    : buckets_(std::bit_ceil(std::max(entries, ways)) / ways)
    , places_(buckets_.size() * ways) {
    std::uint32_t slot = 0;
    for (Bucket& bucket : buckets_)
        for (Entry& entry : bucket)
            entry.slot = slot++;
}

IdenticalPages::Match IdenticalPages::look_up(std::uint64_t checksum, std::uint64_t pfn) {
    Bucket& bucket = buckets_[checksum & (buckets_.size() - 1)];
    auto found = std::ranges::find_if(
        bucket, [&](const Entry& entry) { return entry.is_used && entry.checksum == checksum; });
    const bool is_known = found != bucket.end();
    if (!is_known)
        found = std::prev(bucket.end()); // not met for longest, or never used
    std::rotate(bucket.begin(), found, std::next(found));
    Entry& entry = bucket.front();
    if (is_known)
        return {entry.slot, entry.pfn};
    entry = {checksum, pfn, entry.slot, true};
    return {entry.slot, std::nullopt};
}

} // namespace lifeboat
