// SPDX-License-Identifier: GPL-2.0-or-later
// For streams of blocks that are decompressed one by one: hands a block out piece by piece.
#pragma once

#include "host/archive/stream_decompressors.h"

#include <algorithm>
#include <vector>

namespace lifeboat::host {

class BlockDecompressor : public Decompressor {
public:
    explicit BlockDecompressor(DecompressorInput input)
        : input_(std::move(input)) {}

    Result<std::size_t> read(std::span<std::byte> output) override {
        while (block_.empty() && !ended_)
            TRY(read_block());
        const std::size_t count = std::min(block_.size(), output.size());
        std::ranges::copy(block_.first(count), output.begin());
        block_ = block_.subspan(count);
        return count;
    }
    [[nodiscard]] std::size_t consumed_bytes() const override { return input_.consumed(); }

protected:
    // Calls set_block() or end(), or neither to be called again.
    virtual Result<> read_block() = 0;

    // Room for a block of `bytes`, the same each time.
    std::span<std::byte> room_for(std::size_t bytes) {
        if (room_.size() < bytes)
            room_.resize(bytes);
        return std::span(room_).first(bytes);
    }
    void set_block(std::span<const std::byte> block) { block_ = block; }
    void end() { ended_ = true; }
    DecompressorInput& input() { return input_; }

private:
    DecompressorInput input_;
    std::vector<std::byte> room_;
    std::span<const std::byte> block_;
    bool ended_ = false;
};

} // namespace lifeboat::host
