// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/kdump_pages.h"

namespace lifeboat {

Result<std::optional<KdumpPages::Page>> KdumpPages::next() {
    for (;; has_piece_ = false) {
        if (next_pfn_ >= headers_.end_pfn)
            return std::nullopt;
        if (!has_piece_)
            TRY(headers_.dumped.read(file_, next_pfn_, piece_));
        has_piece_ = true;
        next_pfn_ = piece_.next_set(next_pfn_);
        if (next_pfn_ < piece_.end_pfn())
            break;
    }
    Page page{next_pfn_++, {}};
    has_piece_ = next_pfn_ < piece_.end_pfn();
    TRY(file_.read(headers_.descriptors_offset + index_++ * sizeof(page.descriptor),
                   std::as_writable_bytes(std::span(&page.descriptor, 1))));
    return page;
}

} // namespace lifeboat
