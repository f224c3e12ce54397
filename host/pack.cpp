// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/descriptor.h"
#include "base/log.h"
#include "base/replace_file.h"
#include "host/config.h"
#include "host/crash_kernel/crash_kernel_state.h"
#include "host/crash_kernel/machine_facts.h"
#include "host/filter_doubt.h"
#include "host/machine/initrd_contents.h"
#include "host/machine/lock_folder.h"
#include "host/machine/machine_plan.h"
#include "host/machine/manifest.h"
#include "host/machine/memory_need.h"
#include "host/machine/rescue_contents.h"
#include "host/machine/rescue_folder.h"
#include "host/machine/state_folder.h"
#include "host/subcommands.h"

#include <cstdio>
#include <filesystem>
#include <format>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "pack";
constexpr std::string_view default_init = "/usr/lib/lifeboat/init.img";
constexpr const char* this_program = "/proc/self/exe";

struct PackRequest {
    SystemPaths paths;
    std::string version; // empty: the running kernel's
    std::string config;
    std::string output; // empty: in the state folder, with plan and manifest
    std::string init;
    std::string command; // of a rescue image: the host command in it
    ConsoleAccess console = ConsoleAccess::locked;
};

struct Packed {
    MachinePlan machine;
    InitrdContents contents;
    InitrdSizes sizes;
    CrashKernelState running;
    bool has_integrity_disks = false;

    // In one section.
    [[nodiscard]] std::vector<MemoryPart> need() const {
        return memory_need({.kernel_version = machine.kernel.version,
                            .kernel_init_bytes = machine.kernel.init_bytes,
                            .follows_hotplug = machine.kernel.follows_hotplug,
                            .has_integrity_disks = has_integrity_disks,
                            .packed_bytes = sizes.packed_bytes,
                            .rootfs_bytes = sizes.rootfs_bytes,
                            .limits_rootfs = machine.kernel.limits_rootfs,
                            .module_bytes = contents.module_memory_bytes});
    }
    // With what the reservation adds by where it lies, or may come to lie.
    [[nodiscard]] std::vector<MemoryPart> whole_need() const {
        std::vector<MemoryPart> parts = need();
        const std::uint64_t bytes = sum_of(parts);
        parts.push_back({"more sections", need_for(bytes, running.reservation()) - bytes,
                         "page descriptors, where it lies across a border of 128 MiB of addresses"});
        return parts;
    }
};

PackRequest read_request(const Arguments& arguments) {
    const std::string root(arguments.value("--root").value_or(""));
    const auto path_of = [&](std::string_view option, std::string_view usual) {
        const auto given = arguments.value(option);
        return given ? std::string(*given) : root + std::string(usual);
    };
    return {.paths = {.proc = root + "/proc", .sys = root + "/sys", .dev = root + "/dev", .root = root},
            .version = std::string(arguments.value("--kernel").value_or("")),
            .config = path_of("--config", default_config_path),
            .output = std::string(arguments.value("--output").value_or("")),
            .init = path_of("--init", default_init),
            .command = std::string(arguments.value("--command").value_or(this_program)),
            .console = arguments.has("--open-console") ? ConsoleAccess::open : ConsoleAccess::locked};
}

void line(std::string_view key, std::string_view value) {
    std::fputs(std::format("{:<9} {}\n", key, printable(value)).c_str(), stdout);
}

std::string sizes_of(const std::vector<CarriedFile>& files) {
    std::string text = std::to_string(files.size());
    for (std::size_t i = 0; i < files.size(); ++i)
        text +=
            std::format("{} {} {} KiB", i == 0 ? ":" : ",", files[i].name, (files[i].bytes + 1023) / 1024);
    return text;
}

void line_of_sizes(const InitrdSizes& sizes) {
    line("initrd", std::format("{} bytes packed, {} unpacked", sizes.packed_bytes, sizes.unpacked_bytes));
}

void print_decisions(const Packed& packed) {
    line("kernel", packed.machine.kernel.version);
    for (const TargetPlace& place : packed.machine.places) {
        line("target", place.target.text());
        line("device", describe(place.chain));
    }
    line("modules", sizes_of(packed.contents.modules));
    if (!packed.contents.firmware.empty())
        line("firmware", sizes_of(packed.contents.firmware));
    line("watchdog", packed.machine.watchdog.text);
    for (const std::string& unattended : packed.machine.watchdog.unattended)
        failure(name, unattended);
    line_of_sizes(packed.sizes);
    line("memory", std::format("{} needed, {} reserved", sum_text(packed.whole_need()),
                               in_mebibytes(packed.running.reserved_bytes)));
    if (packed.running.lent.bytes > 0)
        line("lent", lent_memory_text(packed.running.lent, packed.machine.plan.level));
}

std::string crashkernel_for(std::uint64_t need_bytes) {
    return std::format("crashkernel={}M", recommended_reservation_bytes(need_bytes) >> 20);
}

// A dump that cannot be filtered is captured all the same.
void warn_of_filter(const PackRequest& request, const MachinePlan& machine) {
    const std::string doubt = filter_doubt(request.paths, machine.kernel.version, machine.plan.level);
    if (!doubt.empty())
        failure(name, doubt + ", packing all the same");
}

// Nothing reserved is no failure: packing when the package is installed comes before the boot that reserves.
Result<> check_reservation(const Packed& packed) {
    const std::uint64_t need_bytes = sum_of(packed.need());
    if (packed.running.reserved_bytes == 0)
        failure(name,
                std::format("no memory is reserved for a crash kernel, packing all the same: boot with {}",
                            crashkernel_for(need_bytes)));
    else if (!does_suffice(packed.running.reservation(), need_bytes))
        return fail(ErrorKind::no_space,
                    "the plan does not fit into the {} that are reserved: {}; boot with {}",
                    in_mebibytes(packed.running.reserved_bytes), sum_text(packed.whole_need()),
                    crashkernel_for(need_bytes));
    return {};
}

// Files that are on disk under other names until all of them are there: "NAME.unchecked", behind which stands
// whose it is, where several may be at work in a folder that nobody locks.
class FilesAside {
public:
    explicit FilesAside(std::string suffix = ".unchecked")
        : suffix_(std::move(suffix)) {}
    FilesAside(const FilesAside&) = delete;
    FilesAside& operator=(const FilesAside&) = delete;
    ~FilesAside() {
        for (const std::string& path : paths_)
            ::unlink(aside(path).c_str());
    }

    // The name to write under now.
    std::string add(std::string path) { return aside(paths_.emplace_back(std::move(path))); }

    // In the order in which they were added.
    Result<> rename_into_place(const std::string& folder) {
        for (const std::string& path : std::exchange(paths_, {}))
            if (::rename(aside(path).c_str(), path.c_str()) != 0)
                return fail_system("rename '{}' to '{}'", aside(path), path);
        return sync_folder(folder);
    }

private:
    [[nodiscard]] std::string aside(const std::string& path) const { return path + suffix_; }

    std::string suffix_;
    std::vector<std::string> paths_;
};

// The manifest names what `lifeboat status` has to look at.
Result<Manifest> manifest_of(const PackRequest& request, const Packed& packed) {
    Manifest manifest{.kernel = packed.machine.kernel.version};
    manifest.facts = {{memory_need_fact, std::to_string(sum_of(packed.need()))},
                      {watchdog_fact, packed.machine.watchdog.text}};
    TRY(manifest.add_file("config", request.config));
    TRY(manifest.add_file("init", request.init));
    TRY(manifest.add_file("kernel", packed.machine.kernel.image));
    for (const CarriedFile& module : packed.contents.modules)
        TRY(manifest.add_file("module", module.source));
    for (const CarriedFile& firmware : packed.contents.firmware)
        TRY(manifest.add_file("firmware", firmware.source));
    return manifest;
}

Result<> write_initrd(Packed& packed, const std::string& path) {
    packed.sizes = TRY(packed.contents.writer.write(path));
    print_decisions(packed);
    return check_reservation(packed);
}

// An initrd alone, in a folder that is there and may be anybody's.
template <class Write>
Result<> write_alone(const std::string& path, Write write) {
    TRY(open_file(folder_of(path), O_RDONLY | O_DIRECTORY)); // the error is of the folder then
    FilesAside files(std::format(".unchecked-{}", ::getpid()));
    TRY(write(files.add(path)));
    TRY(files.rename_into_place(folder_of(path)));
    line("written", path);
    return {};
}

// A link to the kernel's image, for whoever loads the two: both have the version in their names then.
Result<> link_image(const PackRequest& request, const Packed& packed, const std::string& path) {
    const std::string target = packed.machine.kernel.image.substr(request.paths.root.size());
    ::unlink(path.c_str());
    if (::symlink(target.c_str(), path.c_str()) != 0)
        return fail_system("make the link '{}' to '{}'", path, target);
    return {};
}

// The initrd under the state folder's names, and beside it what tells what is in it.
Result<> write_state(const PackRequest& request, Packed& packed) {
    const std::string folder_name = request.paths.root + std::string(state_folder);
    const auto path = [&](std::string_view file) {
        return in_state(request.paths, std::format("{}-{}", file, packed.machine.kernel.version));
    };
    ::mkdir(folder_name.c_str(), 0755); // whether it is there now, opening it says
    const Descriptor lock = TRY(lock_folder(folder_name));
    FilesAside files;
    TRY(link_image(request, packed, files.add(path("vmlinuz"))));
    TRY(write_initrd(packed, files.add(path("initrd.img"))));
    TRY(replace_file(files.add(path("plan")), packed.machine.plan.text()));
    // Last: an initrd that is newer than its manifest counts as stale, never the other way round.
    const Manifest manifest = TRY(manifest_of(request, packed));
    TRY(write_manifest(files.add(path("manifest")), manifest));
    TRY(files.rename_into_place(folder_name));
    line("written", path("initrd.img"));
    return {};
}

Result<std::string> version_of(const PackRequest& request) {
    return request.version.empty() ? running_kernel_version(request.paths) : request.version;
}

Result<> run_pack(const PackRequest& request) {
    const Config config = TRY(read_config(request.config));
    const std::string version = TRY(version_of(request));
    Packed packed{.machine = TRY(plan_for_machine(request.paths, version, config))};
    packed.contents = TRY(gather_contents(request.paths, packed.machine, request.init));
    packed.running = read_crash_kernel_state(request.paths);
    warn_of_filter(request, packed.machine);
    packed.has_integrity_disks = has_integrity_disks(request.paths);
    if (request.output.empty())
        return write_state(request, packed);
    return write_alone(request.output, [&](const std::string& aside) { return write_initrd(packed, aside); });
}

Result<> write_rescue(const RescueContents& made, const std::string& path) {
    const InitrdSizes sizes = TRY(made.contents.writer.write(path, Packing::quick));
    line("kernel", made.kernel.version);
    line("root", made.plan.roots.front().text());
    line("device", describe(made.root.chain));
    line("modules", std::to_string(made.contents.modules.size()));
    line_of_sizes(sizes);
    return {};
}

Result<> run_pack_rescue(const PackRequest& request) {
    const std::string version = TRY(version_of(request));
    const RescueContents made = TRY(gather_rescue_contents(
        request.paths,
        {.version = version, .init = request.init, .command = request.command, .console = request.console}));
    std::string path = request.output;
    if (path.empty()) {
        path = request.paths.root + rescue_image(version);
        std::error_code error; // whether the folder is there now, opening it says
        std::filesystem::create_directories(folder_of(path), error);
    }
    return write_alone(path, [&](const std::string& aside) { return write_rescue(made, aside); });
}

} // namespace

ExitCode pack(const Arguments& arguments) {
    const PackRequest request = read_request(arguments);
    if (const auto done = arguments.has("--rescue") ? run_pack_rescue(request) : run_pack(request); !done)
        return failure(name, done.error().text);
    return exit_ok;
}

} // namespace lifeboat::host
