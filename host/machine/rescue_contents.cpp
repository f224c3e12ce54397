// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/rescue_contents.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "host/archive/decompressed_file.h"
#include "host/machine/driver_modules.h"
#include "host/machine/kernel_modules.h"
#include "host/machine/machine_plan.h"
#include "host/machine/module_file.h"
#include "host/machine/program_file.h"
#include "stages/run_program.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace lifeboat::host {

namespace {

// All that a kernel has there: drivers of disks and of what they hang on.
constexpr std::string_view folders[] = {
    "kernel/drivers/ata/",           "kernel/drivers/nvme/host/",      "kernel/drivers/virtio/",
    "kernel/drivers/usb/core/",      "kernel/drivers/usb/host/",       "kernel/drivers/usb/storage/",
    "kernel/drivers/mmc/core/",      "kernel/drivers/message/fusion/", "kernel/drivers/scsi/megaraid/",
    "kernel/drivers/scsi/mpt3sas/",  "kernel/drivers/scsi/mpi3mr/",    "kernel/drivers/scsi/aacraid/",
    "kernel/drivers/scsi/smartpqi/",
};
// What stands beside others that are for other things; a kernel need not have all of them.
constexpr std::string_view names[] = {
    // Disks, controllers, the buses of virtual machines.
    "sd_mod", "sr_mod", "virtio_blk", "virtio_scsi", "hv_vmbus", "hv_storvsc", "vmw_pvscsi", "xen_blkfront",
    "xen_scsifront", "vmd", "hpsa", "mvsas", "isci", "sym53c8xx", "sdhci_pci", "sdhci_acpi",
    // File systems, and the character sets that vfat asks for.
    "ext4", "xfs", "btrfs", "f2fs", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8",
    // Keyboards, for the console.
    "hid_generic", "usbhid", "hyperv_keyboard", "atkbd", "i8042"};

// What depmod(8) reads beside the modules, and what it makes of them for libkmod.
constexpr std::string_view depmod_inputs[] = {"modules.order", "modules.builtin", "modules.builtin.modinfo"};
constexpr std::string_view indexes[] = {"modules.dep.bin",     "modules.alias.bin",
                                        "modules.symbols.bin", "modules.builtin.bin",
                                        "modules.softdep",     "modules.builtin.alias.bin"};
constexpr std::size_t index_limit_bytes = std::size_t{64} << 20;

// Whatever a program says: its last line is why it failed.
class LastLine final : public Log {
public:
    void write(LogLevel, std::string_view line) override { line_ = line; }
    [[nodiscard]] const std::string& text() const { return line_; }

private:
    std::string line_;
};

class ScratchFolder {
public:
    static Result<ScratchFolder> make() {
        std::string name = (std::filesystem::temp_directory_path() / "lifeboat-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            return fail_system("make a folder '{}'", name);
        return ScratchFolder(std::move(name));
    }
    ScratchFolder(ScratchFolder&& other) noexcept
        : path_(std::exchange(other.path_, {})) {}
    ScratchFolder& operator=(ScratchFolder&&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        if (!path_.empty())
            std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    explicit ScratchFolder(std::string path)
        : path_(std::move(path)) {}
    std::string path_;
};

Result<> write_file(const std::string& path, std::string_view content) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    const Descriptor file = TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    return write_all(file.get(), content, path);
}

class Gathering {
public:
    Gathering(const InstalledKernel& kernel, const KernelModules& modules, InitrdContents& contents)
        : kernel_(kernel)
        , modules_(modules)
        , contents_(contents) {}

    Result<> choose(const TargetPlace& root, ChainSeenUnder seen_under) {
        // This machine's own first: what they lack is an error.
        for (const std::string& name : TRY(modules_for_chain(root.chain, modules_, seen_under)))
            TRY(modules_.add_in_load_order(name, chosen_));
        const auto file_system = TRY(modules_for_file_system(root.target.type, modules_));
        for (const std::string& name : file_system)
            TRY(modules_.add_in_load_order(name, chosen_));
        for (const std::string_view folder : folders)
            for (const std::string& name : modules_.names_in(folder))
                TRY(modules_.add_in_load_order(name, chosen_));
        for (const std::string_view name : names)
            for (const std::string& found : modules_.look_up(std::string(name)).modules)
                TRY(modules_.add_in_load_order(found, chosen_));
        return {};
    }

    // With an index of these modules alone, so that init misses none that it was told of.
    Result<> add_modules() {
        const ScratchFolder scratch = TRY(ScratchFolder::make());
        const std::string folder = std::format("{}/lib/modules/{}", scratch.path(), kernel_.version);
        for (const ModuleToLoad& module : chosen_)
            TRY(add_module(module, scratch.path()));
        for (const std::string_view name : depmod_inputs)
            if (const auto content =
                    read_file(std::format("{}/{}", kernel_.modules, name), index_limit_bytes))
                TRY(write_file(std::format("{}/{}", folder, name), *content));
        TRY(run_depmod(scratch.path()));
        for (const std::string_view name : indexes)
            contents_.writer.add_file(std::format("lib/modules/{}/{}", kernel_.version, name),
                                      TRY(read_file(std::format("{}/{}", folder, name), index_limit_bytes)));
        return {};
    }

private:
    Result<> add_module(const ModuleToLoad& module, const std::string& scratch) {
        std::string content = TRY(read_decompressed(module.path));
        if (contents_.signatures == ModuleSignatures::may_go)
            content = TRY(slim_module(content, module.path));
        const std::string place = path_in_initrd(module, kernel_);
        TRY(write_file(std::format("{}/{}", scratch, place), content));
        contents_.modules.push_back({module.name, module.path, content.size()});
        contents_.writer.add_file(place, std::move(content));
        return {};
    }

    Result<> run_depmod(const std::string& scratch) const {
        LastLine said;
        const Program depmod{.path = "/sbin/depmod", .arguments = {"-b", scratch, kernel_.version}};
        const int status = TRY(run_program(depmod, "depmod", said));
        if (status != 0)
            return fail(ErrorKind::system, "'{}' ended with status {}: {}", depmod.path, status, said.text());
        return {};
    }

    const InstalledKernel& kernel_;
    const KernelModules& modules_;
    InitrdContents& contents_;
    std::vector<ModuleToLoad> chosen_;
};

// As root is mounted for a boot: how to write there and how to keep times is the system's own affair.
std::string without_crash_options(std::string_view options) {
    std::string kept;
    for (const std::string_view option : split(options, ','))
        if (option != "rw" && option != "noatime")
            kept += std::format("{}{}", kept.empty() ? "" : ",", option);
    return kept.empty() ? "defaults" : kept;
}

void add_skeleton(InitrdWriter& writer, const Plan& plan) {
    for (const char* folder : {"dev", "proc", "sys", "run", "target", "tmp"})
        writer.add_folder(folder);
    writer.add_device("dev/console", 5, 1);
    writer.add_file("etc/lifeboat/plan", plan.text());
}

} // namespace

Result<RescueContents> gather_rescue_contents(const SystemPaths& paths, const RescueRequest& request) {
    RescueContents made{.kernel = TRY(find_installed_kernel(paths, request.version))};
    made.root = TRY(locate_target(paths, "/").transform_error(while_doing("the root file system")));
    Target root = made.root.target;
    root.options = without_crash_options(root.options);
    made.plan.roots = {std::move(root)};
    made.plan.coldplug = Coldplug::always;
    made.plan.console = request.console;

    const KernelModules modules = TRY(KernelModules::open(paths, made.kernel));
    made.contents.signatures = module_signatures(paths, made.kernel);
    Gathering gathering(made.kernel, modules, made.contents);
    TRY(gathering.choose(made.root, seen_under(paths, request.version)));
    TRY(gathering.add_modules());
    add_skeleton(made.contents.writer, made.plan);
    TRY(add_init(made.contents.writer, request.init));
    made.contents.writer.add_file("bin/lifeboat", TRY(read_program(request.command, "--command")), 0755);
    return made;
}

} // namespace lifeboat::host
