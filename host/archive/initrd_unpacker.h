// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the tree that an initrd becomes in a folder, and nothing outside of it (rooted_folder.h), with the
// kernel's rules for what comes twice: a later entry takes the place of an earlier one.
//
//     InitrdUnpacker unpacker = TRY(InitrdUnpacker::into("folder"));
//     const InitrdSummary summary = TRY(read_initrd(path, unpacker));
//     unpacker.finish();
//     ... unpacker.complaints(), unpacker.devices_left_out() ...
//
// Owners and devices are root's to make: another user's files are his own, without set-user-ID, and devices
// are left out and counted.
#pragma once

#include "host/archive/initrd_reader.h"
#include "host/archive/rooted_folder.h"

#include <map>
#include <vector>

namespace lifeboat::host {

class InitrdUnpacker : public InitrdVisitor {
public:
    // The folder is made; one that is there has to be empty.
    static Result<InitrdUnpacker> into(const std::string& folder);

    // An entry that cannot be made is complained of and passed over; fails when the disk is full.
    Result<> visit(const CpioEntry& entry, EntryContent& content) override;
    // What is left for the end: the permissions and times of folders.
    void finish();

    [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }
    [[nodiscard]] unsigned devices_left_out() const { return devices_left_out_; }

private:
    explicit InitrdUnpacker(RootedFolder root);

    Result<> make(const CpioEntry& entry, const std::string& path, EntryContent& content);
    Result<> make_file(const CpioEntry& entry, const RootedName& place, EntryContent& content);
    Result<> make_hard_link(const CpioEntry& entry, const RootedName& place);
    Result<> make_device(const CpioEntry& entry, const RootedName& place);
    Result<> give_metadata(const CpioEntry& entry, int fd) const;
    Result<> give_link_metadata(const CpioEntry& entry, const RootedName& place) const;

    RootedFolder root_;
    bool is_root_;
    std::map<std::string, CpioEntry> folders_; // by plain path
    std::vector<std::string> complaints_;
    unsigned devices_left_out_ = 0;
};

} // namespace lifeboat::host
