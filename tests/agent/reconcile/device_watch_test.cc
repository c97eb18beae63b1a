#include "agent/reconcile/device_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Device Device(const std::string& name, v1::DeviceState state,
                  v1::DeviceKind kind = v1::DEVICE_KIND_CPU) {
  v1::Device device;
  device.set_name(name);
  device.set_kind(kind);
  device.set_state(state);
  return device;
}

constexpr auto kOn = v1::DEVICE_STATE_ONLINE;
constexpr auto kOff = v1::DEVICE_STATE_OFFLINE;

struct FakeWatcher final : DeviceWatcher {
  void Send(v1::WatchDevicesResponse news) override {
    ++calls;
    last = std::move(news);
  }
  void End(const absl::Status& status) override { end = status; }

  std::vector<std::string> Told() const {
    std::vector<std::string> names;
    for (const v1::Device& device : last.devices()) names.push_back(device.name());
    return names;
  }

  int calls = 0;
  v1::WatchDevicesResponse last;
  absl::Status end;
};

class DeviceWatchTest : public ::testing::Test {
 protected:
  uint64_t Add(std::vector<v1::DeviceKind> kinds = {}) {
    return watch_.Add(std::move(kinds), watcher_);
  }

  DeviceWatch watch_;
  const std::shared_ptr<FakeWatcher> watcher_ = std::make_shared<FakeWatcher>();
};

TEST_F(DeviceWatchTest, TellsAllFirstThenWhatChanged) {
  Add();
  watch_.Publish({Device("cpu0", kOn), Device("cpu1", kOn)});
  EXPECT_THAT(watcher_->Told(), ElementsAre("cpu0", "cpu1"));
  watch_.Publish({Device("cpu0", kOn), Device("cpu1", kOff)});
  EXPECT_THAT(watcher_->Told(), ElementsAre("cpu1"));
  watch_.Publish({Device("cpu1", kOff)});
  EXPECT_THAT(watcher_->Told(), IsEmpty());
  EXPECT_THAT(watcher_->last.removed(), ElementsAre("cpu0"));
}

TEST_F(DeviceWatchTest, NothingNewIsNotTold) {
  Add();
  watch_.Publish({Device("cpu0", kOn)});
  watch_.Publish({Device("cpu0", kOn)});
  EXPECT_EQ(watcher_->calls, 1);
}

TEST_F(DeviceWatchTest, AHostWithoutSuchDevicesIsToldOnceToo) {
  Add({v1::DEVICE_KIND_MEMORY});
  watch_.Publish({Device("cpu0", kOn)});
  watch_.Publish({Device("cpu0", kOff)});
  EXPECT_EQ(watcher_->calls, 1);
}

TEST_F(DeviceWatchTest, KindsNotAskedForAreLeftOut) {
  Add({v1::DEVICE_KIND_MEMORY});
  watch_.Publish({Device("cpu0", kOn), Device("memory4", kOn, v1::DEVICE_KIND_MEMORY)});
  EXPECT_THAT(watcher_->Told(), ElementsAre("memory4"));
}

TEST_F(DeviceWatchTest, ARemovedWatcherHearsNothing) {
  const uint64_t id = Add();
  watch_.Remove(id);
  EXPECT_TRUE(watch_.empty());
  watch_.Publish({Device("cpu0", kOn)});
  EXPECT_EQ(watcher_->calls, 0);
}

TEST_F(DeviceWatchTest, ALateWatcherIsToldAllAndTheOthersNothing) {
  Add();
  watch_.Publish({Device("cpu0", kOn), Device("cpu1", kOn)});
  const auto late = std::make_shared<FakeWatcher>();
  watch_.Add({}, late);
  watch_.Publish({Device("cpu0", kOn), Device("cpu1", kOn)});
  EXPECT_THAT(late->Told(), ElementsAre("cpu0", "cpu1"));
  EXPECT_EQ(watcher_->calls, 1);
}

TEST_F(DeviceWatchTest, WhatLeavesIsToldToThoseWhoAskedForItsKind) {
  Add({v1::DEVICE_KIND_MEMORY});
  watch_.Publish({Device("cpu0", kOn), Device("memory4", kOn, v1::DEVICE_KIND_MEMORY)});
  watch_.Publish({Device("memory4", kOn, v1::DEVICE_KIND_MEMORY)});
  EXPECT_EQ(watcher_->calls, 1);
  watch_.Publish({});
  EXPECT_THAT(watcher_->last.removed(), ElementsAre("memory4"));
}

// What changed while nobody watched is no news, but the first word says how it is.
TEST_F(DeviceWatchTest, WhoComesAgainIsToldAll) {
  watch_.Remove(Add());
  watch_.Publish({Device("cpu0", kOn)});
  Add();
  watch_.Publish({Device("cpu0", kOff)});
  EXPECT_THAT(watcher_->Told(), ElementsAre("cpu0"));
}

TEST_F(DeviceWatchTest, WhereTheDevicesCannotBeReadEveryWatchEnds) {
  Add();
  watch_.Fail(absl::InternalError("no"));
  EXPECT_EQ(watcher_->end, absl::InternalError("no"));
  EXPECT_TRUE(watch_.empty());
}

TEST_F(DeviceWatchTest, ThereIsALimit) {
  for (size_t i = 0; i < DeviceWatch::kMaxWatchers; ++i) EXPECT_NE(Add(), 0U);
  EXPECT_EQ(Add(), 0U);
}

TEST(MergeChangesTest, TheLaterWordCounts) {
  v1::WatchDevicesResponse pending;
  *pending.add_devices() = Device("cpu1", kOn);
  *pending.add_devices() = Device("cpu2", kOn);
  pending.add_removed("cpu3");
  v1::WatchDevicesResponse later;
  *later.add_devices() = Device("cpu1", kOff);
  *later.add_devices() = Device("cpu3", kOn);
  later.add_removed("cpu2");
  MergeChanges(later, &pending);
  ASSERT_EQ(pending.devices_size(), 2);
  EXPECT_EQ(pending.devices(0).state(), kOff);
  EXPECT_EQ(pending.devices(1).name(), "cpu3");
  EXPECT_THAT(pending.removed(), ElementsAre("cpu2"));
}

}  // namespace
}  // namespace hotplugger::agent
