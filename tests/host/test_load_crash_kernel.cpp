// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/result.h"
#include "host/crash_kernel/crash_kernel_state.h"
#include "host/crash_kernel/load_crash_kernel.h"
#include "tests/error_text.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/temporary_system.h"

#include <cerrno>
#include <filesystem>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace lifeboat;
using namespace lifeboat::host;
using lifeboat::tests::error_text;

namespace {

using Calls = std::vector<std::string>;

CrashKernelState ready() {
    return {.is_supported = true, .reserved_bytes = 64U << 20};
}

struct Files {
    Files() {
        fakes::reset();
        system.write("vmlinuz", "kernel");
        system.write("initrd", "initrd");
    }
    [[nodiscard]] CrashKernelFiles paths() const { return {system.path("vmlinuz"), system.path("initrd")}; }
    fakes::TemporarySystem system;
};

} // namespace

TEST_CASE("a crash kernel is loaded and unloaded by one system call each") {
    const Files files;
    CHECK(error_text(load_crash_kernel(files.paths(), "console=ttyS0 panic=5", ready())) == "no error");
    CHECK(error_text(unload_crash_kernel(ready())) == "no error");
    CHECK(fakes::calls() == Calls{"kexec_file_load " + files.system.path("vmlinuz") + " " +
                                      files.system.path("initrd") + " 0x2 'console=ttyS0 panic=5'",
                                  "kexec_file_load - - 0x3 ''"});
}

TEST_CASE("what can be known before does not cost the crash kernel that is loaded") {
    const Files files;
    auto missing = files.paths();
    missing.initrd = files.system.path("none");
    CHECK(error_text(load_crash_kernel(missing, "", ready())) ==
          "open '" + missing.initrd + "': No such file or directory");
    files.system.write("empty", "");
    missing.initrd = files.system.path("empty");
    CHECK_FALSE(load_crash_kernel(missing, "", ready()));
    CHECK(error_text(load_crash_kernel(files.paths(), "", {})) ==
          "this kernel has no crash kernels: it was built without CONFIG_CRASH_DUMP");
    CHECK(error_text(load_crash_kernel(files.paths(), "", {.is_supported = true})) ==
          "no memory is reserved for a crash kernel: boot with crashkernel=, `lifeboat estimate` says how "
          "much");
    CHECK(fakes::calls() == Calls{});
}

TEST_CASE("a load that the kernel refuses says what to do") {
    const Files files;
    fakes::fail_call("kexec_file_load", EKEYREJECTED);
    CHECK(error_text(load_crash_kernel(files.paths(), "", ready())) ==
          "load kernel '" + files.system.path("vmlinuz") + "' with initrd '" + files.system.path("initrd") +
              "': Key was rejected by service; the kernel image's signature is not accepted: load a kernel "
              "that the "
              "distribution has signed");
    fakes::fail_call("kexec_file_load", ENOSYS);
    CHECK(error_text(unload_crash_kernel(ready()))
              .starts_with("unload the crash kernel: Function not implemented; the kernel was built without "
                           "CONFIG_KEXEC_FILE"));
}

TEST_CASE("each way in which the kernel refuses has its remedy") {
    CrashKernelState disabled = ready(), locked = ready(), none = ready();
    disabled.is_loading_disabled = true;
    locked.lockdown = "integrity";
    none.reserved_bytes = 0;
    const struct {
        int os_error;
        CrashKernelState state;
        bool is_root;
        std::string_view part;
    } rows[] = {
        {EPERM, disabled, false, "only root may do this"},
        {EPERM, disabled, true, "sysctl kernel.kexec_load_disabled is 1"},
        {EPERM, locked, true,
         "the kernel is locked down (integrity): the kernel image's signature is not accepted"},
        {EPERM, ready(), true, "CAP_SYS_BOOT"},
        {EACCES, ready(), true, "a security module"},
        {EADDRNOTAVAIL, none, true, "no memory is reserved for a crash kernel: boot with crashkernel="},
        {EADDRNOTAVAIL, ready(), true, "the 64 MiB that are reserved are too few"},
        {ENOMEM, ready(), true, "the 64 MiB that are reserved are too few"},
        {ENOSYS, ready(), true, "CONFIG_KEXEC_FILE"},
        {ENOEXEC, ready(), true, "not a kernel image"},
        {ENODATA, ready(), true, "has no signature"},
        {ENOKEY, ready(), true, "mokutil --import"},
        {EKEYREJECTED, ready(), true, "signature is not accepted"},
        {EKEYREVOKED, ready(), true, "was revoked"},
        {EKEYEXPIRED, ready(), true, "has expired"},
        {EBADMSG, ready(), true, "does not match its signature"},
        {ELIBBAD, ready(), true, "is damaged"},
        {ENOPKG, ready(), true, "algorithm"},
        {EBUSY, ready(), true, "try again"},
        {EFBIG, ready(), true, "larger than the kernel reads"},
        {EINVAL, ready(), true, "dmesg"},
    };
    for (const auto& row : rows) {
        const std::string remedy = load_remedy(row.os_error, row.state, row.is_root);
        CHECK_MESSAGE(remedy.contains(row.part), remedy);
    }
    CHECK(load_remedy(EIO, ready(), true) == "");
}

TEST_CASE("what the kernel says about its crash kernel") {
    const fakes::TemporarySystem system;
    CrashKernelState state = read_crash_kernel_state(system.paths());
    CHECK_FALSE(state.is_supported);

    system.write("sys/kernel/kexec/crash_loaded", "1\n");
    system.write("sys/kernel/kexec/crash_size", "134217728\n");
    state = read_crash_kernel_state(system.paths());
    CHECK(state.is_supported);
    CHECK(state.is_loaded);
    CHECK(state.reserved_bytes == 134217728);
    CHECK(state.lockdown == "");
    CHECK_FALSE(state.follows_cpus);

    std::filesystem::remove_all(system.path("sys/kernel/kexec"));
    system.write("sys/kernel/kexec_crash_loaded", "0\n");
    system.write("sys/kernel/kexec_crash_size", "67108864\n");
    system.write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    system.write("proc/sys/kernel/kexec_load_disabled", "1\n");
    system.write("sys/devices/system/cpu/crash_hotplug", "1\n");
    system.write("sys/devices/system/memory/crash_hotplug", "0\n");
    state = read_crash_kernel_state(system.paths());
    CHECK_FALSE(state.is_loaded);
    CHECK(state.reserved_bytes == 67108864);
    CHECK(state.lockdown == "integrity");
    CHECK(state.is_loading_disabled);
    CHECK(state.follows_cpus);
    CHECK_FALSE(state.follows_memory);

    for (const char* text : {"[none] integrity confidentiality\n", "", "no brackets", "]["}) {
        system.write("sys/kernel/security/lockdown", text);
        CHECK(read_crash_kernel_state(system.paths()).lockdown == "");
    }
}
