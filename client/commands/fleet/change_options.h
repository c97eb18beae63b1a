// What every change of the fleet's wishes takes besides what it is about: whether to try it only,
// and what the audit log is told.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "client/command.h"
#include "hotplugger/v1/policy_service.pb.h"

namespace hotplugger::client::fleet {

struct ChangeOptions {
  // none, client or server.
  std::string dry_run = "none";
  std::optional<std::string> reason;
  std::optional<std::string> ticket;
  std::optional<std::string> author;

  // Nothing is sent.
  bool only_here() const { return dry_run == "client"; }
  // The controller does everything but store it.
  bool only_tried() const { return dry_run == "server"; }
};

// `options` must outlive the parsing.
void DeclareChangeOptions(Arguments& arguments, ChangeOptions* options);

// --author, or else whoever runs this.
std::string AuthorOf(const ChangeOptions& options, const Session& session);

// What all requests that change something have besides holds' own fields. A request that is only
// tried has no id: it may be sent again anyway.
template <typename Request>
void SetMode(const ChangeOptions& options, Session& session, Request* request) {
  request->set_validate_only(options.only_tried());
  if (!options.only_tried()) request->set_request_id(session.surroundings.NewRequestId());
}

// The options as the audit log is told them.
v1::ChangeNote MakeNote(const ChangeOptions& options, const Session& session);

// " (dry run)", " (dry run, nothing was sent)", or "".
std::string DryRunMark(const ChangeOptions& options);

// What is printed where nothing is sent: `request` as a document, or `line` with the mark.
absl::Status PrintUnsent(const google::protobuf::Message& request, const std::string& line,
                         const ChangeOptions& options, Session& session);

// `status`, the controller's answer to a change, with its fields named by their flags.
absl::Status NameChangeFlags(const absl::Status& status);

}  // namespace hotplugger::client::fleet
