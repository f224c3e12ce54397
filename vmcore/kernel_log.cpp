// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/kernel_log.h"

#include "vmcore/kernel_memory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace lifeboat {

namespace {

constexpr std::uint64_t log_limit_bytes = std::uint64_t{1}
                                          << 30;  // log_buf_len= is at most 2 GiB; 16 MiB is large
constexpr std::uint64_t text_limit_bytes = 65535; // text_len is 16 bits
constexpr std::size_t sink_buffer_bytes = 32 << 10;
constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

// Looks keys up and remembers the first that is absent.
class Keys {
public:
    explicit Keys(const Vmcoreinfo& info)
        : info_(info) {}

    std::uint64_t symbol(std::string_view name) { return need(info_.symbol(name), "SYMBOL", name); }
    std::uint64_t size(std::string_view name) { return need(info_.size(name), "SIZE", name); }
    std::uint64_t offset(std::string_view name) { return need(info_.offset(name), "OFFSET", name); }

    Result<> check() const {
        if (missing_.empty())
            return {};
        return fail(ErrorKind::no_data, "find the kernel log: VMCOREINFO lacks {}", missing_);
    }

private:
    std::uint64_t need(std::optional<std::uint64_t> value, std::string_view label, std::string_view name) {
        if (!value && missing_.empty())
            missing_ = std::format("{}({})", label, name);
        return value.value_or(0);
    }

    const Vmcoreinfo& info_;
    std::string missing_;
};

// Collects lines as dmesg writes them and hands them on in larger pieces.
class LineWriter {
public:
    explicit LineWriter(const TextSink& sink)
        : sink_(sink) {}

    Result<> write_record(std::uint64_t nanoseconds, std::string_view text) {
        const std::uint64_t seconds = nanoseconds / nanoseconds_per_second;
        const std::uint64_t microseconds = nanoseconds % nanoseconds_per_second / 1000;
        const std::string stamp = std::format("[{:5}.{:06}] ", seconds, microseconds);
        do {
            const std::size_t end = text.find('\n');
            buffer_ += stamp;
            append_printable(text.substr(0, end));
            buffer_ += '\n';
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        } while (!text.empty());
        return buffer_.size() >= sink_buffer_bytes ? flush() : Result<>{};
    }

    Result<> flush() {
        TRY(sink_(buffer_));
        written_bytes_ += buffer_.size();
        buffer_.clear();
        return {};
    }

    [[nodiscard]] std::uint64_t written_bytes() const { return written_bytes_; }

private:
    // Control characters become \xNN, but for tabs; what is not ASCII stays: it may be UTF-8.
    void append_printable(std::string_view text) {
        for (const char character : text) {
            const auto byte = static_cast<unsigned char>(character);
            if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
                buffer_ += std::format("\\x{:02x}", byte);
            else
                buffer_ += character;
        }
    }

    const TextSink& sink_;
    std::string buffer_;
    std::uint64_t written_bytes_ = 0;
};

template <class Value>
Value load(std::span<const std::byte> bytes, std::uint64_t offset) {
    Value value{};
    std::memcpy(&value, bytes.data() + offset, sizeof(value));
    return value;
}

// Whether a member of that many bytes at `offset` lies in a structure; an exported offset may be anything.
bool has_member(std::uint64_t struct_bytes, std::uint64_t offset, std::uint64_t bytes) {
    return struct_bytes >= bytes && offset <= struct_bytes - bytes;
}

// The ring of 5.10 and later: descriptors by id, each pointing to its text in a ring of bytes and to an info
// record of the same index. A descriptor is worth reading when its state says committed or finalized and its
// id is the expected one; everything else was being written, or was reused.
class LocklessRing {
public:
    static Result<LocklessRing> open(const Vmcoreinfo& info, KernelMemory& memory);

    Result<> read(KernelMemory& memory, LineWriter& writer, KernelLogSummary& summary) const;

private:
    struct Record {
        std::uint64_t nanoseconds;
        std::string text;
    };
    enum class State : std::uint8_t { reserved = 0, committed = 1, finalized = 2, reusable = 3 };

    Result<std::optional<Record>> read_record(std::uint64_t id, KernelMemory& memory) const;
    Result<std::string> read_text(std::uint64_t begin, std::uint64_t next, std::uint64_t length,
                                  KernelMemory& memory) const;

    std::uint64_t descriptors_ = 0;
    std::uint64_t infos_ = 0;
    std::uint64_t data_ = 0;
    std::uint64_t count_ = 0; // of descriptors: a power of two
    std::uint64_t data_bytes_ = 0;
    std::uint64_t head_id_ = 0;
    std::uint64_t tail_id_ = 0;
    std::uint64_t descriptor_bytes_ = 0;
    std::uint64_t info_bytes_ = 0;
    std::uint64_t state_at_ = 0;
    std::uint64_t begin_at_ = 0;
    std::uint64_t next_at_ = 0;
    std::uint64_t time_at_ = 0;
    std::uint64_t length_at_ = 0;
};

constexpr unsigned state_shift = 62;
// log_buf_len= is at most 2 GiB, and a descriptor stands for 32 bytes of it (PRB_AVGBITS).
constexpr unsigned size_bits_limit = 31;
constexpr unsigned count_bits_limit = size_bits_limit - 5;
// After so many only as many of the newest are looked at: it would take minutes to find nothing.
constexpr std::uint64_t damaged_in_a_row_limit = 65536;
constexpr std::uint64_t empty_line_position = 3; // EMPTY_LINE_LPOS, NO_LPOS in older kernels
constexpr std::uint64_t id_mask = (std::uint64_t{1} << state_shift) - 1;

Result<LocklessRing> LocklessRing::open(const Vmcoreinfo& info, KernelMemory& memory) {
    Keys keys(info);
    const std::uint64_t pointer = keys.symbol("prb");
    const std::uint64_t ring_of_descriptors = keys.offset("printk_ringbuffer.desc_ring");
    const std::uint64_t ring_of_text = keys.offset("printk_ringbuffer.text_data_ring");
    const std::uint64_t counter = keys.offset("atomic_long_t.counter");
    const std::uint64_t count_bits_at = keys.offset("prb_desc_ring.count_bits");
    const std::uint64_t descriptors_at = keys.offset("prb_desc_ring.descs");
    const std::uint64_t infos_at = keys.offset("prb_desc_ring.infos");
    const std::uint64_t head_at = keys.offset("prb_desc_ring.head_id") + counter;
    const std::uint64_t tail_at = keys.offset("prb_desc_ring.tail_id") + counter;
    const std::uint64_t size_bits_at = keys.offset("prb_data_ring.size_bits");
    const std::uint64_t data_at = keys.offset("prb_data_ring.data");
    const std::uint64_t text_block_at = keys.offset("prb_desc.text_blk_lpos");
    LocklessRing ring;
    ring.descriptor_bytes_ = keys.size("prb_desc");
    ring.info_bytes_ = keys.size("printk_info");
    ring.state_at_ = keys.offset("prb_desc.state_var") + counter;
    ring.begin_at_ = text_block_at + keys.offset("prb_data_blk_lpos.begin");
    ring.next_at_ = text_block_at + keys.offset("prb_data_blk_lpos.next");
    ring.time_at_ = keys.offset("printk_info.ts_nsec");
    ring.length_at_ = keys.offset("printk_info.text_len");
    TRY(keys.check());

    const auto at = TRY(memory.read_value<std::uint64_t>(pointer));
    const auto count_bits = TRY(memory.read_value<std::uint32_t>(at + ring_of_descriptors + count_bits_at));
    const auto size_bits = TRY(memory.read_value<std::uint32_t>(at + ring_of_text + size_bits_at));
    ring.descriptors_ = TRY(memory.read_value<std::uint64_t>(at + ring_of_descriptors + descriptors_at));
    ring.infos_ = TRY(memory.read_value<std::uint64_t>(at + ring_of_descriptors + infos_at));
    ring.head_id_ = TRY(memory.read_value<std::uint64_t>(at + ring_of_descriptors + head_at)) & id_mask;
    ring.tail_id_ = TRY(memory.read_value<std::uint64_t>(at + ring_of_descriptors + tail_at)) & id_mask;
    ring.data_ = TRY(memory.read_value<std::uint64_t>(at + ring_of_text + data_at));
    const bool has_room = has_member(ring.descriptor_bytes_, ring.state_at_, 8) &&
                          has_member(ring.descriptor_bytes_, ring.begin_at_, 8) &&
                          has_member(ring.descriptor_bytes_, ring.next_at_, 8) &&
                          has_member(ring.info_bytes_, ring.time_at_, 8) &&
                          has_member(ring.info_bytes_, ring.length_at_, 2) &&
                          ring.descriptor_bytes_ <= 4096 && ring.info_bytes_ <= 4096;
    if (!has_room || count_bits > count_bits_limit || size_bits > size_bits_limit)
        return fail(ErrorKind::corrupt,
                    "the kernel log's ring says 2^{} records in 2^{} bytes, which cannot be", count_bits,
                    size_bits);
    ring.count_ = std::uint64_t{1} << count_bits;
    ring.data_bytes_ = std::uint64_t{1} << size_bits;
    return ring;
}

Result<> LocklessRing::read(KernelMemory& memory, LineWriter& writer, KernelLogSummary& summary) const {
    // From the oldest id to the newest; never more than there are descriptors, whatever the two say.
    const std::uint64_t between = std::min((head_id_ - tail_id_) & id_mask, count_ - 1);
    std::uint64_t damaged_in_a_row = 0;
    for (std::uint64_t i = 0; i <= between; ++i) {
        const std::uint64_t id = (head_id_ - between + i) & id_mask;
        const auto record = read_record(id, memory);
        damaged_in_a_row = record ? 0 : damaged_in_a_row + 1;
        if (!record) {
            ++summary.damaged_records;
        } else if (*record) {
            ++summary.records;
            TRY(writer.write_record((*record)->nanoseconds, (*record)->text));
        }
        // Where so much is not there, the newest records are what matters, and there may be no end to the
        // rest.
        if (damaged_in_a_row == damaged_in_a_row_limit && between - i > damaged_in_a_row_limit) {
            summary.damaged_records += between - i - damaged_in_a_row_limit;
            i = between - damaged_in_a_row_limit;
        }
    }
    return {};
}

Result<std::optional<LocklessRing::Record>> LocklessRing::read_record(std::uint64_t id,
                                                                      KernelMemory& memory) const {
    const std::uint64_t index = id % count_;
    std::array<std::byte, 4096> buffer;
    const auto descriptor = std::span(buffer).first(descriptor_bytes_);
    TRY(memory.read(descriptors_ + index * descriptor_bytes_, descriptor));
    const auto state_word = load<std::uint64_t>(descriptor, state_at_);
    const auto state = static_cast<State>(state_word >> state_shift);
    if ((state_word & id_mask) != id || (state != State::committed && state != State::finalized))
        return std::nullopt;
    const auto begin = load<std::uint64_t>(descriptor, begin_at_);
    const auto next = load<std::uint64_t>(descriptor, next_at_);
    // An empty line has no text to point to; any other odd position is that of a record without room.
    const bool is_empty_line = begin == empty_line_position && next == empty_line_position;
    if (!is_empty_line && ((begin & 1) != 0 || (next & 1) != 0))
        return std::nullopt;

    const auto info = std::span(buffer).first(info_bytes_);
    TRY(memory.read(infos_ + index * info_bytes_, info));
    const auto nanoseconds = load<std::uint64_t>(info, time_at_);
    const auto length = load<std::uint16_t>(info, length_at_);
    if (is_empty_line)
        return Record{nanoseconds, {}};
    return Record{nanoseconds, TRY(read_text(begin, next, length, memory))};
}

// A block of text begins with the descriptor's id. A block that would cross the ring's end lies at its start.
Result<std::string> LocklessRing::read_text(std::uint64_t begin, std::uint64_t next, std::uint64_t length,
                                            KernelMemory& memory) const {
    const bool wrapped = begin / data_bytes_ != next / data_bytes_ && next % data_bytes_ != 0;
    const std::uint64_t start = wrapped ? 0 : begin % data_bytes_;
    const std::uint64_t end = start + (wrapped ? next % data_bytes_ : next - begin);
    if (end > data_bytes_ || end < start + sizeof(std::uint64_t))
        return fail(ErrorKind::corrupt, "the kernel log's text from {:#x} to {:#x} cannot be", begin, next);
    const std::uint64_t text_start = start + sizeof(std::uint64_t);
    std::string text(std::min({length, end - text_start, text_limit_bytes}), '\0');
    TRY(memory.read(data_ + text_start, std::as_writable_bytes(std::span(text))));
    return text;
}

// The buffer of records before 5.10: each a header of fixed layout with its own length, the text behind it; a
// length of 0 means "go on at the start".
struct RecordBuffer {
    std::uint64_t data; // a virtual address
    std::uint64_t data_bytes;
    std::uint64_t first; // where in it the oldest record begins
    std::uint64_t next;  // where the next one would
    std::uint64_t header_bytes;
    std::uint64_t time_at; // in the header
    std::uint64_t length_at;
    std::uint64_t text_length_at;
};

constexpr std::size_t record_header_limit_bytes = 256;

Result<RecordBuffer> find_record_buffer(const Vmcoreinfo& info, KernelMemory& memory) {
    Keys keys(info);
    const std::uint64_t buffer_pointer = keys.symbol("log_buf");
    const std::uint64_t length_symbol = keys.symbol("log_buf_len");
    const std::uint64_t first_symbol = keys.symbol("log_first_idx");
    const std::uint64_t next_symbol = keys.symbol("log_next_idx");
    RecordBuffer buffer{};
    buffer.header_bytes = keys.size("printk_log");
    buffer.time_at = keys.offset("printk_log.ts_nsec");
    buffer.length_at = keys.offset("printk_log.len");
    buffer.text_length_at = keys.offset("printk_log.text_len");
    TRY(keys.check());

    buffer.data = TRY(memory.read_value<std::uint64_t>(buffer_pointer));
    buffer.data_bytes = TRY(memory.read_value<std::uint32_t>(length_symbol));
    buffer.first = TRY(memory.read_value<std::uint32_t>(first_symbol));
    buffer.next = TRY(memory.read_value<std::uint32_t>(next_symbol));
    if (buffer.data_bytes > log_limit_bytes || buffer.first > buffer.data_bytes ||
        buffer.next > buffer.data_bytes || buffer.header_bytes > record_header_limit_bytes ||
        !has_member(buffer.header_bytes, buffer.time_at, 8) ||
        !has_member(buffer.header_bytes, buffer.length_at, 2) ||
        !has_member(buffer.header_bytes, buffer.text_length_at, 2))
        return fail(ErrorKind::corrupt,
                    "the kernel log's buffer says {} bytes from {} to {}, which cannot be", buffer.data_bytes,
                    buffer.first, buffer.next);
    return buffer;
}

Result<> read_record_buffer(const RecordBuffer& buffer, KernelMemory& memory, LineWriter& writer,
                            KernelLogSummary& summary) {
    std::array<std::byte, record_header_limit_bytes> header_buffer;
    const auto header = std::span(header_buffer).first(buffer.header_bytes);
    // Each step takes a header's length at least, and the way leads past the end once at most: it has an end
    // among damaged records too.
    std::uint64_t at = buffer.first;
    bool may_wrap = at > buffer.next;
    while (at != buffer.next) {
        if (at + buffer.header_bytes > buffer.data_bytes) {
            if (!std::exchange(may_wrap, false)) {
                ++summary.damaged_records;
                return {};
            }
            at = 0;
            continue;
        }
        if (!memory.read(buffer.data + at, header)) {
            ++summary.damaged_records;
            return {};
        }
        const auto length = load<std::uint16_t>(header, buffer.length_at);
        const auto text_length = load<std::uint16_t>(header, buffer.text_length_at);
        if (length == 0 && std::exchange(may_wrap, false)) {
            at = 0;
            continue;
        }
        if (length < buffer.header_bytes || buffer.header_bytes + text_length > length ||
            at + length > buffer.data_bytes) {
            ++summary.damaged_records; // and with it the way to the next one
            return {};
        }
        std::string text(text_length, '\0');
        if (memory.read(buffer.data + at + buffer.header_bytes, std::as_writable_bytes(std::span(text)))) {
            ++summary.records;
            TRY(writer.write_record(load<std::uint64_t>(header, buffer.time_at), text));
        } else {
            ++summary.damaged_records;
        }
        at += length;
    }
    return {};
}

} // namespace

Result<KernelLogSummary> extract_kernel_log(const CoreFile& core, const TextSink& sink) {
    const Vmcoreinfo& info = core.vmcoreinfo();
    if (info.empty())
        return fail(ErrorKind::no_data, "find the kernel log: '{}' has no VMCOREINFO", core.path());
    KernelMemory memory = TRY(KernelMemory::open(core));
    KernelLogSummary summary;
    LineWriter writer(sink);
    if (info.symbol("prb")) {
        const LocklessRing ring = TRY(LocklessRing::open(info, memory));
        TRY(ring.read(memory, writer, summary));
    } else {
        const RecordBuffer buffer = TRY(find_record_buffer(info, memory));
        TRY(read_record_buffer(buffer, memory, writer, summary));
    }
    TRY(writer.flush());
    summary.written_bytes = writer.written_bytes();
    return summary;
}

} // namespace lifeboat
