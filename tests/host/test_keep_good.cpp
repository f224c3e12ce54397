// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/faulty_calls.h"
#include "tests/error_text.h"
#include "tests/host/good_machine.h"

#include <csignal>
#include <functional>

#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace lifeboat;
using namespace lifeboat::host;
using tests::error_text;
using tests::GoodMachine;
using tests::initrd_with;

namespace {

const std::string first_name = "6.1+20231114T221320Z"; // of second 1,700,000,000

const std::string second_name = "6.1+20231114T221420Z";

// No file can grow beyond this while it is there, as on a full disk.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit small{bytes, before_.rlim_max};
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

// One generation is kept, and another is to be.
struct Upgraded : GoodMachine {
    Upgraded() {
        REQUIRE(keep());
        write("boot/initrd.img-6.1", initrd_with("second"));
    }
    [[nodiscard]] tests::FaultyRun keep_second(std::optional<std::size_t> at, int os_error = 0) const {
        return tests::run_with_fault([this] { return keep(1'700'000'060, 1) ? 0 : 1; }, at, os_error);
    }
    // Whatever has a final name is what was kept.
    void check_kept() const {
        for (const Generation& generation : read_good_store(paths()).value().generations) {
            CHECK(check_kept_file(paths(), generation.image, generation.image_path()));
            CHECK(check_kept_file(paths(), generation.initrd, generation.initrd_path()));
        }
    }
};

bool same_file(const std::string& one, const std::string& other) {
    return std::filesystem::equivalent(one, other);
}

} // namespace

TEST_CASE("what the kernel's command line tells of a boot") {
    const struct {
        std::string line;
        bool is_rescue, is_known_good;
        std::string image, kept;
    } rows[] = {
        {"BOOT_IMAGE=/vmlinuz-6.1 root=/dev/sda1 ro quiet", false, false, "/vmlinuz-6.1",
         "root=/dev/sda1 ro quiet"},
        {"root=/dev/sda1 initrd=\\m\\6.1\\initrd dyndbg=\"a b\"", false, false, "",
         "root=/dev/sda1 dyndbg=\"a b\""},
        {"BOOT_IMAGE=/vmlinuz-6.1 lifeboat.rescue=boot ro", true, false, "/vmlinuz-6.1", "ro"},
        {"lifeboat.rescue", true, false, "", ""},
        {"BOOT_IMAGE=/boot/lifeboat/good/6.1+x/vmlinuz ro", false, true, "/boot/lifeboat/good/6.1+x/vmlinuz",
         "ro"},
        {"BOOT_IMAGE=(hd0,gpt2)/lifeboat/good/6.1+x/vmlinuz", false, true,
         "(hd0,gpt2)/lifeboat/good/6.1+x/vmlinuz", ""},
        {"initrd=\\lifeboat\\good\\6.1+x\\initrd.img ro", false, true, "", "ro"},
        {"ro lifeboat.good=6.1+x", false, true, "", "ro"},
        {"lifeboat.rescued lifeboat.target=/x", false, false, "", "lifeboat.rescued lifeboat.target=/x"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.line);
        const BootWords words = read_boot_words(row.line);
        CHECK(words.is_rescue == row.is_rescue);
        CHECK(words.is_known_good == row.is_known_good);
        CHECK(words.image == row.image);
        CHECK(words.command_line == row.kept);
    }
}

TEST_CASE("which files have booted") {
    const std::string usual = "/boot/initrd.img-6.1";
    const struct {
        std::function<void(const GoodMachine&)> change;
        std::string said;
    } rows[] = {
        {[](const GoodMachine&) {}, "no error"},
        // A /boot of its own.
        {[](const GoodMachine& machine) { machine.write("proc/cmdline", "BOOT_IMAGE=/vmlinuz-6.1 ro"); },
         "no error"},
        {[](const GoodMachine& machine) {
             machine.write("proc/cmdline", "BOOT_IMAGE=(hd0,gpt2)/vmlinuz-6.1");
         },
         "no error"},
        // Debian's link at the top.
        {[](const GoodMachine& machine) {
             machine.write("proc/cmdline", "BOOT_IMAGE=/vmlinuz ro");
             std::filesystem::create_symlink("boot/vmlinuz-6.1", machine.path("vmlinuz"));
         },
         "no error"},
        {[](const GoodMachine& machine) { machine.write("proc/cmdline", "root=/dev/sda1"); },
         "the boot loader names no BOOT_IMAGE= and no LoaderEntrySelected, as systemd-boot leaves it, so "
         "that it is not "
         "known which files have booted"},
        {[](const GoodMachine& machine) { machine.write("proc/cmdline", "BOOT_IMAGE=/test/bzImage"); },
         "the boot loader has started '/test/bzImage', which is not '/boot/vmlinuz-6.1'"},
        {[](const GoodMachine& machine) {
             machine.write("proc/cmdline", "BOOT_IMAGE=/vmlinuz-6.1 lifeboat.rescue=repair");
         },
         "this is a rescue boot, which proves nothing of the installed initrd"},
        {[](const GoodMachine& machine) {
             machine.write("proc/cmdline", "BOOT_IMAGE=/lifeboat/good/a/vmlinuz");
         },
         "this boot was from what is kept already"},
        {[](const GoodMachine& machine) { std::filesystem::remove(machine.path("boot/initrd.img-6.1")); },
         "kernel 6.1 has no initrd in 'ROOT/boot': without one there is nothing to keep"},
        {[](const GoodMachine& machine) { machine.write("proc/sys/kernel/osrelease", "6.2\n"); },
         "the running kernel 6.2 has no image in 'ROOT/boot' any more"},
        {[](const GoodMachine& machine) { machine.write("proc/stat", "cpu 1\n"); },
         "read 'ROOT/proc/stat': it does not tell when the machine has booted"},
    };
    for (const auto& row : rows) {
        const GoodMachine machine;
        row.change(machine);
        const auto booted = find_booted_files(machine.paths(), read_boot_words(machine.read("proc/cmdline")));
        std::string said = row.said;
        if (const std::size_t at = said.find("ROOT"); at != std::string::npos)
            said.replace(at, 4, machine.paths().root);
        CHECK(error_text(booted) == said);
        if (booted) {
            CHECK(booted->image == "/boot/vmlinuz-6.1");
            CHECK(booted->initrd == usual);
        }
    }
    const GoodMachine fedora;
    std::filesystem::rename(fedora.path(usual), fedora.path("boot/initramfs-6.1.img"));
    const auto booted = find_booted_files(fedora.paths(), read_boot_words(fedora.read("proc/cmdline")));
    REQUIRE(booted);
    CHECK(booted->initrd == "/boot/initramfs-6.1.img");
}

TEST_CASE("what has booted is kept, once") {
    const GoodMachine machine;
    auto kept = machine.keep();
    REQUIRE(error_text(kept) == "no error");
    CHECK(kept->what == Kept::What::generation);
    CHECK(machine.kept_names() == std::vector{first_name});
    const std::string folder = "boot/lifeboat/good/" + first_name;
    CHECK(machine.names_in(folder) == std::vector<std::string>{"initrd.img", "record", "vmlinuz"});
    CHECK(machine.names_in("boot/lifeboat/good") == std::vector{first_name});
    CHECK(machine.read(folder + "/initrd.img") == initrd_with("first"));
    CHECK(machine.read(folder + "/vmlinuz") == "kernel 6.1");

    const Generation generation = read_good_store(machine.paths()).value().generations.at(0);
    CHECK(generation.kernel == "6.1");
    CHECK(generation.kept_s == 1'700'000'000);
    CHECK(generation.command_line == "root=UUID=a ro quiet");
    CHECK(generation.image.original.path == "/boot/vmlinuz-6.1");
    CHECK(generation.initrd.original.path == "/boot/initrd.img-6.1");
    CHECK(generation.initrd.original.size_bytes == initrd_with("first").size());
    CHECK(generation.initrd.stored_by != StoredBy::link);
    CHECK(check_kept_file(machine.paths(), generation.initrd, generation.initrd_path()));

    kept = machine.keep(1'700'000'060);
    REQUIRE(kept);
    CHECK(kept->what == Kept::What::nothing);
    CHECK(machine.kept_names() == std::vector{first_name});
}

// As dracut does it with an initrd, and linux-base 4.17 with an image.
TEST_CASE("what writes into an installed file does not reach what is kept") {
    const GoodMachine machine;
    REQUIRE(machine.keep());
    machine.write("boot/vmlinuz-6.1", "KERNEL 6.1");
    machine.write("boot/initrd.img-6.1", initrd_with("FIRST"));
    const Generation generation = read_good_store(machine.paths()).value().generations.at(0);
    CHECK(error_text(check_kept_file(machine.paths(), generation.image, generation.image_path())) ==
          "no error");
    CHECK(error_text(check_kept_file(machine.paths(), generation.initrd, generation.initrd_path())) ==
          "no error");
}

TEST_CASE("another command line goes into the record") {
    const GoodMachine machine;
    REQUIRE(machine.keep());
    machine.write("proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=a ro debug\n");
    const auto kept = machine.keep(1'700'000'060);
    REQUIRE(kept);
    CHECK(kept->what == Kept::What::command_line);
    CHECK(machine.kept_names() == std::vector{first_name});
    CHECK(read_good_store(machine.paths()).value().generations.at(0).command_line == "root=UUID=a ro debug");
}

TEST_CASE("what no boot has proved is not kept") {
    const GoodMachine machine;
    machine.write("boot/vmlinuz-6.1", std::string(20000, 'x'));
    {
        const FullDisk full(10000); // the image is linked
        REQUIRE(machine.keep());
    }
    const auto names = machine.kept_names();
    machine.boot_at(std::time(nullptr) - 1000);
    // The very files that are kept need no other proof, though linking one of them has touched it.
    CHECK(machine.keep(1'700'000'060).value().what == Kept::What::nothing);

    const auto hours_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(100);
    std::filesystem::last_write_time(machine.path("boot/vmlinuz-6.1"), hours_ago);
    machine.write("boot/initrd.img-6.1", initrd_with("never booted"));
    const std::string said =
        "'/boot/initrd.img-6.1' was written or renamed since this boot, so that no boot has proved it yet";
    CHECK(error_text(machine.keep(1'700'000'060)) == said);
    // As `touch -d` or `cp -p` would have it: when its inode changed tells.
    std::filesystem::last_write_time(machine.path("boot/initrd.img-6.1"), hours_ago);
    CHECK(error_text(machine.keep(1'700'000'060)) == said);
    CHECK(machine.kept_names() == names);
    CHECK(machine.read("boot/lifeboat/good/" + first_name + "/initrd.img") == initrd_with("first"));
}

TEST_CASE("the oldest go when there are too many") {
    const GoodMachine machine;
    for (int i = 0; i < 5; ++i) {
        machine.write("boot/initrd.img-6.1", initrd_with(std::to_string(i)));
        REQUIRE(error_text(machine.keep(1'700'000'000 + i)) == "no error");
    }
    CHECK(machine.kept_names() ==
          std::vector<std::string>{"6.1+20231114T221324Z", "6.1+20231114T221323Z", "6.1+20231114T221322Z"});
    CHECK(machine.names_in("boot/lifeboat/good").size() == 3);
}

TEST_CASE("which are beyond the bound") {
    const auto store_of = [](const std::vector<std::string>& kernels) {
        GoodStore store;
        for (std::size_t i = 0; i < kernels.size(); ++i)
            store.generations.push_back({.name = kernels[i] + "-" + std::to_string(i), .kernel = kernels[i]});
        return store;
    };
    const struct {
        std::vector<std::string> kernels; // the newest first
        std::size_t bound;
        std::vector<std::string> leaving;
    } rows[] = {
        {{}, 3, {}},
        {{"a"}, 1, {}},
        {{"a", "b", "c"}, 3, {}},
        {{"a", "b", "c", "d"}, 3, {"d-3"}},
        {{"a", "b", "c", "d"}, 1, {"d-3", "c-2", "b-1"}},
        {{"a", "b", "c", "run"}, 3, {"c-2"}},     // the only one of the kernel that runs
        {{"a", "run", "c", "run"}, 3, {"run-3"}}, // not the only one
        {{"a", "run"}, 1, {}},
        {{"run", "run", "run"}, 1, {"run-2", "run-1"}},
    };
    for (const auto& row : rows)
        CHECK(beyond_bound(store_of(row.kernels), row.bound, "run") == row.leaving);
}

TEST_CASE("without room the initrd is linked, which is said") {
    const GoodMachine machine;
    machine.write("boot/initrd.img-6.1", initrd_with(std::string(20000, 'x')));
    Result<Kept> kept = fail(ErrorKind::no_data, "not yet");
    {
        const FullDisk full(10000);
        kept = machine.keep();
    }
    REQUIRE(error_text(kept) == "no error");
    CHECK(kept->generation.initrd.stored_by == StoredBy::link);
    CHECK(kept->notes ==
          std::vector<std::string>{
              "there is no room for a copy of '" + machine.path("boot/initrd.img-6.1") +
              "': it is kept as a link, which is spoilt with it where something writes into the file"});
    CHECK(same_file(machine.path("boot/lifeboat/good/" + first_name + "/initrd.img"),
                    machine.path("boot/initrd.img-6.1")));
}

TEST_CASE("where nothing can be kept what is kept stays") {
    const GoodMachine machine;
    REQUIRE(machine.keep());
    machine.write("boot/initrd.img-6.1", initrd_with(std::string(20000, 'x')));
    {
        const FullDisk full(200); // the record does not go in either
        CHECK(error_text(machine.keep(1'700'000'060)).starts_with("write "));
    }
    CHECK(machine.kept_names() == std::vector{first_name});
    CHECK(machine.names_in("boot/lifeboat/good") == std::vector{first_name});
}

TEST_CASE("a copy leaves room for the next kernel") {
    const GoodMachine machine;
    constexpr std::array ways = {StoredBy::copy};
    const PlaceRequest request{.from = machine.path("boot/vmlinuz-6.1"),
                               .to = machine.path("boot/copy"),
                               .ways = ways,
                               .reserve_bytes = std::uint64_t{1} << 60};
    const auto placed = place_file(request);
    REQUIRE_FALSE(placed);
    CHECK(placed.error().kind == ErrorKind::no_space);
    CHECK(placed.error().text.starts_with(
        "copy '" + request.from +
        "': 10 bytes, with 1152921504606846976 that are to stay free, do not go into the "));
    CHECK_FALSE(machine.exists("boot/copy"));
}

TEST_CASE("a machine that stops while it keeps has what was kept, or what is new, or both") {
    const Upgraded untouched;
    const auto calls = untouched.keep_second(std::nullopt);
    REQUIRE(calls.exit_code == 0);
    REQUIRE(untouched.kept_names() == std::vector{second_name});
    for (std::size_t at = 0; at < calls.calls.size(); ++at) {
        CAPTURE(at);
        CAPTURE(calls.calls[at]);
        const Upgraded machine;
        CHECK(machine.keep_second(at).exit_code == 128 + SIGKILL);
        CHECK_FALSE(machine.kept_names().empty());
        CHECK(read_good_store(machine.paths()).value().unreadable.empty());
        machine.check_kept();
        CHECK(error_text(machine.keep(1'700'000'060, 1)) == "no error");
        CHECK(machine.names_in("boot/lifeboat/good") == std::vector{second_name});
    }
}

TEST_CASE("whichever call fails while it keeps, what was kept is there or what is new") {
    const auto calls = Upgraded().keep_second(std::nullopt);
    for (const int os_error : {ENOSPC, EIO})
        for (std::size_t at = 0; at < calls.calls.size(); ++at) {
            CAPTURE(at);
            CAPTURE(calls.calls[at]);
            const Upgraded machine;
            CHECK(machine.keep_second(at, os_error).exit_code <= 1);
            CHECK_FALSE(machine.kept_names().empty());
            machine.check_kept();
            CHECK(error_text(machine.keep(1'700'000'060, 1)) == "no error");
            CHECK(machine.names_in("boot/lifeboat/good") == std::vector{second_name});
        }
}

TEST_CASE("what a cut-off has left is no generation and is removed") {
    const GoodMachine machine;
    machine.write("boot/lifeboat/good/.6.1+20231114T221319Z.incomplete/initrd.img", "half");
    CHECK(machine.kept_names().empty());
    REQUIRE(machine.keep());
    CHECK(machine.names_in("boot/lifeboat/good") == std::vector{first_name});
}

TEST_CASE("a record that cannot be used is told, and what is kept beside it is there") {
    const GoodMachine machine;
    REQUIRE(machine.keep());
    machine.write("boot/lifeboat/good/x/record", "lifeboat-manifest 1\nkernel 6.1\nfact kept_s soon\n");
    const auto store = read_good_store(machine.paths());
    REQUIRE(store);
    CHECK(store->generations.size() == 1);
    CHECK(store->unreadable == std::vector<std::string>{"'" + machine.path("boot/lifeboat/good/x/record") +
                                                        "': 'soon' is not a time"});
}

TEST_CASE("a generation is dropped by its name") {
    const GoodMachine machine;
    REQUIRE(machine.keep());
    for (const std::string name : {"", "none", "../good", ".", "6.1"})
        CHECK(error_text(remove_generation(machine.paths(), name)) ==
              "'" + name + "' is not in '" + machine.path("boot/lifeboat/good") +
                  "': `lifeboat good list` names what is");
    CHECK(remove_generation(machine.paths(), first_name));
    CHECK(machine.names_in("boot/lifeboat/good").empty());
    CHECK(machine.read("boot/initrd.img-6.1") == initrd_with("first"));
}

namespace {

// A machine with systemd-boot, whose files are below /efi, in a folder for each kernel.
struct SystemdBootMachine : GoodMachine {
    SystemdBootMachine() {
        write("proc/cmdline", "root=UUID=a ro quiet\n");
        write("efi/m/6.1/linux", "kernel 6.1");
        write("efi/m/6.1/initrd", initrd_with("first"));
        write("efi/loader/entries/m-6.1.conf",
              "title x\nversion 6.1\nlinux /m/6.1/linux\ninitrd /m/6.1/initrd\n");
        select("m-6.1.conf");
    }
    void select(std::string_view name) const {
        std::string value("\x06\0\0\0", 4);
        for (const char letter : name)
            (value += letter) += '\0';
        write("sys/firmware/efi/efivars/LoaderEntrySelected-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
              value + std::string(2, '\0'));
    }
};

} // namespace

TEST_CASE("a boot by systemd-boot is proved by the entry that it has chosen") {
    const SystemdBootMachine machine;
    const auto kept = machine.keep();
    REQUIRE(error_text(kept) == "no error");
    CHECK(kept->generation.image.original.path == "/efi/m/6.1/linux");
    CHECK(kept->generation.initrd.original.path == "/efi/m/6.1/initrd");
    CHECK(kept->generation.command_line == "root=UUID=a ro quiet");
    CHECK(machine.read("boot/lifeboat/good/" + kept->generation.name + "/initrd.img") ==
          initrd_with("first"));
}

TEST_CASE("a boot by systemd-boot that proves nothing says why") {
    const struct {
        std::function<void(const SystemdBootMachine&)> spoil;
        std::string_view reason;
    } rows[] = {
        {[](const SystemdBootMachine& machine) { machine.select("other.conf"); },
         "the entry 'other.conf', of which there is no file"},
        {[](const SystemdBootMachine& machine) { machine.select("../x.conf"); },
         "a LoaderEntrySelected that names no entry"},
        {[](const SystemdBootMachine& machine) {
             machine.write("efi/loader/entries/m-6.1.conf", "linux /m/6.0/linux\ninitrd /m/6.0/initrd\n");
         },
         "the entry 'm-6.1.conf', which is not of the running kernel 6.1"},
        {[](const SystemdBootMachine& machine) {
             machine.write("efi/loader/entries/m-6.1.conf",
                           "linux /m/6.1/linux\ninitrd /ucode\ninitrd /m/6.1/initrd\n");
         },
         "the entry 'm-6.1.conf', which is not one image with one initrd"},
    };
    for (const auto& row : rows) {
        const SystemdBootMachine machine;
        row.spoil(machine);
        CHECK(error_text(machine.keep()) == std::format("the boot loader names no BOOT_IMAGE= and {}, so "
                                                        "that it is not known which files have booted",
                                                        row.reason));
    }
    const SystemdBootMachine machine;
    machine.boot_at(1000);
    CHECK(error_text(machine.keep()) ==
          "the boot menu's '/efi/loader/entries/m-6.1.conf' was written since this boot");
}
