#include "common/metrics/process_collector.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/scoped_fd.h"

namespace hotplugger {
namespace {

using ::testing::ElementsAre;

std::map<std::string, double> Values() {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : ProcessCollector().Collect()) {
    EXPECT_NE(family.help, "") << family.name;
    const prometheus::ClientMetric& metric = family.metric.at(0);
    values[family.name] =
        family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
  }
  return values;
}

TEST(ProcessCollectorTest, TellsAllThatTheConventionHas) {
  std::vector<std::string> names;
  for (const auto& [name, value] : Values()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("process_cpu_seconds_total", "process_max_fds", "process_open_fds",
                                 "process_resident_memory_bytes", "process_start_time_seconds",
                                 "process_threads"));
}

TEST(ProcessCollectorTest, CountsFilesAndThreads) {
  const std::map<std::string, double> before = Values();
  const ScopedFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::promise<std::map<std::string, double>> told;
  std::thread thread([&told] { told.set_value(Values()); });
  const std::map<std::string, double> after = told.get_future().get();
  thread.join();
  EXPECT_EQ(after.at("process_open_fds"), before.at("process_open_fds") + 1);
  EXPECT_EQ(after.at("process_threads"), before.at("process_threads") + 1);
  EXPECT_GE(after.at("process_max_fds"), after.at("process_open_fds"));
}

TEST(ProcessCollectorTest, MeasuresThisProcess) {
  const std::map<std::string, double> values = Values();
  // A test program has a megabyte at least, and less than a terabyte.
  EXPECT_GT(values.at("process_resident_memory_bytes"), 1e6);
  EXPECT_LT(values.at("process_resident_memory_bytes"), 1e12);
  const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  EXPECT_GT(values.at("process_start_time_seconds"), now - 3600);
  EXPECT_LT(values.at("process_start_time_seconds"), now + 5);
}

TEST(ProcessCollectorTest, CpuTimeGrowsWithWork) {
  const double before = Values().at("process_cpu_seconds_total");
  const absl::Time give_up = absl::Now() + absl::Seconds(60);
  while (Values().at("process_cpu_seconds_total") <= before) ASSERT_LT(absl::Now(), give_up);
}

}  // namespace
}  // namespace hotplugger
