#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/fleet/verbs.h"
#include "client/policy_file/policy_file.h"
#include "client/text.h"
#include "common/status_macros.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::client::fleet {
namespace {

struct Options {
  std::string file;
  bool dry_run = false;
};

absl::StatusOr<std::vector<v1::Policy>> ReadPolicies(const std::string& file, std::istream& in) {
  if (file != "-") return ReadPolicyFile(file);
  std::string text(kMaxYamlBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return ParsePolicies("(stdin)", text);
}

void PrintApplied(const v1::ApplyPolicyResponse& response, bool dry_run, Session& session) {
  if (session.format == OutputFormat::kTable) {
    session.out << "policy/" << response.policy().name()
                << (response.changed() ? " applied" : " unchanged") << " (revision "
                << response.policy().revision() << ", matches " << response.matched_nodes()
                << (response.matched_nodes() == 1 ? " node" : " nodes") << ")"
                << (dry_run ? " (dry run)" : "") << '\n';
  }
  PrintWarnings(response.warnings(), session.err);
}

// All answers as one document: a list, also of one.
absl::Status PrintResponses(const std::vector<v1::ApplyPolicyResponse>& responses,
                            Session& session) {
  std::vector<std::string> documents;
  for (const v1::ApplyPolicyResponse& response : responses) {
    ASSIGN_OR_RETURN(documents.emplace_back(), ToJson(response));
  }
  PrintJsonAs(session.format, absl::StrCat("[\n", absl::StrJoin(documents, ",\n"), "]\n"),
              session.out);
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Apply(const Options& options, Session& session) {
  // Everything is read before anything is sent: a mistake in the last document changes nothing.
  const auto policies = ReadPolicies(options.file, session.in);
  if (!policies.ok()) {
    PrintError(policies.status(), session.err);
    return ExitCode::kUsage;
  }
  std::vector<v1::ApplyPolicyResponse> responses;
  absl::Status first_error;
  for (const v1::Policy& policy : *policies) {
    v1::ApplyPolicyRequest request;
    *request.mutable_policy() = policy;
    request.set_validate_only(options.dry_run);
    auto response = session.fleet->ApplyPolicy(request);
    if (response.ok()) {
      PrintApplied(*response, options.dry_run, session);
      responses.push_back(*std::move(response));
      continue;
    }
    session.err << "policy/" << Printable(policy.name()) << " not applied:\n";
    PrintError(response.status(), session.err);
    first_error.Update(response.status());
    // Nobody will answer the others either.
    if (response.status().code() == absl::StatusCode::kUnavailable) break;
  }
  if (session.format != OutputFormat::kTable) RETURN_IF_ERROR(PrintResponses(responses, session));
  if (!first_error.ok() && !responses.empty()) return ExitCode::kPartial;
  return ExitCodeFor(first_error);
}

}  // namespace

Action DeclareApply(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Option("-f,--file", "YAML file with one or several policies; - for standard input",
                   &options->file, /*required=*/true);
  arguments.Switch("--dry-run", "check everything and tell what would be, but store nothing",
                   &options->dry_run);
  return [options](Session& session) { return Apply(*options, session); };
}

}  // namespace hotplugger::client::fleet
