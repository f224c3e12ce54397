// SPDX-License-Identifier: GPL-2.0-or-later
// What the files in a dump's folder are called. docs/formats.md says what each is.
#pragma once

namespace lifeboat {

inline constexpr const char* kernel_log_name = "vmcore-dmesg.txt";
inline constexpr const char* kernel_log_working_name = "vmcore-dmesg.txt.incomplete";
inline constexpr const char* vmcore_name = "vmcore";
inline constexpr const char* vmcore_working_name = "vmcore.incomplete";
inline constexpr const char* vmcore_second_name = "vmcore.second.incomplete";
inline constexpr const char* boat_log_name = "lifeboat.log";
inline constexpr const char* boat_log_working_name = "lifeboat.log.incomplete";

} // namespace lifeboat
