// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/plan.h"

#include "base/descriptor.h"
#include "base/log.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <optional>

namespace lifeboat {

namespace {

// Longer lines are not a plan's: an overlong module parameter list is still far below.
constexpr std::size_t line_limit_bytes = 4096;
// A plan that is binary garbage would else fill the log with complaints.
constexpr std::size_t complaint_limit = 20;
constexpr std::string_view deadline_prefix = "deadline.";
constexpr std::string_view size_word = "size=";
constexpr std::string_view watchdog_key = "watchdog.timeout";

template <class Value>
struct Word {
    std::string_view word;
    Value value;
};

constexpr std::array<Word<Action>, 3> action_words{
    {{"reboot", Action::reboot}, {"poweroff", Action::power_off}, {"halt", Action::halt}}};
constexpr std::array<Word<Prune>, 2> prune_words{{{"never", Prune::never}, {"when-full", Prune::when_full}}};
constexpr std::array<Word<Coldplug>, 3> coldplug_words{
    {{"auto", Coldplug::automatic}, {"always", Coldplug::always}, {"never", Coldplug::never}}};
constexpr std::array<Word<Rescue>, 3> rescue_words{
    {{"boot", Rescue::boot}, {"repair", Rescue::repair}, {"shell", Rescue::shell}}};
constexpr std::array<Word<ConsoleAccess>, 2> console_words{
    {{"locked", ConsoleAccess::locked}, {"open", ConsoleAccess::open}}};

template <class Value, std::size_t count>
std::string list_of(const std::array<Word<Value>, count>& words) {
    std::string list;
    for (std::size_t index = 0; index < count; ++index) {
        if (index > 0)
            list += index + 1 == count ? " or " : ", ";
        list += words[index].word;
    }
    return list;
}

template <class Value, std::size_t count>
Result<Value> parse_word(std::string_view text, const std::array<Word<Value>, count>& words) {
    for (const auto& [word, value] : words)
        if (word == text)
            return value;
    return fail(ErrorKind::invalid, "'{}' is not {}", text, list_of(words));
}

template <class Value, std::size_t count>
std::string_view word_of(Value wanted, const std::array<Word<Value>, count>& words) {
    for (const auto& [word, value] : words)
        if (value == wanted)
            return word;
    return {};
}

template <class Number>
Result<> set_number(Number& field, std::string_view value, std::uint64_t minimum, std::uint64_t maximum) {
    field = static_cast<Number>(TRY(parse_in_range(value, minimum, maximum)));
    return {};
}

template <class Value, std::size_t count>
Result<> set_word(Value& field, std::string_view value, const std::array<Word<Value>, count>& words) {
    field = TRY(parse_word(value, words));
    return {};
}

std::string words_of(const Compression& compression) {
    if (compression.method == Compression::Method::none)
        return "none";
    return std::format("{}:{}", compression.method == Compression::Method::zlib ? "zlib" : "zstd",
                       compression.level);
}

Result<> set_compression(Compression& field, std::string_view value) {
    field = TRY(parse_compression(value));
    return {};
}

Result<> add_target(std::vector<Target>& targets, std::string_view value) {
    targets.push_back(TRY(parse_target(value)));
    return {};
}

Result<> add_module(Plan& plan, std::string_view value) {
    const std::size_t end = value.find_first_of(" \t");
    const std::string_view path = value.substr(0, end);
    if (!path.starts_with('/'))
        return fail(ErrorKind::invalid, "'{}' is not an absolute path", path);
    plan.modules.push_back(
        {std::string(path), std::string(end == std::string_view::npos ? "" : trim(value.substr(end)))});
    return {};
}

Result<> set_host(Plan& plan, std::string_view value) {
    if (value.empty())
        return fail(ErrorKind::invalid, "no name given");
    plan.host = value;
    return {};
}

// PID 1 feeds once a second, and may be kept from it for some by a machine without memory.
Result<> set_watchdog_timeout(unsigned& seconds, std::string_view value) {
    constexpr unsigned least_s = 10, most_s = 3600;
    const auto wanted = static_cast<unsigned>(TRY(parse_in_range(value, 0, most_s)));
    if (wanted != 0 && wanted < least_s)
        return fail(ErrorKind::invalid, "'{}' is neither 0 nor {} to {}", value, least_s, most_s);
    seconds = wanted;
    return {};
}

struct DeadlineField {
    std::string_view name;
    std::uint64_t PlannedDeadlines::* seconds;
};
constexpr std::array<DeadlineField, 7> deadline_fields{{{"modules", &PlannedDeadlines::modules_s},
                                                        {"target", &PlannedDeadlines::target_s},
                                                        {"dmesg", &PlannedDeadlines::dmesg_s},
                                                        {"vmcore", &PlannedDeadlines::vmcore_s},
                                                        {"finish", &PlannedDeadlines::finish_s},
                                                        {"total", &PlannedDeadlines::total_s},
                                                        {"stall", &PlannedDeadlines::stall_s}}};

// nullptr: there is none of that name.
const DeadlineField* find_deadline(std::string_view name) {
    const auto* const found = std::ranges::find(deadline_fields, name, &DeadlineField::name);
    return found == deadline_fields.end() ? nullptr : found;
}

Result<> set_deadline(PlannedDeadlines& deadlines, std::string_view name, std::string_view value) {
    constexpr std::uint64_t week_s = std::uint64_t{7} * 86'400;
    const DeadlineField* const field = find_deadline(name);
    if (field == nullptr)
        return fail(ErrorKind::no_data, "is not known");
    return set_number(deadlines.*field->seconds, value, 1, week_s);
}

std::string on_one_line(std::string text) {
    std::ranges::replace_if(text, [](char character) { return character == '\n' || character == '\r'; }, ' ');
    return text;
}

constexpr std::string_view single_keys[] = {"level",    "compress", "threads", "host",    "action",
                                            "coldplug", "prune",    "rescue",  "console", watchdog_key};

// As a line of a plan has it; nothing for a list, or for a key that is not known.
std::optional<std::string> value_of(const Plan& plan, std::string_view key) {
    if (key == "level")
        return std::to_string(plan.level);
    if (key == "compress")
        return words_of(plan.compression);
    if (key == "threads")
        return std::to_string(plan.threads);
    if (key == "host")
        return on_one_line(plan.host);
    if (key == "action")
        return std::string(word_of(plan.action, action_words));
    if (key == "coldplug")
        return std::string(word_of(plan.coldplug, coldplug_words));
    if (key == "prune")
        return std::string(word_of(plan.prune, prune_words));
    if (key == "rescue")
        return std::string(word_of(plan.rescue, rescue_words));
    if (key == "console")
        return std::string(word_of(plan.console, console_words));
    if (key == watchdog_key)
        return std::to_string(plan.watchdog_timeout_s);
    if (key.starts_with(deadline_prefix))
        if (const DeadlineField* const field = find_deadline(key.substr(deadline_prefix.size())))
            return std::to_string(plan.deadlines.*field->seconds);
    return std::nullopt;
}

// Plans are few lines; what else they complain of than the first ones is not worth its place in the log.
void complain(Plan& plan, std::string_view complaint) {
    if (plan.complaints.size() < complaint_limit)
        plan.complaints.push_back(printable(complaint));
    else if (plan.complaints.size() == complaint_limit)
        plan.complaints.emplace_back("plan: more of it cannot be used, passing over the rest silently");
}

void set_or_complain(Plan& plan, std::string_view where, std::string_view key, std::string_view value) {
    const auto done = plan.set(key, value);
    if (done)
        return;
    const auto kept = value_of(plan, key);
    const std::string instead = kept ? std::format("using {}", *kept) : "passing over it";
    if (done.error().kind == ErrorKind::no_data)
        complain(plan,
                 std::format("{}: key '{}' {}, {}", where, key.substr(0, 80), done.error().text, instead));
    else
        complain(plan, std::format("{}: {} {}, {}", where, key, done.error().text, instead));
}

void parse_line(Plan& plan, std::size_t number, std::string_view line) {
    const std::string where = std::format("plan line {}", number);
    if (line.size() > line_limit_bytes)
        return complain(plan,
                        std::format("{}: longer than {} bytes, passing over it", where, line_limit_bytes));
    line = trim(line);
    if (line.empty() || line.starts_with('#'))
        return;
    const auto cut = split_key_value(line);
    if (!cut)
        return complain(
            plan, std::format("{}: '{}' is not `key = value`, passing over it", where, line.substr(0, 80)));
    set_or_complain(plan, where, cut->key, cut->value);
}

constexpr std::array<Word<TargetTag>, 4> tag_words{{{"UUID", TargetTag::uuid},
                                                    {"LABEL", TargetTag::label},
                                                    {"PARTUUID", TargetTag::part_uuid},
                                                    {"PARTLABEL", TargetTag::part_label}}};

// udev makes these links; here there is no udev, but their names say the same as a tag.
constexpr std::array<Word<TargetTag>, 4> link_folders{{{"/dev/disk/by-uuid/", TargetTag::uuid},
                                                       {"/dev/disk/by-label/", TargetTag::label},
                                                       {"/dev/disk/by-partuuid/", TargetTag::part_uuid},
                                                       {"/dev/disk/by-partlabel/", TargetTag::part_label}}};

Result<Target> parse_device_path(std::string_view source) {
    for (const auto& [folder, tag] : link_folders)
        if (source.starts_with(folder) && source.size() > folder.size())
            return Target{.tag = tag, .name = decode_octal(source.substr(folder.size()))};
    if (source.starts_with("/dev/") && source.size() > 5)
        return Target{.tag = TargetTag::device_path, .name = decode_octal(source)};
    return fail(ErrorKind::invalid, "source '{}' is not UUID=, LABEL=, PARTUUID=, PARTLABEL= or /dev/...",
                source);
}

std::string_view without_quotes(std::string_view text) {
    if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"'))
        return text.substr(1, text.size() - 2);
    return text;
}

Result<Target> parse_source(std::string_view source) {
    const auto cut = split_key_value(source);
    for (const auto& [word, tag] : tag_words)
        if (cut && cut->key == word && !without_quotes(cut->value).empty())
            return Target{.tag = tag, .name = decode_octal(without_quotes(cut->value))};
    return parse_device_path(source);
}

bool is_safe_path(std::string_view path) {
    const std::string framed = std::string(path) + '/';
    return path.starts_with('/') && framed.find("/../") == std::string::npos && !path.contains('\0');
}

// The plan's own list stays where nothing on the command line could be used in its place.
template <class Item>
void drop_first_if_more(std::vector<Item>& list, std::size_t count) {
    if (list.size() > count)
        list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(count));
}

} // namespace

std::string encode_octal(std::string_view text) {
    constexpr std::string_view separators = " \t\r\n\"\\";
    std::string encoded;
    for (const char character : text) {
        if (separators.contains(character))
            encoded += std::format("\\{:03o}", static_cast<unsigned char>(character));
        else
            encoded += character;
    }
    return encoded;
}

std::string decode_octal(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        const auto code = text.starts_with('\\') ? parse_unsigned(text.substr(1, 3), 8) : std::nullopt;
        const bool is_code = text.size() >= 4 && code && *code < 256;
        decoded += is_code ? static_cast<char>(*code) : text.front();
        text.remove_prefix(is_code ? 4 : 1);
    }
    return decoded;
}

std::string Target::source() const {
    if (tag == TargetTag::device_path)
        return name;
    return std::format("{}={}", word_of(tag, tag_words), name);
}

std::string Target::text() const {
    const std::string_view word = word_of(tag, tag_words);
    std::string text = std::format("{}{}{} {} {} {}", word, word.empty() ? "" : "=", encode_octal(name),
                                   encode_octal(path), encode_octal(type), encode_octal(options));
    if (size_bytes > 0)
        text += std::format(" {}{}", size_word, size_bytes);
    return text;
}

Result<Target> parse_target(std::string_view text) {
    auto words = split_words(text);
    std::uint64_t size_bytes = 0;
    if (words.size() > 2 && words.back().starts_with(size_word)) {
        size_bytes = TRY(parse_in_range(words.back().substr(size_word.size()), 0, UINT64_MAX));
        words.pop_back();
    }
    if (words.size() < 2 || words.size() > 4)
        return fail(ErrorKind::invalid, "'{}' is not `SOURCE PATH [TYPE] [OPTIONS] [{}BYTES]`", text,
                    size_word);
    Target target = TRY(parse_source(words[0]));
    target.size_bytes = size_bytes;
    target.path = decode_octal(words[1]);
    if (!is_safe_path(target.path))
        return fail(ErrorKind::invalid, "path '{}' is not absolute and without '..'", target.path);
    if (words.size() > 2)
        target.type = decode_octal(words[2]);
    if (words.size() > 3)
        target.options = decode_octal(words[3]);
    return target;
}

Result<> Plan::set(std::string_view key, std::string_view value) {
    if (key == "target")
        return add_target(targets, value);
    if (key == "root")
        return add_target(roots, value);
    if (key == "module")
        return add_module(*this, value);
    if (key == "level")
        return set_number(level, value, 0, dump_level_maximum);
    if (key == "compress")
        return set_compression(compression, value);
    if (key == "threads")
        return set_number(threads, value, 0, 1024);
    if (key == "host")
        return set_host(*this, value);
    if (key == "action")
        return set_word(action, value, action_words);
    if (key == "coldplug")
        return set_word(coldplug, value, coldplug_words);
    if (key == "prune")
        return set_word(prune, value, prune_words);
    if (key == "rescue")
        return set_word(rescue, value, rescue_words);
    if (key == "console")
        return set_word(console, value, console_words);
    if (key == watchdog_key)
        return set_watchdog_timeout(watchdog_timeout_s, value);
    if (key.starts_with(deadline_prefix))
        return set_deadline(deadlines, key.substr(deadline_prefix.size()), value);
    return fail(ErrorKind::no_data, "is not known");
}

Plan Plan::parse(std::string_view text) {
    Plan plan;
    std::size_t number = 0;
    for (const std::string_view line : split_lines(text))
        parse_line(plan, ++number, line);
    return plan;
}

std::string Plan::text() const {
    std::string text;
    for (const Target& target : targets)
        text += std::format("target = {}\n", target.text());
    for (const Target& root : roots)
        text += std::format("root = {}\n", root.text());
    for (const PlannedModule& module : modules)
        text += std::format("module = {}{}{}\n", module.path, module.parameters.empty() ? "" : " ",
                            module.parameters);
    for (const std::string_view key : single_keys)
        text += std::format("{} = {}\n", key, *value_of(*this, key));
    for (const auto& [name, seconds] : deadline_fields)
        text += std::format("{}{} = {}\n", deadline_prefix, name, deadlines.*seconds);
    return text;
}

void Plan::override_from(std::span<const KernelParameter> parameters) {
    constexpr std::string_view prefix = "lifeboat.";
    constexpr std::string_view where = "kernel command line";
    const std::size_t planned_targets = targets.size(), planned_modules = modules.size();
    for (const auto& parameter : parameters) {
        if (!parameter.name.starts_with(prefix))
            continue;
        const std::string_view key = std::string_view(parameter.name).substr(prefix.size());
        // Whoever can edit the boot menu's line is not thereby allowed more than its maker meant: another
        // root has another password.
        if (key == "console" || key == "root")
            complain(*this, std::format("{}: {} is taken from the plan alone, passing over it", where, key));
        else
            set_or_complain(*this, where, key, parameter.value);
    }
    drop_first_if_more(targets, planned_targets);
    drop_first_if_more(modules, planned_modules);
}

} // namespace lifeboat
