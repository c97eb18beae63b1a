// The calls of a gRPC server, counted as other gRPC servers count theirs (docs/metrics.md). Free of
// gRPC.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/duration_histogram.h"

namespace hotplugger::server {

// "OK", "NotFound", …; "Unknown" for a number that is no code.
absl::string_view CallCodeWord(int code);

// Safe for concurrent use; counting takes no lock but that of a histogram.
class CallCounters {
 public:
  struct Method {
    // "unary", "client_stream", "server_stream" or "bidi_stream".
    std::string type;
    // "hotplugger.v1.FleetService", "GetNode".
    std::string service;
    std::string method;
  };
  // Stands for type, service and method of calls that the server doesn't know.
  static constexpr char kUnknown[] = "unknown";

  struct Series {
    Method method;
    int64_t started = 0;
    // By code as CallCodeWord has it; those that came.
    std::map<std::string, int64_t> handled;
    // Of unary calls alone.
    std::optional<DurationCounts> durations;
  };

  // `known`: what the server serves.
  explicit CallCounters(std::vector<Method> known);

  // A call of `path` ("/SERVICE/METHOD") has begun. What Handled is to be given at its end.
  size_t Started(absl::string_view path);
  // It ended so, with one of gRPC's codes. Its duration counts where it is unary.
  void Handled(size_t method, int code, absl::Duration duration);

  // One for each known method, those that were never called among them, and one for all others.
  std::vector<Series> Counts() const;

 private:
  // Those of gRPC are 0 to 16.
  static constexpr int kCodes = 17;
  struct MethodCounts {
    explicit MethodCounts(Method counted);

    const Method method;
    std::atomic<int64_t> started{0};
    std::atomic<int64_t> handled[kCodes] = {};
    std::optional<DurationHistogram> durations;
  };

  // The last one stands for all others.
  std::vector<std::unique_ptr<MethodCounts>> methods_;
  std::map<std::string, size_t, std::less<>> by_path_;
};

}  // namespace hotplugger::server
