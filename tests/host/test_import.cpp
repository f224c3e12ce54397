// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/config.h"
#include "host/kdump_conf.h"
#include "tests/builders/run_program.h"
#include "tests/builders/temporary_folder.h"

#include <format>
#include <fstream>

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace lifeboat::host;
using namespace lifeboat::tests;

TEST_CASE("what kdump.conf asks for is said as lifeboat.conf") {
    const struct {
        std::string_view kdump;
        std::string_view lifeboat;
    } table[] = {
        // As Fedora and Red Hat ship it.
        {"#raw /dev/vg/lv_kdump\npath /var/crash\ncore_collector makedumpfile -l --message-level 7 -d 31\n",
         "# core_collector makedumpfile -l --message-level 7 -d 31\nlevel = 31\n"
         "# lifeboat compresses with zstd in place of lzo or snappy: smaller, and not slower\n"
         "# path /var/crash\ntarget = /var/crash\n"},
        {"", "target = /var/crash\n"},
        {"  xfs   UUID=f15759be-89d4-46c4-9e1d-1b67e5b5da82\npath /dumps",
         "# xfs   UUID=f15759be-89d4-46c4-9e1d-1b67e5b5da82\n"
         "target = UUID=f15759be-89d4-46c4-9e1d-1b67e5b5da82 /dumps xfs\n"},
        {"ext4 /dev/sdb1\nfailure_action dump_to_rootfs\n",
         "# ext4 /dev/sdb1\ntarget = /dev/sdb1 /var/crash ext4\n"
         "# failure_action dump_to_rootfs\ntarget = /var/crash\n"},
        {"core_collector /usr/sbin/makedumpfile -c -d 17 --num-threads 2",
         "# core_collector /usr/sbin/makedumpfile -c -d 17 --num-threads 2\nlevel = 17\nthreads = 2\n"
         "compress = zlib\ntarget = /var/crash\n"},
        {"core_collector cp --sparse=always\n",
         "# core_collector cp --sparse=always\nlevel = 0\ncompress = none\ntarget = /var/crash\n"},
        {"extra_modules gfs2 hpsa\nfinal_action poweroff\nforce_rebuild 1\ndracut_args --omit-drivers "
         "cfg80211\n",
         "# extra_modules gfs2 hpsa\nmodule = gfs2\nmodule = hpsa\n# final_action poweroff\naction = "
         "poweroff\n"
         "target = /var/crash\n"},
    };
    for (const auto& [kdump, lifeboat] : table) {
        const ImportedConfig imported = import_kdump_conf(kdump);
        CHECK(imported.text == lifeboat);
        CHECK(imported.not_translated.empty());
        CHECK(Config::parse(imported.text));
    }
}

TEST_CASE("what cannot be translated is named, with the reason") {
    const struct {
        std::string_view kdump;
        std::string_view named;
    } table[] = {
        {"nfs server:/export", "'nfs server:/export': a target over the network is not there yet"},
        {"ssh root@host", "'ssh root@host': a target over the network is not there yet"},
        {"raw /dev/sda5", "'raw /dev/sda5': dumps go to file systems"},
        {"kdump_post /bin/x.sh", "'kdump_post /bin/x.sh': there is no shell in the initrd"},
        {"failure_action shell", "'failure_action shell': there is no shell in the initrd"},
        {"default sleep", "'default sleep': it is not known"},
        {"core_collector dd",
         "'core_collector dd': lifeboat writes the dump itself, and knows nothing of 'dd'"},
        {"core_collector makedumpfile -E -d 31", "'core_collector makedumpfile -E -d 31': a dump is "
                                                 "kdump-compressed; 'lifeboat filter --format elf' makes "
                                                 "an ELF core of it"},
        {"colour blue", "'colour blue': it is not known"},
        {"path", "'path': it has no value"},
    };
    for (const auto& [kdump, named] : table)
        CHECK(import_kdump_conf(kdump).not_translated == std::vector<std::string>{std::string(named)});
    CHECK(import_kdump_conf("ext4 /dev/sda1\nxfs /dev/sdb1\n").not_translated ==
          std::vector<std::string>{"'xfs /dev/sdb1': kdump has one target, and there is one before it"});
}

TEST_CASE("import prints a configuration, and tells on standard error what is not in it") {
    const TemporaryFolder folder;
    const std::string path = folder.path("kdump.conf");
    const auto import = [&] { return run_program({LIFEBOAT_PROGRAM, "import", path}); };
    CHECK(import().err ==
          std::format("lifeboat import: import '{0}': open '{0}': No such file or directory\n", path));
    std::ofstream(path) << "path /srv/crash\n";
    CHECK(import().exit_code == 0);
    CHECK(import().out ==
          std::format("# Made of '{}' by lifeboat import.\n# path /srv/crash\ntarget = /srv/crash\n", path));
    std::ofstream(path) << "path /srv/crash\nssh root@host\n";
    CHECK(import().exit_code == 1);
    CHECK(import().out.ends_with("target = /srv/crash\n"));
    CHECK(import().err ==
          "lifeboat import: not translated: 'ssh root@host': a target over the network is not there yet\n");
    std::ofstream(path) << "core_collector makedumpfile -d 99\n";
    CHECK(import().out == "");
    CHECK(import().err ==
          std::format("lifeboat import: import '{}': what came of it cannot be used: line 2: level: "
                      "'99' is not a number from 0 to 31\n",
                      path));
}
