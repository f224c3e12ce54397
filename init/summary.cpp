// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/summary.h"

#include "base/log.h"

#include <algorithm>
#include <format>

namespace lifeboat {

namespace {

std::string_view name_of(DumpResult result) {
    switch (result) {
    case DumpResult::saved:
        return "saved";
    case DumpResult::partial:
        return "partial";
    case DumpResult::incomplete:
        return "incomplete";
    case DumpResult::dmesg_only:
        return "dmesg-only";
    case DumpResult::failed:
        return "failed";
    }
    return "failed";
}

std::string seconds(std::int64_t ms) {
    return std::format("{}.{:03}", ms / 1000, ms % 1000);
}

// One word, whatever is in it.
std::string word(std::string_view text) {
    std::string escaped;
    for (const char character : printable(text))
        if (character == ' ')
            escaped += "\\x20";
        else
            escaped += character;
    return escaped.empty() ? "-" : escaped;
}

} // namespace

void Summary::add_stage_ms(std::string_view stage, std::int64_t ms) {
    const auto found = std::ranges::find(stages_ms, stage, &std::pair<std::string, std::int64_t>::first);
    if (found == stages_ms.end())
        stages_ms.emplace_back(stage, ms);
    else
        found->second += ms;
}

void DumpCounts::set_count(std::string_view name, std::uint64_t value) {
    for (std::size_t index = 0; index < std::size(count_names); ++index)
        if (count_names[index] == name)
            counts[index] = value;
}

std::uint64_t DumpCounts::count(std::string_view name) const {
    const auto* found = std::ranges::find(count_names, name);
    return found == std::end(count_names) ? 0 : counts[found - std::begin(count_names)];
}

std::string Summary::line() const {
    std::string text =
        std::format("summary result={} level={} folder={}", name_of(result), level, word(folder));
    for (std::size_t index = 0; index < std::size(count_names); ++index)
        text += std::format(" {}={}", count_names[index], counts[index]);
    text += std::format(" seconds_total={}", seconds(total_ms));
    for (const auto& [stage, ms] : stages_ms)
        text += std::format(" seconds_{}={}", stage, seconds(ms));
    text += std::format(" peak_kib={} mem_available_min_kib={} mem_total_kib={} asked_level={}", peak_kib,
                        mem_available_min_kib, mem_total_kib, asked_level);
    text += std::format(" target={} attempts={}", word(target), attempts);
    if (!failed_stage.empty())
        text += std::format(" failed_stage={}", word(failed_stage));
    if (!last_error.empty())
        text += std::format(" error={}", word(last_error));
    return text;
}

} // namespace lifeboat
