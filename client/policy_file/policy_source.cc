#include "client/policy_file/policy_source.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/policy_file/policy_file.h"
#include "client/text.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/regular_file.h"
#include "common/status_macros.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::client {
namespace {

using Violations = std::vector<FieldViolation>;

constexpr char kStandardInput[] = "(stdin)";

absl::StatusOr<std::vector<v1::Policy>> ReadStream(std::istream& in) {
  // One byte more than is read, so that a longer one is refused rather than cut.
  std::string text(kMaxYamlBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return ParsePolicies(kStandardInput, text);
}

std::vector<SourcedPolicy> From(const std::string& file, std::vector<v1::Policy> policies) {
  std::vector<SourcedPolicy> sourced;
  sourced.reserve(policies.size());
  for (v1::Policy& policy : policies) sourced.push_back({file, std::move(policy)});
  return sourced;
}

// An editor's lock (.#park.yaml) and copies (.park.yaml.swp, park.yaml~) are none.
bool HasPolicyName(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return path.filename().string().front() != '.' &&
         (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

// By name.
absl::StatusOr<std::vector<std::string>> FilesIn(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  std::filesystem::directory_iterator entry(folder, error);
  const std::filesystem::directory_iterator end;
  for (; !error && entry != end; entry.increment(error)) {
    std::error_code unreadable;
    // A link to a file is one; a pipe or device would never end, or begin. What can't be looked at
    // is left to be an error: a link that leads nowhere is a mistake.
    const auto type = entry->status(unreadable).type();
    const bool special = type != std::filesystem::file_type::regular &&
                         type != std::filesystem::file_type::not_found &&
                         type != std::filesystem::file_type::none;
    if (HasPolicyName(entry->path()) && !special) {
      files.push_back(entry->path().string());
    }
  }
  if (error) return ErrnoStatus(error.value(), "list", folder);
  std::sort(files.begin(), files.end());
  if (!files.empty()) return files;
  return MakeError(absl::StatusCode::kInvalidArgument, "NO_FILES",
                   absl::StrCat(Printable(folder),
                                " has no file that ends in .yaml, .yml or .json; folders below it, "
                                "hidden files, pipes and devices are not read"));
}

// What is wrong with one file, as it is listed among those of others.
void AddProblems(const std::string& file, const absl::Status& status, Violations* violations) {
  Violations of_file = ErrorFieldViolations(status);
  if (of_file.empty()) of_file.push_back({file, std::string(status.message())});
  violations->insert(violations->end(), of_file.begin(), of_file.end());
}

void CheckNames(const std::vector<SourcedPolicy>& policies, Violations* violations) {
  std::map<std::string, std::string> files;
  for (const SourcedPolicy& sourced : policies) {
    const auto [first, is_first] = files.try_emplace(sourced.policy.name(), sourced.file);
    // Twice in one file is that file's own error.
    if (is_first || first->second == sourced.file) continue;
    violations->push_back(
        {Printable(sourced.file), absl::StrCat("the policy ", sourced.policy.name(), " is in ",
                                               Printable(first->second), " too")});
  }
}

// Whatever stands in its place by now, nothing is waited for.
absl::StatusOr<std::vector<v1::Policy>> ReadFileOfFolder(const std::string& file) {
  ASSIGN_OR_RETURN(const std::optional<std::string> text,
                   ReadRegularFile(AT_FDCWD, file, Printable(file), kMaxYamlBytes));
  if (!text) return ErrnoStatus(ENOENT, "open", file);
  return ParsePolicies(file, *text);
}

absl::StatusOr<std::vector<SourcedPolicy>> ReadFolder(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesIn(folder));
  std::vector<SourcedPolicy> all;
  Violations violations;
  for (const std::string& file : files) {
    auto policies = ReadFileOfFolder(file);
    if (!policies.ok()) {
      AddProblems(Printable(file), policies.status(), &violations);
      continue;
    }
    std::vector<SourcedPolicy> sourced = From(file, *std::move(policies));
    all.insert(all.end(), std::make_move_iterator(sourced.begin()),
               std::make_move_iterator(sourced.end()));
  }
  CheckNames(all, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return all;
}

}  // namespace

absl::StatusOr<std::vector<SourcedPolicy>> ReadPolicySource(const std::string& path,
                                                            std::istream& in) {
  if (path == "-") {
    ASSIGN_OR_RETURN(std::vector<v1::Policy> policies, ReadStream(in));
    return From(kStandardInput, std::move(policies));
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return ReadFolder(path);
  ASSIGN_OR_RETURN(std::vector<v1::Policy> policies, ReadPolicyFile(path));
  return From(path, std::move(policies));
}

}  // namespace hotplugger::client
