// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "tests/builders/temporary_folder.h"
#include "vmcore/page_ranks.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

constexpr std::uint64_t bitmap_at = 12288;

// A file with a bitmap that has those bits.
struct BitmapFile {
    BitmapFile(const std::vector<std::uint64_t>& bits, std::uint64_t end_pfn)
        : bitmap{bitmap_at, end_pfn} {
        std::map<std::uint64_t, std::uint8_t> bytes;
        for (const std::uint64_t bit : bits)
            bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | 1U << bit % 8);
        std::ofstream out(path, std::ios::binary);
        for (const auto& [at, byte] : bytes) {
            out.seekp(static_cast<std::streamoff>(bitmap_at + at));
            out.put(static_cast<char>(byte));
        }
        out.close();
        std::filesystem::resize_file(path, bitmap_at + (end_pfn + 7) / 8);
        file = open_file(path, O_RDONLY).value();
    }

    [[nodiscard]] FileWindows windows() const {
        return FileWindows({file.get(), std::filesystem::file_size(path), 4096, &path, FileAccess::map});
    }

    TemporaryFolder folder;
    std::string path = folder.path("bitmap");
    Descriptor file;
    KdumpBitmap bitmap;
};

// Bits in clusters, so that whole pieces have none.
std::vector<std::uint64_t> some_bits(std::uint64_t end_pfn, std::mt19937_64& random) {
    std::vector<std::uint64_t> bits;
    for (int cluster = 0; cluster < 40; ++cluster) {
        const std::uint64_t start = random() % end_pfn;
        for (int i = 0; i < 200; ++i)
            bits.push_back(std::min(start + random() % 1000, end_pfn - 1));
    }
    std::ranges::sort(bits);
    bits.erase(std::ranges::unique(bits).begin(), bits.end());
    return bits;
}

} // namespace

TEST_CASE(
    "ranks are those that counting gives, in order and at random, also where not every piece's is known") {
    std::mt19937_64 random(1);
    // The last is of a machine whose pieces are more than the table's places.
    for (const std::uint64_t end_pfn : {1UL, 70UL, 32768UL, 100'001UL, 4096UL * 32768 * 3 + 17}) {
        CAPTURE(end_pfn);
        const std::vector<std::uint64_t> bits = some_bits(end_pfn, random);
        const BitmapFile file(bits, end_pfn);
        FileWindows windows = file.windows();
        const PageRanks ranks = PageRanks::count(file.bitmap, windows).value();
        CHECK(ranks.total() == bits.size());
        PageRankFinder finder(ranks);
        std::uint64_t wrong = 0;
        for (std::size_t i = 0; i < bits.size(); ++i)
            wrong += finder.find(bits[i], windows).value() == i ? 0 : 1;
        for (int i = 0; i < 500; ++i) {
            const std::size_t at = random() % bits.size();
            wrong += finder.find(bits[at], windows).value() == at ? 0 : 1;
            const std::uint64_t pfn = random() % end_pfn;
            if (!std::ranges::binary_search(bits, pfn))
                wrong += finder.find(pfn, windows).value() ? 1 : 0;
        }
        CHECK(wrong == 0);
        CHECK_FALSE(finder.find(end_pfn, windows).value());
        CHECK_FALSE(finder.find(UINT64_MAX, windows).value());
    }
}

TEST_CASE("bits past the end mean nothing") {
    const BitmapFile file({3, 60, 61, 63}, 64);
    KdumpBitmap shorter = file.bitmap;
    shorter.end_pfn = 61;
    FileWindows windows = file.windows();
    const PageRanks ranks = PageRanks::count(shorter, windows).value();
    CHECK(ranks.total() == 2);
    PageRankFinder finder(ranks);
    CHECK(finder.find(60, windows).value() == 1);
    CHECK_FALSE(finder.find(61, windows).value());
}
