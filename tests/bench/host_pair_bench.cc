// What an offline+online pair of one CPU costs through the agent's unix socket, over the same pair
// written to sysfs directly. In a lab guest it takes a real CPU off and on; with --root it does so
// in a tree that stands for a host, where a write costs next to nothing and the difference is the
// agent's.
//   host_pair_bench [--socket PATH] [--root DIR] [--cpu N] [--pairs N] [--pause-ms N]
// Pairs of both kinds take turns, so that what the machine does meanwhile falls on both. Exit
// status 1 where the goal is missed: a median pair costs at most a millisecond more.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/host_client.h"
#include "client/link/grpc_connector.h"
#include "common/clock.h"
#include "common/errno_status.h"
#include "common/status_macros.h"

namespace hotplugger {
namespace {

constexpr absl::Duration kGoal = absl::Milliseconds(1);
constexpr absl::Duration kCallTimeout = absl::Seconds(30);
// The first pairs open the connection and start the writer.
constexpr int kWarmUp = 3;

struct Options {
  std::string socket = "/run/hotplugger/agent.sock";
  // Of the host.
  std::string root = "/";
  int cpu = 1;
  int pairs = 200;
  // Between pairs. After a pause all that follows is slower, the direct write too: caches are cold
  // and cores asleep.
  int pause_ms = 0;
};

// One series of measured times.
class Series {
 public:
  void Add(absl::Duration duration) { durations_.push_back(duration); }

  absl::Duration Quantile(double share) const {
    std::vector<absl::Duration> sorted = durations_;
    std::sort(sorted.begin(), sorted.end());
    const auto last = static_cast<double>(sorted.size() - 1);
    return sorted[static_cast<size_t>(share * last)];
  }
  absl::Duration Median() const { return Quantile(0.5); }

  void Print(const char* name) const {
    std::cout << absl::StreamFormat("%-22s %8.3f ms median  %8.3f ms 10%%  %8.3f ms 90%%\n", name,
                                    absl::ToDoubleMilliseconds(Median()),
                                    absl::ToDoubleMilliseconds(Quantile(0.1)),
                                    absl::ToDoubleMilliseconds(Quantile(0.9)));
  }

 private:
  std::vector<absl::Duration> durations_;
};

// As a person's `echo` would: open, one write, close.
absl::Status WriteOnline(const Options& options, bool online) {
  const std::string path =
      absl::StrCat(options.root, "/sys/devices/system/cpu/cpu", options.cpu, "/online");
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return ErrnoStatus(errno, "open", path);
  const ssize_t written = write(file, online ? "1\n" : "0\n", 2);
  const int error_number = errno;
  close(file);
  return written == 2 ? absl::OkStatus() : ErrnoStatus(error_number, "write", path);
}

class Bench {
 public:
  Bench(const Options& options, client::HostClient& host)
      : options_(options), host_(host), name_(absl::StrCat("cpu", options.cpu)) {}

  absl::Status Run() {
    for (int i = -kWarmUp; i < options_.pairs; ++i) {
      ASSIGN_OR_RETURN(const absl::Duration agent, Pair([this](bool on) { return Ask(on); }));
      ASSIGN_OR_RETURN(const absl::Duration direct,
                       Pair([this](bool on) { return WriteOnline(options_, on); }));
      ASSIGN_OR_RETURN(const absl::Duration read, Timed([this] { return Read(); }));
      if (i < 0) continue;
      agent_.Add(agent);
      direct_.Add(direct);
      difference_.Add(agent - direct);
      read_.Add(read);
    }
    return absl::OkStatus();
  }

  // Whether the goal is met.
  bool Print() const {
    const absl::Duration more = agent_.Median() - direct_.Median();
    agent_.Print("through the agent");
    direct_.Print("direct");
    difference_.Print("agent minus direct");
    read_.Print("GetDevice (no change)");
    std::cout << absl::StreamFormat("medians: %.3f ms more, ratio %.3f\n",
                                    absl::ToDoubleMilliseconds(more),
                                    absl::FDivDuration(agent_.Median(), direct_.Median()));
    const bool met = more <= kGoal;
    std::cout << "goal, at most " << kGoal << " more a pair: " << (met ? "met" : "MISSED") << '\n';
    return met;
  }

 private:
  absl::StatusOr<absl::Duration> Timed(const std::function<absl::Status()>& act) {
    absl::SleepFor(absl::Milliseconds(options_.pause_ms));
    const absl::Time begun = SteadyNow();
    RETURN_IF_ERROR(act());
    return SteadyNow() - begun;
  }

  absl::StatusOr<absl::Duration> Pair(const std::function<absl::Status(bool)>& set_online) {
    return Timed([&]() -> absl::Status {
      RETURN_IF_ERROR(set_online(false));
      return set_online(true);
    });
  }

  absl::Status Ask(bool online) {
    if (online) {
      v1::OnlineDevicesRequest request;
      request.mutable_target()->set_device(name_);
      return host_.OnlineDevices(request).status();
    }
    v1::OfflineDevicesRequest request;
    request.mutable_target()->set_device(name_);
    return host_.OfflineDevices(request).status();
  }

  absl::Status Read() {
    v1::GetDeviceRequest request;
    request.set_device(name_);
    return host_.GetDevice(request).status();
  }

  const Options& options_;
  client::HostClient& host_;
  const std::string name_;
  Series agent_;
  Series direct_;
  Series difference_;
  Series read_;
};

absl::StatusOr<bool> RunBench(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<client::HostClient> host,
                   client::MakeGrpcConnector()->ConnectHost(
                       {.socket = options.socket, .call_timeout = kCallTimeout}));
  Bench bench(options, *host);
  const absl::Status run = bench.Run();
  // Whatever happened, the CPU is not left offline.
  RETURN_IF_ERROR(WriteOnline(options, true));
  RETURN_IF_ERROR(run);
  std::cout << options.pairs << " pairs of cpu" << options.cpu << '\n';
  return bench.Print();
}

}  // namespace
}  // namespace hotplugger

int main(int argc, char** argv) {
  hotplugger::Options options;
  CLI::App app("Offline+online pairs of a CPU: through the agent, and written directly.");
  app.add_option("--socket", options.socket, "The agent's")->capture_default_str();
  app.add_option("--root", options.root, "The host's")->capture_default_str();
  app.add_option("--cpu", options.cpu, "Taken off and on")->capture_default_str();
  app.add_option("--pairs", options.pairs, "Of each kind")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--pause-ms", options.pause_ms, "Before each pair")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const absl::StatusOr<bool> met = hotplugger::RunBench(options);
  if (!met.ok()) {
    std::cerr << "host_pair_bench: " << met.status().message() << '\n';
    return 2;
  }
  return *met ? 0 : 1;
}
