// How events are shown.
#pragma once

#include "client/command.h"
#include "hotplugger/v1/event.pb.h"

namespace hotplugger::client::fleet {

// AGE SEVERITY TYPE ABOUT MESSAGE, and with -o wide TIME SEQUENCE.
Table EventTable(const Session& session);
void AddEvent(const v1::Event& event, const Session& session, Table* table);

// Of a table on standard output.
TableStyle EventStyle(const Session& session);

// "event/123": its sequence.
void PrintEventName(const v1::Event& event, std::ostream& out);

}  // namespace hotplugger::client::fleet
