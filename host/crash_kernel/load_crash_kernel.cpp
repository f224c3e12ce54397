// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/load_crash_kernel.h"

#include "base/descriptor.h"
#include "base/system.h"

#include <array>
#include <cerrno>

#include <linux/kexec.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view no_reservation =
    "no memory is reserved for a crash kernel: boot with crashkernel=, `lifeboat estimate` says how much";
constexpr std::string_view unsigned_image =
    "the kernel image's signature is not accepted: load a kernel that the distribution has signed";

bool may_load() {
    return ::geteuid() == 0;
}

std::string not_permitted(const CrashKernelState& state, bool is_root) {
    if (!is_root)
        return "only root may do this";
    if (state.is_loading_disabled)
        return "sysctl kernel.kexec_load_disabled is 1, which holds until the next boot: have it set after "
               "lifeboat.service";
    if (!state.lockdown.empty())
        return std::format("the kernel is locked down ({}): {}", state.lockdown, unsigned_image);
    return "a security module or a missing capability (CAP_SYS_BOOT) forbids it: the kernel log may say "
           "which";
}

std::string no_room(const CrashKernelState& state) {
    if (state.reserved_bytes == 0)
        return std::string(no_reservation);
    return std::format(
        "the {} MiB that are reserved are too few for this kernel and its initrd: boot with a larger "
        "crashkernel=, `lifeboat estimate` says how much",
        state.reserved_bytes >> 20);
}

struct Remedy {
    int os_error;
    std::string_view text;
};

// What the kernel's checks of the image answer.
constexpr Remedy image_remedies[] = {
    {ENOSYS,
     "the kernel was built without CONFIG_KEXEC_FILE, and lifeboat does not do kexec_load(2): kexec-tools "
     "can load the same files"},
    {ENOEXEC, "the file is not a kernel image that this kernel can load"},
    {ENODATA,
     "the kernel image has no signature, and the kernel asks for one: load a kernel that the distribution "
     "has signed"},
    {ENOKEY, "the kernel image is signed with a key that this kernel does not know: enrol the key "
             "(mokutil --import), or load a kernel that the distribution has signed"},
    {EKEYREJECTED, unsigned_image},
    {EKEYREVOKED, "the key that the kernel image is signed with was revoked: install a newer kernel"},
    {EKEYEXPIRED, "the key that the kernel image is signed with has expired: install a newer kernel"},
    {EBADMSG,
     "the kernel image does not match its signature: it is damaged or was changed; install it again"},
    {ELIBBAD, "the kernel image is damaged where its signature should be: install it again"},
    {ENOPKG, "the kernel image is signed with an algorithm that this kernel does not have"},
    {EBUSY, "something else is loading a kernel at this moment: try again"},
    {EFBIG, "the kernel image or the initrd is larger than the kernel reads"},
    {EINVAL, "the kernel log (dmesg) may say what it did not like"},
};

std::string_view image_remedy(int os_error) {
    for (const Remedy& remedy : image_remedies)
        if (remedy.os_error == os_error)
            return remedy.text;
    return {};
}

Error with_remedy(Error error, const CrashKernelState& state) {
    const std::string remedy = load_remedy(error.os_error, state, may_load());
    if (!remedy.empty())
        error.text += "; " + remedy;
    return error;
}

// A folder can be opened and not be read: that must be found out while the old crash kernel is still there.
Result<Descriptor> open_readable(const std::string& path) {
    Descriptor file = TRY(open_file(path, O_RDONLY));
    std::array<std::byte, 1> first{};
    TRY(read_exactly_at(file.get(), first, 0, path));
    return file;
}

} // namespace

// What the kernel would answer less clearly.
Result<> check_can_hold_crash_kernel(const CrashKernelState& state) {
    if (!state.is_supported)
        return fail(ErrorKind::unsupported,
                    "this kernel has no crash kernels: it was built without CONFIG_CRASH_DUMP");
    if (state.reserved_bytes == 0)
        return fail(ErrorKind::no_space, "{}", no_reservation);
    return {};
}

std::string load_remedy(int os_error, const CrashKernelState& state, bool is_root) {
    if (os_error == EPERM || os_error == EACCES)
        return not_permitted(state, is_root);
    if (os_error == EADDRNOTAVAIL || os_error == ENOMEM)
        return no_room(state);
    return std::string(image_remedy(os_error));
}

Result<> load_crash_kernel(const CrashKernelFiles& files, const std::string& command_line,
                           const CrashKernelState& state) {
    TRY(check_can_hold_crash_kernel(state));
    const Descriptor image = TRY(open_readable(files.image));
    const Descriptor initrd = TRY(open_readable(files.initrd));
    const int answer = sys::kexec_file_load(image.get(), initrd.get(), command_line.size() + 1,
                                            command_line.c_str(), KEXEC_FILE_ON_CRASH);
    if (answer != 0)
        return fail(with_remedy(
            system_error(std::format("load kernel '{}' with initrd '{}'", files.image, files.initrd)),
            state));
    return {};
}

Result<> unload_crash_kernel(const CrashKernelState& state) {
    if (sys::kexec_file_load(-1, -1, 0, nullptr, KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH) != 0)
        return fail(with_remedy(system_error("unload the crash kernel"), state));
    return {};
}

} // namespace lifeboat::host
