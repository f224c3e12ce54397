// SPDX-License-Identifier: GPL-2.0-or-later
// Memory as a kdump-compressed dump holds it, whoever made it. Nothing in the file is believed unchecked.
#pragma once

#include "vmcore/core_image.h"
#include "vmcore/kdump_headers.h"
#include "vmcore/page_ranks.h"

#include <memory>

namespace lifeboat {

class KdumpImage final : public CoreImage {
public:
    // Reads bitmap 2 once. Fails as KdumpHeaders::read() does.
    static Result<std::unique_ptr<KdumpImage>> open(CoreFacts facts);

    [[nodiscard]] const KdumpHeaders& headers() const { return headers_; }
    [[nodiscard]] const PageRanks& ranks() const { return ranks_; }

    [[nodiscard]] std::uint64_t end_pfn() const override { return headers_.end_pfn; }
    Result<> mark_pages(BitmapPiece& present, BitmapPiece& left_out, BitmapPiece& held) const override;
    [[nodiscard]] std::unique_ptr<CoreImageReader> make_reader() const override;

private:
    KdumpImage(CoreFacts facts, const KdumpHeaders& headers, PageRanks ranks)
        : CoreImage(std::move(facts))
        , headers_(headers)
        , ranks_(std::move(ranks)) {}

    KdumpHeaders headers_;
    PageRanks ranks_;
};

} // namespace lifeboat
