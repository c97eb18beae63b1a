#include "client/commands/fleet/explain_view.h"

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/commands/drivers/operation_view.h"
#include "client/commands/host/device_explanation.h"
#include "client/item_results.h"
#include "client/output.h"
#include "client/text.h"
#include "common/error_info.h"
#include "common/proto_time.h"
#include "common/rpc_status.h"

namespace hotplugger::client::fleet {
namespace {

constexpr size_t kIndent = 2;

bool IsOfHold(const v1::Claim& claim) { return absl::StartsWith(claim.source(), "hold/"); }

std::string Verdict(const v1::Claim& claim) {
  return claim.decides() ? "decides" : claim.why_not();
}

// "by ada@desk; ticket OPS-4711; ends in 1h59m; reason: machine checks"; "" where nothing is said.
std::string HoldText(const v1::Claim& claim, absl::Time now) {
  std::vector<std::string> parts;
  if (!claim.author().empty()) parts.push_back(absl::StrCat("by ", claim.author()));
  if (!claim.ticket().empty()) parts.push_back(absl::StrCat("ticket ", claim.ticket()));
  if (claim.has_expire_time()) {
    parts.push_back(absl::StrCat("ends ", FormatUntil(ToTime(claim.expire_time()) - now)));
  }
  if (!claim.reason().empty()) parts.push_back(absl::StrCat("reason: ", claim.reason()));
  return absl::StrJoin(parts, "; ");
}

void PrintClaims(const v1::ExplainSubjectResponse& explanation, absl::Time now, std::ostream& out) {
  out << "\nWho has a say, the first the last word:"
      << (explanation.claims().empty() ? " nobody\n" : "\n");
  if (explanation.claims().empty()) return;
  Table table({"SOURCE", "PRIORITY", "SETTING", "WANTS", "VERDICT"});
  for (const v1::Claim& claim : explanation.claims()) {
    table.AddRow({claim.source(), IsOfHold(claim) ? "" : absl::StrCat(claim.priority()),
                  claim.setting(), claim.wants(), Verdict(claim)});
  }
  table.AlignRight({1});
  table.Print(out, kIndent);
  for (const v1::Claim& claim : explanation.claims()) {
    const std::string text = HoldText(claim, now);
    if (!text.empty()) out << "  " << Printable(absl::StrCat(claim.source(), ": ", text)) << '\n';
  }
}

void PrintDrift(const v1::ExplainSubjectResponse& explanation, absl::Time now, std::ostream& out) {
  if (explanation.drift().empty()) return;
  out << "  left unlike the spec:\n";
  Table table({"SUBJECT", "WANTED", "FOUND", "SINCE", "BY"});
  for (const v1::DriftItem& item : explanation.drift()) {
    table.AddRow({item.subject(), item.wanted(), item.found(),
                  item.has_since_time() ? FormatAge(now - ToTime(item.since_time())) : "",
                  item.actor()});
  }
  table.Print(out, kIndent);
}

void PrintReported(const v1::ExplainSubjectResponse& explanation, absl::Time now,
                   std::ostream& out) {
  const std::string state =
      explanation.state() == v1::APPLY_STATE_UNSPECIFIED
          ? "nothing yet"
          : absl::AsciiStrToUpper(ShortEnumName(*v1::ApplyState_descriptor(), explanation.state()));
  out << "\nWhat " << Printable(explanation.node()) << " reports of its spec: " << state << '\n';
  PrintDrift(explanation, now, out);
  if (!explanation.last_results().empty()) {
    ResultTable(explanation.last_results()).Print(out, kIndent);
  }
}

// Each line of `text` further in.
void PrintIndented(const std::string& text, std::ostream& out) {
  for (const absl::string_view line :
       absl::StrSplit(absl::StripTrailingAsciiWhitespace(text), '\n')) {
    out << (line.empty() ? "" : "  ") << line << '\n';
  }
}

void PrintDriverPart(const v1::ExplainSubjectResponse& explanation, std::ostream& out) {
  const std::string node = Printable(explanation.node());
  if (!explanation.has_driver()) {
    out << "\nIt is not registered at " << node << '\n';
    return;
  }
  out << "\nThe driver, as " << node << " last told:\n";
  std::ostringstream text;
  PrintDriver(explanation.driver(), text);
  PrintIndented(text.str(), out);
}

void PrintHostPart(const v1::ExplainSubjectResponse& explanation, absl::Time now,
                   std::ostream& out) {
  if (explanation.has_host_error()) {
    const absl::Status error = FromRpcStatus(explanation.host_error());
    const std::string reason = ErrorReason(error);
    out << "\nThe host said nothing: "
        << Printable(error.message().empty() ? absl::StatusCodeToString(error.code())
                                             : std::string(error.message()))
        << (reason.empty() ? "" : absl::StrCat(" (", Printable(reason), ")")) << '\n';
  } else if (explanation.has_host()) {
    out << "\nWhat the host says:\n";
    std::ostringstream text;
    host::PrintExplanation(explanation.host(), now, text);
    PrintIndented(text.str(), out);
  }
}

}  // namespace

void PrintExplanation(const v1::ExplainSubjectResponse& explanation, absl::Time now,
                      std::ostream& out) {
  if (!explanation.summary().empty()) out << Printable(explanation.summary()) << '\n';
  PrintClaims(explanation, now, out);
  PrintReported(explanation, now, out);
  if (absl::StartsWith(explanation.subject(), "driver/")) {
    PrintDriverPart(explanation, out);
  } else {
    PrintHostPart(explanation, now, out);
  }
}

}  // namespace hotplugger::client::fleet
