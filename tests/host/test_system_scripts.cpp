// SPDX-License-Identifier: GPL-2.0-or-later
// The scripts of the package, in a tree of their own: the programs that they call are played to them.
#include "base/descriptor.h"
#include "tests/builders/run_program.h"
#include "tests/fakes/temporary_system.h"

#include <filesystem>
#include <utility>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

// Each says its name and what it was called with.
constexpr std::string_view played = "#!/bin/sh\necho \"${0##*/} $*\"\n";

struct ScriptMachine : fakes::TemporarySystem {
    ScriptMachine() {
        std::filesystem::create_directories(path("run/systemd/system"));
        for (const char* name :
             {"lifeboat", "systemctl", "deb-systemd-invoke", "deb-systemd-helper", "grub-editenv"})
            install(std::string("bin/") + name, std::string(played));
        for (const char* name : {"kexec-attribute", "kernel-postinst", "debian/postinst", "debian/postrm"})
            install(std::string("scripts/") + name, in_tree(name));
    }

    void install(const std::string& name, const std::string& content) const {
        write(name, content);
        std::filesystem::permissions(path(name), std::filesystem::perms::owner_all);
    }

    // The script, with this tree's paths in place of the system's.
    [[nodiscard]] std::string in_tree(const std::string& name) const {
        const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../host/system";
        std::string text = read_file(folder / name).value();
        const std::pair<std::string, std::string> places[] = {
            {"/sys/kernel/", "sys/kernel/"},           {"/run/systemd/", "run/systemd/"},
            {"/usr/sbin/lifeboat", "bin/lifeboat"},    {"/usr/lib/lifeboat/", "scripts/"},
            {"/var/lib/lifeboat", "var/lib/lifeboat"}, {"/boot/", "boot/"}};
        for (const auto& [theirs, ours] : places) {
            const std::string place = path(ours);
            for (std::size_t at = 0; (at = text.find(theirs, at)) != std::string::npos; at += place.size())
                text.replace(at, theirs.size(), place);
        }
        return text;
    }

    [[nodiscard]] tests::ProgramResult run(const std::string& command) const {
        return tests::run_program(
            {"/bin/sh", "-c", "PATH=" + path("bin") + ":$PATH; " + path("scripts/") + command});
    }
};

// As kernels have it before 6.19, since then, and after 2028.
const std::vector<std::vector<std::string>> namings = {
    {"sys/kernel/kexec_"}, {"sys/kernel/kexec/", "sys/kernel/kexec_"}, {"sys/kernel/kexec/"}};

void write_attribute(const ScriptMachine& machine, const std::vector<std::string>& naming,
                     const std::string& name, const std::string& value) {
    for (const std::string& prefix : naming)
        machine.write(prefix + name, value + "\n");
}

} // namespace

TEST_CASE("what the kernel says of its crash kernel, by whichever name") {
    CHECK(ScriptMachine().run("kexec-attribute crash_size").exit_code != 0);
    for (const auto& naming : namings) {
        const ScriptMachine machine;
        write_attribute(machine, naming, "crash_size", "134217728");
        const auto said = machine.run("kexec-attribute crash_size");
        CHECK(said.exit_code == 0);
        CHECK(said.out == "134217728\n");
        CHECK(said.err == "");
    }
}

TEST_CASE("a running kernel that is installed again is loaded again where something is loaded") {
    CHECK_FALSE(ScriptMachine().run("kernel-postinst $(uname -r)").err.contains("lifeboat reload"));
    for (const auto& naming : namings)
        for (const bool is_loaded : {false, true}) {
            const ScriptMachine machine;
            write_attribute(machine, naming, "crash_loaded", is_loaded ? "1" : "0");
            const auto said = machine.run("kernel-postinst $(uname -r)");
            CHECK(said.exit_code == 0);
            CHECK(said.err.contains("lifeboat pack --kernel "));
            CHECK(said.err.contains("lifeboat reload") == is_loaded);
        }
}

TEST_CASE("the package loads at once where memory is reserved, and says so where none is") {
    const std::string reboot = "lifeboat: no memory is reserved for a crash kernel yet: reboot";
    CHECK(ScriptMachine().run("debian/postinst abort-remove").out.contains(reboot));
    for (const auto& naming : namings)
        for (const bool is_reserved : {false, true}) {
            const ScriptMachine machine;
            write_attribute(machine, naming, "crash_size", is_reserved ? "134217728" : "0");
            const auto said = machine.run("debian/postinst abort-remove");
            CHECK(said.exit_code == 0);
            CHECK(said.out.contains("deb-systemd-invoke restart lifeboat.service\n") == is_reserved);
            CHECK(said.out.contains(reboot) != is_reserved);
        }
}

TEST_CASE("a purge leaves no count in GRUB's environment block") {
    const ScriptMachine machine;
    CHECK_FALSE(machine.run("debian/postrm purge").out.contains("grub-editenv"));
    machine.write("boot/grub/grubenv", "# GRUB Environment Block\nother=1\n");
    CHECK_FALSE(machine.run("debian/postrm purge").out.contains("grub-editenv"));
    machine.write("boot/grub/grubenv", "# GRUB Environment Block\nlifeboat_boots_left=3\n");
    CHECK_FALSE(machine.run("debian/postrm remove").out.contains("grub-editenv"));
    CHECK(machine.run("debian/postrm purge")
              .out.contains("grub-editenv " + machine.path("boot/grub/grubenv") +
                            " unset lifeboat_boots_left\n"));
}

// Without one a oneshot unit may start for ever: a boot that waits for it, monitoring that never says a word.
TEST_CASE("every unit that is shipped has an end") {
    const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../host/system";
    std::size_t units = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".service")
            continue;
        CAPTURE(entry.path().string());
        ++units;
        const std::string text = read_file(entry.path()).value();
        CHECK(text.contains("\nTimeoutStartSec="));
        CHECK_FALSE(text.contains("TimeoutStartSec=infinity"));
    }
    CHECK(units == 5);
}

TEST_CASE("for monitoring a poorer capture is no failure, no answer is one") {
    const auto folder = std::filesystem::path(__FILE__).parent_path() / "../../host/system";
    const std::string unit = read_file(folder / "lifeboat-ready.service").value();
    CHECK(unit.contains("\nSuccessExitStatus=3\n"));
    CHECK(unit.contains("\nTimeoutStartSec=90\n"));
}
