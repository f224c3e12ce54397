// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/printk_ring.h"

#include <algorithm>

namespace lifeboat::tests {

namespace {

constexpr std::uint64_t id_mask = (std::uint64_t{1} << 62) - 1;
constexpr std::uint64_t lost_position = 1;  // FAILED_LPOS
constexpr std::uint64_t empty_position = 3; // EMPTY_LINE_LPOS
constexpr std::uint64_t record_header_bytes = 16;

using Layout = LocklessRingLayout;

} // namespace

std::vector<LogRecord> write_lockless_ring(PhysicalMemory& memory, const LogGeometry& geometry,
                                           const std::vector<LogRecord>& records, Place ring,
                                           Place descriptors, Place infos, Place data) {
    const std::uint64_t count = std::uint64_t{1} << geometry.count_bits;
    const std::uint64_t bytes = std::uint64_t{1} << geometry.size_bits;
    const auto descriptor_of = [&](std::uint64_t id) {
        return descriptors.physical + id % count * Layout::descriptor_bytes;
    };
    const auto set_state = [&](std::uint64_t id, LogRecord::State state) {
        memory.put(descriptor_of(id) + Layout::state_at, id | static_cast<std::uint64_t>(state) << 62);
    };

    struct Live {
        LogRecord record;
        std::uint64_t id;
        std::uint64_t begin;
    };
    std::deque<Live> live;
    // The ring starts with one reusable descriptor, ids and positions shortly before they wrap around zero.
    std::uint64_t head_id = (0 - (count + 1)) & id_mask;
    std::uint64_t tail_id = head_id;
    set_state(head_id, LogRecord::State::reusable);
    std::uint64_t head_position = 0 - bytes;
    std::uint64_t tail_position = head_position;
    const auto drop_oldest = [&] {
        set_state(live.front().id, LogRecord::State::reusable);
        live.pop_front();
        tail_id = live.empty() ? head_id : live.front().id;
        // Records without text hold no place.
        const auto next = std::ranges::find_if(live, [](const Live& one) { return (one.begin & 1) == 0; });
        tail_position = next == live.end() ? head_position : next->begin;
    };

    for (const LogRecord& record : records) {
        std::uint64_t begin = record.lost ? lost_position : empty_position;
        std::uint64_t next = begin;
        std::uint64_t text_at = 0;
        const std::uint64_t id = (head_id + 1) & id_mask;
        if (live.size() == count)
            drop_oldest();
        if (!record.lost && !record.text.empty()) {
            const std::uint64_t needed = (8 + record.text.size() + 7) / 8 * 8;
            begin = head_position;
            next = begin + needed;
            text_at = data.physical + begin % bytes;
            if (begin / bytes != next / bytes) { // reaches the end: the whole block goes to the start
                next = next / bytes * bytes + needed;
                text_at = data.physical;
            }
            while (!live.empty() && next - tail_position > bytes)
                drop_oldest();
            if (live.empty())
                tail_position = begin;
            memory.put(data.physical + begin % bytes, id);
            memory.put(text_at, id);
            memory.write(text_at + 8, record.text);
            head_position = next;
        }
        head_id = id;
        live.push_back({record, id, begin});
        tail_id = live.front().id;
        set_state(id, record.state);
        memory.put(descriptor_of(id) + Layout::text_block_at, begin);
        memory.put(descriptor_of(id) + Layout::text_block_at + 8, next);
        const std::uint64_t info = infos.physical + id % count * Layout::info_bytes;
        memory.put(info, std::uint64_t{id});
        memory.put(info + Layout::info_time_at, record.nanoseconds);
        memory.put(info + Layout::info_length_at, static_cast<std::uint16_t>(record.text.size()));
        memory.put(info + Layout::info_caller_at, std::uint32_t{1});
    }

    const std::uint64_t descriptor_ring = ring.physical + Layout::descriptor_ring_at;
    memory.put(descriptor_ring + Layout::count_bits_at, std::uint32_t{geometry.count_bits});
    memory.put(descriptor_ring + Layout::descriptors_at, descriptors.virtual_address);
    memory.put(descriptor_ring + Layout::infos_at, infos.virtual_address);
    memory.put(descriptor_ring + Layout::head_id_at, head_id);
    memory.put(descriptor_ring + Layout::tail_id_at, tail_id);
    const std::uint64_t text_ring = ring.physical + Layout::text_ring_at;
    memory.put(text_ring + Layout::size_bits_at, std::uint32_t{geometry.size_bits});
    memory.put(text_ring + Layout::data_at, data.virtual_address);

    std::vector<LogRecord> kept;
    for (Live& one : live)
        if (!one.record.lost && one.record.state != LogRecord::State::reserved &&
            one.record.state != LogRecord::State::reusable)
            kept.push_back(std::move(one.record));
    return kept;
}

RecordBufferIndices write_record_buffer(PhysicalMemory& memory, const LogGeometry& geometry,
                                        const std::vector<LogRecord>& records, Place data,
                                        std::vector<LogRecord>& kept) {
    const std::uint32_t bytes = std::uint32_t{1} << geometry.size_bits;
    struct Live {
        LogRecord record;
        std::uint32_t at;
        std::uint32_t bytes;
    };
    std::deque<Live> live;
    std::uint32_t next = 0;
    const auto first = [&] { return live.empty() ? next : live.front().at; };
    // Free bytes in one piece at `next`, or at the start when there are too few of them before the end.
    const auto has_room = [&](std::uint32_t needed) {
        const std::uint32_t free =
            next > first() || live.empty() ? std::max(bytes - next, first()) : first() - next;
        return free >= needed + record_header_bytes;
    };
    for (const LogRecord& record : records) {
        const auto needed =
            static_cast<std::uint32_t>((record_header_bytes + record.text.size() + 3) / 4 * 4);
        while (!live.empty() && !has_room(needed))
            live.pop_front();
        if (next + needed + record_header_bytes > bytes) {
            // A header of zeroes says that the next record is at the start.
            memory.write(data.physical + next, std::string(record_header_bytes, '\0'));
            next = 0;
        }
        memory.put(data.physical + next, record.nanoseconds);
        memory.put(data.physical + next + 8, static_cast<std::uint16_t>(needed));
        memory.put(data.physical + next + 10, static_cast<std::uint16_t>(record.text.size()));
        memory.write(data.physical + next + record_header_bytes, record.text);
        live.push_back({record, next, needed});
        next += needed;
    }
    kept.clear();
    for (const Live& one : live)
        kept.push_back(one.record);
    return {first(), next};
}

} // namespace lifeboat::tests
