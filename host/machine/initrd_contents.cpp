// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/machine/initrd_contents.h"

#include "base/descriptor.h"
#include "host/archive/decompressed_file.h"
#include "host/machine/module_file.h"
#include "host/machine/program_file.h"

#include <algorithm>
#include <optional>

#include <unistd.h>

namespace lifeboat::host {

namespace {

constexpr char sysctl_text[] = {
#embed "../../rootfs-skel/etc/sysctl.d/10-lifeboat.conf"
};

// Where the kernel looks for firmware, compressed or not. Source: Linux
// Documentation/driver-api/firmware/fw_search_path.rst.
std::optional<std::string> find_firmware(const SystemPaths& paths, std::string_view version,
                                         const std::string& name) {
    for (const std::string& folder : {std::format("updates/{}/", version), std::string("updates/"),
                                      std::format("{}/", version), std::string()})
        for (const std::string_view suffix : {"", ".xz", ".zst"}) {
            std::string path = std::format("{}/lib/firmware/{}{}{}", paths.root, folder, name, suffix);
            if (::access(path.c_str(), R_OK) == 0)
                return path;
        }
    return std::nullopt; // a driver names what all of its devices may want; few are there
}

class Gathering {
public:
    Gathering(const SystemPaths& paths, const MachinePlan& machine)
        : paths_(paths)
        , machine_(machine) {
        contents_.signatures = module_signatures(paths, machine.kernel);
    }

    void add_skeleton() {
        InitrdWriter& writer = contents_.writer;
        for (const char* folder : {"dev", "proc", "sys", "target", "tmp"})
            writer.add_folder(folder);
        // What PID 1 says before it has mounted /dev, and what the kernel gives it to say it with.
        writer.add_device("dev/console", 5, 1);
        writer.add_file("etc/sysctl.d/10-lifeboat.conf",
                        std::string(std::begin(sysctl_text), std::end(sysctl_text)));
        writer.add_file("etc/lifeboat/plan", machine_.plan.text());
    }

    Result<> add_module(const ModuleToLoad& module) {
        std::string content = TRY(read_decompressed(module.path));
        if (contents_.signatures == ModuleSignatures::may_go)
            content = TRY(slim_module(content, module.path));
        const ModuleFacts facts = TRY(read_module_facts(content, module.path));
        contents_.module_memory_bytes += facts.memory_bytes;
        contents_.modules.push_back({module.name, module.path, content.size()});
        contents_.writer.add_file(path_in_initrd(module, machine_.kernel), std::move(content));
        for (const std::string& name : facts.firmware)
            TRY(add_firmware(name));
        return {};
    }

    InitrdWriter& writer() { return contents_.writer; }
    InitrdContents take() { return std::move(contents_); }

private:
    Result<> add_firmware(const std::string& name) {
        const auto is_same = [&](const CarriedFile& file) { return file.name == name; };
        const auto path = find_firmware(paths_, machine_.kernel.version, name);
        if (!path || std::ranges::any_of(contents_.firmware, is_same))
            return {};
        std::string content = TRY(read_decompressed(*path));
        contents_.firmware.push_back({name, *path, content.size()});
        contents_.writer.add_file("lib/firmware/" + name, std::move(content));
        return {};
    }

    const SystemPaths& paths_;
    const MachinePlan& machine_;
    InitrdContents contents_;
};

} // namespace

Result<InitrdContents> gather_contents(const SystemPaths& paths, const MachinePlan& machine,
                                       const std::string& init_path) {
    Gathering gathering(paths, machine);
    TRY(add_init(gathering.writer(), init_path));
    gathering.add_skeleton();
    for (const ModuleToLoad& module : machine.modules)
        TRY(gathering.add_module(module));
    return gathering.take();
}

} // namespace lifeboat::host
