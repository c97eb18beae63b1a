// The configuration file of a person: contexts, each of which names a controller and how to call
// it, and which of them is current.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/private_file.h"
#include "client/surroundings.h"

namespace hotplugger::client {

struct Context {
  // 1 to 63 letters, digits, '-', '_' and '.'.
  std::string name;
  // As --controller.
  std::string controller;
  bool insecure = false;
  std::optional<absl::Duration> timeout;
};

struct Contexts {
  // A context's name; empty: none is.
  std::string current;
  // By name.
  std::vector<Context> contexts;

  // nullptr where there is none of that name.
  const Context* Find(absl::string_view name) const;

  // Adds it, or replaces the one of its name.
  void Set(Context context);
};

// $HOTPLUGCTL_CONFIG, or ~/.config/hotplugger/config.yaml; empty where there is no home either.
std::string ContextPath(const Surroundings& surroundings);

// INVALID_ARGUMENT with everything that is wrong, each with its line. `file` is for messages.
absl::StatusOr<Contexts> ParseContexts(absl::string_view file, absl::string_view text);

// What ParseContexts reads back.
std::string FormatContexts(const Contexts& contexts);

// The same data as JSON in one line, without its end.
std::string ContextsJson(const Contexts& contexts);

// INVALID_ARGUMENT (BAD_CONTEXT_NAME) where a context can't have that name.
absl::Status CheckContextName(absl::string_view name);

// NOT_FOUND (NO_CONTEXT) names those that there are; `path` is the file's.
absl::StatusOr<Context> FindContext(const Contexts& contexts, const std::string& name,
                                    const std::string& path);

// The file.
class ContextFile {
 public:
  explicit ContextFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // None where there is no file, and where it is /dev/null. FAILED_PRECONDITION where `path` is
  // empty (NO_CONFIG), where somebody else could have written it (UNSAFE_PERMISSIONS), and where it
  // is no regular file (NOT_A_FILE).
  absl::StatusOr<Contexts> Read() const;

  // Reads it, has `change` change it, and replaces it whole; only its owner can read it. Nothing is
  // written where `change` refuses. Of several programs, or threads, one comes after the other, so
  // that nothing is lost.
  absl::Status Update(const std::function<absl::Status(Contexts*)>& change,
                      const LockWait& wait) const;

 private:
  const std::string path_;
};

}  // namespace hotplugger::client
