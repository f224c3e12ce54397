// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/archive/initrd_reader.h"
#include "host/archive/initrd_tree.h"
#include "host/subcommands.h"

#include <cstdio>

#include <sys/stat.h>

namespace lifeboat::host {

namespace {

constexpr std::string_view name = "cat";
constexpr std::size_t step_bytes = std::size_t{64} << 10;

// First the tree, so that links are followed and the last of several files of a name is known ...
class TreeBuilder : public InitrdVisitor {
public:
    Result<> visit(const CpioEntry& entry, EntryContent& /*content*/) override {
        tree.add(entry);
        return {};
    }
    InitrdTree tree;
};

// ... then what is asked for.
class ContentCollector : public InitrdVisitor {
public:
    void want(const std::string& path) { contents_.try_emplace(path); }
    [[nodiscard]] const std::string& content(const std::string& path) const { return contents_.at(path); }

    Result<> visit(const CpioEntry& entry, EntryContent& content) override {
        const auto wanted = contents_.find(InitrdTree::content_path(entry));
        // Of hard links only one has the content.
        if (wanted == contents_.end() || !S_ISREG(entry.mode) ||
            (entry.content_bytes == 0 && !entry.hard_link_to.empty()))
            return {};
        return read_all(content, wanted->second);
    }

private:
    static Result<> read_all(EntryContent& content, std::string& text) {
        text.clear();
        for (;;) {
            const std::size_t before = text.size();
            text.resize(before + step_bytes);
            const std::size_t count =
                TRY(content.read(std::as_writable_bytes(std::span(text).subspan(before))));
            text.resize(before + count);
            if (count == 0)
                return {};
        }
    }

    std::map<std::string, std::string> contents_; // by content_path()
};

bool print(const std::string& content) {
    return std::fwrite(content.data(), 1, content.size(), stdout) == content.size();
}

// What was found is printed, in the order asked for, whatever else was not.
Result<bool> print_files(const std::string& initrd, std::span<const std::string_view> paths) {
    TreeBuilder builder;
    const InitrdSummary summary = TRY(read_initrd(initrd, builder));
    ContentCollector collector;
    std::vector<std::string> found;
    bool all = !summary.problem;
    for (const std::string_view path : paths) {
        const auto file = builder.tree.find_file(path);
        if (file) {
            collector.want(*file);
            found.push_back(*file);
            continue;
        }
        failure(name, std::format("find '{}' in '{}': {}", path, initrd, file.error().text));
        all = false;
    }
    if (!found.empty())
        TRY(read_initrd(initrd, collector));
    for (const std::string& file : found)
        if (!print(collector.content(file)))
            return fail_system("write '{}'", file);
    if (std::fflush(stdout) != 0)
        return fail_system("write the files");
    if (summary.problem)
        failure(name, std::format("'{}': {}", initrd, summary.problem->text));
    return all;
}

} // namespace

ExitCode cat(const Arguments& arguments) {
    const auto all = print_files(arguments.operand(0), arguments.operands().subspan(1));
    if (!all)
        return failure(name, all.error().text);
    return *all ? exit_ok : exit_failed;
}

} // namespace lifeboat::host
