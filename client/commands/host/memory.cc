#include <memory>

#include "client/commands/host/memory_rows.h"
#include "client/commands/host/verbs.h"
#include "common/byte_size.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

absl::StatusOr<ExitCode> Memory(bool all, Session& session) {
  v1::ListDevicesRequest request;
  request.add_kinds(v1::DEVICE_KIND_MEMORY);
  ASSIGN_OR_RETURN(const v1::ListDevicesResponse response, session.host->ListDevices(request));
  PrintWarnings(response.warnings(), session.err);
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(response, session.format, session.out));
    return ExitCode::kOk;
  }
  if (response.devices().empty() && response.memory_block_size_bytes() == 0) {
    session.err << "this host's kernel has no memory hotplug, so there are no memory blocks\n";
  }
  MemoryTable(MemoryRows(response.devices(), /*joined=*/!all)).Print(session.out);
  const MemoryTotals totals = SumMemory(response.devices());
  session.out << "\nMemory block size:    " << FormatByteSize(response.memory_block_size_bytes())
              << "\nTotal online memory:  " << FormatByteSize(totals.online)
              << "\nTotal offline memory: " << FormatByteSize(totals.offline) << '\n';
  return ExitCode::kOk;
}

}  // namespace

Action DeclareMemory(Arguments& arguments) {
  auto all = std::make_shared<bool>(false);
  arguments.Switch("-a,--all", "every block in a row of its own; else neighbours alike are joined",
                   all.get());
  return [all](Session& session) { return Memory(*all, session); };
}

}  // namespace hotplugger::client::host
