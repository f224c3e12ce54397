// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/fallback/good_store.h"

#include "base/replace_file.h"
#include "base/text.h"
#include "host/machine/lock_folder.h"
#include "stages/list_folder.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <ranges>
#include <tuple>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view aside_suffix = ".incomplete";
constexpr std::string_view kept_fact = "kept_s";
constexpr std::string_view line_fact = "command_line";
constexpr std::string_view image_fact = "image_stored";
constexpr std::string_view initrd_fact = "initrd_stored";

std::string below_root(const SystemPaths& paths, std::string_view path) {
    return std::format("{}{}", paths.root, path);
}

Result<std::string_view> needed_fact(const Manifest& manifest, std::string_view name) {
    const auto value = manifest.fact(name);
    if (!value)
        return fail(ErrorKind::corrupt, "no '{}' is noted", name);
    return *value;
}

Result<KeptFile> kept_file(const Manifest& manifest, std::string_view role, std::string_view fact) {
    const auto found = std::ranges::find(manifest.files, role, &ManifestFile::role);
    if (found == manifest.files.end() || !found->is_there)
        return fail(ErrorKind::corrupt, "no '{}' is noted", role);
    const std::string_view way = TRY(needed_fact(manifest, fact));
    return KeptFile{*found, TRY(parse_stored_by(way))};
}

// A folder that is being made or removed, and what is no generation.
bool is_generation_name(std::string_view name) {
    return !name.starts_with('.');
}

Result<> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) == 0)
        return sync_folder(std::filesystem::path(path).parent_path());
    if (errno != EEXIST)
        return fail_system("make folder '{}'", path);
    return {};
}

Result<> remove_tree(const std::string& folder) {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error)
        return fail(system_error(std::format("remove '{}'", folder), error.value()));
    return {};
}

// The newer first; of the same second by name, so that the order is always the same.
bool is_newer(const Generation& one, const Generation& other) {
    return std::tie(one.kept_s, one.name) > std::tie(other.kept_s, other.name);
}

} // namespace

std::string Generation::folder() const {
    return std::format("{}/{}", good_folder, name);
}

std::string record_text(const Generation& generation) {
    Manifest manifest{.kernel = generation.kernel};
    manifest.facts = {{std::string(kept_fact), std::to_string(generation.kept_s)},
                      {std::string(line_fact), generation.command_line},
                      {std::string(image_fact), std::string(name_of(generation.image.stored_by))},
                      {std::string(initrd_fact), std::string(name_of(generation.initrd.stored_by))}};
    manifest.files = {generation.image.original, generation.initrd.original};
    return manifest_text(manifest);
}

Result<Generation> parse_record(std::string name, std::string_view text) {
    const Manifest manifest = TRY(parse_manifest(text));
    const std::string_view kept_text = TRY(needed_fact(manifest, kept_fact));
    const auto kept_s = parse_signed(kept_text);
    if (!kept_s)
        return fail(ErrorKind::corrupt, "'{}' is not a time", kept_text);
    return Generation{.name = std::move(name),
                      .kernel = manifest.kernel,
                      .kept_s = *kept_s,
                      .command_line = std::string(TRY(needed_fact(manifest, line_fact))),
                      .image = TRY(kept_file(manifest, "image", image_fact)),
                      .initrd = TRY(kept_file(manifest, "initrd", initrd_fact))};
}

const Generation* GoodStore::newest_of(std::string_view kernel) const {
    const auto found = std::ranges::find(generations, kernel, &Generation::kernel);
    return found == generations.end() ? nullptr : &*found;
}

Result<GoodStore> read_good_store(const SystemPaths& paths) {
    const std::string folder = below_root(paths, good_folder);
    const auto names = list_folder(folder);
    if (!names && names.error().os_error == ENOENT)
        return GoodStore();
    if (!names)
        return fail(names.error());
    GoodStore store;
    for (const std::string& name : *names | std::views::filter(is_generation_name)) {
        const std::string path = std::format("{}/{}/record", folder, name);
        auto generation =
            read_file(path).and_then([&](const std::string& text) -> std::expected<Generation, Error> {
                return parse_record(name, text);
            });
        if (generation)
            store.generations.push_back(*std::move(generation));
        else
            store.unreadable.push_back(std::format("'{}': {}", path, generation.error().text));
    }
    std::ranges::sort(store.generations, is_newer);
    return store;
}

Result<Descriptor> lock_good_store(const SystemPaths& paths) {
    TRY(make_folder(below_root(paths, fallback_folder)));
    const std::string folder = below_root(paths, good_folder);
    TRY(make_folder(folder));
    Descriptor lock = TRY(lock_folder(folder));
    for (const std::string& name : TRY(list_folder(folder)))
        if (!is_generation_name(name) && name.ends_with(aside_suffix))
            TRY(remove_tree(std::format("{}/{}", folder, name)));
    return lock;
}

Result<ManifestFile> read_file_state(const SystemPaths& paths, std::string role, const std::string& path) {
    Manifest manifest;
    TRY(manifest.add_file(std::move(role), below_root(paths, path)));
    ManifestFile file = std::move(manifest.files[0]);
    if (!file.is_there)
        return fail(ErrorKind::no_data, "'{}' is not there", file.path);
    file.path = path;
    return file;
}

bool has_whole_sizes(const SystemPaths& paths, const Generation& generation) {
    const auto has_size = [&](const std::string& path, const KeptFile& kept) {
        struct stat status{};
        return ::stat(below_root(paths, path).c_str(), &status) == 0 &&
               std::cmp_equal(status.st_size, kept.original.size_bytes);
    };
    return has_size(generation.image_path(), generation.image) &&
           has_size(generation.initrd_path(), generation.initrd);
}

Result<> check_kept_file(const SystemPaths& paths, const KeptFile& kept, const std::string& path) {
    const ManifestFile now = TRY(read_file_state(paths, kept.original.role, path));
    if (now.digest != kept.original.digest)
        return fail(ErrorKind::corrupt,
                    "'{}{}' is not what was kept: {} bytes with digest {}, {} with {} then", paths.root, path,
                    now.size_bytes, now.digest, kept.original.size_bytes, kept.original.digest);
    return {};
}

std::string generation_name(std::string_view kernel, std::int64_t now_s) {
    const std::time_t time = now_s;
    std::tm parts{};
    std::array<char, 32> text{};
    ::gmtime_r(&time, &parts);
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
    return std::format("{}+{}", kernel, std::string_view(text.data(), length));
}

std::string aside_folder(const SystemPaths& paths, std::string_view name) {
    return std::format("{}{}/.{}{}", paths.root, good_folder, name, aside_suffix);
}

Result<> remove_generation(const SystemPaths& paths, std::string_view name) {
    const std::string folder = below_root(paths, good_folder);
    const std::string path = std::format("{}/{}", folder, name);
    if (name.empty() || name.contains('/') || !is_generation_name(name) || ::access(path.c_str(), F_OK) != 0)
        return fail(ErrorKind::no_data, "'{}' is not in '{}': `lifeboat good list` names what is", name,
                    folder);
    const std::string aside = aside_folder(paths, name);
    if (::rename(path.c_str(), aside.c_str()) != 0)
        return fail_system("rename '{}' to '{}'", path, aside);
    TRY(sync_folder(folder));
    return remove_tree(aside);
}

std::vector<std::string> beyond_bound(const GoodStore& store, std::size_t bound, std::string_view running) {
    std::vector<std::string> leaving;
    auto of_running =
        static_cast<std::size_t>(std::ranges::count(store.generations, running, &Generation::kernel));
    for (std::size_t i = store.generations.size(); i > 1 && store.generations.size() - leaving.size() > bound;
         --i) {
        const Generation& oldest = store.generations[i - 1];
        if (oldest.kernel == running && of_running-- == 1)
            continue;
        leaving.push_back(oldest.name);
    }
    return leaving;
}

} // namespace lifeboat::host
