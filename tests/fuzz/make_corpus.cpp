// SPDX-License-Identifier: GPL-2.0-or-later
// make_corpus FOLDER: inputs to begin with, for the targets whose inputs are not text, a folder for each
// target. Text, among it what real kernels export, stands in tests/fuzz/corpus.
#include "tests/builders/core_builder.h"
#include "tests/builders/module_builder.h"
#include "tests/builders/newc_builder.h"
#include "tests/builders/packed.h"
#include "tests/fuzz/patched_file.h"

#include <array>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <elf.h>

namespace lifeboat::tests {

namespace {

class Corpus {
public:
    explicit Corpus(std::filesystem::path folder)
        : folder_(std::move(folder)) {}
    void add(const std::string& target, const std::string& name, std::string_view content) const {
        std::filesystem::create_directories(folder_ / target);
        std::ofstream file(folder_ / target / name, std::ios::binary);
        if (!file.write(content.data(), static_cast<std::streamsize>(content.size())))
            throw std::runtime_error("write " + name);
    }

private:
    std::filesystem::path folder_;
};

// A record of PatchedFile's: what is written at a target.
std::string patch(std::uint8_t target, std::uint16_t place, std::uint64_t value) {
    std::uint8_t region = 0;
    for (std::uint8_t i = 1; i < PatchedFile::regions.size(); ++i)
        if (value >= PatchedFile::regions[i] && value - PatchedFile::regions[i] < (std::uint64_t{1} << 39))
            region = i;
    const std::uint64_t rest = value - PatchedFile::regions[region];
    std::string record(8, '\0');
    std::memcpy(record.data(), &place, sizeof(place));
    record[2] = static_cast<char>(target | region << 6);
    std::memcpy(record.data() + 3, &rest, 5);
    return record;
}

std::string head_of(const BuiltCore& core) {
    const std::string path =
        std::filesystem::temp_directory_path() / std::format("make-corpus-{}", ::getpid());
    core.write(path);
    std::string content(core.notes_at() + core.notes_bytes(), '\0');
    std::ifstream(path, std::ios::binary).read(content.data(), static_cast<std::streamsize>(content.size()));
    std::filesystem::remove(path);
    return content;
}

void add_files(const Corpus& corpus) {
    for (const std::string_view kernel : {"4.19", "6.1", "6.4", "6.7", "6.12", "7.1"}) {
        const BuiltCore core = BuiltCore::from(std::format(
            "kernel {}\nmachine cpus 2\nram 0x1000..0x9fc00\nram 0x1000000..0x1900000\nelf xnum\n", kernel));
        const std::string name(kernel);
        const std::string head = head_of(core);
        corpus.add("core_file", name, head);
        corpus.add("notes", name, std::string_view(head).substr(core.notes_at()));
        corpus.add("vmcoreinfo", name, core.vmcoreinfo());
    }
}

// Each a way of damage that a walk must come out of. Targets are those of the fuzz target's file, in order.
void add_damage(const Corpus& corpus) {
    constexpr std::uint64_t present = 0x63;
    // fuzz_page_tables.cpp: the top table, and three others; entries 256 and up are the kernel's.
    const std::uint64_t top = 0x1001000;
    std::string loop;
    for (const std::uint16_t entry : {256, 273, 468, 511})
        loop += patch(0, static_cast<std::uint16_t>(entry * 8), top | present);
    corpus.add("page_tables", "loop", loop);
    corpus.add("page_tables", "outside", patch(0, 511 * 8, 0x7ffffff000 | present));
    corpus.add("page_tables", "large_at_top", patch(0, 511 * 8, 0x80 | present));

    // fuzz_page_filter.cpp: a folio, a free block, page cache, the table of sections. fuzz_dump.cpp has two
    // targets before these.
    for (const auto& [target, before, first] :
         {std::tuple{"page_filter", 0, ""}, std::tuple{"dump", 2, "\x1f"}}) {
        const auto struct_page = [&](int index, std::uint16_t at, std::uint64_t value) {
            // In fuzz_dump.cpp the free block comes first.
            const int place = before == 0 ? index : before + (index == 1 ? 0 : 1);
            return first + patch(static_cast<std::uint8_t>(place), at, value);
        };
        corpus.add(target, "buddy_order_60", struct_page(1, page_private_at, 60));
        corpus.add(target, "buddy_order_10_unaligned", struct_page(1, page_private_at, 10));
        corpus.add(target, "folio_order_60", struct_page(0, struct_page_bytes + page_compound_order_at, 60));
        corpus.add(target, "folio_order_9", struct_page(0, struct_page_bytes + page_compound_order_at, 9));
        corpus.add(target, "tail_of_itself", struct_page(0, page_compound_info_at, 0xffffea0000060001));
        corpus.add(target, "poisoned", struct_page(0, 2, 0x80));
        const std::uint8_t sections = before == 0 ? 3 : 4;
        corpus.add(target, "memmap_in_section_table", first + patch(sections, 0, 0xffff88800140000f));
        corpus.add(target, "memmap_outside", first + patch(sections, 0, 0xffffea7fff00000f));
    }

    // fuzz_kernel_log.cpp: ring, descriptors, infos, text; or text, first index, next index, length.
    const std::string ring = "\1";
    const std::string buffer(1, '\0');
    corpus.add("kernel_log", "ring_as_it_is", ring);
    corpus.add("kernel_log", "ring_head_outside",
               ring + patch(0, LocklessRingLayout::head_id_at, 0x12345678));
    corpus.add("kernel_log", "ring_of_2_26", ring + patch(0, LocklessRingLayout::count_bits_at, 26));
    corpus.add("kernel_log", "ring_text_outside",
               ring + patch(1, LocklessRingLayout::text_block_at, 0x7ffffff000));
    corpus.add("kernel_log", "buffer_as_it_is", buffer);
    corpus.add("kernel_log", "buffer_first_outside", buffer + patch(1, 0, 0x7fffffff));
    corpus.add("kernel_log", "buffer_lengths_of_0",
               buffer + patch(3, 0, 0x3c000000) + patch(0, 8, 0) + patch(1, 0, 64));

    // fuzz_kdump_input.cpp: header from 400, sub-header, bitmaps, descriptors, the last ones, the end of the
    // data.
    corpus.add("kdump_input", "as_it_is", "");
    corpus.add("kdump_input", "incomplete", patch(0, 24, 0x28));
    corpus.add("kdump_input", "block_of_0", patch(0, 28, 0));
    corpus.add("kdump_input", "descriptor_outside", patch(4, 0, 0x7fffffffff));
    corpus.add("kdump_input", "descriptor_of_2_gib", patch(4, 8, 0x2080000000));
    corpus.add("kdump_input", "descriptors_all_in_the_header", patch(4, 0, 0) + patch(4, 24, 4096));
}

void add_struct_pages(const Corpus& corpus) {
    // Heads, tails, free blocks and so on as the builder writes them.
    constexpr std::array names{"4.19", "5.10", "6.1", "6.4", "6.7", "6.10", "6.12", "7.1-plain", "7.1"};
    for (std::size_t kernel = 0; kernel < names.size(); ++kernel) {
        const BuiltCore core = BuiltCore::from(std::format(
            "kernel {}\nram 0x1000000..0x1900000\nvmemmap 4k\npage 0x1800 anon lru order 1\npage 0x1802 "
            "buddy order 1\n"
            "page 0x1804 hugetlb order 1\npage 0x1806 slab\npage 0x1808 offline\npage 0x180a lru private\n"
            "page 0x180c swapcache\npage 0x180e hwpoison\npage 0x1810 slab order 1",
            names[kernel]));
        for (std::uint64_t pfn = 0x1800; pfn < 0x1812; pfn += 2) {
            std::string input(1, static_cast<char>(kernel));
            for (std::uint64_t i = 0; i < 2 * struct_page_bytes; ++i)
                input += core.memory().get<char>(core.struct_page(pfn) + i);
            corpus.add("struct_page", std::format("{}-{:x}", names[kernel], pfn), input);
        }
    }
}

// fuzz_initrd.cpp: early microcode, the main archive packed in each way, one more.
void add_initrds(const Corpus& corpus) {
    const std::string early = newc({{"kernel", 040755}, {"kernel/x86.bin", 0100644, "microcode"}});
    const std::string main = newc({{".", 040755},
                                   {"bin", 0120777, "usr/bin"},
                                   {"usr/bin/sh", 0104755, "", 9, 2},
                                   {"usr/bin/dash", 0104755, "shell", 9, 2},
                                   {"dev/console", 020600, "", 0, 1, 5, 1},
                                   {"init", 0100755, std::string(100, 'i')}});
    corpus.add("initrd", "none", early + std::string(8, '\0') + main + early);
    for (const Packer& packer : packers) {
        const std::string packed = output_of(std::string(packer.command), main);
        corpus.add("initrd", std::string(packer.name), packed);
        corpus.add("initrd", std::format("early-{}", packer.name),
                   early + packed + std::string((4 - packed.size() % 4) % 4, '\0') + early);
    }
}

void add_modules(const Corpus& corpus) {
    const ModuleText module{
        .path = "kernel/a.ko", .exports = {"a"}, .needs = {"b", "c"}, .info = {"firmware=a.bin"}};
    corpus.add("module_file", "module", build_module(module));
    corpus.add("module_file", "signed", build_signed_module(module));
}

} // namespace

} // namespace lifeboat::tests

int main(int argc, char** argv) {
    if (argc != 2)
        return 2;
    const lifeboat::tests::Corpus corpus(argv[1]);
    lifeboat::tests::add_files(corpus);
    lifeboat::tests::add_damage(corpus);
    lifeboat::tests::add_struct_pages(corpus);
    lifeboat::tests::add_initrds(corpus);
    lifeboat::tests::add_modules(corpus);
    return 0;
}
