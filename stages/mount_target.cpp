// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/mount_target.h"

#include "base/system.h"
#include "stages/coldplug_modules.h"

#include <memory>
#include <optional>

#include <libmount/libmount.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace lifeboat {

namespace {

struct ReleaseContext {
    void operator()(libmnt_context* context) const { ::mnt_free_context(context); }
};
using Context = std::unique_ptr<libmnt_context, ReleaseContext>;

bool prepare(libmnt_context* context, const std::string& node, const std::string& mount_point,
             const std::string& type, const std::string& options) {
    // Names are final already; no /sbin/mount.*; no /run/mount/utab.
    return ::mnt_context_disable_canonicalize(context, 1) == 0 &&
           ::mnt_context_disable_helpers(context, 1) == 0 && ::mnt_context_disable_mtab(context, 1) == 0 &&
           ::mnt_context_set_optsmode(context, MNT_OMODE_NOTAB) == 0 &&
           ::mnt_context_enable_rwonly_mount(context, 1) == 0 &&
           ::mnt_context_set_source(context, node.c_str()) == 0 &&
           ::mnt_context_set_target(context, mount_point.c_str()) == 0 &&
           ::mnt_context_set_fstype(context, type.empty() ? nullptr : type.c_str()) == 0 &&
           ::mnt_context_set_options(context, options.c_str()) == 0;
}

Result<> mount_as(const SystemPaths& paths, const Target& target, const std::string& node,
                  const std::string& type) {
    const Context context(::mnt_new_context());
    if (!context || !prepare(context.get(), node, paths.mount_point, type, target.options))
        return fail(ErrorKind::invalid, "mount '{}': type '{}' with options '{}' cannot be used", node, type,
                    target.options);
    const int outcome = ::mnt_context_mount(context.get());
    if (outcome == 0 && ::mnt_context_get_status(context.get()) == 1)
        return {};
    const int called = ::mnt_context_get_syscall_errno(context.get());
    return fail(system_error(
        std::format("mount '{}' as {} with '{}'", node, type.empty() ? "auto" : type, target.options),
        called > 0    ? called
        : outcome < 0 ? -outcome
                      : EINVAL));
}

// A search, with modules loaded for what is there and for what comes where that is asked for.
class Finder {
public:
    Finder(const TargetRequest& request, Log& log)
        : request_(request)
        , log_(log) {}

    Result<> start() {
        if (request_.coldplug)
            open_loader();
        // Its events are listened to before modules are loaded.
        search_.emplace(TRY(TargetSearch::start(request_.paths,
                                                {.coldplug = loader_ ? &*loader_ : nullptr,
                                                 .role = request_.role,
                                                 .first_scan_ms = request_.first_scan_ms,
                                                 .match = request_.match},
                                                log_)));
        if (loader_) {
            loader_->load_for_all_devices();
            log_.info("coldplug: {} modules loaded", loader_->loaded());
        }
        if (request_.again && (!loader_ || loader_->loaded() == 0))
            return fail(ErrorKind::no_data, "there is no further module for the devices of this machine");
        return {};
    }

    Result<FoundTarget> find(const Target& target) {
        FoundTarget found = TRY(search_->find(target, request_.deadline));
        log_.info("{}: {} is {}, {}", request_.role, target.source(), found.node,
                  found.type.empty() ? "of unknown type" : found.type);
        if (loader_)
            loader_->load_for("fs-" + (target.type == "auto" ? found.type : target.type));
        return found;
    }

    void log_devices() {
        if (request_.tells_devices)
            search_->log_devices();
    }

private:
    void open_loader() {
        auto loader = ModuleLoader::open(request_.paths, log_);
        if (loader)
            loader_.emplace(*std::move(loader));
        else
            log_.warning("coldplug: {}, going on without it", loader.error().text);
    }

    const TargetRequest& request_;
    Log& log_;
    std::optional<ModuleLoader> loader_;
    std::optional<TargetSearch> search_;
};

} // namespace

Result<> mount_target(const SystemPaths& paths, const Target& target, const FoundTarget& found) {
    ::mkdir(paths.mount_point.c_str(), 0700); // whether it is there now, mount(2) says
    const std::string& type = target.type == "auto" ? found.type : target.type;
    auto mounted = mount_as(paths, target, found.node, type);
    // Kernels without an ext2 or ext3 driver of their own mount those as ext4.
    if (!mounted && mounted.error().os_error == ENODEV && (type == "ext2" || type == "ext3"))
        mounted = mount_as(paths, target, found.node, "ext4");
    return mounted;
}

Result<> detach_target(const SystemPaths& paths) {
    // EINVAL: nothing is mounted there any more.
    if (sys::unmount(paths.mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL)
        return fail_system("detach the target");
    return {};
}

Result<FoundTarget> find_target(const TargetRequest& request, Log& log) {
    Finder finder(request, log);
    TRY(finder.start());
    auto found = finder.find(request.targets.front());
    if (!found)
        finder.log_devices();
    return found;
}

Result<MountedTarget> find_and_mount_target(const TargetRequest& request, Log& log) {
    if (request.targets.empty())
        return fail(ErrorKind::no_data, "the plan names no {}", request.role);
    Finder finder(request, log);
    TRY(finder.start());
    for (std::size_t index = 0; index < request.targets.size(); ++index) {
        const Target& target = request.targets[index];
        auto found = finder.find(target);
        const auto mounted = found ? mount_target(request.paths, target, *found) : fail(found.error());
        if (mounted) {
            log.info("{}: {} mounted, folder {}", request.role, target.source(), target.path);
            return MountedTarget{index, *std::move(found)};
        }
        log.warning("{}: {}{}", request.role, mounted.error().text,
                    index + 1 < request.targets.size() ? ", trying the next one" : "");
    }
    finder.log_devices();
    return fail(ErrorKind::no_data, "no {} can be used", request.role);
}

} // namespace lifeboat
