// SPDX-License-Identifier: GPL-2.0-or-later
#include "stages/uevent.h"
#include "tests/fakes/fake_system.h"

#include <doctest/doctest.h>

using namespace lifeboat;
using namespace std::string_literals;

TEST_CASE("an event of the kernel") {
    const auto event = parse_uevent("add@/devices/x/block/sda\0ACTION=add\0DEVPATH=/devices/x/block/sda\0"
                                    "SUBSYSTEM=block\0DEVNAME=sda\0SEQNUM=7\0"s);
    REQUIRE(event);
    CHECK(event->action == "add");
    CHECK(event->device_path == "/devices/x/block/sda");
    CHECK(event->subsystem == "block");
    CHECK(event->device_name == "sda");
    CHECK(event->modalias.empty());
}

TEST_CASE("what is no event") {
    for (const std::string& message : {""s, "\0"s, "libudev\0ACTION=add\0DEVPATH=/x\0"s, "add@/x"s,
                                       "add@/x\0ACTION=add"s, "add@/x\0==\0"s}) {
        CAPTURE(message);
        CHECK_FALSE(parse_uevent(message));
    }
}

TEST_CASE("all that has come is taken without waiting") {
    fakes::reset();
    auto socket = UeventSocket::open();
    REQUIRE(socket);
    CHECK(socket->take_all().events.empty());
    fakes::send_uevent("add@/a\0ACTION=add\0DEVPATH=/a\0MODALIAS=pci:v1\0"s);
    fakes::send_uevent("nonsense");
    fakes::send_uevent("remove@/b\0ACTION=remove\0DEVPATH=/b"s);
    const auto batch = socket->take_all();
    CHECK_FALSE(batch.some_lost);
    REQUIRE(batch.events.size() == 2);
    CHECK(batch.events[0].modalias == "pci:v1");
    CHECK(batch.events[1].action == "remove");
}
