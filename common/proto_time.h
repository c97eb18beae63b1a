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

// Protobuf's own limits: 10,000 years, and the years 1 to 9999.
inline constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
inline constexpr int64_t kFirstTimestampSeconds = -62'135'596'800;
inline constexpr int64_t kLastTimestampSeconds = 253'402'300'799;

// Whether protobuf itself takes it: its JSON does not print what isn't so.
inline bool IsValid(const google::protobuf::Duration& duration) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  return seconds >= -kMaxDurationSeconds && seconds <= kMaxDurationSeconds &&
         nanos > -1'000'000'000 && nanos < 1'000'000'000 && !(seconds > 0 && nanos < 0) &&
         !(seconds < 0 && nanos > 0);
}

inline bool IsValid(const google::protobuf::Timestamp& timestamp) {
  return timestamp.seconds() >= kFirstTimestampSeconds &&
         timestamp.seconds() <= kLastTimestampSeconds && timestamp.nanos() >= 0 &&
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
