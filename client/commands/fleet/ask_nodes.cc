#include "client/commands/fleet/ask_nodes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/node_selection.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// Whether it ended before any node was asked.
bool EndedAtOnce(const AskedNodes& asked) {
  if (!asked.answers.empty()) return false;
  switch (asked.ended.code()) {
    case absl::StatusCode::kUnavailable:
      return ErrorReason(asked.ended) == "UNREACHABLE";
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return false;
    default:
      return true;
  }
}

// What is known where not every node's answer came.
std::string WhatIsMissing(const AskedNodes& asked, const std::string& where_to_look) {
  const size_t count = asked.answers.size();
  const std::string answered = absl::StrCat(count == 0 ? "no" : absl::StrCat(count),
                                            count > 1 ? " nodes have" : " node has", " answered");
  if (where_to_look.empty()) return answered;
  return absl::StrCat(answered, count == 0 ? "; some" : "; others",
                      " may have been asked and do it all the same; ", where_to_look);
}

}  // namespace

AskedNodes AskNodes(const v1::OperateNodesRequest& request, Session& session,
                    const EditAnswer& edit) {
  AskedNodes asked;
  asked.ended = session.fleet->OperateNodes(
      request,
      [&](v1::OperateNodesResponse answer) {
        edit(&answer);
        if (session.format != OutputFormat::kTable) {
          asked.printed.Update(PrintStreamed(answer, session.format, session.out));
        }
        asked.answers.push_back(std::move(answer));
      },
      session.catch_interrupt());
  std::sort(asked.answers.begin(), asked.answers.end(),
            [](const auto& a, const auto& b) { return a.node() < b.node(); });
  return asked;
}

absl::StatusOr<ExitCode> EndOf(const AskedNodes& asked, const std::string& where_to_look,
                               Session& session) {
  // Documents have the errors in them.
  if (session.format == OutputFormat::kTable) PrintFailures(asked.answers, session.err);
  if (asked.ended.ok()) {
    RETURN_IF_ERROR(asked.printed);
    return ExitCodeOf(asked.answers);
  }
  if (!EndedAtOnce(asked)) session.err << WhatIsMissing(asked, where_to_look) << '\n';
  return NameNodeFlags(asked.ended);
}

}  // namespace hotplugger::client::fleet
