#include "client/commands/fleet/change_options.h"

#include "client/flag_values.h"
#include "client/text.h"

namespace hotplugger::client::fleet {
namespace {

// What a field of an author may hold.
constexpr size_t kMaxAuthorBytes = 128;

}  // namespace

void DeclareChangeOptions(Arguments& arguments, ChangeOptions* options) {
  arguments.Mode("--dry-run",
                 "=client: check what can be checked here, and send no change; =server, or alone: "
                 "the controller checks everything and tells what would be, but stores nothing",
                 &options->dry_run, {"none", "client", "server"}, "server");
  arguments.Value("--reason", "TEXT", "why, for the next person", &options->reason);
  arguments.Value("--ticket", "TEXT", "where that is told at length, e.g. OPS-4711",
                  &options->ticket);
  arguments.Value("--author", "TEXT", "who does this [USER@HOST, as this host knows them]",
                  &options->author);
}

std::string AuthorOf(const ChangeOptions& options, const Session& session) {
  // A long host name is no reason to refuse a change.
  return options.author ? *options.author
                        : session.surroundings.Author().substr(0, kMaxAuthorBytes);
}

v1::ChangeNote MakeNote(const ChangeOptions& options, const Session& session) {
  v1::ChangeNote note;
  note.set_reason(options.reason.value_or(""));
  note.set_ticket(options.ticket.value_or(""));
  note.set_author(AuthorOf(options, session));
  return note;
}

std::string DryRunMark(const ChangeOptions& options) {
  if (options.only_here()) return " (dry run, nothing was sent)";
  return options.only_tried() ? " (dry run)" : "";
}

absl::Status PrintUnsent(const google::protobuf::Message& request, const std::string& line,
                         const ChangeOptions& options, Session& session) {
  if (session.format != OutputFormat::kTable) {
    return PrintDocument(request, session.format, session.out);
  }
  session.out << Printable(line) << DryRunMark(options) << '\n';
  return absl::OkStatus();
}

absl::Status NameChangeFlags(const absl::Status& status) {
  return NameFlags(status, {{"note.reason", "--reason"},
                            {"note.ticket", "--ticket"},
                            {"note.author", "--author"},
                            {"hold.reason", "--reason"},
                            {"hold.ticket", "--ticket"},
                            {"hold.author", "--author"},
                            {"hold.ttl", "--for"},
                            {"hold.expire_time", "--until"},
                            {"revision", "--revision"}});
}

}  // namespace hotplugger::client::fleet
