// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/unpacked_stream.h"

#include <algorithm>

namespace lifeboat::host {

namespace {

constexpr std::size_t piece_bytes = std::size_t{64} << 10;

} // namespace

UnpackedStream::UnpackedStream(std::unique_ptr<Decompressor> decompressor)
    : decompressor_(std::move(decompressor))
    , buffer_(piece_bytes) {}

Result<std::span<const std::byte>> UnpackedStream::next() {
    if (pending_.empty())
        pending_ = std::span(buffer_).first(TRY(decompressor_->read(buffer_)));
    last_ = std::exchange(pending_, {});
    position_ += last_.size();
    return last_;
}

void UnpackedStream::give_back(std::size_t bytes) {
    const std::size_t count = std::min(bytes, last_.size());
    pending_ = last_.last(count);
    last_ = last_.first(last_.size() - count);
    position_ -= count;
}

Result<bool> UnpackedStream::skip_zeros() {
    for (;;) {
        const std::span<const std::byte> bytes = TRY(next());
        if (bytes.empty())
            return false;
        const auto rest = std::ranges::find_if(bytes, [](std::byte byte) { return byte != std::byte{0}; });
        give_back(static_cast<std::size_t>(bytes.end() - rest));
        if (rest != bytes.end())
            return true;
    }
}

} // namespace lifeboat::host
