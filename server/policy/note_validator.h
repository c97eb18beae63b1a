// Who, why and where that is told: the texts that people give with a change or a hold.
#pragma once

#include <cstddef>
#include <string>

#include "hotplugger/v1/policy_service.pb.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

// At most so many bytes each.
inline constexpr size_t kMaxReasonLength = 1024;
inline constexpr size_t kMaxTicketLength = 128;
inline constexpr size_t kMaxAuthorLength = 128;

// Adds a violation where a text of `field` has more than `limit` bytes.
void CheckLength(const std::string& field, const std::string& text, size_t limit,
                 Violations* violations);

// Every problem of a note that stands in `field`.
void CheckNote(const std::string& field, const v1::ChangeNote& note, Violations* violations);

}  // namespace hotplugger::server
