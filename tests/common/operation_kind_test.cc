#include "common/operation_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hotplugger/v1/operation.pb.h"

namespace hotplugger {
namespace {

// Whoever adds an operation must say here which it is.
TEST(OperationKindTest, TheseOnlyReadAndAllOthersChangeSomething) {
  const auto* fields = v1::Operation::descriptor()->FindOneofByName("operation");
  std::vector<std::string> reads;
  std::vector<std::string> changes;
  for (int i = 0; i < fields->field_count(); ++i) {
    v1::Operation operation;
    operation.GetReflection()->MutableMessage(&operation, fields->field(i));
    (OnlyReads(operation) ? reads : changes).push_back(fields->field(i)->name());
  }
  EXPECT_THAT(reads, ::testing::UnorderedElementsAre("list_drivers", "list_conflicting_actors",
                                                     "explain_device", "plan_spec"));
  EXPECT_THAT(changes, ::testing::UnorderedElementsAre(
                           "enable_driver", "disable_driver", "switch_drivers", "set_switching",
                           "register_driver", "unregister_driver", "retry_spec"));
  EXPECT_FALSE(OnlyReads(v1::Operation()));
}

}  // namespace
}  // namespace hotplugger
