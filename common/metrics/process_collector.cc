#include "common/metrics/process_collector.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/metrics/family_builder.h"

namespace hotplugger {
namespace {

// Places in /proc/self/stat, counted from the state, which comes after the name in parentheses.
constexpr size_t kUserTicks = 11;
constexpr size_t kSystemTicks = 12;
constexpr size_t kThreads = 17;
constexpr size_t kStartTicks = 19;
constexpr size_t kResidentPages = 21;

// The numbers behind the name, which may hold anything.
std::vector<double> ReadStat() {
  std::ifstream file("/proc/self/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t name_end = text.rfind(')');
  std::vector<double> numbers;
  if (name_end == std::string::npos) return numbers;
  const absl::string_view rest =
      absl::StripAsciiWhitespace(absl::string_view(text).substr(name_end + 1));
  for (const absl::string_view field : absl::StrSplit(rest, ' ')) {
    double number = 0;
    // The state is a letter.
    if (!absl::SimpleAtod(field, &number)) number = 0;
    numbers.push_back(number);
  }
  return numbers;
}

// When the machine started, in seconds since 1970.
std::optional<double> ReadBootTime() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    absl::string_view rest = line;
    double seconds = 0;
    if (absl::ConsumePrefix(&rest, "btime ") && absl::SimpleAtod(rest, &seconds)) return seconds;
  }
  return std::nullopt;
}

std::optional<double> CountOpenFiles() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator file("/proc/self/fd", error), end; !error && file != end;
       file.increment(error)) {
    ++count;
  }
  if (error) return std::nullopt;
  // The one that this has opened.
  return count - 1;
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessCollector::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  const std::vector<double> stat = ReadStat();
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (stat.size() > kResidentPages && ticks_per_second > 0) {
    families.push_back(SingleCounter("process_cpu_seconds_total",
                                     "Time on CPUs, in user and system mode.",
                                     (stat[kUserTicks] + stat[kSystemTicks]) / ticks_per_second));
    families.push_back(SingleGauge("process_resident_memory_bytes", "Memory in use.",
                                   stat[kResidentPages] * static_cast<double>(getpagesize())));
    families.push_back(SingleGauge("process_threads", "Threads.", stat[kThreads]));
    if (const std::optional<double> boot_time = ReadBootTime()) {
      families.push_back(SingleGauge("process_start_time_seconds",
                                     "When the program started, in seconds since 1970.",
                                     *boot_time + stat[kStartTicks] / ticks_per_second));
    }
  }
  if (const std::optional<double> files = CountOpenFiles()) {
    families.push_back(SingleGauge("process_open_fds", "Open files.", *files));
  }
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.push_back(SingleGauge("process_max_fds", "How many files may be open.",
                                   static_cast<double>(limit.rlim_cur)));
  }
  return families;
}

}  // namespace hotplugger
