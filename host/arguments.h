// SPDX-License-Identifier: GPL-2.0-or-later
// A subcommand's command line, taken apart by what the subcommand's syntax allows. Options may stand
// anywhere, as `--name value` or `--name=value`; behind `--` everything is an operand.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::host {

struct Option {
    std::string_view name; // "--level"
    std::string_view
        value; // what help calls it: "FILE", or the words to choose from, "kdump|elf"; empty: none
    std::string_view help; // one line
    bool repeats = false;
};

struct Syntax {
    std::string_view name;
    std::string_view operands; // as help shows them: "INPUT OUTPUT"
    std::size_t operands_minimum = 0;
    std::size_t operands_maximum = 0;
    std::span<const Option> options;
};

// "filter [--level 0..31] INPUT OUTPUT"
std::string synopsis(const Syntax& syntax);

class Arguments {
public:
    // Errors, of kind invalid: an option that is not known, is given twice, lacks its value or has none; too
    // few or too many operands.
    static Result<Arguments> parse(const Syntax& syntax, std::span<const std::string_view> words);

    [[nodiscard]] bool has(std::string_view option) const { return values_.contains(option); }
    // The option's value, the last one where it repeats.
    [[nodiscard]] std::optional<std::string_view> value(std::string_view option) const;
    [[nodiscard]] std::span<const std::string_view> values(std::string_view option) const;
    // A number within the range; nothing where the option is not given.
    [[nodiscard]] Result<std::optional<std::uint64_t>> number(std::string_view option, std::uint64_t minimum,
                                                              std::uint64_t maximum) const;
    [[nodiscard]] std::span<const std::string_view> operands() const { return operands_; }
    [[nodiscard]] std::string operand(std::size_t index) const { return std::string(operands_.at(index)); }

private:
    // How many of the words it took.
    Result<std::size_t> take_option(const Syntax& syntax, std::span<const std::string_view> words);

    std::map<std::string_view, std::vector<std::string_view>> values_;
    std::vector<std::string_view> operands_;
};

} // namespace lifeboat::host
