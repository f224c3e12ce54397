// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/dump_forecast.h"

#include "vmcore/core_reader.h"
#include "vmcore/kdump_format.h"
#include "vmcore/memmap_scan.h"
#include "vmcore/page_compressor.h"
#include "vmcore/page_content.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace lifeboat::host {

namespace {

// Enough for a few hundredths of the size, and a fraction of a second.
constexpr std::uint64_t sample_pages = 4096;

// An even sample of pages that come one by one, without knowing how many will: when it is full, every second
// one goes and only every second page is taken from then on.
class EvenSample {
public:
    void offer(std::uint64_t pfn) {
        if (offered_++ % step_ != 0)
            return;
        pfns_.push_back(pfn);
        if (pfns_.size() < 2 * sample_pages)
            return;
        for (std::size_t i = 0; i < pfns_.size() / 2; ++i)
            pfns_[i] = pfns_[2 * i];
        pfns_.resize(pfns_.size() / 2);
        step_ *= 2;
    }

    [[nodiscard]] const std::vector<std::uint64_t>& pfns() const { return pfns_; }
    [[nodiscard]] std::uint64_t offered() const { return offered_; }

private:
    std::vector<std::uint64_t> pfns_;
    std::uint64_t offered_ = 0;
    std::uint64_t step_ = 1;
};

Result<EvenSample> sample_kept_pages(const CoreFile& core, unsigned level, std::vector<std::string>& doubts) {
    MemmapScan scan = MemmapScan::open(core, level, 1, doubts);
    EvenSample sample;
    TRY(scan.run([&](const ScannedPiece& piece) -> Result<> {
        const BitmapPiece& kept = piece.dumped;
        for (std::uint64_t pfn = kept.first_pfn(); (pfn = kept.next_set(pfn)) < kept.end_pfn(); ++pfn)
            sample.offer(pfn);
        return {};
    }));
    return sample;
}

struct Measured {
    std::uint64_t pages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t nanoseconds = 0;
};

Result<Measured> compress(const CoreFile& core, const std::vector<std::uint64_t>& pfns,
                          Compression compression) {
    PageCompressor compressor = TRY(PageCompressor::make(compression));
    CoreReader reader(core);
    std::vector<std::byte> output(core.page_bytes());
    Measured measured;
    const auto start = std::chrono::steady_clock::now();
    for (const std::uint64_t pfn : pfns) {
        const auto page = reader.view_page(pfn);
        if (!page)
            continue;
        ++measured.pages;
        if (!is_zero_page(*page)) // zero pages share one
            measured.bytes += compressor.compress(*page, output).bytes;
    }
    const auto passed = std::chrono::steady_clock::now() - start;
    measured.nanoseconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count());
    return measured;
}

std::uint64_t scaled(std::uint64_t amount, std::uint64_t whole, std::uint64_t part) {
    return part == 0 ? 0
                     : static_cast<std::uint64_t>(static_cast<double>(amount) * static_cast<double>(whole) /
                                                  static_cast<double>(part));
}

} // namespace

Result<DumpForecast> forecast_dump(const CoreFile& core, unsigned level, Compression compression) {
    DumpForecast forecast{.level = level, .doubts = core.doubts()};
    const EvenSample sample = TRY(sample_kept_pages(core, level, forecast.doubts));
    const Measured measured = TRY(compress(core, sample.pfns(), compression));
    forecast.pages = sample.offered();
    forecast.sampled_pages = measured.pages;
    const std::uint64_t bitmaps_bytes = core.end_pfn() / 8 * 2;
    forecast.bytes = scaled(measured.bytes, forecast.pages, measured.pages) +
                     forecast.pages * sizeof(KdumpPageDescriptor) + bitmaps_bytes;
    forecast.nanoseconds = scaled(measured.nanoseconds, forecast.pages, measured.pages);
    return forecast;
}

} // namespace lifeboat::host
