// SPDX-License-Identifier: GPL-2.0-or-later
// Stands in for base/system.cpp: calls are recorded in memory that forked children share, and fail on demand.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lifeboat::fakes {

// Forgets calls, failures and behaviours. First thing in every test case that uses any of this.
void reset();

// "mount proc on /tmp/x/proc type proc", "load_module /tmp/x/a.ko debug=1", "reboot 19088743", ... in order.
std::vector<std::string> calls();

// Calls whose record begins so fail with this errno. Set before anything forks.
void fail_call(const std::string& beginning, int os_error);

// Calls whose record begins so do not come back. Set before anything forks.
void hang_call(const std::string& beginning);

// What make_node() makes in place of a device: a link to this file, by the node's name.
void give_node(const std::string& name, const std::string& content_path);

// Calls whose record begins so do this.
void on_call(const std::string& beginning, std::function<void()> action);

// Sends to the socket that open_uevents() gave last.
void send_uevent(const std::string& message);

// Thrown by exit_process().
struct Exited {
    int status;
};

} // namespace lifeboat::fakes
