// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/manifest.h"

#include "base/descriptor.h"
#include "base/replace_file.h"
#include "base/text.h"
#include "vmcore/dump_digest.h"

#include <algorithm>
#include <array>
#include <utility>

#include <sys/stat.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view first_line = "lifeboat-manifest 1";

// An entry is a line: a line's end within a value is written as fstab(5) has it.
constexpr std::array<std::pair<char, std::string_view>, 2> escapes = {{{'\n', "\\012"}, {'\\', "\\134"}}};

std::string escape(std::string_view text) {
    std::string line;
    for (const char character : text) {
        const auto found = std::ranges::find(escapes, character, &decltype(escapes)::value_type::first);
        if (found == escapes.end())
            line += character;
        else
            line += found->second;
    }
    return line;
}

std::string unescape(std::string_view line) {
    std::string text;
    while (!line.empty()) {
        const auto found =
            std::ranges::find_if(escapes, [line](const auto& it) { return line.starts_with(it.second); });
        text += found == escapes.end() ? line.front() : found->first;
        line.remove_prefix(found == escapes.end() ? 1 : found->second.size());
    }
    return text;
}

Result<std::string> digest_of(int fd, const std::string& path) {
    DumpDigest digest;
    std::vector<std::byte> piece(std::size_t{64} << 10);
    for (;;) {
        const std::size_t count = TRY(read_some(fd, piece, path));
        digest.update(std::span(piece).first(count));
        if (count < piece.size())
            break;
    }
    std::string text;
    for (const std::uint8_t byte : digest.finish())
        text += std::format("{:02x}", byte);
    return text;
}

std::int64_t modified_ns(const struct stat& status) {
    return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

bool means_absent(int os_error) {
    return os_error == ENOENT || os_error == ENOTDIR;
}

// Takes the next word off the front of `rest`, which then begins behind one blank.
std::string_view take_word(std::string_view& rest) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
}

Result<ManifestFile> parse_file(std::string_view rest) {
    ManifestFile file;
    file.is_there = true;
    file.role = take_word(rest);
    const auto size = parse_unsigned(take_word(rest));
    const auto modified = parse_signed(take_word(rest));
    file.digest = take_word(rest);
    file.path = unescape(rest);
    if (!size || !modified || file.digest.empty() || file.path.empty())
        return fail(ErrorKind::corrupt, "no role, size, time, digest and path");
    file.size_bytes = *size;
    file.modified_ns = *modified;
    return file;
}

Result<ManifestFile> parse_absent(std::string_view rest) {
    ManifestFile file;
    file.role = take_word(rest);
    file.path = unescape(rest);
    if (file.path.empty())
        return fail(ErrorKind::corrupt, "no role and path");
    return file;
}

Result<> parse_line(std::string_view line, Manifest& manifest) {
    const std::string_view kind = take_word(line);
    if (kind == "kernel") {
        manifest.kernel = line;
    } else if (kind == "fact") {
        const std::string_view name = take_word(line);
        manifest.facts.push_back({std::string(name), unescape(line)});
    } else if (kind == "file") {
        manifest.files.push_back(TRY(parse_file(line)));
    } else if (kind == "absent") {
        manifest.files.push_back(TRY(parse_absent(line)));
    } else {
        return fail(ErrorKind::corrupt, "'{}' is not an entry", kind);
    }
    return {};
}

// Nothing: it is as it was.
std::optional<Change::Kind> change_of(const ManifestFile& file) {
    struct stat now{};
    if (::stat(file.path.c_str(), &now) != 0) {
        if (!means_absent(errno))
            return Change::Kind::unreadable;
        return file.is_there ? std::optional(Change::Kind::removed) : std::nullopt;
    }
    if (!file.is_there)
        return Change::Kind::appeared;
    if (std::cmp_not_equal(now.st_size, file.size_bytes))
        return Change::Kind::changed;
    if (modified_ns(now) == file.modified_ns)
        return std::nullopt;
    Manifest again;
    if (!again.add_file(file.role, file.path))
        return Change::Kind::unreadable;
    return again.files[0].digest == file.digest ? std::nullopt : std::optional(Change::Kind::changed);
}

} // namespace

Result<> Manifest::add_file(std::string role, std::string path) {
    ManifestFile file{.role = std::move(role), .path = std::move(path)};
    auto opened = open_file(file.path, O_RDONLY);
    if (!opened && !means_absent(opened.error().os_error))
        return fail(std::move(opened).error());
    if (opened) {
        struct stat status{};
        if (::fstat(opened->get(), &status) != 0)
            return fail_system("look at '{}'", file.path);
        file.is_there = true;
        file.size_bytes = static_cast<std::uint64_t>(status.st_size);
        file.modified_ns = modified_ns(status);
        file.digest = TRY(digest_of(opened->get(), file.path));
    }
    files.push_back(std::move(file));
    return {};
}

std::optional<std::string_view> Manifest::fact(std::string_view name) const {
    const auto found = std::ranges::find(facts, name, &ManifestFact::name);
    return found == facts.end() ? std::nullopt : std::optional<std::string_view>(found->value);
}

std::string manifest_text(const Manifest& manifest) {
    std::string text = std::format("{}\nkernel {}\n", first_line, manifest.kernel);
    for (const ManifestFact& fact : manifest.facts)
        text += std::format("fact {} {}\n", fact.name, escape(fact.value));
    for (const ManifestFile& file : manifest.files) {
        const std::string path = escape(file.path);
        text += file.is_there ? std::format("file {} {} {} {} {}\n", file.role, file.size_bytes,
                                            file.modified_ns, file.digest, path)
                              : std::format("absent {} {}\n", file.role, path);
    }
    return text;
}

Result<Manifest> parse_manifest(std::string_view text) {
    Manifest manifest;
    const std::vector<std::string_view> lines = split_lines(text);
    if (lines.empty() || lines[0] != first_line)
        return fail(ErrorKind::corrupt, "line 1: not '{}'", first_line);
    for (std::size_t i = 1; i < lines.size(); ++i)
        TRY(parse_line(lines[i], manifest).transform_error(while_doing(std::format("line {}", i + 1))));
    if (manifest.kernel.empty())
        return fail(ErrorKind::corrupt, "no kernel is named");
    return manifest;
}

Result<> write_manifest(const std::string& path, const Manifest& manifest) {
    return replace_file(path, manifest_text(manifest));
}

Result<Manifest> read_manifest(const std::string& path) {
    const std::string text = TRY(read_file(path));
    return TRY(parse_manifest(text).transform_error(while_doing(std::format("manifest '{}'", path))));
}

std::string Change::text() const {
    constexpr std::array words = {"was not there", "was removed", "has changed", "cannot be read"};
    return std::format("{} '{}' {}", role, path, words[std::to_underlying(kind)]);
}

std::vector<Change> changed_files(const Manifest& manifest) {
    std::vector<Change> changes;
    for (const ManifestFile& file : manifest.files)
        if (const auto kind = change_of(file))
            changes.push_back({file.role, file.path, *kind});
    return changes;
}

} // namespace lifeboat::host
