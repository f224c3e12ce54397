// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/builders/packed.h"

#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <fstream>
#include <iterator>

namespace lifeboat::tests {

std::string output_of(const std::string& command, std::string_view input) {
    const TemporaryFolder folder;
    std::ofstream(folder.path("input"), std::ios::binary) << input;
    const ProgramResult result =
        run_program({"/bin/sh", "-c",
                     "(" + command + ") <'" + folder.path("input") + "' >'" + folder.path("output") + "'"});
    if (result.exit_code != 0)
        throw std::runtime_error(command + " failed: " + result.err);
    std::ifstream output(folder.path("output"), std::ios::binary);
    return {std::istreambuf_iterator<char>(output), {}};
}

} // namespace lifeboat::tests
