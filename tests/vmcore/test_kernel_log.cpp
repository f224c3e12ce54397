// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/error_text.h"
#include "tests/vmcore/written_core.h"
#include "vmcore/kernel_log.h"

#include <format>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::tests;

namespace {

struct Extracted {
    Result<KernelLogSummary> summary;
    std::string text;
};

Extracted extract(const WrittenCore& written) {
    std::string text;
    auto summary = extract_kernel_log(written.open(), [&](std::string_view part) -> Result<> {
        text += part;
        return {};
    });
    return {std::move(summary), std::move(text)};
}

std::string many_records(unsigned count, std::string_view kernel = "6.1") {
    std::string description = small_machine("kernel " + std::string(kernel) + "\n");
    description += "log ring 2^5 records 2^11 bytes\n";
    for (unsigned i = 0; i < count; ++i)
        description +=
            std::format("log \"record {} {}\" at {}.{:06}\n", i, std::string(i * 7 % 90, 'x'), i, i);
    return description;
}

constexpr std::string_view both_kernels[] = {"6.1", "4.19"};

} // namespace

TEST_CASE("records become lines as dmesg shows them") {
    for (const std::string_view kernel : both_kernels) {
        CAPTURE(kernel);
        const WrittenCore written(small_machine(std::format(R"(
kernel {}
log "Linux version 6.1" at 0
log "two\nlines" at 1.234567
log "ends with a newline\n" at 12345.000001
log "tab\there" at 2.5
log "\x1b[31mred\x7f \x01" at 3.000000999
log "UTF-8: \xc3\xa9" at 100000.5
log "Kernel panic - not syncing: test" at 99999.999999
)",
                                                            kernel)));
        const auto [summary, text] = extract(written);
        REQUIRE(summary);
        CHECK(text == "[    0.000000] Linux version 6.1\n"
                      "[    1.234567] two\n"
                      "[    1.234567] lines\n"
                      "[12345.000001] ends with a newline\n"
                      "[    2.500000] tab\there\n"
                      "[    3.000000] \\x1b[31mred\\x7f \\x01\n"
                      "[100000.500000] UTF-8: \xc3\xa9\n"
                      "[99999.999999] Kernel panic - not syncing: test\n");
        CHECK(text == written.built.expected_log());
        CHECK(summary->records == 7);
        CHECK(summary->damaged_records == 0);
        CHECK(summary->written_bytes == text.size());
    }
}

TEST_CASE("an empty record is an empty line, one without room for its text is none") {
    const WrittenCore written(
        small_machine("log \"one\" at 1\nlog \"\" at 2\nlog \"lost\" at 3 lost\nlog \"four\" "
                      "at 4\nlog \"not yet\" at 5 reserved"));
    CHECK(extract(written).text == "[    1.000000] one\n[    2.000000] \n[    4.000000] four\n");
    CHECK(extract(written).summary->damaged_records == 0);
}

TEST_CASE("a ring that has wrapped, at every fill") {
    for (const std::string_view kernel : both_kernels)
        for (unsigned count = 0; count < 140; count += count < 60 ? 1 : 7) {
            CAPTURE(kernel);
            CAPTURE(count);
            const WrittenCore written(many_records(count, kernel));
            const auto [summary, text] = extract(written);
            REQUIRE(summary);
            CHECK(text == written.built.expected_log());
            CHECK(summary->damaged_records == 0);
        }
}

TEST_CASE("a log larger than the writer's buffer comes in several parts") {
    std::string description = small_machine("log ring 2^10 records 2^17 bytes\n");
    for (unsigned i = 0; i < 1000; ++i)
        description += std::format("log \"{}\" at {}\n", std::string(100, 'y'), i);
    const WrittenCore written(description);
    unsigned parts = 0;
    std::string all;
    REQUIRE(extract_kernel_log(written.open(), [&](std::string_view part) -> Result<> {
        ++parts;
        all += part;
        return {};
    }));
    CHECK(parts > 2);
    CHECK(all == written.built.expected_log());
}

TEST_CASE("the sink's error ends it") {
    const WrittenCore written(small_machine("log \"one\" at 1"));
    const auto result = extract_kernel_log(written.open(), [](std::string_view) -> Result<> {
        return fail(ErrorKind::no_space, "write it: it is full");
    });
    CHECK(error_text(result) == "write it: it is full");
    CHECK(result.error().kind == ErrorKind::no_space);
}

TEST_CASE("damaged records cost themselves and nothing more") {
    const auto damage_block = [](std::uint64_t begin, std::uint64_t next) {
        return [=](BuiltCore& core) {
            // Of the second of the four records, whose ids begin at -256.
            const std::uint64_t index = ((std::uint64_t{1} << 62) - 256 + 1) % 256;
            const std::uint64_t at = core.place("prb_descriptors").physical + index * 24;
            core.memory().put(at + 8, begin);
            core.memory().put(at + 16, next);
        };
    };
    const struct {
        std::uint64_t begin;
        std::uint64_t next;
    } table[] = {{0, 0}, {16, 0},  {0, 4},     {0, 1 << 20},         {~7UL, 8UL << 40},
                 {8, 8}, {40, 32}, {0, ~15UL}, {0x4000 - 8, 0x4004}, {0x3ff8, 0x4000}};
    for (const auto& [begin, next] : table) {
        CAPTURE(begin);
        CAPTURE(next);
        const WrittenCore written(
            small_machine("log \"one\" at 1\nlog \"two\" at 2\nlog \"three\" at 3\nlog \"four\" at 4"),
            damage_block(begin, next));
        const auto [summary, text] = extract(written);
        REQUIRE(summary);
        CHECK(text.starts_with("[    1.000000] one\n"));
        CHECK(text.ends_with("[    3.000000] three\n[    4.000000] four\n"));
        CHECK(summary->records + summary->damaged_records == 4);
    }
}

TEST_CASE("a text's length is not believed beyond its block") {
    const WrittenCore written(small_machine("log \"one\" at 1\nlog \"two\" at 2"), [](BuiltCore& core) {
        const std::uint64_t index = ((std::uint64_t{1} << 62) - 256) % 256;
        core.memory().put(core.place("prb_infos").physical + index * 88 + 16, std::uint16_t{0xffff});
    });
    // The block of "one" is 16 bytes, of which 8 are its id.
    CHECK(extract(written).text == "[    1.000000] one\\x00\\x00\\x00\\x00\\x00\n[    2.000000] two\n");
}

TEST_CASE("head and tail may say anything") {
    for (const std::uint64_t tail : {0UL, ~0UL, 1UL << 61, 12345UL}) {
        const WrittenCore written(many_records(100), [&](BuiltCore& core) {
            core.memory().put(core.place("prb_ring").physical + 32, tail);
        });
        const auto [summary, text] = extract(written);
        REQUIRE(summary);
        CHECK(written.built.expected_log().ends_with(text));
    }
    const WrittenCore written(many_records(100), [](BuiltCore& core) {
        core.memory().put(core.place("prb_ring").physical + 24, ~std::uint64_t{0});
    });
    CHECK(extract(written).summary->records <= 32);
}

TEST_CASE("a ring that claims far more records than are there costs no more time, and not its newest ones") {
    const WrittenCore written(small_machine("log \"one\" at 1\nlog \"two\" at 2"), [](BuiltCore& core) {
        const std::uint64_t ring = core.place("prb_ring").physical;
        const std::uint64_t newest = core.memory().get<std::uint64_t>(ring + 24);
        // The two newest descriptors where the larger ring has them; between is nothing mapped.
        const std::uint64_t count = std::uint64_t{1} << 26;
        core.memory().put(ring, std::uint32_t{26});
        core.memory().put(ring + 32, newest - count + 1);
        const std::uint64_t first = (newest - 1) % count;
        core.memory().put(ring + 8, 0xffffffff81010000 - first * 24 + (newest - 1) % 256 * 24);
        core.memory().put(ring + 16, 0xffffffff81040000 - first * 88 + (newest - 1) % 256 * 88);
    });
    const auto [summary, text] = extract(written);
    REQUIRE(summary);
    CHECK(text.ends_with("[    1.000000] one\n[    2.000000] two\n"));
    CHECK(summary->damaged_records > 1'000'000);
}

TEST_CASE("a record buffer that is damaged ends at the damage, and keeps what came before") {
    const auto with_second = [](std::uint64_t offset, auto value) {
        return WrittenCore(
            small_machine("kernel 4.19\nlog \"one!\" at 1\nlog \"two!\" at 2\nlog \"three\" at 3"),
            [=](BuiltCore& core) {
                core.memory().put(core.place("log_data").physical + 20 + offset, value);
            });
    };
    const struct {
        std::uint64_t offset;
        std::uint16_t value;
    } table[] = {{8, 0}, {8, 1}, {8, 15}, {8, 0xffff}, {10, 5}, {10, 0xffff}};
    for (const auto& [offset, value] : table) {
        CAPTURE(offset);
        CAPTURE(value);
        const auto [summary, text] = extract(with_second(offset, value));
        REQUIRE(summary);
        CHECK(text == "[    1.000000] one!\n");
        CHECK(summary->damaged_records == 1);
    }
}

TEST_CASE("a record buffer leads past its end once, whatever its records say") {
    // The first record lies behind the next one to be written, and all lengths are 0.
    const WrittenCore written(small_machine("kernel 4.19\nlog \"x\" at 1"), [](BuiltCore& core) {
        const std::uint32_t a_gigabyte = 1U << 30;
        core.memory().put(core.place("log_buf_len").physical, a_gigabyte);
        core.memory().put(core.place("log_first_idx").physical, 4096U);
        core.memory().put(core.place("log_data").physical + 8, std::uint16_t{0});
    });
    const auto [summary, text] = extract(written);
    REQUIRE(summary);
    CHECK(text.empty());
    CHECK(summary->damaged_records == 1);
    // Records that step over the next one to be written: the way would go round without end.
    const WrittenCore stepping(
        small_machine("kernel 4.19\nlog \"x\" at 1\nlog \"y\" at 2"), [](BuiltCore& core) {
            core.memory().put(core.place("log_first_idx").physical, 20U);
            core.memory().put(core.place("log_next_idx").physical, 4U);
            core.memory().put(core.place("log_data").physical + 40 + 8, std::uint16_t{0});
        });
    const auto stepped = extract(stepping);
    REQUIRE(stepped.summary);
    CHECK(stepped.text == "[    2.000000] y\n[    1.000000] x\n[    2.000000] y\n");
    CHECK(stepped.summary->damaged_records == 1);
}

TEST_CASE("text that cannot be read does not cost the text before it") {
    // The log's data begins 4 KiB before a large page, which is taken away.
    for (const std::string_view kernel : both_kernels) {
        CAPTURE(kernel);
        std::string description =
            small_machine(std::format("kernel {}\nlog ring 2^8 records 2^14 bytes\n", kernel));
        for (unsigned i = 0; i < 80; ++i)
            description += std::format("log \"record {:02} {}\" at {}\n", i, std::string(80, 'z'), i);
        const WrittenCore written(description, [](BuiltCore& core) {
            core.memory().put(core.table_entry(0xffffffff81200000, 2), std::uint64_t{0});
        });
        const auto [summary, text] = extract(written);
        REQUIRE(summary);
        CHECK(summary->records >= 35);
        CHECK(summary->damaged_records >= 1);
        CHECK(written.built.expected_log().starts_with(text));
    }
}

TEST_CASE("what VMCOREINFO does not tell") {
    CHECK(error_text(extract(WrittenCore(small_machine("elf no_vmcoreinfo"))).summary)
              .ends_with("core' has no VMCOREINFO"));
    for (const std::string_view key :
         {"OFFSET(printk_ringbuffer.desc_ring)", "OFFSET(prb_data_ring.data)", "SIZE(printk_info)",
          "OFFSET(atomic_long_t.counter)", "OFFSET(prb_desc.state_var)"}) {
        const auto result = extract(WrittenCore(small_machine("omit " + std::string(key)))).summary;
        CHECK(error_text(result) == std::format("find the kernel log: VMCOREINFO lacks {}", key));
        CHECK(result.error().kind == ErrorKind::no_data);
    }
    CHECK(error_text(extract(WrittenCore(small_machine("omit SYMBOL(prb)"))).summary) ==
          "find the kernel log: VMCOREINFO lacks SYMBOL(log_buf)");
    CHECK(error_text(extract(WrittenCore(small_machine("kernel 4.19\nomit SYMBOL(log_next_idx)"))).summary) ==
          "find the kernel log: VMCOREINFO lacks SYMBOL(log_next_idx)");
}

TEST_CASE("a ring whose own description cannot be true") {
    const auto with_ring = [](std::uint64_t offset, std::uint32_t value) {
        return extract(WrittenCore(small_machine("log \"x\" at 1"),
                                   [=](BuiltCore& core) {
                                       core.memory().put(core.place("prb_ring").physical + offset, value);
                                   }))
            .summary;
    };
    CHECK(error_text(with_ring(0, 27)) ==
          "the kernel log's ring says 2^27 records in 2^14 bytes, which cannot be");
    CHECK(error_text(with_ring(40, 0xffffffff)) ==
          "the kernel log's ring says 2^8 records in 2^4294967295 bytes, which cannot be");
    CHECK(with_ring(0, 27).error().kind == ErrorKind::corrupt);
    CHECK(error_text(with_ring(40, 0)) == "no error"); // a ring of one byte: nothing in it can be true
    for (const std::string_view pair :
         {"OFFSET(prb_desc.state_var)=18446744073709551615", "OFFSET(prb_data_blk_lpos.next)=9",
          "OFFSET(printk_info.text_len)=87", "OFFSET(printk_info.ts_nsec)=18446744073709551612",
          "SIZE(prb_desc)=8192", "SIZE(printk_info)=0", "SIZE(prb_desc)=7"}) {
        CAPTURE(pair);
        CHECK(error_text(
                  extract(WrittenCore(small_machine("log \"x\" at 1\nset " + std::string(pair)))).summary) ==
              "the kernel log's ring says 2^8 records in 2^14 bytes, which cannot be");
    }
    const auto nowhere = extract(WrittenCore(small_machine("set SYMBOL(prb)=0"))).summary;
    CHECK(error_text(nowhere) == "translate 0x0: not mapped (level 4)");
}

TEST_CASE("a record buffer whose own description cannot be true") {
    const auto with_variable = [](std::string_view name, std::uint32_t value) {
        return error_text(
            extract(WrittenCore(small_machine("kernel 4.19\nlog \"x\" at 1"), [=](BuiltCore& core) {
                core.memory().put(core.place(name).physical, value);
            })).summary);
    };
    CHECK(with_variable("log_buf_len", 0xffffffff) ==
          "the kernel log's buffer says 4294967295 bytes from 0 to 20, which cannot be");
    CHECK(with_variable("log_first_idx", 20000) ==
          "the kernel log's buffer says 16384 bytes from 20000 to 20, which cannot be");
    CHECK(with_variable("log_next_idx", 0xfffffff0) ==
          "the kernel log's buffer says 16384 bytes from 0 to 4294967280, which cannot be");
    for (const std::string_view pair :
         {"SIZE(printk_log)=0", "SIZE(printk_log)=257", "OFFSET(printk_log.ts_nsec)=9",
          "OFFSET(printk_log.len)=18446744073709551615", "OFFSET(printk_log.text_len)=15"}) {
        CAPTURE(pair);
        CHECK(error_text(
                  extract(WrittenCore(small_machine("kernel 4.19\nlog \"x\" at 1\nset " + std::string(pair))))
                      .summary) == "the kernel log's buffer says 16384 bytes from 0 to 20, which cannot be");
    }
}
