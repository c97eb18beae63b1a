#include "server/fleet/request_check.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "server/fleet/etag.h"
#include "server/policy/subject.h"

namespace hotplugger::server {

RequestCheck& RequestCheck::PolicyName(const std::string& field, const std::string& name) {
  Check(field, ValidatePolicyName(name), &violations_);
  return *this;
}

RequestCheck& RequestCheck::NodeName(const std::string& field, const std::string& name) {
  Check(field, ValidateNodeName(name), &violations_);
  return *this;
}

RequestCheck& RequestCheck::Subject(const std::string& field, const std::string& subject) {
  Check(field, ParseSubject(subject).status(), &violations_);
  return *this;
}

RequestCheck& RequestCheck::Etag(const std::string& field, const std::string& etag) {
  const bool valid = etag.empty() || (etag.size() == kEtagLength &&
                                      std::all_of(etag.begin(), etag.end(), [](char c) {
                                        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
                                      }));
  if (!valid) {
    violations_.push_back({field, absl::StrCat("is no etag: one has ", kEtagLength,
                                               " hex digits, as answers give it; leave it out to "
                                               "change whatever is there")});
  }
  return *this;
}

RequestCheck& RequestCheck::Revision(const std::string& field, int64_t revision) {
  if (revision < 0) {
    violations_.push_back(
        {field, absl::StrCat(revision,
                             " is negative; revisions begin with 1, and 0 or absent "
                             "means none in particular")});
  }
  return *this;
}

absl::Status RequestCheck::status() const { return MakeFieldErrors(violations_); }

}  // namespace hotplugger::server
