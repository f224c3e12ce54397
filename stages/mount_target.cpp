// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/mount_target.h"

#include "stages/coldplug_modules.h"

#include <memory>
#include <optional>

#include <libmount/libmount.h>
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

class Attempt {
public:
    Attempt(const TargetRequest& request, Log& log)
        : request_(request)
        , log_(log) {}

    Result<MountedTarget> run() {
        if (request_.coldplug)
            open_loader();
        TargetSearch search = TRY(TargetSearch::start(
            request_.paths,
            {.coldplug = loader(), .role = request_.role, .first_scan_ms = request_.first_scan_ms}, log_));
        if (loader() != nullptr)
            load_for_all();
        if (request_.again && (loader() == nullptr || loader_->loaded() == 0))
            return fail(ErrorKind::no_data, "there is no further module for the devices of this machine");
        for (std::size_t index = 0; index < request_.targets.size(); ++index)
            if (auto found = try_one(search, index))
                return MountedTarget{index, *std::move(found)};
        search.log_devices();
        return fail(ErrorKind::no_data, "no {} can be used", request_.role);
    }

private:
    ModuleLoader* loader() { return loader_ ? &*loader_ : nullptr; }

    void open_loader() {
        auto loader = ModuleLoader::open(request_.paths, log_);
        if (loader)
            loader_.emplace(*std::move(loader));
        else
            log_.warning("coldplug: {}, going on without it", loader.error().text);
    }

    void load_for_all() {
        loader_->load_for_all_devices();
        log_.info("coldplug: {} modules loaded", loader_->loaded());
    }

    std::optional<FoundTarget> try_one(TargetSearch& search, std::size_t index) {
        const Target& target = request_.targets[index];
        auto mounted = find_and_mount(search, target);
        if (mounted)
            log_.info("{}: {} mounted, folder {}", request_.role, target.source(), target.path);
        else
            log_.warning("{}: {}{}", request_.role, mounted.error().text,
                         index + 1 < request_.targets.size() ? ", trying the next one" : "");
        return mounted ? std::optional(*std::move(mounted)) : std::nullopt;
    }

    Result<FoundTarget> find_and_mount(TargetSearch& search, const Target& target) {
        FoundTarget found = TRY(search.find(target, request_.deadline));
        log_.info("{}: {} is {}, {}", request_.role, target.source(), found.node,
                  found.type.empty() ? "of unknown type" : found.type);
        if (loader() != nullptr)
            loader_->load_for("fs-" + (target.type == "auto" ? found.type : target.type));
        TRY(mount_target(request_.paths, target, found));
        return found;
    }

    const TargetRequest& request_;
    Log& log_;
    std::optional<ModuleLoader> loader_;
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

Result<MountedTarget> find_and_mount_target(const TargetRequest& request, Log& log) {
    if (request.targets.empty())
        return fail(ErrorKind::no_data, "the plan names no {}", request.role);
    return Attempt(request, log).run();
}

} // namespace lifeboat
