#include "server/policy/note_validator.h"

#include "absl/strings/str_cat.h"

namespace hotplugger::server {

void CheckLength(const std::string& field, const std::string& text, size_t limit,
                 Violations* violations) {
  if (text.size() <= limit) return;
  violations->push_back(
      {field, absl::StrCat("has ", text.size(), " bytes; at most ", limit, " are allowed")});
}

void CheckNote(const std::string& field, const v1::ChangeNote& note, Violations* violations) {
  CheckUnknownFields(field, note, violations);
  CheckLength(field + ".reason", note.reason(), kMaxReasonLength, violations);
  CheckLength(field + ".ticket", note.ticket(), kMaxTicketLength, violations);
  CheckLength(field + ".author", note.author(), kMaxAuthorLength, violations);
}

}  // namespace hotplugger::server
