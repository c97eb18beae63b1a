#include "client/commands/man.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/man_page.h"
#include "client/text.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

struct Options {
  std::optional<std::string> verb;
  std::optional<std::string> directory;
};

absl::Status WritePages(const std::string& directory, Session& session) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return ErrnoStatus(error.value(), "make the folder", directory);
  const std::vector<ManPage> pages = AllPages();
  for (const ManPage& page : pages) {
    const std::string path = absl::StrCat(directory, "/", page.file_name);
    std::ofstream file(path, std::ios::trunc);
    file << page.text;
    file.close();
    if (!file) return ErrnoStatus(errno == 0 ? EIO : errno, "write", path);
  }
  session.out << pages.size() << " pages in " << Printable(directory) << '\n';
  return absl::OkStatus();
}

absl::Status PrintPage(const std::optional<std::string>& verb, Session& session) {
  const ScopeDescription scope = DescribeScope(session.flags.host_scope);
  if (!verb) {
    session.out << ProgramPage(DescribeScope(false), DescribeScope(true)).text;
    return absl::OkStatus();
  }
  const VerbDescription* const found = scope.Find(*verb);
  if (found == nullptr) {
    return MakeFieldErrors(
        {{"VERB",
          absl::StrCat("\"", Printable(*verb), "\" is no verb ",
                       scope.host_scope ? "for this host" : "for the fleet; --host has others")}});
  }
  session.out << VerbPage(scope, *found).text;
  return absl::OkStatus();
}

}  // namespace

Action DeclareMan(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Optional("VERB", "of which verb; none: of the whole program", &options->verb);
  arguments.Value("--directory", "DIR", "write the pages of the program and all verbs there",
                  &options->directory);
  return [options](Session& session) -> absl::StatusOr<ExitCode> {
    RETURN_IF_ERROR(options->directory ? WritePages(*options->directory, session)
                                       : PrintPage(options->verb, session));
    return ExitCode::kOk;
  };
}

}  // namespace hotplugger::client
