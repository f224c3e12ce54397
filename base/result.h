// SPDX-License-Identifier: GPL-2.0-or-later
// Results of what can fail: a value, or an Error with a kind to decide by and a text to show.
//
//     Result<Descriptor> file = open_file(path, O_RDONLY);
//     if (!file) return fail(std::move(file).error());
//     auto size = TRY(file_size(*file));          // hands the error up
//     TRY(write_all(fd, bytes).transform_error(while_doing("save the kernel log")));
//
// An Error's text reads: verb, object in quotes, numbers, errno's words. Decisions read `kind`, never the
// text.
#pragma once

#include <cerrno>
#include <expected>
#include <format>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lifeboat {

enum class ErrorKind {
    no_data,     // what was asked for is not there
    corrupt,     // it is there and contradicts itself or its format
    unsupported, // well formed, but not something this program handles
    no_space,    // the output does not fit
    timed_out,   // a deadline passed
    invalid,     // what a person wrote (a plan, an option) cannot be used
    system,      // a system call failed; `os_error` says how
};

// "no_data", ...: what stands in messages and in the summary line.
std::string_view name_of(ErrorKind kind);
std::optional<ErrorKind> parse_error_kind(std::string_view name);

struct Error {
    ErrorKind kind;
    std::string text;
    int os_error = 0; // errno where kind is system or no_space, else 0
};

template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
public:
    using std::expected<T, Error>::expected;
    Result(std::expected<T, Error>&& other)
        : std::expected<T, Error>(std::move(other)) {}
};

inline std::unexpected<Error> fail(Error error) {
    return std::unexpected(std::move(error));
}

template <class... Args>
std::unexpected<Error> fail(ErrorKind kind, std::format_string<Args...> text, Args&&... args) {
    return fail(Error{kind, std::format(text, std::forward<Args>(args)...)});
}

// An Error out of errno: `what` plus errno's words. ENOSPC, EDQUOT and EFBIG are of kind no_space.
Error system_error(std::string_view what, int os_error = errno);

template <class... Args>
std::unexpected<Error> fail_system(std::format_string<Args...> what, Args&&... args) {
    const int os_error = errno; // formatting may change it
    return fail(system_error(std::format(what, std::forward<Args>(args)...), os_error));
}

// For transform_error(): puts `what` in front of the text, "what: text".
inline auto while_doing(std::string_view what) {
    return [what = std::string(what)](Error error) {
        error.text = what + ": " + error.text;
        return error;
    };
}

} // namespace lifeboat

// The value of a Result, or return its error from the function around.
#define TRY(...)                                                                                             \
    ({                                                                                                       \
        auto&& try_result = (__VA_ARGS__);                                                                   \
        if (!try_result) [[unlikely]]                                                                        \
            return ::lifeboat::fail(std::move(try_result).error());                                          \
        *std::move(try_result);                                                                              \
    })
