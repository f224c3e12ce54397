// SPDX-License-Identifier: GPL-2.0-or-later
// The shells' completion, out of the table of subcommands.
#include "base/text.h"
#include "host/subcommands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <format>
#include <string>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "completion";

// What may stand where the syntax has this text.
struct Candidates {
    std::string words; // with blanks between
    bool are_files = false;
    bool are_kernels = false;
};

bool names_files(std::string_view text) {
    return std::ranges::any_of(std::array{"FILE", "FOLDER", "DIR", "INPUT", "INITRD"},
                               [&](std::string_view name) { return text.contains(name); });
}

// "kdump|elf" names words, "zstd[:LEVEL]|none" too, "0..31" and "N" do not; other capitals are files.
Candidates candidates_of(std::string_view text) {
    if (text == "VERSION")
        return {.are_kernels = true};
    if (!text.contains('|'))
        return {.are_files = names_files(text)};
    Candidates candidates;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find('|'));
        if (word == "VERSION")
            candidates.are_kernels = true;
        else
            (candidates.words += candidates.words.empty() ? "" : " ") += word.substr(0, word.find('['));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return candidates;
}

Candidates operands_of(const Syntax& syntax) {
    if (syntax.name != "help")
        return candidates_of(syntax.operands);
    Candidates candidates;
    for (const Subcommand& subcommand : subcommands())
        (candidates.words += candidates.words.empty() ? "" : " ") += subcommand.syntax.name;
    return candidates;
}

std::string bash_generator(const Candidates& candidates, std::string_view more_words) {
    std::string words(more_words);
    (words += words.empty() || candidates.words.empty() ? "" : " ") += candidates.words;
    if (candidates.are_kernels)
        words += " $(ls /lib/modules 2>/dev/null)";
    std::string text = std::format(R"(COMPREPLY=($(compgen -W "{}" -- "$word")))", words);
    if (candidates.are_files)
        text += R"(; [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- "$word")))";
    return text;
}

std::string bash_case(const Syntax& syntax) {
    std::string values;
    std::string options;
    for (const Option& option : syntax.options) {
        (options += options.empty() ? "" : " ") += option.name;
        if (!option.value.empty())
            values += std::format("        {}) {}; return ;;\n", option.name,
                                  bash_generator(candidates_of(option.value), ""));
    }
    if (!values.empty())
        values = std::format("        case $previous in\n{}        esac\n", values);
    return std::format("    {})\n{}        {} ;;\n", syntax.name, values,
                       bash_generator(operands_of(syntax), options));
}

std::string names_of_subcommands() {
    return operands_of({.name = "help"}).words;
}

std::string for_bash() {
    std::string text = "# bash completion for lifeboat(8); printed by `lifeboat completion bash`\n"
                       "_lifeboat() {\n"
                       "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                       "    COMPREPLY=()\n"
                       "    if [ \"$COMP_CWORD\" = 1 ]; then\n";
    text += std::format("        {}\n        return\n    fi\n    case ${{COMP_WORDS[1]}} in\n",
                        bash_generator({.words = names_of_subcommands()}, ""));
    for (const Subcommand& subcommand : subcommands())
        text += bash_case(subcommand.syntax);
    return text + "    esac\n}\ncomplete -o filenames -F _lifeboat lifeboat\n";
}

// Within '...' of a specification of _arguments and _describe.
std::string zsh_text(std::string_view text) {
    std::string quoted;
    for (const char letter : text) {
        if (letter == ':' || letter == '[' || letter == ']')
            quoted += '\\';
        if (letter == '\'')
            quoted += "'\\'"; // ends the quotes and begins them again around this one
        quoted += letter;
    }
    return quoted;
}

std::string zsh_action(const Candidates& candidates) {
    if (candidates.are_kernels)
        return std::format("({} $(ls /lib/modules 2>/dev/null))", candidates.words);
    if (candidates.are_files)
        return "_files";
    return candidates.words.empty() ? " " : "(" + candidates.words + ")";
}

std::string zsh_option(const Option& option) {
    std::string text = std::format("'{}{}{}[{}]", option.repeats ? "*" : "", option.name,
                                   option.value.empty() ? "" : "=", zsh_text(option.help));
    if (!option.value.empty())
        text += std::format(":{}:{}", zsh_text(option.value), zsh_action(candidates_of(option.value)));
    return text + "'";
}

std::string zsh_case(const Syntax& syntax) {
    std::string text = std::format("    {}) _arguments", syntax.name);
    for (const Option& option : syntax.options)
        (text += ' ') += zsh_option(option);
    if (syntax.operands_maximum > 0)
        text += std::format(" '*:{}:{}'", zsh_text(syntax.operands), zsh_action(operands_of(syntax)));
    return text + " ;;\n";
}

std::string for_zsh() {
    std::string text =
        "#compdef lifeboat\n# zsh completion for lifeboat(8); printed by `lifeboat completion zsh`\n"
        "if (( CURRENT == 2 )); then\n    local -a names=(\n";
    for (const auto& [syntax, purpose, run] : subcommands())
        text += std::format("        '{}:{}'\n", syntax.name, zsh_text(purpose));
    text += "    )\n    _describe 'subcommand' names\nelse\n    shift words\n    (( CURRENT-- ))\n"
            "    case $words[1] in\n";
    for (const Subcommand& subcommand : subcommands())
        text += zsh_case(subcommand.syntax);
    return text + "    esac\nfi\n";
}

} // namespace

ExitCode completion(const Arguments& arguments) {
    const std::string_view shell = arguments.operands()[0];
    if (shell != "bash" && shell != "zsh")
        return usage_error(name, std::format("'{}' is not bash or zsh", shell));
    std::fputs((shell == "bash" ? for_bash() : for_zsh()).c_str(), stdout);
    return exit_ok;
}

} // namespace lifeboat::host
