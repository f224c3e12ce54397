// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/initrd_writer.h"

#include "base/replace_file.h"
#include "host/archive/zstd_packing.h"

#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

struct FreeArchive {
    void operator()(::archive* archive) const { ::archive_write_free(archive); }
};
struct FreeEntry {
    void operator()(::archive_entry* entry) const { ::archive_entry_free(entry); }
};
using ArchivePointer = std::unique_ptr<::archive, FreeArchive>;
using EntryPointer = std::unique_ptr<::archive_entry, FreeEntry>;

la_ssize_t append(::archive* /*archive*/, void* output, const void* bytes, std::size_t count) {
    static_cast<std::string*>(output)->append(static_cast<const char*>(bytes), count);
    return static_cast<la_ssize_t>(count);
}

std::unexpected<Error> library_error(::archive* archive, std::string_view what) {
    const char* const text = ::archive_error_string(archive);
    return fail(ErrorKind::system, "{}: {}", what, text == nullptr ? "no memory" : text);
}

Result<ArchivePointer> open_archive(std::string& output) {
    ArchivePointer archive(::archive_write_new());
    if (!archive)
        return fail(ErrorKind::system, "make an archive: no memory");
    // In blocks the archive would end in padding.
    if (::archive_write_set_format_cpio_newc(archive.get()) != ARCHIVE_OK ||
        ::archive_write_set_bytes_per_block(archive.get(), 0) != ARCHIVE_OK ||
        ::archive_write_open(archive.get(), &output, nullptr, append, nullptr) != ARCHIVE_OK)
        return library_error(archive.get(), "make an archive");
    return archive;
}

// Where a path leads is decided here and not in the crash kernel.
bool is_plain(std::string_view path) {
    if (path.empty())
        return false;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        if (part.empty() || part == "." || part == ".." || part.contains('\0') || slash == path.size() - 1)
            return false;
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return true;
}

EntryPointer describe(std::int64_t number, const std::string& path, const InitrdEntry& entry) {
    EntryPointer described(::archive_entry_new());
    if (!described)
        return described;
    ::archive_entry_set_ino64(described.get(), number);
    ::archive_entry_set_pathname(described.get(), path.c_str());
    ::archive_entry_set_mode(described.get(), entry.mode);
    ::archive_entry_set_nlink(described.get(), S_ISDIR(entry.mode) ? 2 : 1);
    ::archive_entry_set_size(described.get(), static_cast<la_int64_t>(entry.content.size()));
    if (S_ISLNK(entry.mode))
        ::archive_entry_set_symlink(described.get(), entry.content.c_str());
    if (S_ISCHR(entry.mode))
        ::archive_entry_set_rdev(described.get(), entry.device);
    return described;
}

Result<> append_entry(::archive* archive, std::int64_t number, const std::string& path,
                      const InitrdEntry& entry) {
    const EntryPointer described = describe(number, path, entry);
    if (!described)
        return fail(ErrorKind::system, "describe '{}': no memory", path);
    if (::archive_write_header(archive, described.get()) != ARCHIVE_OK)
        return library_error(archive, std::format("put '{}' into an initrd", path));
    if (!S_ISREG(entry.mode))
        return {};
    const la_ssize_t taken = ::archive_write_data(archive, entry.content.data(), entry.content.size());
    if (taken != static_cast<la_ssize_t>(entry.content.size()))
        return library_error(archive, std::format("put '{}' into an initrd", path));
    return {};
}

} // namespace

std::uint64_t bytes_in_rootfs(std::uint64_t content_bytes) {
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return (content_bytes + page_bytes - 1) / page_bytes * page_bytes;
}

void InitrdWriter::add_file(const std::string& path, std::string content, mode_t permissions) {
    add(path, {S_IFREG | permissions, std::move(content)});
}

void InitrdWriter::add_folder(const std::string& path, mode_t permissions) {
    add(path, {S_IFDIR | permissions, {}});
}

void InitrdWriter::add_symlink(const std::string& path, const std::string& target) {
    add(path, {S_IFLNK | 0777, target});
}

void InitrdWriter::add_device(const std::string& path, unsigned major, unsigned minor) {
    add(path, {S_IFCHR | 0600, {}, makedev(major, minor)});
}

void InitrdWriter::add(const std::string& path, InitrdEntry entry) {
    const std::string inside = path.starts_with('/') ? path.substr(1) : path;
    for (std::size_t slash = inside.find('/'); slash != std::string::npos;
         slash = inside.find('/', slash + 1))
        entries_.try_emplace(inside.substr(0, slash), InitrdEntry{S_IFDIR | 0755, {}});
    entries_.insert_or_assign(inside, std::move(entry));
}

Result<> InitrdWriter::check(const std::string& path) const {
    if (!is_plain(path))
        return fail(ErrorKind::invalid, "put '{}' into an initrd: not a plain path", path);
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos && !S_ISDIR(entries_.at(path.substr(0, slash)).mode))
        return fail(ErrorKind::invalid, "put '{}' into an initrd: '{}' is no folder", path,
                    path.substr(0, slash));
    return {};
}

Result<std::string> InitrdWriter::archive() const {
    std::string bytes;
    const ArchivePointer archive = TRY(open_archive(bytes));
    std::int64_t number = 1; // of the inode: the kernel takes equal ones for hard links
    for (const auto& [path, entry] : entries_) {
        TRY(check(path));
        TRY(append_entry(archive.get(), number++, path, entry));
    }
    if (::archive_write_close(archive.get()) != ARCHIVE_OK)
        return library_error(archive.get(), "end the archive");
    return bytes;
}

Result<PackedInitrd> InitrdWriter::pack(Packing packing) const {
    const std::string unpacked = TRY(archive());
    PackedInitrd packed = front_;
    packed.bytes += TRY(pack_for_kernel(unpacked, packing));
    packed.sizes.packed_bytes = packed.bytes.size();
    packed.sizes.unpacked_bytes += unpacked.size();
    packed.sizes.rootfs_bytes += rootfs_bytes();
    return packed;
}

Result<InitrdSizes> InitrdWriter::write(const std::string& path, Packing packing) const {
    const PackedInitrd packed = TRY(pack(packing));
    TRY(replace_file(path, packed.bytes, 0600));
    return packed.sizes;
}

std::uint64_t InitrdWriter::rootfs_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [path, entry] : entries_)
        if (S_ISREG(entry.mode))
            bytes += bytes_in_rootfs(entry.content.size());
    return bytes;
}

} // namespace lifeboat::host
