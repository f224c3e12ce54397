// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/crash_kernel/command_line.h"

#include "host/crash_kernel/kernel_words.h"
#include "stages/kernel_command_line.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <vector>

namespace lifeboat::host {

namespace {

using Words = std::vector<KernelParameter>;

// A parameter that may be given several times, each time adding to what was given before.
constexpr std::string_view adding_parameter = "initcall_blacklist";

// Physical memory that a kernel reaches with four levels of page tables. With five, the table of memory
// sections has 1 MiB instead of 16 KiB. Source: Linux arch/x86/include/asm/sparsemem.h.
constexpr std::uint64_t four_levels_end = std::uint64_t{1} << 46;

// Each further CPU takes a MiB and a half, and two keep up with most disks.
constexpr unsigned cpus_that_pay = 2;

// A list comes as one word for each of its names.
void append_list(Words& words, std::string_view list) {
    for (const auto name : std::views::split(list, ',')) {
        const std::string value(std::string_view{name});
        words.push_back(
            {std::string(adding_parameter), value, std::format("{}={}", adding_parameter, value)});
    }
}

void append(Words& words, std::string_view text) {
    for (KernelParameter& word : parse_kernel_command_line(text))
        if (word.name == adding_parameter)
            append_list(words, word.value);
        else
            words.push_back(std::move(word));
}

void append(Words& words, std::span<const GivenWord> given) {
    for (const GivenWord& each : given)
        append(words, each.word);
}

Words kept_of(std::string_view running) {
    Words words;
    append(words, running);
    words.erase(std::ranges::find(words, "--", &KernelParameter::text), words.end());
    std::erase_if(words, [](const KernelParameter& word) { return is_dropped(word.name); });
    return words;
}

using Trimming = std::vector<TrimmingWord>;

Trimming trimming_for(const CommandLineParts& parts) {
    Trimming trimming(std::from_range, trimming_words());
    if (!parts.has_integrity_disks)
        trimming.push_back(without_integrity);
    return trimming;
}

Words ours(const CommandLineParts& parts, const Trimming& trimming) {
    Words words;
    append(words, needed_words());
    append(words, std::format("nr_cpus={}", parts.cpus));
    if (parts.cpus > 1 && parts.boot_cpu_apic_id)
        append(words, std::format("disable_cpu_apicid={}", *parts.boot_cpu_apic_id));
    if (parts.has_shared_interrupts)
        append(words, "irqpoll");
    // Since 7.1 a CPU that compares another's TSC may wait for it for ever, with its interrupts off.
    if (parts.cpus > 1 && parts.has_trusted_tsc)
        append(words, "tsc=nowatchdog");
    if (parts.memory_end > 0 && parts.memory_end <= four_levels_end)
        append(words, "no5lvl");
    for (const TrimmingWord& each : trimming)
        append(words, each.word);
    return words;
}

// The word that `-NAME` or `-NAME=VALUE` takes out; nothing where it is an ordinary word.
std::optional<KernelParameter> taken_out_by(const KernelParameter& extra) {
    if (!extra.text.starts_with('-') || extra.text == "-")
        return std::nullopt;
    return parse_kernel_command_line(std::string_view(extra.text).substr(1)).front();
}

bool is_taken_out(const KernelParameter& word, const KernelParameter& pattern) {
    const bool any_value = !pattern.text.contains('=');
    return same_parameter(word.name, pattern.name) && (any_value || word.value == pattern.value);
}

void take_extra(Words& kept, Words& own, Words& added, const KernelParameter& extra) {
    if (const auto pattern = taken_out_by(extra)) {
        for (Words* const words : {&kept, &own})
            std::erase_if(*words, [&](const KernelParameter& word) { return is_taken_out(word, *pattern); });
        return;
    }
    std::erase_if(own, [&extra](const KernelParameter& word) {
        return same_parameter(word.name, extra.name) && extra.name != adding_parameter;
    });
    added.push_back(extra);
}

// The names of an adding parameter stand in one list, at the place of the first: it saves a fifth of the
// line.
std::string joined(const Words& words) {
    std::string list;
    for (const KernelParameter& word : words)
        if (word.name == adding_parameter)
            list += (list.empty() ? "" : ",") + word.value;
    std::string line;
    for (const KernelParameter& word : words) {
        const bool in_list = word.name == adding_parameter;
        if (in_list && list.empty())
            continue;
        line += line.empty() ? "" : " ";
        line += in_list ? std::format("{}={}", adding_parameter, std::exchange(list, "")) : word.text;
    }
    return line;
}

std::string line_with(const CommandLineParts& parts, const Trimming& trimming) {
    Words words = kept_of(parts.running);
    Words own = ours(parts, trimming);
    Words added;
    Words extras;
    append(extras, parts.extra);
    for (const KernelParameter& extra : extras)
        take_extra(words, own, added, extra);
    std::erase_if(words, [&own](const KernelParameter& word) {
        return std::ranges::contains(own, word.text, &KernelParameter::text);
    });
    words.append_range(std::move(own));
    words.append_range(std::move(added));
    return joined(words);
}

} // namespace

unsigned crash_kernel_cpus(unsigned configured, unsigned online) {
    return configured > 0 ? configured : std::min(online, cpus_that_pay);
}

Result<CrashCommandLine> compose_crash_command_line(const CommandLineParts& parts) {
    Trimming trimming = trimming_for(parts);
    CrashCommandLine line{.text = line_with(parts, trimming)};
    while (line.text.size() > command_line_maximum && !trimming.empty()) {
        const auto least = std::ranges::min_element(trimming, {}, &TrimmingWord::saved_kib);
        const std::string word(least->word);
        trimming.erase(least);
        std::string shorter = line_with(parts, trimming);
        if (shorter.size() < line.text.size()) // the administrator may have taken it out before
            line.left_out.push_back(word);
        line.text = std::move(shorter);
    }
    if (line.text.size() > command_line_maximum)
        return fail(ErrorKind::invalid,
                    "the crash kernel's command line has {} bytes, a kernel takes {}; `command_line = -WORD "
                    "...` in the configuration takes words out: {}",
                    line.text.size(), command_line_maximum, line.text);
    return line;
}

} // namespace lifeboat::host
