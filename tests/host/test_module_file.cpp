// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/module_file.h"
#include "host/machine/module_signatures.h"
#include "tests/builders/fake_machine.h"
#include "tests/builders/module_builder.h"
#include "tests/error_text.h"

#include <doctest/doctest.h>

using namespace lifeboat::host;
namespace tests = lifeboat::tests;

namespace {

const tests::ModuleText text{.path = "kernel/a.ko",
                             .needs = {"one", "two"},
                             .info = {"firmware=a/b.bin", "alias=x", "firmware=c.bin"}};

} // namespace

TEST_CASE("what a module tells of itself") {
    const std::string content = tests::build_module(text);
    const auto facts = read_module_facts(content, "a.ko");
    REQUIRE(facts.has_value());
    CHECK(facts->firmware == std::vector<std::string>{"a/b.bin", "c.bin"});
    CHECK_FALSE(facts->is_signed);
    // .text 100, .note 36, .modinfo 57, __ksymtab_strings 1 and .data 19, each at 16.
    CHECK(facts->memory_bytes == 112 + 48 + 64 + 16 + 19);
    CHECK(read_module_facts(tests::build_signed_module(text), "a.ko")->is_signed);
}

TEST_CASE("a slim module is without signature and BTF, and otherwise the same") {
    const std::string whole = tests::build_signed_module(text);
    const auto slim = slim_module(whole, "a.ko");
    REQUIRE(slim.has_value());
    CHECK(slim->size() + 5000 < whole.size());
    CHECK_FALSE(slim->contains(std::string(20, 'B')));
    CHECK_FALSE(slim->contains(std::string(20, 's')));
    CHECK_FALSE(slim->contains(std::string(20, 'b')));
    CHECK(slim->contains("data of kernel/a.ko"));
    const auto facts = read_module_facts(*slim, "a.ko");
    REQUIRE(facts.has_value());
    CHECK(facts->firmware == std::vector<std::string>{"a/b.bin", "c.bin"});
    CHECK_FALSE(facts->is_signed);
    // Nothing more to take.
    CHECK(slim_module(*slim, "a.ko").value() == *slim);
}

TEST_CASE("what is not a module is said to be none") {
    const std::string content = tests::build_module(text);
    std::string of_32_bits = content;
    of_32_bits[4] = 1;
    std::string wild = content;
    wild[0x28 + 5] = 1; // e_shoff
    std::string far_apart = content;
    // sh_addralign of section 1, the table being at the file's end: 9 sections of 64 bytes and section 0
    far_apart[content.size() - 9 * 64 + 48 + 6] = 1;
    for (const std::string& damaged : {std::string(), std::string("short"),
                                       content.substr(0, content.size() - 1), of_32_bits, wild, far_apart})
        CHECK(tests::error_text(read_module_facts(damaged, "a.ko")) ==
              std::format("'a.ko' is not a 64-bit kernel module, {} bytes", damaged.size()));
}

TEST_CASE("signatures stay where a kernel may ask for them") {
    const struct {
        std::vector<std::pair<std::string, std::string>> files;
        ModuleSignatures signatures;
    } rows[] = {
        {{}, ModuleSignatures::may_go},
        {{{"sys/module/module/parameters/sig_enforce", "N\n"}}, ModuleSignatures::may_go},
        {{{"sys/module/module/parameters/sig_enforce", "Y\n"}}, ModuleSignatures::must_stay},
        {{{"sys/kernel/security/lockdown", "[none] integrity confidentiality\n"}, {"sys/firmware/efi/x", ""}},
         ModuleSignatures::may_go},
        {{{"sys/kernel/security/lockdown", "none [integrity] confidentiality\n"}},
         ModuleSignatures::must_stay},
        {{{"sys/firmware/efi/x", ""}}, ModuleSignatures::must_stay},
        {{{"boot/config-6.1-test", "CONFIG_MODULE_SIG=y\n# CONFIG_MODULE_SIG_FORCE is not set\n"}},
         ModuleSignatures::may_go},
        {{{"boot/config-6.1-test", "CONFIG_MODULE_SIG_FORCE=y\n"}}, ModuleSignatures::must_stay},
    };
    for (const auto& row : rows) {
        const tests::FakeMachine machine("");
        for (const auto& [name, content] : row.files)
            machine.write(name, content);
        CHECK(module_signatures(machine.paths(), {.version = "6.1-test"}) == row.signatures);
    }
}
