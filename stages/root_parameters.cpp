// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/root_parameters.h"

#include "base/text.h"

#include <algorithm>
#include <format>

namespace lifeboat {

namespace {

// rootwait asks to wait for ever; a disk that has not come up by then does not come.
constexpr std::uint64_t rootwait_s = 300;
constexpr std::uint64_t longest_delay_s = 3600;

// What only programs of the system's own initrd can set up.
constexpr std::string_view made_by_programs[] = {"/dev/mapper/", "/dev/md",  "/dev/dm-",
                                                 "/dev/nfs",     "/dev/ram", "/dev/nbd"};

class Reading {
public:
    explicit Reading(RootParameters& read)
        : read_(read) {}

    void take(const KernelParameter& parameter) {
        if (parameter.name == "root")
            source_ = parameter.value;
        else if (parameter.name == "rootfstype")
            type_ = parameter.value;
        else if (parameter.name == "rootflags")
            flags_ = parameter.value;
        else if (parameter.name == "init")
            read_.init = parameter.value;
        else if (parameter.name == "ro" || parameter.name == "rw")
            read_.read_write = parameter.name == "rw";
        else if (parameter.name == "rootwait")
            read_.wait_s = std::max(read_.wait_s, rootwait_s);
        else if (parameter.name == "rootdelay")
            take_delay(parameter.value);
    }

    void settle() {
        if (source_.empty())
            return complain("root= is not there");
        for (const std::string_view made : made_by_programs)
            if (source_.starts_with(made))
                return complain(
                    std::format("root={} is made by programs that this boot does not have", source_));
        auto root = parse_target(encode_octal(source_) + " /");
        if (!root)
            return complain(std::format("root={}: {}", source_, root.error().text));
        // The kernel takes a list of types; the one that is found decides then.
        if (!type_.empty() && !type_.contains(','))
            root->type = type_;
        root->options = read_.options_with(flags_);
        read_.root = *std::move(root);
    }

private:
    void take_delay(const std::string& seconds) {
        const auto delay = parse_in_range(seconds, 0, longest_delay_s);
        if (delay)
            read_.wait_s = std::max(read_.wait_s, *delay);
        else
            read_.complaints.push_back(
                std::format("rootdelay={}: {}, passing over it", seconds, delay.error().text));
    }
    void complain(const std::string& what) {
        read_.complaints.push_back(what + ", taking root from the plan");
    }

    RootParameters& read_;
    std::string source_, type_, flags_;
};

} // namespace

std::string RootParameters::options_with(const std::string& others) const {
    return std::format("{}{}{}", read_write ? "rw" : "ro", others.empty() ? "" : ",", others);
}

RootParameters read_root_parameters(std::span<const KernelParameter> parameters) {
    RootParameters read;
    Reading reading(read);
    for (const KernelParameter& parameter : parameters)
        reading.take(parameter);
    reading.settle();
    return read;
}

} // namespace lifeboat
