// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/console/root_password.h"

#include "base/descriptor.h"
#include "base/text.h"
#include "stages/run_program.h"

#include <optional>

namespace lifeboat::host {

namespace {

// PAM's, which knows every method that the system's own passwords have. Where distributions have it, with and
// without merged /usr.
constexpr const char* checkers[] = {"/usr/sbin/unix_chkpwd", "/sbin/unix_chkpwd"};

class Silence final : public Log {
public:
    void write(LogLevel, std::string_view) override {}
};

// The second field of root's line.
std::optional<std::string> field_of_root(std::string_view content) {
    constexpr std::string_view begin = "root:";
    for (const std::string_view line : split_lines(content))
        if (line.starts_with(begin)) {
            const std::string_view rest = line.substr(begin.size());
            return std::string(rest.substr(0, rest.find(':')));
        }
    return std::nullopt;
}

} // namespace

Result<RootPassword> RootPassword::read(const std::string& root) {
    const std::string file = root + "/etc/shadow";
    const std::string content = TRY(read_file(file));
    auto hash = field_of_root(content);
    if (!hash)
        return fail(ErrorKind::no_data, "'{}' has no line for root", file);
    return RootPassword(root, *std::move(hash));
}

PasswordState RootPassword::state() const {
    if (hash_.empty())
        return PasswordState::empty;
    return hash_.starts_with('!') || hash_.starts_with('*') ? PasswordState::locked : PasswordState::set;
}

Result<bool> RootPassword::is(const std::string& password) const {
    if (state() != PasswordState::set)
        return state() == PasswordState::empty;
    Silence silence;
    for (const char* path : checkers) {
        const Program checker{
            .path = path, .arguments = {"root", "nonull"}, .root = root_, .input = password + '\0'};
        if (const auto status = run_program(checker, "unix_chkpwd", silence))
            return *status == 0;
    }
    return fail(ErrorKind::unsupported,
                "the root file system's unix_chkpwd(8), which knows its passwords, cannot be run");
}

} // namespace lifeboat::host
