#include "client/commands/fleet/change_options.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/flag_values.h"
#include "client/retrying_fleet_client.h"
#include "client/text.h"
#include "common/digest.h"

namespace hotplugger::client::fleet {
namespace {

// What a field of an author may hold.
constexpr size_t kMaxAuthorBytes = 128;

// What the controller takes as an id, and what is added to one to tell changes apart: a dash and
// the beginning of a digest.
constexpr size_t kMaxRequestId = 64;
constexpr size_t kPartDigits = 8;

}  // namespace

void DeclareNoteOptions(Arguments& arguments, NoteOptions* options) {
  arguments.Value("--reason", "TEXT", "why, for the next person; empty as none", &options->reason);
  arguments.Value("--ticket", "TEXT", "where that is told at length, e.g. OPS-4711",
                  &options->ticket);
  arguments.Value("--author", "TEXT", "who does this [USER@HOST, as this host knows them]",
                  &options->author);
}

void DeclareChangeOptions(Arguments& arguments, ChangeOptions* options) {
  arguments.Mode("--dry-run",
                 "=client: check what can be checked here, and send no change; =server, or alone: "
                 "the controller checks everything and tells what would be, but stores nothing",
                 &options->dry_run, {"none", "client", "server"}, "server");
  DeclareNoteOptions(arguments, &options->note);
  arguments.Value("--request-id", "ID",
                  "what is asked for under one id is done once, for an hour: a script that repeats "
                  "itself gives the same [a random one]",
                  &options->request_id);
}

std::string AuthorOf(const NoteOptions& options, const Session& session) {
  // A long host name, or an odd one, is no reason to refuse a change.
  return options.author ? *options.author
                        : CutText(Printable(session.surroundings.Author()), kMaxAuthorBytes);
}

absl::Status CheckRequestId(const ChangeOptions& options, bool for_several) {
  if (!options.request_id) return absl::OkStatus();
  const std::string& id = *options.request_id;
  const size_t most = for_several ? kMaxRequestId - 1 - kPartDigits : kMaxRequestId;
  const bool valid =
      !id.empty() && id.size() <= most && std::all_of(id.begin(), id.end(), [](unsigned char byte) {
        return absl::ascii_isalnum(byte) || byte == '-' || byte == '_';
      });
  if (valid) return absl::OkStatus();
  return MakeFieldErrors(
      {{"--request-id", absl::StrCat(Quoted(id), " is not 1 to ", most,
                                     " of a-z, A-Z, 0-9, '-' and '_'; a UUID is a good one")}});
}

std::string RequestIdOf(const ChangeOptions& options, Session& session, const std::string& part) {
  if (!options.request_id) return session.surroundings.NewRequestId();
  if (part.empty()) return *options.request_id;
  return absl::StrCat(*options.request_id, "-", Sha256Hex(part).substr(0, kPartDigits));
}

v1::ChangeNote MakeNote(const NoteOptions& options, const Session& session) {
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

absl::Status DescribeChangeError(const absl::Status& status, const std::string& request_id) {
  // What nobody has got was not done.
  if (IsUnanswered(status) && !IsUnreached(status) && !request_id.empty()) {
    return AndAlso(status, absl::StrCat("; to ask once more and have it done no more than once, "
                                        "repeat the command with --request-id ",
                                        Printable(request_id)));
  }
  return NameFlags(status, {{"note.reason", "--reason"},
                            {"note.ticket", "--ticket"},
                            {"note.author", "--author"},
                            {"hold.reason", "--reason"},
                            {"hold.ticket", "--ticket"},
                            {"hold.author", "--author"},
                            {"hold.ttl", "--for"},
                            {"hold.expire_time", "--until"},
                            {"request_id", "--request-id"},
                            {"revision", "--revision"}});
}

}  // namespace hotplugger::client::fleet
