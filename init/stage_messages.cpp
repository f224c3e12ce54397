// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage_messages.h"

#include "base/text.h"

namespace lifeboat {

namespace {

constexpr std::string_view level_letters = "iwe";

std::string escape(std::string_view text) {
    std::string escaped;
    for (const char character : text)
        if (character == '\n')
            escaped += "\\n";
        else if (character == '\\')
            escaped += "\\\\";
        else
            escaped += character;
    return escaped;
}

std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t index = 0; index < text.size(); ++index) {
        const bool escaped = text[index] == '\\' && index + 1 < text.size();
        if (escaped)
            ++index;
        plain += escaped && text[index] == 'n' ? '\n' : text[index];
    }
    return plain;
}

std::string_view take_word(std::string_view& rest) {
    const std::size_t end = rest.find(' ');
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return word;
}

struct Encoder {
    std::string operator()(const LogMessage& message) const {
        return std::format("log {} {}\n", level_letters[static_cast<std::size_t>(message.level)],
                           escape(message.text));
    }
    std::string operator()(const FactMessage& message) const {
        return std::format("fact {} {}\n", message.key, escape(message.value));
    }
    std::string operator()(const DumpProgress& progress) const {
        return std::format("progress {} {} {} {}\n",
                           progress.phase == DumpProgress::Phase::scanning ? 's' : 'c', progress.done_pages,
                           progress.total_pages, progress.written_bytes);
    }
    std::string operator()(const EndMessage& message) const {
        if (!message.error)
            return "completed\n";
        return std::format("failed {} {} {}\n", name_of(message.error->kind), message.error->os_error,
                           escape(message.error->text));
    }
};

std::optional<StageMessage> decode_log(std::string_view rest) {
    const std::string_view letter = take_word(rest);
    const std::size_t level = letter.size() == 1 ? level_letters.find(letter) : std::string_view::npos;
    if (level == std::string_view::npos)
        return std::nullopt;
    return LogMessage{static_cast<LogLevel>(level), unescape(rest)};
}

std::optional<StageMessage> decode_fact(std::string_view rest) {
    const std::string_view key = take_word(rest);
    if (key.empty())
        return std::nullopt;
    return FactMessage{std::string(key), unescape(rest)};
}

std::optional<StageMessage> decode_progress(std::string_view rest) {
    const auto words = split_words(rest);
    if (words.size() != 4 || (words[0] != "s" && words[0] != "c"))
        return std::nullopt;
    const auto done = parse_unsigned(words[1]), total = parse_unsigned(words[2]),
               bytes = parse_unsigned(words[3]);
    if (!done || !total || !bytes || *done > *total)
        return std::nullopt;
    return DumpProgress{words[0] == "s" ? DumpProgress::Phase::scanning : DumpProgress::Phase::copying, *done,
                        *total, *bytes};
}

std::optional<StageMessage> decode_failed(std::string_view rest) {
    const std::string_view word = take_word(rest);
    const auto os_error = parse_in_range(take_word(rest), 0, 4095);
    const auto kind = parse_error_kind(word);
    if (!kind || !os_error)
        return std::nullopt;
    return EndMessage{Error{*kind, unescape(rest), static_cast<int>(*os_error)}};
}

} // namespace

std::string encode(const StageMessage& message) {
    return std::visit(Encoder{}, message);
}

std::optional<StageMessage> decode(std::string_view line) {
    const std::string_view word = take_word(line);
    if (word == "log")
        return decode_log(line);
    if (word == "fact")
        return decode_fact(line);
    if (word == "progress")
        return decode_progress(line);
    if (word == "failed")
        return decode_failed(line);
    if (word == "completed")
        return EndMessage{};
    return std::nullopt;
}

std::vector<std::string> LineCutter::add(std::string_view bytes) {
    std::vector<std::string> lines;
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        unfinished_ += part.substr(0, limit_bytes - unfinished_.size());
        if (end == std::string_view::npos)
            break;
        lines.push_back(std::exchange(unfinished_, {}));
        bytes.remove_prefix(end + 1);
    }
    return lines;
}

} // namespace lifeboat
