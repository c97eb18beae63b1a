// What a scrape of a large fleet costs: all of it (the fleet looked at page by page, families
// built, text written), against prometheus-cpp's own serializer on the same families, already
// built. All in one run, in turns, medians; time on the CPU, since both are one thread's work.
// Memory at its peak, each measured in a process of its own, is compared the same way: of the peer
// that is its families and its text. Besides: what gzip takes, and how long reports and pushes wait
// while scrapes go on. Exits 1 beyond the limits below; docs/performance.md has what came out.
#include <malloc.h>
#include <prometheus/text_serializer.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/clock.h"
#include "common/metrics/scrape_renderer.h"
#include "server/metrics/fleet_collector.h"
#include "server/metrics/node_walk.h"
#include "tests/bench/synthetic_fleet.h"

namespace hotplugger::testing {
namespace {

constexpr size_t kNodes = 10'000;
constexpr int kRounds = 11;
constexpr int kMemoryRounds = 3;
// More of a scrape than the serializer alone takes.
constexpr double kMaxMoreTime = 0.20;
constexpr double kMaxMemory = 1.5;

using Families = std::vector<prometheus::MetricFamily>;

// Each look at it is so much later that no rendering is shared.
class LeapingClock final : public Clock {
 public:
  absl::Time Now() override { return absl::UnixEpoch() + ++looks_ * absl::Seconds(2); }

 private:
  std::atomic<int> looks_{0};
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Milliseconds of this thread on a CPU.
template <typename Act>
double CpuTime(Act act) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
  };
  const double start = now();
  act();
  return now() - start;
}

// A value of /proc/self/status, in bytes.
double ReadStatus(absl::string_view key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    double kibibytes = 0;
    if (words.size() > 1 && words[0] == key && absl::SimpleAtod(words[1], &kibibytes)) {
      return kibibytes * 1024;
    }
  }
  return 0;
}

// By how many bytes `act` raises the peak of a process that does nothing else. 0: nobody knows.
double PeakOf(const std::function<void()>& act) {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    // What is free is given back, so that all that is taken counts.
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";
    const double before = ReadStatus("VmRSS:");
    act();
    const double grown = ReadStatus("VmHWM:") - before;
    _exit(write(ends[1], &grown, sizeof grown) == sizeof grown ? 0 : 1);
  }
  close(ends[1]);
  double grown = 0;
  if (child < 0 || read(ends[0], &grown, sizeof grown) != sizeof grown) grown = 0;
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return grown;
}

// One collector, so that it knows the size of the last scrape as a controller's does.
class Scraper {
 public:
  explicit Scraper(SyntheticFleet* fleet)
      : collector_(&fleet->registry(), {server::NodeSeriesLimit::All(), {"pool", "zone"}}),
        renderer_({&collector_}, clock_) {}

  std::shared_ptr<const Rendering> Scrape() {
    const auto rendering = renderer_.Render();
    return rendering.ok() ? *rendering : nullptr;
  }
  Families Collect() const { return collector_.Collect(); }

 private:
  LeapingClock clock_;
  const server::FleetCollector collector_;
  ScrapeRenderer renderer_;
};

struct Times {
  std::vector<double> serializer;
  std::vector<double> building;
  std::vector<double> scrape;
  std::vector<double> gzip;
};

// Whether both write the same series.
bool CheckTexts(const Families& families, const Rendering& rendering) {
  const size_t series = kNodes * SyntheticFleet::kSeriesPerNode;
  size_t node_series = 0;
  for (const prometheus::MetricFamily& family : families) {
    if (absl::StartsWith(family.name, "hotplugger_node_")) node_series += family.metric.size();
  }
  const std::string text = prometheus::TextSerializer().Serialize(families);
  if (node_series == series && absl::StartsWith(rendering.text(), text)) return true;
  std::fprintf(stderr, "scrape_bench: %zu series of nodes, not %zu, or texts differ\n", node_series,
               series);
  return false;
}

Times MeasureTimes(Scraper* scraper, const Families& families) {
  Times times;
  for (int round = 0; round < kRounds; ++round) {
    std::string text;
    times.serializer.push_back(
        CpuTime([&] { text = prometheus::TextSerializer().Serialize(families); }));
    text = std::string();
    std::shared_ptr<const Rendering> rendering;
    times.scrape.push_back(CpuTime([&] { rendering = scraper->Scrape(); }));
    times.gzip.push_back(CpuTime([&] { rendering->gzip(); }));
    rendering = nullptr;
    times.building.push_back(CpuTime([&] { scraper->Collect(); }));
  }
  return times;
}

bool PrintTimes(const Times& times, size_t text_bytes, size_t gzip_bytes) {
  const double serializer = Median(times.serializer);
  const double scrape = Median(times.scrape);
  const double more = (scrape - serializer) / serializer;
  std::printf("%-48s %9s %18s\n", "", "ms", "of the serializer");
  const auto print = [serializer](const char* what, double took) {
    std::printf("%-48s %9.1f %18.2f\n", what, took, took / serializer);
  };
  print("prometheus-cpp's serializer, families at hand", serializer);
  print("a whole scrape", scrape);
  print("  of it: looking at nodes and building families", Median(times.building));
  print("packing it (gzip)", Median(times.gzip));
  std::printf("%.1f MB of text, packed %.2f of that\n\n", static_cast<double>(text_bytes) / 1e6,
              static_cast<double>(gzip_bytes) / static_cast<double>(text_bytes));
  const bool met = more <= kMaxMoreTime;
  std::printf("at most %.2f more time than the serializer: %s (%+.2f)\n", kMaxMoreTime,
              met ? "met" : "MISSED", more);
  return met;
}

bool MeasureMemory(SyntheticFleet* fleet) {
  std::vector<double> peer;
  std::vector<double> ours;
  for (int round = 0; round < kMemoryRounds; ++round) {
    peer.push_back(PeakOf([fleet] {
      const Families families = Scraper(fleet).Collect();
      const std::string text = prometheus::TextSerializer().Serialize(families);
    }));
    // Later scrapes, which know how large the last one was, too.
    ours.push_back(PeakOf([fleet] {
      Scraper scraper(fleet);
      for (int i = 0; i < 3; ++i) scraper.Scrape();
    }));
  }
  const double ratio = Median(ours) / Median(peer);
  const bool met = Median(peer) > 0 && ratio <= kMaxMemory;
  std::printf("at most %.1f of the serializer's peak of memory: %s (%.2f; %.0f of %.0f MB)\n\n",
              kMaxMemory, met ? "met" : "MISSED", ratio, Median(ours) / 1e6, Median(peer) / 1e6);
  return met;
}

// How long calls of the registry take, in microseconds.
struct Waits {
  std::vector<double> reports;
  std::vector<double> pushes;
};

// Calls as agents and the engine make them, until `stop`.
Waits Probe(SyntheticFleet* fleet, const std::atomic<bool>& stop) {
  Waits waits;
  const auto measure = [](std::vector<double>* into, auto act) {
    const absl::Time start = SteadyNow();
    act();
    into->push_back(absl::ToDoubleMicroseconds(SteadyNow() - start));
  };
  for (size_t i = 0; !stop; ++i) {
    measure(&waits.reports, [&] { fleet->Report(i * 7919 % fleet->size()); });
    if (i % 100 == 0) measure(&waits.pushes, [&] { fleet->registry().TakePushes(); });
    // About as many as 10,000 agents bring, not as many as there can be.
    if (i % 10 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return waits;
}

void PrintWaits(const char* what, std::vector<double> alone, std::vector<double> scraped) {
  std::sort(alone.begin(), alone.end());
  std::sort(scraped.begin(), scraped.end());
  const auto p99 = [](const std::vector<double>& sorted) {
    return sorted[sorted.size() * 99 / 100];
  };
  std::printf("%-14s p99 %8.0f us, %8.0f while scrapes go on; longest %8.0f, %8.0f\n", what,
              p99(alone), p99(scraped), alone.back(), scraped.back());
}

void MeasureWaits(SyntheticFleet* fleet, Scraper* scraper) {
  const auto probe_during = [fleet](const std::function<void()>& act) {
    std::atomic<bool> stop{false};
    Waits waits;
    std::thread prober([&] { waits = Probe(fleet, stop); });
    act();
    stop = true;
    prober.join();
    return waits;
  };
  const Waits alone = probe_during([] { std::this_thread::sleep_for(std::chrono::seconds(2)); });
  const Waits scraped = probe_during([scraper] {
    for (int i = 0; i < kRounds; ++i) scraper->Scrape();
  });
  std::vector<double> pages;
  std::vector<double> walks;
  for (int i = 0; i < kRounds; ++i) {
    pages.push_back(
        CpuTime([fleet] { fleet->registry().SnapshotAfter("node-05", server::kPageNodes); }));
    walks.push_back(CpuTime([fleet] { fleet->registry().TakePushes(); }));
  }
  std::printf("a page holds the registry for %.0f us, taking pushes for %.0f\n",
              Median(pages) * 1e3, Median(walks) * 1e3);
  PrintWaits("a report", alone.reports, scraped.reports);
  PrintWaits("taking pushes", alone.pushes, scraped.pushes);
}

// 0: the limits hold; 1: they don't; 2: nothing could be measured.
int Bench() {
  SyntheticFleet fleet(kNodes);
  // First, while nothing else has been taken and given back.
  const bool memory_met = MeasureMemory(&fleet);
  Scraper scraper(&fleet);
  const Families families = scraper.Collect();
  const auto rendering = scraper.Scrape();
  if (rendering == nullptr || !CheckTexts(families, *rendering)) return 2;
  std::printf("%zu nodes of %zu series; medians of %d rounds\n\n", kNodes,
              SyntheticFleet::kSeriesPerNode, kRounds);
  const Times times = MeasureTimes(&scraper, families);
  const bool time_met = PrintTimes(times, rendering->text().size(), rendering->gzip().size());
  MeasureWaits(&fleet, &scraper);
  return memory_met && time_met ? 0 : 1;
}

}  // namespace
}  // namespace hotplugger::testing

int main() { return hotplugger::testing::Bench(); }
