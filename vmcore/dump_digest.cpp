// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/dump_digest.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace lifeboat {

struct DumpDigest::State {
    XXH3_state_t xxh3;
};

void DumpDigest::FreeState::operator()(State* state) const {
    delete state;
}

DumpDigest::DumpDigest()
    : state_(new State) {
    XXH3_128bits_reset(&state_->xxh3);
}

void DumpDigest::update(std::span<const std::byte> bytes) {
    XXH3_128bits_update(&state_->xxh3, bytes.data(), bytes.size());
}

DumpDigest::Value DumpDigest::finish() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh3));
    Value value;
    static_assert(sizeof(canonical.digest) == sizeof(value));
    std::memcpy(value.data(), canonical.digest, sizeof(value));
    return value;
}

std::uint64_t check_of(const KdumpTrailer& trailer) {
    return XXH3_64bits(&trailer, offsetof(KdumpTrailer, check));
}

} // namespace lifeboat
