// Whether the simple fields of a request can be right at all, before anything is looked up.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

// Collects what is wrong, field by field: so that a name that none can have is a wrong field, and
// one that nothing has is not found.
class RequestCheck {
 public:
  RequestCheck& PolicyName(const std::string& field, const std::string& name);
  RequestCheck& NodeName(const std::string& field, const std::string& name);
  // A hold's subject.
  RequestCheck& Subject(const std::string& field, const std::string& subject);
  // Empty: none. One that the controller can have given has 16 hex digits.
  RequestCheck& Etag(const std::string& field, const std::string& etag);
  // 0: none.
  RequestCheck& Revision(const std::string& field, int64_t revision);

  // INVALID_ARGUMENT with every violation; Ok where there is none.
  absl::Status status() const;

 private:
  Violations violations_;
};

}  // namespace hotplugger::server
