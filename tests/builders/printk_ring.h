// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a kernel log into memory as printk leaves it: records pushed one after the other, the oldest ones
// overwritten when the ring is full.
// Source: Linux kernel/printk/printk_ringbuffer.{h,c} of 6.1 (the lockless ring), kernel/printk/printk.c of
// 4.19 (the record buffer).
#pragma once

#include "tests/builders/physical_memory.h"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace lifeboat::tests {

struct LogRecord {
    enum class State : std::uint8_t { reserved = 0, committed = 1, finalized = 2, reusable = 3 };
    std::string text;
    std::uint64_t nanoseconds = 0;
    State state = State::finalized;
    bool lost = false; // there was no room for its text
};

struct LogGeometry {
    unsigned count_bits = 8; // of the lockless ring's descriptors
    unsigned size_bits = 14; // of the text
};

// Virtual and physical address of a region of memory that is contiguous in both.
struct Place {
    std::uint64_t physical = 0;
    std::uint64_t virtual_address = 0;
};

// As offsets from the ring's structures, of 6.1.
struct LocklessRingLayout {
    static constexpr std::uint64_t ring_bytes = 80;
    static constexpr std::uint64_t descriptor_ring_at = 0;
    static constexpr std::uint64_t text_ring_at = 40;
    static constexpr std::uint64_t count_bits_at = 0;
    static constexpr std::uint64_t descriptors_at = 8;
    static constexpr std::uint64_t infos_at = 16;
    static constexpr std::uint64_t head_id_at = 24;
    static constexpr std::uint64_t tail_id_at = 32;
    static constexpr std::uint64_t size_bits_at = 0;
    static constexpr std::uint64_t data_at = 8;
    static constexpr std::uint64_t descriptor_bytes = 24;
    static constexpr std::uint64_t state_at = 0;
    static constexpr std::uint64_t text_block_at = 8;
    static constexpr std::uint64_t info_bytes = 88;
    static constexpr std::uint64_t info_time_at = 8;
    static constexpr std::uint64_t info_length_at = 16;
    static constexpr std::uint64_t info_caller_at = 20;
};

// Returns the records that the ring still holds, oldest first.
std::vector<LogRecord> write_lockless_ring(PhysicalMemory& memory, const LogGeometry& geometry,
                                           const std::vector<LogRecord>& records, Place ring,
                                           Place descriptors, Place infos, Place data);

struct RecordBufferIndices {
    std::uint32_t first = 0;
    std::uint32_t next = 0;
};
// The record buffer before 5.10: `kept` gets the records that it still holds.
RecordBufferIndices write_record_buffer(PhysicalMemory& memory, const LogGeometry& geometry,
                                        const std::vector<LogRecord>& records, Place data,
                                        std::vector<LogRecord>& kept);

} // namespace lifeboat::tests
