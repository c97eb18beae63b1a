#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/verbs.h"
#include "client/flag_values.h"
#include "client/policy_file/policy_source.h"
#include "client/policy_file/policy_text.h"
#include "client/text.h"
#include "client/text_diff.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// Whatever the controller has kept.
constexpr int kMaxRevision = std::numeric_limits<int>::max();

struct Options {
  std::optional<std::string> source;
  std::optional<std::string> kind;
  std::optional<std::string> name;
  std::optional<std::string> from;
  std::optional<std::string> to;
};

// As diff(1) and kubectl have it: 1 is no failure here, and every failure is above it.
ExitCode ExitCodeOfFailure(const absl::Status& status) {
  const ExitCode code = ExitCodeFor(status);
  return code == ExitCode::kFailure ? ExitCode::kUsage : code;
}

// What a comparison is about; an etag is no part of it.
std::string TextOf(v1::Policy policy) {
  policy.clear_etag();
  return FormatPolicy(policy);
}

// Absent: there is none of that name.
absl::StatusOr<std::optional<v1::Policy>> StoredPolicy(const std::string& name, Session& session) {
  v1::GetPolicyRequest request;
  request.set_name(name);
  const absl::StatusOr<v1::GetPolicyResponse> response = session.fleet->GetPolicy(request);
  if (absl::IsNotFound(response.status())) return std::nullopt;
  RETURN_IF_ERROR(response.status());
  return response->policy();
}

// The policy as the controller would store it: lists sorted, names in one form. Compared as it is
// written, a file would differ for ever from what came of it.
absl::StatusOr<v1::Policy> AsItWouldBeStored(v1::Policy policy, Session& session) {
  policy.clear_etag();
  v1::ApplyPolicyRequest request;
  *request.mutable_policy() = std::move(policy);
  request.set_validate_only(true);
  ASSIGN_OR_RETURN(v1::ApplyPolicyResponse response, session.fleet->ApplyPolicy(request));
  return std::move(*response.mutable_policy());
}

// Whether they differ.
absl::StatusOr<bool> CompareWithStored(const SourcedPolicy& sourced, Session& session) {
  const std::string& name = sourced.policy.name();
  ASSIGN_OR_RETURN(const std::optional<v1::Policy> stored, StoredPolicy(name, session));
  ASSIGN_OR_RETURN(const v1::Policy wanted, AsItWouldBeStored(sourced.policy, session));
  const std::string old_name =
      stored ? absl::StrCat("policy/", name, " revision ", stored->revision()) : "/dev/null";
  const std::string diff =
      UnifiedDiff(Printable(old_name), absl::StrCat(Printable(sourced.file), " policy/", name),
                  stored ? TextOf(*stored) : "", TextOf(wanted));
  session.out << PrintableLines(diff);
  return !diff.empty();
}

absl::StatusOr<ExitCode> CompareFiles(const std::string& source, Session& session) {
  ASSIGN_OR_RETURN(const std::vector<SourcedPolicy> policies, ReadPolicySource(source, session.in));
  bool any_differs = false;
  absl::Status first_error;
  for (const SourcedPolicy& sourced : policies) {
    const absl::StatusOr<bool> differs = CompareWithStored(sourced, session);
    if (!differs.ok()) {
      session.err << "policy/" << Printable(sourced.policy.name()) << " not compared:\n";
      PrintError(differs.status(), session.err);
      first_error.Update(differs.status());
      // Nobody will answer the others either.
      if (absl::IsUnavailable(differs.status())) break;
      continue;
    }
    any_differs = any_differs || *differs;
  }
  if (!first_error.ok()) return ExitCodeOfFailure(first_error);
  return any_differs ? ExitCode::kFailure : ExitCode::kOk;
}

absl::StatusOr<v1::Policy> AtRevision(const std::string& name, int revision, Session& session) {
  v1::GetPolicyRequest request;
  request.set_name(name);
  request.set_revision(revision);
  ASSIGN_OR_RETURN(v1::GetPolicyResponse response, session.fleet->GetPolicy(request));
  return std::move(*response.mutable_policy());
}

absl::StatusOr<ExitCode> CompareRevisions(const Options& options, Session& session) {
  Violations violations;
  const int from = ReadNumber("--from", *options.from, 1, kMaxRevision, &violations);
  // None: the current one.
  const int to = options.to ? ReadNumber("--to", *options.to, 1, kMaxRevision, &violations) : 0;
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  ASSIGN_OR_RETURN(const v1::Policy old_policy, AtRevision(*options.name, from, session));
  ASSIGN_OR_RETURN(const v1::Policy new_policy, AtRevision(*options.name, to, session));
  const auto name_of = [](const v1::Policy& policy) {
    return Printable(absl::StrCat("policy/", policy.name(), " revision ", policy.revision()));
  };
  const std::string diff =
      UnifiedDiff(name_of(old_policy), name_of(new_policy), TextOf(old_policy), TextOf(new_policy));
  session.out << PrintableLines(diff);
  return diff.empty() ? ExitCode::kOk : ExitCode::kFailure;
}

absl::Status Check(const Options& options) {
  const bool of_policy = options.kind || options.name || options.from || options.to;
  if (options.source && !of_policy) return absl::OkStatus();
  if (!options.source && options.kind == "policy" && options.name && options.from) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ARGUMENTS",
                   "diff takes either -f FILE, or policy NAME --from N and, if it isn't the "
                   "current one, --to M");
}

absl::StatusOr<ExitCode> Compare(const Options& options, Session& session) {
  RETURN_IF_ERROR(Check(options));
  return options.source ? CompareFiles(*options.source, session)
                        : CompareRevisions(options, session);
}

absl::StatusOr<ExitCode> Diff(const Options& options, Session& session) {
  absl::StatusOr<ExitCode> result = Compare(options, session);
  if (result.ok()) return result;
  PrintError(result.status(), session.err);
  return ExitCodeOfFailure(result.status());
}

}  // namespace

Action DeclareDiff(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Optional("KIND", "policy: compare two revisions of one", &options->kind);
  arguments.Optional("NAME", "its name", &options->name);
  arguments.Value("-f,--file", "FILE",
                  "show what applying this would change: a file, a folder, or - for standard input",
                  &options->source);
  arguments.Value("--from", "N", "the older revision", &options->from);
  arguments.Value("--to", "M", "the newer revision [the current one]", &options->to);
  return [options](Session& session) { return Diff(*options, session); };
}

}  // namespace hotplugger::client::fleet
