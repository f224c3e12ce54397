// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/load_modules.h"
#include "tests/fakes/fake_system.h"
#include "tests/fakes/recording_report.h"
#include "tests/fakes/temporary_system.h"

#include <cerrno>

#include <doctest/doctest.h>

using namespace lifeboat;

TEST_CASE("modules are loaded in the plan's order, what fails is named and passed over") {
    fakes::reset();
    const fakes::TemporarySystem system;
    for (const char* name : {"m/a.ko", "m/b.ko", "m/c.ko.xz", "m/d.ko"})
        system.write(name, "");
    fakes::fail_call("load_module " + system.path("m/b.ko"), ENOENT); // a symbol is unknown
    fakes::fail_call("load_module " + system.path("m/d.ko"), EEXIST);
    fakes::RecordingReport report;
    const ModuleCounts counts =
        load_modules(std::vector<PlannedModule>{{system.path("m/c.ko.xz"), ""},
                                                {system.path("m/absent.ko"), ""},
                                                {system.path("m/b.ko"), ""},
                                                {system.path("m/a.ko"), "debug=1 x=\"a b\""},
                                                {system.path("m/d.ko"), ""}},
                     report);
    CHECK(counts.loaded == 3);
    CHECK(counts.failed == 2);
    CHECK(fakes::calls() == std::vector<std::string>{
                                "load_module " + system.path("m/c.ko.xz") + " 'async_probe' 4",
                                "load_module " + system.path("m/b.ko") + " 'async_probe' 0",
                                "load_module " + system.path("m/a.ko") + " 'debug=1 x=\"a b\" async_probe' 0",
                                "load_module " + system.path("m/d.ko") + " 'async_probe' 0",
                            });
    CHECK(report.lines == std::vector<std::string>{
                              "modules: open '" + system.path("m/absent.ko") +
                                  "': No such file or directory, passing over it",
                              "modules: load module '" + system.path("m/b.ko") +
                                  "': No such file or directory, passing over it",
                          });
}
