// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/core_builder.h"

#include "tests/builders/page_tables.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>
#include <set>
#include <stdexcept>

#include <elf.h>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace lifeboat::tests {

namespace {

constexpr std::uint64_t kernel_map_start = 0xffffffff80000000;
constexpr std::uint64_t kernel_linked_at = 0x1000000; // CONFIG_PHYSICAL_START
constexpr std::uint64_t image_bytes = std::uint64_t{4} << 20;
constexpr std::uint64_t text_bytes = std::uint64_t{2} << 20;
constexpr std::uint64_t large_page = std::uint64_t{2} << 20;
constexpr std::uint64_t section_flags = 0xf; // present, has a memmap, online, early
constexpr std::uint64_t structs_per_frame = page_bytes / struct_page_bytes;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
    return (value + step - 1) / step * step;
}

std::uint64_t mix(std::uint64_t state) {
    state += 0x9e3779b97f4a7c15;
    state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
    state = (state ^ state >> 27) * 0x94d049bb133111eb;
    return state ^ state >> 31;
}

// The words of one line: separated by blanks, "..." is one word with its escapes resolved.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    std::size_t at = 0;
    while (at < line.size()) {
        if (line[at] == ' ' || line[at] == '\t') {
            ++at;
            continue;
        }
        if (line[at] == '#')
            break;
        std::string word;
        if (line[at] == '"') {
            for (++at; at < line.size() && line[at] != '"'; ++at) {
                if (line[at] != '\\') {
                    word += line[at];
                    continue;
                }
                const char escaped = ++at < line.size() ? line[at] : '\\';
                if (escaped == 'n')
                    word += '\n';
                else if (escaped == 't')
                    word += '\t';
                else if (escaped == 'x') {
                    word += static_cast<char>(std::stoi(std::string(line.substr(at + 1, 2)), nullptr, 16));
                    at += 2;
                } else
                    word += escaped;
            }
            if (at == line.size())
                throw std::runtime_error("a text is not closed");
            ++at;
        } else {
            while (at < line.size() && line[at] != ' ' && line[at] != '\t')
                word += line[at++];
        }
        words.push_back(std::move(word));
    }
    return words;
}

std::uint64_t number_of(std::string_view word) {
    std::uint64_t number = 0;
    const bool hexadecimal = word.starts_with("0x");
    const std::string_view digits = hexadecimal ? word.substr(2) : word;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, hexadecimal ? 16 : 10);
    if (error != std::errc{} || end != digits.data() + digits.size())
        throw std::runtime_error(std::format("'{}' is not a number", word));
    return number;
}

// "A..B", or "A", which is one.
std::pair<std::uint64_t, std::uint64_t> range_of(std::string_view word) {
    const std::size_t dots = word.find("..");
    const std::uint64_t first = number_of(word.substr(0, dots));
    const std::uint64_t end = dots == std::string_view::npos ? first + 1 : number_of(word.substr(dots + 2));
    if (first >= end)
        throw std::runtime_error(std::format("'{}' is an empty range", word));
    return {first, end};
}

std::uint64_t nanoseconds_of(std::string_view word) {
    const std::size_t point = word.find('.');
    std::string fraction(point == std::string_view::npos ? "" : word.substr(point + 1));
    fraction.resize(9, '0');
    return number_of(word.substr(0, point)) * 1'000'000'000 + number_of(fraction);
}

} // namespace

// Reads the description, then lays the memory out.
class CoreBuilder {
public:
    BuiltCore build(std::string_view description) {
        unsigned line_number = 0;
        while (!description.empty()) {
            const std::size_t end = description.find('\n');
            const std::string_view line = description.substr(0, end);
            description.remove_prefix(end == std::string_view::npos ? description.size() : end + 1);
            ++line_number;
            try {
                words_ = words_of(line);
                next_ = 0;
                if (!words_.empty())
                    read_statement();
            } catch (const std::exception& mistake) {
                throw std::runtime_error(std::format("line {}: {}", line_number, mistake.what()));
            }
        }
        lay_out();
        return std::move(core_);
    }

private:
    [[nodiscard]] bool has_more() const { return next_ < words_.size(); }
    std::string word() {
        if (!has_more())
            throw std::runtime_error("a word is missing");
        return words_[next_++];
    }
    std::uint64_t number() { return number_of(word()); }
    [[noreturn]] static void unknown(std::string_view what) {
        throw std::runtime_error(std::format("'{}' is not known", what));
    }

    void read_statement();
    void read_machine();
    void read_page();
    void read_struct_page();
    void read_section();
    void read_fill();
    void read_log();
    void read_elf();

    void lay_out();
    void lay_out_image();
    void lay_out_log();
    void lay_out_sections();
    void lay_out_memmap(std::uint64_t section);
    void write_struct_page(std::uint64_t frame, std::uint64_t pfn);
    void write_vmcoreinfo();
    void check_places() const;

    std::uint64_t frame(std::uint64_t bytes = page_bytes, std::uint64_t alignment = page_bytes) {
        next_frame_ = round_up(next_frame_, alignment);
        return std::exchange(next_frame_, next_frame_ + bytes);
    }
    // Of the kernel's image: in its mapping.
    Place image(std::string_view name, std::uint64_t at) {
        const Place place{core_.kernel_at_ + at, core_.kernel_virtual_ + at};
        core_.places_.emplace(name, place);
        return place;
    }
    // A key of VMCOREINFO.
    void key(std::string name, std::string value) {
        core_.vmcoreinfo_.emplace_back(std::move(name), std::move(value));
    }
    void symbol(std::string_view name, std::uint64_t value) {
        key(std::format("SYMBOL({})", name), std::format("{:x}", value));
    }
    void size(std::string_view name, std::uint64_t value) {
        key(std::format("SIZE({})", name), std::to_string(value));
    }
    void offset(std::string_view name, std::uint64_t value) {
        key(std::format("OFFSET({})", name), std::to_string(value));
    }
    void number_key(std::string_view name, std::int64_t value) {
        key(std::format("NUMBER({})", name), std::to_string(value));
    }

    BuiltCore core_;
    std::vector<std::string> words_;
    std::size_t next_ = 0;

    const KernelProfile* profile_ = find_kernel_profile("6.1");
    std::uint64_t kaslr_ = 0;
    bool small_vmemmap_ = false;
    std::set<std::uint64_t> absent_sections_;
    std::optional<std::uint64_t> section_everywhere_;
    bool memmap_unwritten_ = false;
    struct Override {
        std::uint64_t pfn;
        std::string member;
        std::uint64_t value;
    };
    std::vector<Override> overrides_;
    std::vector<LogRecord> log_;
    LogGeometry log_geometry_;
    std::vector<std::string> omitted_;
    std::vector<std::pair<std::string, std::string>> replaced_;

    std::uint64_t next_frame_ = 0;
    std::optional<PageTables> tables_;
    std::uint64_t vmemmap_ = 0;
    std::uint64_t shared_structs_ = 0;       // a frame of struct pages nobody describes
    std::uint64_t shared_table_ = 0;         // a page table that maps it 512 times
    std::uint64_t shared_large_structs_ = 0; // 2 MiB of them
};

void CoreBuilder::read_statement() {
    const std::string statement = word();
    if (statement == "machine") {
        read_machine();
    } else if (statement == "kernel") {
        const std::string name = word();
        profile_ = find_kernel_profile(name);
        if (profile_ == nullptr)
            unknown("kernel " + name);
    } else if (statement == "ram") {
        const auto [start, end] = range_of(word());
        core_.ram_.push_back({start, end, end});
        if (has_more() && word() == "held")
            core_.ram_.back().held_end = number();
    } else if (statement == "vmemmap") {
        small_vmemmap_ = word() == "4k";
    } else if (statement == "page") {
        read_page();
    } else if (statement == "struct_page") {
        read_struct_page();
    } else if (statement == "section") {
        read_section();
    } else if (statement == "memmap") {
        memmap_unwritten_ = word() == "unwritten";
    } else if (statement == "fill") {
        read_fill();
    } else if (statement == "log") {
        read_log();
    } else if (statement == "omit") {
        omitted_.push_back(word());
    } else if (statement == "set") {
        const std::string pair = word();
        const std::size_t equals = pair.find('=');
        replaced_.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    } else if (statement == "elf") {
        read_elf();
    } else {
        unknown(statement);
    }
    if (has_more())
        unknown(words_[next_]);
}

void CoreBuilder::read_machine() {
    while (has_more()) {
        const std::string what = word();
        if (what == "levels")
            core_.levels_ = static_cast<unsigned>(number());
        else if (what == "kernel_at")
            core_.kernel_at_ = number();
        else if (what == "kaslr")
            kaslr_ = number();
        else if (what == "sme")
            core_.encryption_mask_ = number();
        else if (what == "cpus")
            core_.cpus_ = static_cast<unsigned>(number());
        else
            unknown(what);
    }
}

void CoreBuilder::read_page() {
    const auto [first, end] = range_of(word());
    PageFacts facts;
    while (has_more()) {
        const std::string what = word();
        if (what == "buddy")
            facts.buddy = true;
        else if (what == "unaccepted")
            facts.buddy = facts.unaccepted = true;
        else if (what == "lru")
            facts.lru = true;
        else if (what == "private")
            facts.private_data = true;
        else if (what == "swapcache")
            facts.swapcache = true;
        else if (what == "anon")
            facts.anonymous = true;
        else if (what == "ksm")
            facts.ksm = facts.anonymous = true;
        else if (what == "slab")
            facts.slab = true;
        else if (what == "movable")
            facts.movable = true;
        else if (what == "hugetlb")
            facts.hugetlb = true;
        else if (what == "hwpoison")
            facts.hwpoison = true;
        else if (what == "offline")
            facts.offline = true;
        else if (what == "order")
            facts.order = static_cast<unsigned>(number());
        else if (what != "kernel")
            unknown(what);
    }
    const std::uint64_t pages = std::uint64_t{1} << facts.order;
    if (first % pages != 0)
        throw std::runtime_error(std::format("pfn {:#x} is not aligned to order {}", first, facts.order));
    for (std::uint64_t pfn = first; pfn < end; pfn += pages) {
        if (const auto found = core_.pages_.find(pfn); found != core_.pages_.end()) {
            if (!facts.hwpoison)
                throw std::runtime_error(std::format("pfn {:#x} is described twice", pfn));
            found->second.hwpoison = true;
            continue;
        }
        core_.pages_[pfn] = facts;
        for (std::uint64_t i = 1; i < pages; ++i) {
            PageFacts tail;
            tail.is_tail = true;
            tail.head = pfn;
            if (!core_.pages_.try_emplace(pfn + i, tail).second)
                throw std::runtime_error(std::format("pfn {:#x} is described twice", pfn + i));
        }
    }
}

void CoreBuilder::read_struct_page() {
    const std::uint64_t pfn = number();
    core_.pages_.try_emplace(pfn);
    const std::string member = word();
    overrides_.push_back({pfn, member, number()});
}

void CoreBuilder::read_section() {
    const std::uint64_t section = number();
    const std::string what = word();
    if (what == "absent")
        absent_sections_.insert(section);
    else if (what == "everywhere")
        section_everywhere_ = section;
    else
        unknown(what);
}

void CoreBuilder::read_fill() {
    const auto [first, end] = range_of(word());
    const std::string how = word();
    const std::string argument = how == "text" || how == "byte" ? word() : "";
    for (std::uint64_t pfn = first; pfn < end; ++pfn) {
        PageBytes bytes{};
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            if (how == "random")
                bytes[i] = static_cast<std::byte>(mix(pfn * page_bytes + i));
            else if (how == "text")
                bytes[i] = static_cast<std::byte>(argument[(pfn + i) % argument.size()]);
            else if (how == "byte")
                bytes[i] = static_cast<std::byte>(number_of(argument));
            else if (how != "zero")
                unknown(how);
        }
        core_.memory_.write(pfn * page_bytes, bytes);
    }
}

void CoreBuilder::read_log() {
    const auto power_of_two = [&](std::string_view unit) {
        const std::string text = word();
        if (!text.starts_with("2^") || word() != unit)
            throw std::runtime_error(std::format("2^N {} is wanted", unit));
        return static_cast<unsigned>(number_of(std::string_view(text).substr(2)));
    };
    LogRecord record;
    record.text = word();
    if (record.text == "ring") {
        log_geometry_.count_bits = power_of_two("records");
        log_geometry_.size_bits = power_of_two("bytes");
        return;
    }
    if (word() != "at")
        throw std::runtime_error("'at SECONDS' is missing");
    record.nanoseconds = nanoseconds_of(word());
    while (has_more()) {
        const std::string what = word();
        if (what == "lost")
            record.lost = true;
        else if (what == "reserved")
            record.state = LogRecord::State::reserved;
        else
            unknown(what);
    }
    log_.push_back(std::move(record));
}

void CoreBuilder::read_elf() {
    const std::string what = word();
    if (what == "xnum")
        core_.elf_xnum_ = true;
    else if (what == "no_text")
        core_.elf_text_ = false;
    else if (what == "no_vmcoreinfo")
        core_.elf_vmcoreinfo_ = false;
    else
        unknown(what);
}

void CoreBuilder::lay_out() {
    if (core_.ram_.empty())
        throw std::runtime_error("no RAM is described");
    std::ranges::sort(core_.ram_, {}, &RamRange::start);
    core_.kernel_virtual_ = kernel_map_start + kernel_linked_at + kaslr_;
    core_.kernel_text_bytes_ = text_bytes;
    core_.phys_base_ = core_.kernel_at_ - kernel_linked_at - kaslr_;
    const bool five = core_.levels_ == 5;
    core_.direct_map_ = five ? 0xff11000000000000 : 0xffff888000000000;
    vmemmap_ = five ? 0xffd4000000000000 : 0xffffea0000000000;
    next_frame_ = core_.kernel_at_ + image_bytes;
    tables_.emplace(core_.memory_, core_.kernel_at_ + 0x1000, core_.levels_, core_.encryption_mask_,
                    [this] { return frame(); });
    lay_out_image();
    lay_out_log();
    lay_out_sections();
    if (section_everywhere_)
        lay_out_memmap(*section_everywhere_);
    for (const auto& [section, unused] : core_.section_memmaps_)
        if (section != section_everywhere_)
            lay_out_memmap(section);
    for (const auto& [pfn, member, value] : overrides_) {
        const std::uint64_t at = core_.struct_page(pfn);
        if (member == "flags")
            core_.memory_.put(at + page_flags_at, value);
        else if (member == "compound_info")
            core_.memory_.put(at + page_compound_info_at, value);
        else if (member == "mapping")
            core_.memory_.put(at + page_mapping_at, value);
        else if (member == "private")
            core_.memory_.put(at + page_private_at, value);
        else if (member == "mapcount")
            core_.memory_.put(at + page_mapcount_at, static_cast<std::uint32_t>(value));
        else if (member == "order")
            core_.memory_.put(
                at + struct_page_bytes +
                    (profile_->folio >= FolioStyle::tail_flag ? page_flags_at : page_compound_order_at),
                static_cast<std::uint8_t>(value));
        else
            unknown(member);
    }
    core_.kernel_end_ = next_frame_;
    write_vmcoreinfo();
    check_places();
}

// The first 2 MiB of the image in pages of 4 KiB, the rest in large ones; the direct map in pages of 1 GiB.
void CoreBuilder::lay_out_image() {
    for (std::uint64_t at = 0; at < image_bytes;) {
        const unsigned level = at < large_page ? 1 : 2;
        tables_->map(core_.kernel_virtual_ + at, core_.kernel_at_ + at, level);
        at += PageTables::reach_of(level);
    }
    const std::uint64_t giant = PageTables::reach_of(3);
    std::uint64_t mapped_end = 0;
    for (const RamRange& range : core_.ram_)
        for (std::uint64_t at = std::max(mapped_end, range.start / giant * giant); at < range.end;
             at = mapped_end = at + giant)
            tables_->map(core_.direct_map_ + at, at, 3);

    core_.memory_.write(image("text", 0).physical, "the kernel's text");
    image("init_top_pgt", 0x1000);
    const Place names = image("init_uts_ns", 0x2000);
    std::uint64_t at = names.physical + 4;
    for (const std::string_view name :
         {"Linux", "testhost", profile_->release.data(), "#1 SMP test", "x86_64", "(none)"}) {
        core_.memory_.write(at, name);
        at += 65;
    }
}

void CoreBuilder::lay_out_log() {
    const Place variables = image("prb", 0x3000);
    const Place ring = image("prb_ring", 0x4000);
    const Place descriptors = image("prb_descriptors", 0x10000);
    const Place infos = image("prb_infos", 0x40000);
    // Across the border between small and large pages.
    const Place data = image("log_data", large_page - 4096);
    if (log_geometry_.count_bits > 11 || log_geometry_.size_bits > 20)
        throw std::runtime_error("a log of that size is not provided for");
    if (profile_->lockless_log) {
        core_.log_kept_ =
            write_lockless_ring(core_.memory_, log_geometry_, log_, ring, descriptors, infos, data);
        core_.memory_.put(variables.physical, ring.virtual_address);
        return;
    }
    const auto indices = write_record_buffer(core_.memory_, log_geometry_, log_, data, core_.log_kept_);
    core_.memory_.put(image("log_buf", 0x3000).physical, data.virtual_address);
    core_.memory_.put(image("log_buf_len", 0x3008).physical, std::uint32_t{1} << log_geometry_.size_bits);
    core_.memory_.put(image("log_first_idx", 0x3010).physical, indices.first);
    core_.memory_.put(image("log_next_idx", 0x3018).physical, indices.next);
}

// mem_section: a table of roots, each a page of entries, for all physical memory that there might be.
void CoreBuilder::lay_out_sections() {
    const std::uint64_t physical_bits = core_.levels_ == 5 ? 52 : 46;
    const std::uint64_t roots = (std::uint64_t{1} << (physical_bits - section_size_bits)) / sections_per_root;
    const std::uint64_t table = frame(roots * 8);
    core_.places_["mem_section_roots"] = {table, core_.direct_map_ + table};
    key("LENGTH(mem_section)", std::to_string(roots));

    for (const RamRange& range : core_.ram_)
        for (std::uint64_t section = range.start >> section_size_bits;
             section <= (range.end - 1) >> section_size_bits; ++section)
            core_.section_memmaps_[section] = vmemmap_ + section * pages_per_section * struct_page_bytes;
    for (const std::uint64_t section : absent_sections_)
        core_.section_memmaps_.erase(section);
    for (const auto& [section, memmap] : core_.section_memmaps_) {
        const std::uint64_t root_at = table + section / sections_per_root * 8;
        std::uint64_t root = core_.memory_.get<std::uint64_t>(root_at);
        if (root == 0) {
            root = core_.direct_map_ + frame();
            core_.memory_.put(root_at, root);
        }
        core_.memory_.put(core_.section_entry(section), vmemmap_ | section_flags);
    }
}

void CoreBuilder::lay_out_memmap(std::uint64_t section) {
    const std::uint64_t first_pfn = section * pages_per_section;
    const auto is_described = [&](std::uint64_t first, std::uint64_t pages) {
        const auto found = core_.pages_.lower_bound(first);
        return found != core_.pages_.end() && found->first < first + pages;
    };
    const bool described = is_described(first_pfn, pages_per_section);
    const std::uint64_t memmap = core_.section_memmaps_.at(section);
    if (memmap_unwritten_) {
        const std::uint64_t structs = frame(large_page, large_page);
        core_.section_frames_[section] = structs;
        tables_->map(memmap, structs, 2);
        return;
    }
    if (!small_vmemmap_) {
        if (!described && shared_large_structs_ != 0) {
            tables_->map(memmap, shared_large_structs_, 2);
            return;
        }
        const std::uint64_t structs = frame(large_page, large_page);
        for (std::uint64_t i = 0; i < pages_per_section; ++i)
            write_struct_page(structs + i * struct_page_bytes, first_pfn + i);
        for (std::uint64_t i = 0; described && i < pages_per_section; i += structs_per_frame)
            core_.struct_page_frames_[(first_pfn + i) / structs_per_frame] = structs + i * struct_page_bytes;
        if (!described || section == section_everywhere_)
            shared_large_structs_ = structs;
        tables_->map(memmap, structs, 2);
        return;
    }
    if (shared_structs_ == 0) {
        shared_structs_ = frame();
        for (std::uint64_t i = 0; i < structs_per_frame; ++i)
            write_struct_page(shared_structs_ + i * struct_page_bytes, ~std::uint64_t{0});
        shared_table_ = frame();
        for (std::uint64_t i = 0; i < 512; ++i)
            core_.memory_.put(shared_table_ + i * 8, shared_structs_ | 0x63 | core_.encryption_mask_);
    }
    if (!described) {
        tables_->point(memmap, 2, shared_table_);
        return;
    }
    for (std::uint64_t pfn = first_pfn; pfn < first_pfn + pages_per_section; pfn += structs_per_frame) {
        std::uint64_t structs = shared_structs_;
        if (is_described(pfn, structs_per_frame)) {
            structs = frame();
            core_.struct_page_frames_[pfn / structs_per_frame] = structs;
            for (std::uint64_t i = 0; i < structs_per_frame; ++i)
                write_struct_page(structs + i * struct_page_bytes, pfn + i);
        }
        tables_->map(memmap + (pfn - first_pfn) * struct_page_bytes, structs, 1);
    }
}

void CoreBuilder::write_struct_page(std::uint64_t at, std::uint64_t pfn) {
    const KernelProfile& kernel = *profile_;
    const auto found = core_.pages_.find(pfn);
    const PageFacts page = found == core_.pages_.end() ? PageFacts{} : found->second;
    const auto bit = [](int number) { return number < 0 ? 0 : std::uint64_t{1} << number; };
    std::uint64_t flags = 0x0017ffffc0000000; // node, zone and last cpu, which a filter does not look at
    std::uint64_t mapping = 0;
    std::uint32_t mapcount = 0xffffffff;
    std::uint64_t compound_info = 0;
    if (page.lru)
        flags |= bit(static_cast<int>(kernel.lru_bit));
    if (page.private_data)
        flags |= bit(static_cast<int>(kernel.private_bit));
    if (page.swapcache)
        flags |= bit(static_cast<int>(kernel.swapcache_bit)) | bit(static_cast<int>(kernel.swapbacked_bit));
    if (page.hwpoison)
        flags |= bit(static_cast<int>(kernel.hwpoison_bit));
    if (page.lru && !page.anonymous)
        mapping = 0xffff888001234560;
    if (page.anonymous)
        mapping = 0xffff888001234500 | 1 | (page.ksm ? 2 : 0);
    if (page.movable)
        mapping = 0xffffffffc0123450 | 2;
    if (page.slab) {
        flags |= bit(kernel.slab_bit);
        if (kernel.slab != 0) {
            mapcount = kernel.slab;
            mapping = 0xffff888001234569; // what a slab keeps there since 6.2 may be odd
        }
    }
    if (page.offline)
        mapcount = kernel.offline;

    if (page.unaccepted) {
        mapcount = kernel.unaccepted; // always of the largest order, which is not written down
    } else if (page.buddy) {
        mapcount = kernel.buddy;
        core_.memory_.put(at + page_private_at, std::uint64_t{page.order});
    } else if (page.order > 0) {
        flags |= bit(static_cast<int>(kernel.head_bit));
        if (page.hugetlb && kernel.folio == FolioStyle::page_type_mark)
            mapcount = kernel.hugetlb;
    }
    if (page.is_tail && !core_.pages_.at(page.head).buddy) {
        const PageFacts& head = core_.pages_.at(page.head);
        compound_info = kernel.info_is_mask ? ~((struct_page_bytes << head.order) - 1) + 1
                                            : vmemmap_ + page.head * struct_page_bytes + 1;
        mapping = 0xdead000000000400; // TAIL_MAPPING
        if (pfn == page.head + 1) {
            mapping = 0;
            if (kernel.folio >= FolioStyle::tail_flag)
                flags |= head.order;
            if (kernel.folio == FolioStyle::tail_flag && head.hugetlb)
                flags |= bit(static_cast<int>(kernel.hugetlb_bit));
            if (kernel.folio < FolioStyle::tail_flag) {
                const std::uint8_t compound = 1;
                core_.memory_.put(at + page_compound_dtor_at, head.hugetlb     ? hugetlb_destructor
                                                              : head.anonymous ? transparent_huge_destructor
                                                                               : compound);
                core_.memory_.put(at + page_compound_order_at, static_cast<std::uint8_t>(head.order));
            }
        }
    }
    // 6.6 and later keep the order in the low byte of the second page's flags, in place of the page's own.
    core_.memory_.put(at + page_flags_at, flags);
    if (compound_info != 0)
        core_.memory_.put(at + page_compound_info_at, compound_info);
    core_.memory_.put(at + page_mapping_at, mapping);
    core_.memory_.put(at + page_mapcount_at, mapcount);
    core_.memory_.put(at + page_refcount_at, std::uint32_t{page.buddy ? 0U : 1U});
}

void CoreBuilder::write_vmcoreinfo() {
    const KernelProfile& kernel = *profile_;
    key("OSRELEASE", std::string(kernel.release));
    key("PAGESIZE", "4096");
    key("CRASHTIME", "1700000000");
    key("KERNELOFFSET", std::format("{:x}", kaslr_));
    symbol("init_uts_ns", core_.place("init_uts_ns").virtual_address);
    offset("uts_namespace.name", 4);
    symbol("init_top_pgt", core_.place("init_top_pgt").virtual_address);
    symbol("mem_section", core_.place("mem_section_roots").virtual_address);
    size("mem_section", mem_section_bytes);
    offset("mem_section.section_mem_map", 0);
    if (kernel.exports_section_bits) {
        number_key("SECTION_SIZE_BITS", section_size_bits);
        number_key("MAX_PHYSMEM_BITS", core_.levels_ == 5 ? 52 : 46);
    }
    number_key("phys_base", static_cast<std::int64_t>(core_.phys_base_));
    number_key("pgtable_l5_enabled", core_.levels_ == 5 ? 1 : 0);
    if (core_.encryption_mask_ != 0)
        number_key("sme_mask", static_cast<std::int64_t>(core_.encryption_mask_));

    size("page", struct_page_bytes);
    offset("page.flags", page_flags_at);
    offset("page._refcount", page_refcount_at);
    offset("page.mapping", page_mapping_at);
    offset("page.lru", 8);
    offset("page._mapcount", page_mapcount_at);
    offset("page.private", page_private_at);
    offset(kernel.has_compound_info ? "page.compound_info" : "page.compound_head", page_compound_info_at);
    if (kernel.folio == FolioStyle::page_members) {
        offset("page.compound_dtor", page_compound_dtor_at);
        offset("page.compound_order", page_compound_order_at);
    } else if (kernel.folio == FolioStyle::folio_members) {
        offset("folio._folio_dtor", struct_page_bytes + page_compound_dtor_at);
        offset("folio._folio_order", struct_page_bytes + page_compound_order_at);
    }
    key("LENGTH(zone.free_area)", std::to_string(free_area_count));
    number_key("PG_lru", kernel.lru_bit);
    number_key("PG_private", kernel.private_bit);
    number_key("PG_swapcache", kernel.swapcache_bit);
    number_key("PG_swapbacked", kernel.swapbacked_bit);
    if (kernel.slab_bit >= 0)
        number_key("PG_slab", kernel.slab_bit);
    number_key("PG_hwpoison", kernel.hwpoison_bit);
    number_key("PG_head_mask", std::int64_t{1} << kernel.head_bit);
    const auto page_type = [&](std::string_view name, std::uint32_t value) {
        if (value != 0)
            number_key(std::format("PAGE_{}_MAPCOUNT_VALUE", name), static_cast<std::int32_t>(value));
    };
    page_type("BUDDY", kernel.buddy);
    page_type("OFFLINE", kernel.offline);
    page_type("SLAB", kernel.slab);
    page_type("HUGETLB", kernel.hugetlb);
    page_type("UNACCEPTED", kernel.unaccepted);
    if (kernel.folio < FolioStyle::tail_flag)
        number_key("HUGETLB_PAGE_DTOR", hugetlb_destructor);
    if (kernel.folio == FolioStyle::tail_flag)
        number_key("PG_hugetlb", kernel.hugetlb_bit);

    if (kernel.lockless_log) {
        using Layout = LocklessRingLayout;
        symbol("prb", core_.place("prb").virtual_address);
        size("printk_ringbuffer", Layout::ring_bytes);
        offset("printk_ringbuffer.desc_ring", Layout::descriptor_ring_at);
        offset("printk_ringbuffer.text_data_ring", Layout::text_ring_at);
        offset("prb_desc_ring.count_bits", Layout::count_bits_at);
        offset("prb_desc_ring.descs", Layout::descriptors_at);
        offset("prb_desc_ring.infos", Layout::infos_at);
        offset("prb_desc_ring.head_id", Layout::head_id_at);
        offset("prb_desc_ring.tail_id", Layout::tail_id_at);
        size("prb_desc", Layout::descriptor_bytes);
        offset("prb_desc.state_var", Layout::state_at);
        offset("prb_desc.text_blk_lpos", Layout::text_block_at);
        offset("prb_data_blk_lpos.begin", 0);
        offset("prb_data_blk_lpos.next", 8);
        offset("prb_data_ring.size_bits", Layout::size_bits_at);
        offset("prb_data_ring.data", Layout::data_at);
        size("printk_info", Layout::info_bytes);
        offset("printk_info.ts_nsec", Layout::info_time_at);
        offset("printk_info.text_len", Layout::info_length_at);
        offset("printk_info.caller_id", Layout::info_caller_at);
        offset("atomic_long_t.counter", 0);
    } else {
        for (const std::string_view name : {"log_buf", "log_buf_len", "log_first_idx", "log_next_idx"})
            symbol(name, core_.place(name).virtual_address);
        size("printk_log", 16);
        offset("printk_log.ts_nsec", 0);
        offset("printk_log.len", 8);
        offset("printk_log.text_len", 10);
        offset("printk_log.dict_len", 12);
    }
    for (const std::string& name : omitted_)
        if (std::erase_if(core_.vmcoreinfo_, [&](const auto& pair) { return pair.first == name; }) == 0)
            throw std::runtime_error(std::format("omit: this kernel has no key '{}'", name));
    for (const auto& [name, value] : replaced_)
        core_.set_key(name, value);
}

void CoreBuilder::check_places() const {
    if (core_.kernel_at_ % large_page != 0)
        throw std::runtime_error("kernel_at is not a multiple of 2 MiB");
    const bool fits = std::ranges::any_of(core_.ram_, [&](const RamRange& range) {
        return range.start <= core_.kernel_at_ && next_frame_ <= range.end;
    });
    if (!fits)
        throw std::runtime_error(
            std::format("the kernel needs RAM from {:#x} to {:#x}", core_.kernel_at_, next_frame_));
    const auto described = core_.pages_.lower_bound(core_.kernel_at_ / page_bytes);
    if (described != core_.pages_.end() && described->first < next_frame_ / page_bytes)
        throw std::runtime_error(
            std::format("pfn {:#x} is described, and is the kernel's own, which is up to {:#x}",
                        described->first, next_frame_ / page_bytes));
}

BuiltCore BuiltCore::from(std::string_view description) {
    return CoreBuilder().build(description);
}

void BuiltCore::set_key(std::string_view key, std::string_view value) {
    const auto found = std::ranges::find(vmcoreinfo_, key, [](const auto& pair) { return pair.first; });
    if (found != vmcoreinfo_.end())
        found->second = value;
    else
        vmcoreinfo_.emplace_back(key, value);
}

std::string BuiltCore::vmcoreinfo() const {
    std::string text;
    for (const auto& [key, value] : vmcoreinfo_)
        text += std::format("{}={}\n", key, value);
    return text;
}

Place BuiltCore::place(std::string_view name) const {
    const auto found = places_.find(name);
    if (found == places_.end())
        throw std::runtime_error(std::format("there is no place '{}'", name));
    return found->second;
}

std::uint64_t BuiltCore::struct_page(std::uint64_t pfn) const {
    return struct_page_frames_.at(pfn / structs_per_frame) + pfn % structs_per_frame * struct_page_bytes;
}

std::uint64_t BuiltCore::table_entry(std::uint64_t virtual_address, unsigned level) const {
    PhysicalMemory copy = memory_;
    PageTables tables(copy, place("init_top_pgt").physical, levels_, encryption_mask_,
                      []() -> std::uint64_t { throw std::runtime_error("no table maps that address"); });
    return tables.entry_at(virtual_address, level);
}

std::uint64_t BuiltCore::section_entry(std::uint64_t section) const {
    const auto root =
        memory_.get<std::uint64_t>(place("mem_section_roots").physical + section / sections_per_root * 8);
    return root - direct_map_ + section % sections_per_root * mem_section_bytes;
}

std::uint64_t BuiltCore::end_pfn() const {
    std::uint64_t end = 0;
    for (const RamRange& range : ram_)
        end = std::max(end, round_up(range.end, page_bytes) / page_bytes);
    return end;
}

std::vector<std::uint64_t> BuiltCore::present_pfns() const {
    std::set<std::uint64_t> pfns;
    for (const RamRange& range : ram_)
        for (std::uint64_t pfn = range.start / page_bytes; pfn * page_bytes < range.end; ++pfn)
            pfns.insert(pfns.end(), pfn);
    return {pfns.begin(), pfns.end()};
}

bool BuiltCore::is_left_out(std::uint64_t pfn, unsigned level) const {
    const auto found = pages_.find(pfn);
    if (found == pages_.end() || !section_memmaps_.contains(pfn / pages_per_section))
        return false;
    const PageFacts& own = found->second;
    const PageFacts& page = own.is_tail ? pages_.at(own.head) : own;
    if (own.hwpoison || page.hwpoison || page.offline)
        return true;
    if (page.slab)
        return false;
    if (page.buddy)
        return (level & 16) != 0;
    if (page.anonymous || (page.hugetlb && page.order > 0))
        return (level & 8) != 0;
    if (page.lru || page.swapcache)
        return (level & (page.private_data ? 4U : 6U)) != 0;
    return false;
}

std::vector<std::uint64_t> BuiltCore::expected_pfns(unsigned level) const {
    std::vector<std::uint64_t> pfns;
    for (const std::uint64_t pfn : present_pfns()) {
        const bool held = std::ranges::any_of(ram_, [&](const RamRange& range) {
            return pfn >= range.start / page_bytes && pfn * page_bytes < range.held_end;
        });
        if (held && !is_left_out(pfn, level))
            pfns.push_back(pfn);
    }
    return pfns;
}

PageBytes BuiltCore::page(std::uint64_t pfn) const {
    PageBytes bytes{};
    const PageBytes* content = memory_.find(pfn);
    for (const RamRange& range : ram_) {
        const std::uint64_t start = std::max(range.start, pfn * page_bytes);
        const std::uint64_t end = std::min(range.held_end, (pfn + 1) * page_bytes);
        for (std::uint64_t at = start; content != nullptr && at < end; ++at)
            bytes[at % page_bytes] = (*content)[at % page_bytes];
    }
    return bytes;
}

std::string BuiltCore::expected_log() const {
    std::string log;
    for (const LogRecord& record : log_kept_) {
        const std::string stamp = std::format("[{:5}.{:06}] ", record.nanoseconds / 1'000'000'000,
                                              record.nanoseconds % 1'000'000'000 / 1000);
        std::string text = record.text;
        for (std::size_t at = 0; at < text.size(); ++at)
            if (const auto byte = static_cast<unsigned char>(text[at]);
                byte != '\t' && byte != '\n' && (byte < 0x20 || byte == 0x7f))
                text.replace(at, 1, std::format("\\x{:02x}", byte));
        log += stamp;
        for (std::size_t at = 0; at < text.size(); ++at) {
            if (text[at] != '\n')
                log += text[at];
            else if (at + 1 < text.size())
                log += '\n' + stamp;
        }
        log += '\n';
    }
    return log;
}

std::string BuiltCore::notes() const {
    std::string notes;
    const auto add = [&](std::string_view name, std::uint32_t type, std::string_view descriptor) {
        const Elf64_Nhdr header{static_cast<Elf64_Word>(name.size() + 1),
                                static_cast<Elf64_Word>(descriptor.size()), type};
        notes.append(reinterpret_cast<const char*>(&header), sizeof(header));
        notes.append(name).append(round_up(name.size() + 1, 4) - name.size(), '\0');
        notes.append(descriptor).append(round_up(descriptor.size(), 4) - descriptor.size(), '\0');
    };
    for (unsigned cpu = 0; cpu < cpus_; ++cpu)
        add("CORE", NT_PRSTATUS, std::string(336, static_cast<char>(cpu)));
    if (elf_vmcoreinfo_)
        add("VMCOREINFO", 0, vmcoreinfo());
    return notes;
}

std::uint64_t BuiltCore::notes_at() const {
    const std::uint64_t headers = 1 + ram_.size() + (elf_text_ ? 1 : 0);
    return round_up(program_headers_at + headers * sizeof(Elf64_Phdr) + sizeof(Elf64_Shdr), page_bytes);
}

std::vector<BuiltCore::Segment> BuiltCore::segments() const {
    std::vector<Segment> segments;
    if (elf_text_)
        segments.push_back({kernel_virtual_,
                            {kernel_at_, kernel_at_ + kernel_text_bytes_, kernel_at_ + kernel_text_bytes_},
                            0});
    for (const RamRange& range : ram_)
        segments.push_back({direct_map_ + range.start, range, 0});
    // The bytes of a page stay together, as in /proc/vmcore: a segment's place in its page is that in the
    // file.
    std::uint64_t at = notes_at() + round_up(notes().size(), page_bytes);
    for (Segment& segment : segments) {
        segment.file_offset = at + segment.range.start % page_bytes;
        at = round_up(segment.file_offset + segment.range.held_end - segment.range.start, page_bytes);
    }
    return segments;
}

std::uint64_t BuiltCore::data_at(std::size_t ram_index) const {
    return segments().at(ram_index + (elf_text_ ? 1 : 0)).file_offset;
}

std::uint64_t BuiltCore::file_offset(std::uint64_t physical) const {
    for (std::size_t i = 0; i < ram_.size(); ++i)
        if (physical >= ram_[i].start && physical < ram_[i].held_end)
            return data_at(i) + physical - ram_[i].start;
    throw std::runtime_error(std::format("the core does not hold {:#x}", physical));
}

void BuiltCore::write(const std::string& path) const {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        throw std::system_error(errno, std::generic_category(), path);
    const auto put = [&](std::uint64_t offset, const void* bytes, std::size_t length) {
        if (::pwrite(fd, bytes, length, static_cast<off_t>(offset)) != static_cast<ssize_t>(length))
            throw std::system_error(errno, std::generic_category(), path);
    };
    const std::vector<Segment> all = segments();
    const std::string note = notes();

    Elf64_Ehdr header{};
    std::copy_n(ELFMAG, SELFMAG, header.e_ident);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_CORE;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_phoff = program_headers_at;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<Elf64_Half>(all.size() + 1);
    if (elf_xnum_) {
        Elf64_Shdr section{};
        section.sh_info = header.e_phnum;
        header.e_phnum = PN_XNUM;
        header.e_shoff = program_headers_at + (all.size() + 1) * sizeof(Elf64_Phdr);
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = 1;
        put(header.e_shoff, &section, sizeof(section));
    }
    put(0, &header, sizeof(header));

    Elf64_Phdr notes_header{};
    notes_header.p_type = PT_NOTE;
    notes_header.p_offset = notes_at();
    notes_header.p_filesz = notes_header.p_memsz = note.size();
    put(program_headers_at, &notes_header, sizeof(notes_header));
    put(notes_at(), note.data(), note.size());

    std::uint64_t end = notes_at() + note.size();
    std::uint64_t header_at = program_headers_at + sizeof(Elf64_Phdr);
    for (const Segment& segment : all) {
        Elf64_Phdr load{};
        load.p_type = PT_LOAD;
        load.p_flags = PF_R | PF_W | PF_X;
        load.p_offset = segment.file_offset;
        load.p_vaddr = segment.virtual_address;
        load.p_paddr = segment.range.start;
        load.p_filesz = segment.range.held_end - segment.range.start;
        load.p_memsz = segment.range.end - segment.range.start;
        put(header_at, &load, sizeof(load));
        header_at += sizeof(load);

        const std::uint64_t first = segment.range.start / page_bytes;
        const std::uint64_t last = (segment.range.held_end - 1) / page_bytes;
        const std::uint64_t file_start = segment.file_offset - segment.range.start % page_bytes;
        // Around a ragged segment the file has something that is not of it.
        const std::string strange(page_bytes, '\xee');
        for (const std::uint64_t pfn : {first, last})
            if (pfn * page_bytes < segment.range.start || (pfn + 1) * page_bytes > segment.range.held_end) {
                put(file_start + (pfn - first) * page_bytes, strange.data(), strange.size());
                const PageBytes bytes = page(pfn);
                const std::uint64_t from = std::max(segment.range.start, pfn * page_bytes);
                const std::uint64_t to = std::min(segment.range.held_end, (pfn + 1) * page_bytes);
                put(segment.file_offset + from - segment.range.start, bytes.data() + from % page_bytes,
                    to - from);
            }
        for (auto found = memory_.pages().lower_bound(first);
             found != memory_.pages().end() && found->first <= last; ++found) {
            const auto& [pfn, bytes] = *found;
            const std::uint64_t from = std::max(segment.range.start, pfn * page_bytes);
            const std::uint64_t to = std::min(segment.range.held_end, (pfn + 1) * page_bytes);
            if (from < to)
                put(segment.file_offset + from - segment.range.start, bytes.data() + from % page_bytes,
                    to - from);
        }
        end = round_up(segment.file_offset + segment.range.held_end - segment.range.start, page_bytes);
    }
    if (::ftruncate(fd, static_cast<off_t>(end)) != 0)
        throw std::system_error(errno, std::generic_category(), path);
    ::close(fd);
}

} // namespace lifeboat::tests
