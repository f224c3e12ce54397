// SPDX-License-Identifier: GPL-2.0-or-later
// What a damaged child may say to PID 1, in pieces of the size that the first byte gives: a line is a message
// or dropped, and a message stays the same when it is sent on.
#include "init/stage_messages.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

using namespace lifeboat;

static void check_line(std::string_view line) {
    if (line.size() > LineCutter::limit_bytes)
        __builtin_trap();
    const auto message = decode(line);
    if (!message)
        return;
    const std::string sent = encode(*message);
    if (sent.find('\n') != sent.size() - 1) // else it would be two
        __builtin_trap();
    const auto again = decode(std::string_view(sent).substr(0, sent.size() - 1));
    if (!again || encode(*again) != sent)
        __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::size_t piece = std::max<std::size_t>(data[0], 1) * 16;
    std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
    LineCutter cutter;
    for (; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
        for (const std::string& line : cutter.add(rest.substr(0, piece)))
            check_line(line);
    return 0;
}
