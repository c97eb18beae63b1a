#include "server/api/call_counters.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace hotplugger::server {
namespace {

constexpr char kUnary[] = "unary";
// gRPC's codes are numbers from 0 without a gap.
constexpr const char* kCodeWords[] = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};
constexpr int kUnknownCode = 2;

bool IsCode(int code) {
  return code >= 0 && static_cast<size_t>(code) < sizeof kCodeWords / sizeof kCodeWords[0];
}

}  // namespace

absl::string_view CallCodeWord(int code) { return kCodeWords[IsCode(code) ? code : kUnknownCode]; }

CallCounters::CallCounters(std::vector<Method> known) {
  static_assert(kCodes == sizeof kCodeWords / sizeof kCodeWords[0], "one word a code");
  for (Method& method : known) {
    by_path_[absl::StrCat("/", method.service, "/", method.method)] = methods_.size();
    methods_.push_back(std::make_unique<MethodCounts>(std::move(method)));
  }
  methods_.push_back(std::make_unique<MethodCounts>(Method{kUnknown, kUnknown, kUnknown}));
}

CallCounters::MethodCounts::MethodCounts(Method counted) : method(std::move(counted)) {
  if (method.type == kUnary) durations.emplace(kCallDurationBounds);
}

size_t CallCounters::Started(absl::string_view path) {
  const auto known = by_path_.find(path);
  const size_t method = known == by_path_.end() ? methods_.size() - 1 : known->second;
  methods_[method]->started.fetch_add(1, std::memory_order_relaxed);
  return method;
}

void CallCounters::Handled(size_t method, int code, absl::Duration duration) {
  MethodCounts& counts = *methods_[method];
  counts.handled[IsCode(code) ? code : kUnknownCode].fetch_add(1, std::memory_order_relaxed);
  if (counts.durations) counts.durations->Observe(duration);
}

std::vector<CallCounters::Series> CallCounters::Counts() const {
  std::vector<Series> all;
  all.reserve(methods_.size());
  for (const auto& counts : methods_) {
    Series& series = all.emplace_back();
    series.method = counts->method;
    for (int code = 0; code < kCodes; ++code) {
      const int64_t handled = counts->handled[code].load(std::memory_order_relaxed);
      if (handled > 0) series.handled[kCodeWords[code]] = handled;
    }
    // After those that ended, so that never more have ended than begun.
    series.started = counts->started.load(std::memory_order_relaxed);
    if (counts->durations) series.durations = counts->durations->Counts();
  }
  return all;
}

}  // namespace hotplugger::server
