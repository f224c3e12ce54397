// SPDX-License-Identifier: GPL-2.0-or-later
// Every system call of the save path fails once, with each error that a disk, a lack of memory or a signal
// brings: what has its final name is whole whatever failed, and what is said to be saved is.
#include "base/text.h"
#include "stages/copy_vmcore.h"
#include "stages/finish_dump.h"
#include "stages/make_room.h"
#include "stages/save_kernel_log.h"
#include "stages/settle_partial_dump.h"
#include "tests/builders/core_builder.h"
#include "tests/builders/faulty_calls.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/recording_report.h"
#include "tests/fakes/temporary_system.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <doctest/doctest.h>

using namespace lifeboat;

namespace {

constexpr const char* machine = "kernel 6.1\n"
                                "ram 0x100000..0x2000000\n"
                                "set CRASHTIME=1738367999\n"
                                "log \"Linux version\" at 0.000001\n"
                                "log \"Kernel panic\" at 12.5\n"
                                "page 0x300 anon\n"
                                "fill 0x301 text \"kept\"\n";
constexpr const char* older = "target/crash/20240101T000000Z-host/vmcore";

// What the traced process says by its exit status.
constexpr int said_log = 1, said_vmcore = 2; // and above them how many doubts and unreadable pages
constexpr std::uint64_t most_doubts = 15;

struct Saving {
    Saving() {
        fakes::reset();
        core.write(system.path("proc/vmcore"));
        system.write(older, "an older dump");
    }

    // As the boot does it, but for the children.
    [[nodiscard]] int save(CoreAccess access) const {
        fakes::RecordingReport report;
        SaveRequest request{system.paths(), "/crash", "host", "", access};
        const bool log = save_kernel_log(request, report).has_value();
        request.folder = report.facts["folder"];
        const bool vmcore = copy_vmcore({.save = request, .options = {.threads = 1}}, report).has_value() ||
                            report.facts.contains("complete");
        request.folder = report.facts["folder"];
        if (!vmcore && !request.folder.empty())
            (void)settle_partial_dump(request, report);
        (void)finish_dump({request, "the log\n"}, report);
        const auto doubts = parse_unsigned(report.facts["unreadable"]).value_or(0) +
                            parse_unsigned(report.facts["doubts"]).value_or(0);
        return (log ? said_log : 0) | (vmcore ? said_vmcore : 0) |
               static_cast<int>(std::min(doubts, most_doubts)) << 2;
    }
    // Where the core does not tell when it crashed, the folder's name is of now.
    [[nodiscard]] std::vector<std::string> folders() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(system.path("target/crash")))
            if (entry.path().filename() != "20240101T000000Z-host")
                names.push_back("target/crash/" + entry.path().filename().string());
        return names;
    }
    void forget() const {
        for (const std::string& folder : folders())
            std::filesystem::remove_all(system.path(folder));
    }
    // The file of that name, in whichever folder; nothing where there is none.
    [[nodiscard]] std::optional<std::string> content_of(const std::string& name) const {
        for (const std::string& folder : folders())
            if (system.exists(folder + "/" + name))
                return system.read(folder + "/" + name);
        return std::nullopt;
    }

    fakes::TemporarySystem system;
    tests::BuiltCore core = tests::BuiltCore::from(machine);
};

// A signal interrupts these alone; on a local disk not even all of them.
bool is_retried(const std::string& call) {
    return call == "openat" || call == "write" || call == "pwrite64" || call == "read" || call == "pread64" ||
           call == "fallocate";
}

} // namespace

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LIFEBOAT_SLOW_PROCESSES
#endif
#endif

namespace {

// A process with a sanitizer takes some hundred times as long to begin: there a sample. The builds without,
// which tests/run --long has, walk through all of it.
bool is_tried(CoreAccess access, int os_error, [[maybe_unused]] std::size_t at) {
#ifdef LIFEBOAT_SLOW_PROCESSES
    return access == CoreAccess::map ? (os_error == EIO || os_error == ENOSPC) && at % 6 == 0
                                     : os_error == EIO && at % 32 == 0;
#else
    // Reads are many when the core is not mapped, and fail in one way.
    return access == CoreAccess::map || os_error == EIO;
#endif
}

} // namespace

TEST_CASE("whichever call fails, what is saved is whole, and what is said to be saved is saved") {
    for (const CoreAccess access : {CoreAccess::map, CoreAccess::read}) {
        const Saving saving;
        const auto run = [&](std::optional<std::size_t> at, int os_error) {
            saving.forget();
            return tests::run_with_fault([&] { return saving.save(access); }, at, os_error,
                                         tests::Calls::all);
        };
        const auto undisturbed = run(std::nullopt, 0);
        REQUIRE((undisturbed.exit_code & 3) == (said_log | said_vmcore));
        const std::string vmcore = saving.content_of("vmcore").value();
        REQUIRE(vmcore.size() > 4096);
        // The path is there to be walked: a handful of calls would mean that nothing was traced.
        REQUIRE(undisturbed.calls.size() > 40);
        std::size_t harmless = 0;
        std::size_t tried = 0;
        for (const int os_error : {EIO, ENOSPC, ENOMEM, EINTR})
            for (std::size_t at = 0; at < undisturbed.calls.size(); ++at) {
                if (!is_tried(access, os_error, at))
                    continue;
                ++tried;
                const auto faulty = run(at, os_error);
                CAPTURE(os_error);
                CAPTURE(at);
                CAPTURE(undisturbed.calls[at]);
                CHECK(faulty.exit_code < 128); // no signal ended it
                const auto log = saving.content_of("vmcore-dmesg.txt"), dump = saving.content_of("vmcore");
                CHECK(log.value_or(saving.core.expected_log()) == saving.core.expected_log());
                if (faulty.exit_code >> 2 <= undisturbed.exit_code >>
                    2) // no more doubts than without a fault
                    CHECK((dump.value_or(vmcore) == vmcore));
                if ((faulty.exit_code & said_log) != 0)
                    CHECK(log.has_value());
                if ((faulty.exit_code & said_vmcore) != 0)
                    CHECK(dump.has_value());
                CHECK(saving.folders().size() <= 1);
                CHECK(saving.system.read(older) == "an older dump");
                if (os_error == EINTR && is_retried(undisturbed.calls[at]))
                    CHECK(faulty.exit_code == undisturbed.exit_code);
                harmless += faulty.exit_code == undisturbed.exit_code ? 1 : 0;
            }
        MESSAGE(tried << " faults in " << undisturbed.calls.size() << " calls; all was saved in "
                      << harmless);
        CHECK(harmless > 0);
        CHECK(harmless < tried);
    }
}

TEST_CASE("killed at any call, what has its final name is whole") {
    const Saving saving;
    const auto run = [&](std::optional<std::size_t> at) {
        saving.forget();
        return tests::run_with_fault([&] { return saving.save(CoreAccess::map); }, at);
    };
    const auto undisturbed = run(std::nullopt);
    const std::string vmcore = saving.content_of("vmcore").value();
    for (std::size_t at = 0; at < undisturbed.calls.size(); ++at) {
        CHECK(run(at).exit_code == 128 + SIGKILL);
        CAPTURE(at);
        CHECK(saving.content_of("vmcore-dmesg.txt").value_or(saving.core.expected_log()) ==
              saving.core.expected_log());
        CHECK((saving.content_of("vmcore").value_or(vmcore) == vmcore));
    }
}
