#include "client/commands/drivers/operation_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/text.h"

namespace hotplugger::client {

const google::protobuf::Message& ResponseIn(const v1::OperationResult& result) {
  const google::protobuf::OneofDescriptor* const oneof =
      v1::OperationResult::descriptor()->oneof_decl(0);
  const google::protobuf::Reflection& reflection = *result.GetReflection();
  return reflection.GetMessage(result, reflection.GetOneofFieldDescriptor(result, oneof));
}

const google::protobuf::RepeatedPtrField<v1::ItemResult>& ItemsOf(
    const v1::OperationResult& result) {
  switch (result.result_case()) {
    case v1::OperationResult::kEnableDriver:
      return result.enable_driver().results();
    case v1::OperationResult::kDisableDriver:
      return result.disable_driver().results();
    case v1::OperationResult::kRegisterDriver:
      return result.register_driver().results();
    case v1::OperationResult::kUnregisterDriver:
      return result.unregister_driver().results();
    default:
      // Of the others, whose default instance this is, there are none.
      return result.switch_drivers().results();
  }
}

void PrintDriver(const v1::Driver& driver, std::ostream& out) {
  const auto line = [&out](const std::string& name, const std::string& value) {
    std::string head = absl::StrCat(name, ":");
    head.resize(14, ' ');
    out << head << (value.empty() ? "-" : Printable(value)) << '\n';
  };
  line("name", driver.name());
  line("description", driver.description());
  line("provider", ShortEnumName(*v1::DriverProvider_descriptor(), driver.provider()));
  line("state", ShortEnumName(*v1::DriverState_descriptor(), driver.state()));
  line("detail", driver.detail());
  if (!driver.power().empty()) line("power", driver.power());
  line("whitelist", driver.whitelist_known() ? absl::StrJoin(driver.whitelist(), ", ") : "unknown");
  if (driver.decisions().empty()) return;
  out << "\ndecisions, the latest first:\n";
  Table table({"TIME", "DECISION"});
  for (const v1::DriverDecision& decision : driver.decisions()) {
    table.AddRow(DecisionCells(decision));
  }
  table.Print(out, 2);
}

std::vector<std::string> DecisionCells(const v1::DriverDecision& decision) {
  const absl::Time time = absl::FromUnixSeconds(decision.time().seconds());
  return {absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()),
          absl::StrCat(decision.dry_run() ? "dry run: " : "", decision.text())};
}

std::vector<std::string> ActorCells(const v1::ConflictingActor& actor) {
  return {ShortEnumName(*v1::ConflictingActor::Kind_descriptor(), actor.kind()), actor.name(),
          actor.place(), actor.effect()};
}

void PrintNoActors(std::ostream& out) {
  out << "nothing is known to change devices besides the registered drivers\n";
}

void PrintActors(const v1::ListConflictingActorsResponse& response, std::ostream& out) {
  if (response.actors().empty()) {
    PrintNoActors(out);
    return;
  }
  Table table({"KIND", "NAME", "PLACE", "EFFECT"});
  for (const v1::ConflictingActor& actor : response.actors()) {
    table.AddRow(ActorCells(actor));
  }
  table.Print(out);
  for (const v1::ConflictingActor& actor : response.actors()) {
    out << "\nto neutralise " << Printable(actor.name()) << " (" << Printable(actor.place())
        << "):\n  " << Printable(actor.remedy()) << '\n';
  }
}

}  // namespace hotplugger::client
