// SPDX-License-Identifier: GPL-2.0-or-later
// The way out when the plan's modules do not fit the machine: loads what the devices that are there ask for
// by their modalias, with dependencies and soft dependencies, out of /lib/modules/<release> of the initrd. No
// modprobe.d is read and nothing is blacklisted: here a driver too many does less harm than one too few.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "stages/system_paths.h"

#include <cstddef>
#include <memory>
#include <set>
#include <string>

struct kmod_ctx;

namespace lifeboat {

// Every modalias below /sys/devices, each once.
std::set<std::string> list_modaliases(const SystemPaths& paths);

// Lives as long as devices may still appear. Not for PID 1 itself: loading may hang.
class ModuleLoader {
public:
    static Result<ModuleLoader> open(const SystemPaths& paths, Log& log);

    // Loads for all devices that are there, and again for those that came up by that, until none is new.
    void load_for_all_devices();
    // Loads for one modalias ("pci:v00001AF4...", "fs-ext4"); one that was tried already is not tried again.
    void load_for(const std::string& modalias);

    [[nodiscard]] std::size_t loaded() const { return loaded_; }

private:
    struct Release {
        void operator()(kmod_ctx* context) const;
    };

    ModuleLoader(SystemPaths paths, Log& log, kmod_ctx* context)
        : paths_(std::move(paths))
        , log_(&log)
        , context_(context) {}

    SystemPaths paths_;
    Log* log_;
    std::unique_ptr<kmod_ctx, Release> context_;
    std::set<std::string> tried_;
    std::size_t loaded_ = 0;
};

} // namespace lifeboat
