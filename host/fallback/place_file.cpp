// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/place_file.h"

#include "base/descriptor.h"
#include "base/free_space.h"
#include "base/replace_file.h"
#include "base/scope_guard.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::array<std::string_view, 3> way_names = {"reflink", "link", "copy"};
constexpr std::size_t piece_bytes = std::size_t{1} << 20;

Result<std::uint64_t> size_of(int fd, const std::string& path) {
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return fail_system("look at '{}'", path);
    return static_cast<std::uint64_t>(status.st_size);
}

Result<> check_room(std::uint64_t content_bytes, const PlaceRequest& request) {
    const std::string folder = folder_of(request.to);
    const std::uint64_t free_bytes = TRY(free_space_of(folder)).for_others_bytes;
    if (free_bytes < content_bytes + request.reserve_bytes)
        return fail(ErrorKind::no_space,
                    "copy '{}': {} bytes, with {} that are to stay free, do not go into the {} that '{}' has",
                    request.from, content_bytes, request.reserve_bytes, free_bytes, folder);
    return {};
}

Result<> copy_content(int from, int to, const PlaceRequest& request) {
    const std::uint64_t content_bytes = TRY(size_of(from, request.from));
    TRY(check_room(content_bytes, request));
    std::vector<std::byte> piece(piece_bytes);
    for (;;) {
        const std::size_t count = TRY(read_some(from, piece, request.from));
        TRY(write_all(to, std::span(piece).first(count), request.to));
        if (count < piece.size())
            return {};
    }
}

Result<> share_content(int from, int to, const PlaceRequest& request) {
    if (::ioctl(to, FICLONE, from) != 0)
        return fail_system("reflink '{}' to '{}'", request.from, request.to);
    return {};
}

Result<> place_by_content(const PlaceRequest& request,
                          Result<> (*fill)(int from, int to, const PlaceRequest& request)) {
    const Descriptor from = TRY(open_file(request.from, O_RDONLY));
    struct stat status{};
    if (::fstat(from.get(), &status) != 0)
        return fail_system("look at '{}'", request.from);
    const Descriptor to = TRY(open_file(request.to, O_WRONLY | O_CREAT | O_EXCL, 0600));
    TRY(fill(from.get(), to.get(), request));
    if (::fchmod(to.get(), status.st_mode & 0777) != 0)
        return fail_system("set the mode of '{}'", request.to);
    if (::fsync(to.get()) != 0)
        return fail_system("sync '{}'", request.to);
    return {};
}

Result<> place_as_link(const PlaceRequest& request) {
    // What was written to it just now may not be on disk yet.
    const Descriptor from = TRY(open_file(request.from, O_RDONLY));
    if (::fsync(from.get()) != 0)
        return fail_system("sync '{}'", request.from);
    if (::link(request.from.c_str(), request.to.c_str()) != 0)
        return fail_system("link '{}' to '{}'", request.to, request.from);
    return {};
}

Result<> place_in_way(const PlaceRequest& request, StoredBy way) {
    ::unlink(request.to.c_str());
    ScopeGuard remove([&] { ::unlink(request.to.c_str()); });
    switch (way) {
    case StoredBy::reflink:
        TRY(place_by_content(request, share_content));
        break;
    case StoredBy::copy:
        TRY(place_by_content(request, copy_content));
        break;
    case StoredBy::link:
        TRY(place_as_link(request));
        break;
    }
    remove.disarm();
    return {};
}

} // namespace

std::string_view name_of(StoredBy way) {
    return way_names[std::to_underlying(way)];
}

Result<StoredBy> parse_stored_by(std::string_view text) {
    const auto* const found = std::ranges::find(way_names, text);
    if (found == way_names.end())
        return fail(ErrorKind::corrupt, "'{}' is neither reflink, link nor copy", text);
    return static_cast<StoredBy>(found - way_names.begin());
}

Result<StoredBy> place_file(const PlaceRequest& request) {
    Result<> done = fail(ErrorKind::invalid, "no way to place '{}'", request.to);
    for (const StoredBy way : request.ways) {
        done = place_in_way(request, way);
        if (done)
            return way;
    }
    return fail(std::move(done).error());
}

} // namespace lifeboat::host
