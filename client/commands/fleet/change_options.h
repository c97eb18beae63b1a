// What every change of the fleet takes besides what it is about: what the audit log is told, and,
// of its wishes, whether to try it only and by which id it is known.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "client/command.h"
#include "hotplugger/v1/policy_service.pb.h"

namespace hotplugger::client::fleet {

struct NoteOptions {
  std::optional<std::string> reason;
  std::optional<std::string> ticket;
  std::optional<std::string> author;
};

struct ChangeOptions {
  NoteOptions note;
  // none, client or server.
  std::string dry_run = "none";
  std::optional<std::string> request_id;

  // Nothing is sent.
  bool only_here() const { return dry_run == "client"; }
  // The controller does everything but store it.
  bool only_tried() const { return dry_run == "server"; }
};

// `options` must outlive the parsing.
void DeclareNoteOptions(Arguments& arguments, NoteOptions* options);
void DeclareChangeOptions(Arguments& arguments, ChangeOptions* options);

// --author, or else whoever runs this.
std::string AuthorOf(const NoteOptions& options, const Session& session);

// INVALID_ARGUMENT where --request-id is no id. Where one command makes several changes each gets
// an id of its own, so that the given one must be shorter.
absl::Status CheckRequestId(const ChangeOptions& options, bool for_several = false);

// The id of a change: the given one, or a new one. `part` tells the changes of one command apart.
std::string RequestIdOf(const ChangeOptions& options, Session& session,
                        const std::string& part = "");

// What all requests that change something have besides holds' own fields. A request that is only
// tried has no id: it may be sent again anyway.
template <typename Request>
void SetMode(const ChangeOptions& options, Session& session, Request* request,
             const std::string& part = "") {
  request->set_validate_only(options.only_tried());
  if (!options.only_tried()) request->set_request_id(RequestIdOf(options, session, part));
}

// The options as the audit log is told them.
v1::ChangeNote MakeNote(const NoteOptions& options, const Session& session);

// " (dry run)", " (dry run, nothing was sent)", or "".
std::string DryRunMark(const ChangeOptions& options);

// What is printed where nothing is sent: `request` as a document, or `line` with the mark.
absl::Status PrintUnsent(const google::protobuf::Message& request, const std::string& line,
                         const ChangeOptions& options, Session& session);

// `status`, the controller's answer to a change, with its fields named by their flags and, where it
// isn't known what became of it, how to repeat it; `request_id` is as --request-id would give it.
absl::Status DescribeChangeError(const absl::Status& status, const std::string& request_id);

}  // namespace hotplugger::client::fleet
