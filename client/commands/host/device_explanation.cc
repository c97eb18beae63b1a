#include "client/commands/host/device_explanation.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/host/device_view.h"
#include "client/output.h"
#include "client/text.h"

namespace hotplugger::client::host {
namespace {

std::string StateName(v1::DeviceState state) {
  return ShortEnumName(*v1::DeviceState_descriptor(), state);
}

// ": MESSAGE", printable, or "".
std::string After(const std::string& message) {
  return message.empty() ? "" : absl::StrCat(": ", Printable(message));
}

// How long an obstacle stands, for a person.
std::string HowLong(v1::RetryClass retry) {
  switch (retry) {
    case v1::RETRY_CLASS_TRANSIENT:
      return " (may work when tried again)";
    case v1::RETRY_CLASS_CONDITIONAL:
      return " (until something else on the host changes)";
    case v1::RETRY_CLASS_PERMANENT:
      return " (until a person changes something)";
    default:
      return "";
  }
}

void PrintInfluences(const v1::ExplainDeviceResponse& explanation, std::ostream& out) {
  out << "\nWho has a say, the first the last word:";
  if (explanation.influences().empty()) out << " nobody that is known";
  out << '\n';
  for (const v1::Influence& influence : explanation.influences()) {
    const bool wants = influence.wants() != v1::DEVICE_STATE_UNSPECIFIED;
    out << "  " << Printable(influence.source())
        << (wants ? absl::StrCat(" wants it ", StateName(influence.wants())) : "")
        << After(influence.message()) << '\n';
  }
}

void PrintObstacles(absl::string_view direction,
                    const google::protobuf::RepeatedPtrField<v1::ItemResult>& obstacles,
                    std::ostream& out) {
  out << "\nWhat stops it from going " << direction << ':';
  if (obstacles.empty()) out << " nothing that is known";
  out << '\n';
  for (const v1::ItemResult& obstacle : obstacles) {
    out << "  " << Printable(obstacle.reason().empty() ? obstacle.subject() : obstacle.reason())
        << After(obstacle.message()) << HowLong(obstacle.retry()) << '\n';
  }
}

// "5m ago: offline, failed, EBUSY: in use".
std::string OperationText(const v1::OperationRecord& operation, absl::Time now) {
  const v1::ItemResult& result = operation.result();
  std::string text = "at an unknown time";
  if (operation.has_time()) {
    text = absl::StrCat(FormatAge(now - absl::FromUnixSeconds(operation.time().seconds())), " ago");
  }
  absl::StrAppend(&text, ": ", StateName(operation.wanted()), ", ",
                  ShortEnumName(*v1::Outcome_descriptor(), result.outcome()));
  if (!result.reason().empty()) absl::StrAppend(&text, ", ", Printable(result.reason()));
  return absl::StrCat(text, After(result.message()));
}

}  // namespace

void PrintExplanation(const v1::ExplainDeviceResponse& explanation, absl::Time now,
                      std::ostream& out) {
  if (!explanation.summary().empty()) out << Printable(explanation.summary()) << "\n\n";
  PrintDeviceFacts(explanation.device(), out);
  PrintInfluences(explanation, out);
  PrintObstacles("offline", explanation.offline_obstacles(), out);
  PrintObstacles("online", explanation.online_obstacles(), out);
  out << "\nLast operations:";
  if (explanation.operations().empty()) out << " none that are known";
  out << '\n';
  for (const v1::OperationRecord& operation : explanation.operations()) {
    out << "  " << OperationText(operation, now) << '\n';
  }
}

}  // namespace hotplugger::client::host
