// SPDX-License-Identifier: GPL-2.0-or-later
// The file is served through FUSE, whose root may be a regular file: nothing needs to be copied, and there is
// no room for copies in a crash kernel.
#include "qemu/guest/doctored_vmcore.h"

#include "base/descriptor.h"
#include "qemu/guest/console.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace guest {

namespace {

constexpr std::string_view core_path = "/proc/vmcore";

class DoctoredFile {
public:
    explicit DoctoredFile(std::string_view how)
        : core_(must(lifeboat::open_file(std::string(core_path), O_RDONLY)))
        , how_(how) {
        struct stat facts{};
        must_call(fstat(core_.get(), &facts), "stat '/proc/vmcore'");
        real_size_bytes_ = static_cast<std::uint64_t>(facts.st_size);
    }

    [[nodiscard]] std::uint64_t size_bytes() const {
        return how_ == "truncated" ? real_size_bytes_ / 2 / 4096 * 4096 : real_size_bytes_;
    }

    // The count read, or a negative errno.
    long read(std::span<char> bytes, std::uint64_t offset) const {
        if (offset >= size_bytes())
            return 0;
        if (how_ == "ioerror" && offset >= real_size_bytes_ / 2)
            return -EIO;
        const std::size_t wanted = std::min<std::uint64_t>(bytes.size(), size_bytes() - offset);
        const long count = pread(core_.get(), bytes.data(), wanted, static_cast<off_t>(offset));
        if (count < 0)
            return -errno;
        if (how_ == "novmcoreinfo" && offset < header_bytes)
            rename_note(bytes.first(static_cast<std::size_t>(count)));
        return count;
    }

private:
    static constexpr std::uint64_t header_bytes = 1 << 20;

    static void rename_note(std::span<char> bytes) {
        constexpr std::string_view name("VMCOREINFO\0", 11);
        const auto at = std::ranges::search(bytes, name);
        if (!at.empty())
            at.front() = 'X';
    }

    lifeboat::Descriptor core_;
    std::string how_;
    std::uint64_t real_size_bytes_ = 0;
};

class FuseServer {
public:
    FuseServer(lifeboat::Descriptor channel, std::string_view how)
        : channel_(std::move(channel))
        , file_(how) {}

    [[noreturn]] void run() {
        std::vector<char> request(request_bytes);
        for (;;) {
            const long count = ::read(channel_.get(), request.data(), request.size());
            if (count < 0 && errno == ENODEV)
                _exit(0); // unmounted
            if (count >= static_cast<long>(sizeof(fuse_in_header)))
                serve(request.data());
        }
    }

private:
    static constexpr std::size_t max_read_bytes = 128 << 10;
    static constexpr std::size_t request_bytes = 256 << 10;

    void serve(const char* request) {
        fuse_in_header header{};
        std::memcpy(&header, request, sizeof header);
        const char* body = request + sizeof header;
        switch (header.opcode) {
        case FUSE_INIT:
            return answer_init(header, body);
        case FUSE_GETATTR:
            return answer_attributes(header);
        case FUSE_OPEN:
            return answer(header, fuse_open_out{.fh = 1, .open_flags = 0, .padding = 0});
        case FUSE_READ:
            return answer_read(header, body);
        case FUSE_FLUSH:
        case FUSE_RELEASE:
            return answer_bytes(header, 0, {});
        case FUSE_FORGET:
        case FUSE_INTERRUPT:
            return; // want no answer
        default:
            return answer_bytes(header, -ENOSYS, {});
        }
    }

    void answer_init(const fuse_in_header& header, const char* body) {
        fuse_init_in asked{};
        std::memcpy(&asked, body, offsetof(fuse_init_in, flags));
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = std::min<std::uint32_t>(FUSE_KERNEL_MINOR_VERSION, asked.minor);
        out.max_readahead = asked.max_readahead;
        out.max_write = 4096;
        answer(header, out);
    }

    void answer_attributes(const fuse_in_header& header) {
        fuse_attr_out out{};
        out.attr_valid = 3600;
        out.attr.ino = FUSE_ROOT_ID;
        out.attr.size = file_.size_bytes();
        out.attr.mode = S_IFREG | 0400;
        out.attr.nlink = 1;
        answer(header, out);
    }

    void answer_read(const fuse_in_header& header, const char* body) {
        fuse_read_in asked{};
        std::memcpy(&asked, body, sizeof asked);
        data_.resize(std::min<std::size_t>(asked.size, max_read_bytes));
        const long count = file_.read(data_, asked.offset);
        if (count < 0)
            return answer_bytes(header, static_cast<int>(count), {});
        answer_bytes(header, 0, std::span(data_).first(static_cast<std::size_t>(count)));
    }

    template <class Out>
    void answer(const fuse_in_header& header, const Out& out) {
        answer_bytes(header, 0, {reinterpret_cast<const char*>(&out), sizeof out});
    }

    void answer_bytes(const fuse_in_header& header, int error, std::span<const char> bytes) {
        fuse_out_header out{.len = static_cast<std::uint32_t>(sizeof(fuse_out_header) + bytes.size()),
                            .error = error,
                            .unique = header.unique};
        std::array<iovec, 2> parts = {iovec{&out, sizeof out},
                                      iovec{const_cast<char*>(bytes.data()), bytes.size()}};
        [[maybe_unused]] const long written = writev(channel_.get(), parts.data(), parts.size());
    }

    lifeboat::Descriptor channel_;
    DoctoredFile file_;
    std::vector<char> data_;
};

} // namespace

void doctor_vmcore(std::string_view how) {
    auto channel = must(lifeboat::open_file("/dev/fuse", O_RDWR));
    const std::string options =
        std::format("fd={},rootmode=100400,user_id=0,group_id=0,max_read=131072", channel.get());
    // The server opens the real file, so it is made before the mount covers that.
    FuseServer server(std::move(channel), how);
    if (must_call(fork(), "fork") == 0) {
        prctl(PR_SET_NAME, "guest-vmcore");
        must(lifeboat::write_existing_file("/proc/self/oom_score_adj", "-1000"));
        server.run();
    }
    const std::string place(core_path);
    must_call(mount("doctored", place.c_str(), "fuse", 0, options.c_str()), "mount the doctored vmcore");
}

} // namespace guest
