// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/config.h"

#include "base/descriptor.h"
#include "base/text.h"

namespace lifeboat::host {

namespace {

constexpr std::string_view default_target = "/var/crash";
constexpr std::uint64_t cpus_maximum = 1024;
constexpr std::uint64_t number_maximum = 1'000'000;
constexpr std::uint64_t generations_maximum = 100;
constexpr std::uint64_t failed_boots_maximum = 9; // one digit is all that the menu's script counts with

Result<> add_target(Config& config, std::string_view value) {
    if (value.starts_with('/') && split_words(value).size() == 1) {
        config.targets.emplace_back(value);
        return {};
    }
    TRY(parse_target(value));
    config.targets.emplace_back(value);
    return {};
}

Result<> add_module(Config& config, std::string_view value) {
    if (value.empty() || value.starts_with('/'))
        return fail(ErrorKind::invalid, "'{}' is not the name of a module", value);
    config.modules.emplace_back(value);
    return {};
}

Result<> set_watchdog_module(Config& config, std::string_view value) {
    if (value.empty() || value.starts_with('/') || split_words(value).size() != 1)
        return fail(ErrorKind::invalid, "'{}' is not the name of a module", value);
    config.watchdog_module = value;
    return {};
}

// no_data: the key is not known.
Result<> set_key(Config& config, std::string_view key, std::string_view value) {
    if (key == "target")
        return add_target(config, value);
    if (key == "module")
        return add_module(config, value);
    if (key == "watchdog.module")
        return set_watchdog_module(config, value);
    if (key == "command_line")
        config.command_line = value;
    else if (key == "cpus")
        config.cpus = static_cast<unsigned>(TRY(parse_in_range(value, 0, cpus_maximum)));
    else if (key == "keep.count")
        config.keep.count = TRY(parse_in_range(value, 0, number_maximum));
    else if (key == "keep.days")
        config.keep.days = TRY(parse_in_range(value, 0, number_maximum));
    else if (key == "keep.size")
        config.keep.bytes = TRY(parse_size(value));
    else if (key == "good.generations")
        config.good_generations = static_cast<unsigned>(TRY(parse_in_range(value, 1, generations_maximum)));
    else if (key == "rescue.after_failed_boots")
        config.failed_boots = static_cast<unsigned>(TRY(parse_in_range(value, 0, failed_boots_maximum)));
    else
        return config.plan.set(key, value);
    return {};
}

Result<> read_line(Config& config, std::string_view line) {
    if (line.empty() || line.starts_with('#'))
        return {};
    const auto cut = split_key_value(line);
    if (!cut)
        return fail(ErrorKind::invalid, "'{}' is not `key = value`", line);
    const auto done = set_key(config, cut->key, cut->value);
    if (!done && done.error().kind == ErrorKind::no_data)
        return fail(ErrorKind::invalid, "key '{}' is not known", cut->key);
    if (!done)
        return fail(ErrorKind::invalid, "{}: {}", cut->key, done.error().text);
    return {};
}

} // namespace

Result<Config> Config::parse(std::string_view text) {
    Config config;
    config.plan.prune = Prune::when_full;
    std::size_t number = 0;
    for (const std::string_view line : split_lines(text)) {
        ++number;
        if (const auto done = read_line(config, trim(line)); !done)
            return fail(ErrorKind::invalid, "line {}: {}", number, done.error().text);
    }
    if (config.targets.empty())
        config.targets.emplace_back(default_target);
    return config;
}

Result<Config> read_config(const std::string& path) {
    const auto text = read_file(path);
    if (!text && text.error().os_error == ENOENT)
        return Config::parse("");
    if (!text)
        return fail(text.error());
    return Config::parse(*text).transform_error(while_doing(std::format("'{}'", path)));
}

Result<Config> read_config(const Arguments& arguments) {
    return read_config(std::string(arguments.value("--config").value_or(default_config_path)));
}

Result<std::uint64_t> parse_size(std::string_view text) {
    constexpr std::string_view units = "KMGT";
    const std::size_t unit = text.empty() ? units.npos : units.find(text.back());
    const unsigned shift = unit == units.npos ? 0 : 10 * (static_cast<unsigned>(unit) + 1);
    const auto number = parse_unsigned(text.substr(0, text.size() - (shift > 0)));
    if (!number || *number > UINT64_MAX >> shift)
        return fail(ErrorKind::invalid, "'{}' is not a size such as 500M or 2G", text);
    return *number << shift;
}

} // namespace lifeboat::host
