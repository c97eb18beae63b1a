// Times and durations as protobuf has them.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace hotplugger {

inline absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

inline absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

// Whether protobuf itself takes it: its JSON does not print what isn't so.
inline bool IsValid(const google::protobuf::Duration& duration) {
  constexpr int64_t kMaxSeconds = 315'576'000'000;  // 10,000 years
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  return seconds >= -kMaxSeconds && seconds <= kMaxSeconds && nanos > -1'000'000'000 &&
         nanos < 1'000'000'000 && !(seconds > 0 && nanos < 0) && !(seconds < 0 && nanos > 0);
}

inline bool IsValid(const google::protobuf::Timestamp& timestamp) {
  constexpr int64_t kFirst = -62'135'596'800;  // the year 1
  constexpr int64_t kLast = 253'402'300'799;   // the year 9999
  return timestamp.seconds() >= kFirst && timestamp.seconds() <= kLast && timestamp.nanos() >= 0 &&
         timestamp.nanos() < 1'000'000'000;
}

inline void SetDuration(absl::Duration duration, google::protobuf::Duration* message) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  message->set_seconds(seconds);
  message->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
}

inline void SetTimestamp(absl::Time time, google::protobuf::Timestamp* message) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  message->set_seconds(seconds);
  message->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

}  // namespace hotplugger
