// Drivers of a whole host: what it takes the saved state, several providers and requests to see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/reconcile/local_driver_operations.h"
#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/fake_driver.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HostDriversTest : public ::testing::Test, protected HostFixture {
 protected:
  LocalDriverOperations Operations() { return LocalDriverOperations(*host); }
};

TEST_F(HostDriversTest, AProviderThatFailsHidesNoOtherDriver) {
  const auto load = std::make_shared<FakeDriver>("load", std::vector<std::string>{"*"},
                                                 v1::DRIVER_PROVIDER_BUILTIN);
  load->set_running(true);
  ASSERT_EQ(host->drivers().Register(load), absl::OkStatus());
  ASSERT_EQ(Operations().ListDrivers()->drivers_size(), 4);
  fake.dir().Remove("sys/kernel/hotplugger/available_drivers");
  const auto list = Operations().ListDrivers();
  ASSERT_EQ(list.status(), absl::OkStatus());
  EXPECT_EQ(list->drivers_size(), 4);
  EXPECT_THAT(list->warnings(), ElementsAre(HasSubstr("PROVIDER_FAILED")));
  EXPECT_EQ(Operations().DisableDriver("load").status(), absl::OkStatus());
  EXPECT_FALSE(load->running());
}

TEST_F(HostDriversTest, WhatCouldNotBeSavedAsUnregisteredComesBack) {
  ASSERT_EQ(Operations().ListDrivers().status(), absl::OkStatus());
  store.SetFailure(absl::UnavailableError("disk full"));
  const absl::Status status = Operations().UnregisterDriver("bricked").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("so it comes back: disk full"));
  const auto list = Operations().ListDrivers();
  EXPECT_EQ(list->drivers_size(), 3);
  EXPECT_EQ(list->unregistered_size(), 0);
}

TEST_F(HostDriversTest, MoreNamesThanAHostHasAreRefusedByField) {
  v1::SwitchDriversRequest request;
  for (int i = 0; i < 300; ++i) {
    request.add_active(absl::StrCat("a", i));
    request.add_stopped(absl::StrCat("b", i));
  }
  const absl::Status status = Operations().SwitchDrivers(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ErrorFieldViolations(status)) {
    fields.push_back(absl::StrCat(violation.field, " ", violation.description));
  }
  EXPECT_THAT(fields, ElementsAre("active has 300 names; at most 256 are allowed",
                                  "stopped has 300 names; at most 256 are allowed"));
}

TEST_F(HostDriversTest, AnErrorListsNoMoreNamesThanAPersonReads) {
  for (int i = 0; i < 100; ++i) kernel.Load({.name = absl::StrCat("driver", i)});
  const absl::Status status = Operations().EnableDriver("nobody").status();
  EXPECT_EQ(ErrorReason(status), "DRIVER_NOT_REGISTERED");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("registered are: alucard, thermal, bricked, driver0"),
                    HasSubstr("driver12 and 87 more")));
}

}  // namespace
}  // namespace hotplugger::agent
