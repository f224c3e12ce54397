// SPDX-License-Identifier: GPL-2.0-or-later
// What comes out of a Decompressor, in pieces that can be given back: whoever reads ahead in it and finds the
// end of what is its own returns the rest.
#pragma once

#include "host/archive/decompressor.h"

#include <vector>

namespace lifeboat::host {

class UnpackedStream {
public:
    explicit UnpackedStream(std::unique_ptr<Decompressor> decompressor);

    // The next bytes, valid until the next call; none at the end.
    Result<std::span<const std::byte>> next();
    // The last `bytes` of what next() returned come once more.
    void give_back(std::size_t bytes);
    // Passes over bytes of zero; false when the stream ends there.
    Result<bool> skip_zeros();

    // Of what is unpacked: where the next byte stands.
    [[nodiscard]] std::uint64_t position() const { return position_; }
    [[nodiscard]] const Decompressor& decompressor() const { return *decompressor_; }

private:
    std::unique_ptr<Decompressor> decompressor_;
    std::vector<std::byte> buffer_;
    std::span<const std::byte> pending_; // read, and not handed out or given back
    std::span<const std::byte> last_;
    std::uint64_t position_ = 0;
};

} // namespace lifeboat::host
