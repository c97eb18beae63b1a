#include "client/item_results.h"

#include <algorithm>

#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client {

bool IsDone(const v1::ItemResult& item) {
  return item.outcome() == v1::OUTCOME_CHANGED || item.outcome() == v1::OUTCOME_ALREADY;
}

absl::StatusOr<ExitCode> PrintResults(
    const google::protobuf::Message& response,
    const google::protobuf::RepeatedPtrField<v1::ItemResult>& results, Session& session) {
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(response, session.format, session.out));
  } else {
    ResultTable(results).Print(session.out);
  }
  const auto done = std::count_if(results.begin(), results.end(), &IsDone);
  return ExitCodeForShare(static_cast<int>(done), results.size());
}

Table ResultTable(const google::protobuf::RepeatedPtrField<v1::ItemResult>& results,
                  const std::string& outcome) {
  Table table({"SUBJECT", outcome, "REASON", "MESSAGE"});
  for (const v1::ItemResult& item : results) {
    table.AddRow({item.subject(), ShortEnumName(*v1::Outcome_descriptor(), item.outcome()),
                  item.reason(), item.message()});
  }
  return table;
}

ExitCode ExitCodeForShare(int done, int total) {
  if (done == total) return ExitCode::kOk;
  return done == 0 ? ExitCode::kFailure : ExitCode::kPartial;
}

}  // namespace hotplugger::client
