// SPDX-License-Identifier: GPL-2.0-or-later
// A StageReport that keeps what it is told.
#pragma once

#include "stages/stage_report.h"

#include <map>
#include <string>
#include <vector>

namespace lifeboat::fakes {

class RecordingReport final : public StageReport {
public:
    using StageReport::fact;

    void write(LogLevel, std::string_view line) override { lines.emplace_back(line); }
    void fact(std::string_view key, std::string_view value) override { facts[std::string(key)] = value; }
    void progress(const DumpProgress& progress) override { progresses.push_back(progress); }

    std::vector<std::string> lines;
    std::map<std::string, std::string> facts;
    std::vector<DumpProgress> progresses;
};

} // namespace lifeboat::fakes
