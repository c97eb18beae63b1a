#include "agent/drivers/knob/knob_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

bool IsPattern(const std::string& name) { return name.find_first_of("*?[\\") != std::string::npos; }

// The entries of `folder` that match `name`, as paths.
absl::Status AddMatches(const FileTree& tree, const std::string& folder, const std::string& name,
                        std::vector<std::string>* paths) {
  const absl::Status status = tree.Visit(folder, [&](absl::string_view entry, bool) {
    if (fnmatch(name.c_str(), std::string(entry).c_str(), FNM_PERIOD) == 0) {
      paths->push_back(absl::StrCat(folder, "/", entry));
    }
  });
  // Not a folder, or gone: it has no entries.
  return absl::IsNotFound(status) || ErrorReason(status) == "ENOTDIR" ? absl::OkStatus() : status;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FindKnobFiles(const FileTree& tree,
                                                       const std::string& pattern) {
  const std::vector<std::string> names = absl::StrSplit(pattern, '/');
  std::vector<std::string> paths = {names.front()};
  bool expanded = false;
  for (size_t i = 1; i < names.size(); ++i) {
    std::vector<std::string> longer;
    for (const std::string& path : paths) {
      if (IsPattern(names[i])) {
        expanded = true;
        RETURN_IF_ERROR(AddMatches(tree, path, names[i], &longer));
      } else {
        longer.push_back(absl::StrCat(path, "/", names[i]));
      }
    }
    if (longer.size() > kMaxKnobFiles) {
      return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_KNOBS",
                       absl::StrCat(tree.FullPath(pattern), " matches ", longer.size(),
                                    " files; at most ", kMaxKnobFiles, " are allowed"));
    }
    paths = std::move(longer);
  }
  std::vector<std::string> files;
  for (std::string& path : paths) {
    ASSIGN_OR_RETURN(const bool there, tree.Exists(path));
    if (there) files.push_back(std::move(path));
  }
  if (expanded) std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::vector<std::string>> FindFirstKnobFiles(
    const FileTree& tree, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    ASSIGN_OR_RETURN(std::vector<std::string> files, FindKnobFiles(tree, pattern));
    if (!files.empty()) return files;
  }
  return std::vector<std::string>();
}

}  // namespace hotplugger::agent
