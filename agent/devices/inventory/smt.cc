#include "agent/devices/inventory/smt.h"

#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/inventory/kernel_text.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kControlFile[] = "sys/devices/system/cpu/smt/control";
constexpr char kActiveFile[] = "sys/devices/system/cpu/smt/active";

struct ControlWord {
  const char* word;
  v1::SmtControl control;
};

constexpr ControlWord kControlWords[] = {
    {"on", v1::SMT_CONTROL_ON},
    {"off", v1::SMT_CONTROL_OFF},
    {"forceoff", v1::SMT_CONTROL_FORCEOFF},
    {"notsupported", v1::SMT_CONTROL_NOT_SUPPORTED},
    {"notimplemented", v1::SMT_CONTROL_NOT_IMPLEMENTED},
};

constexpr char kExpected[] =
    "on, off, forceoff, notsupported, notimplemented or a number of threads";

// Nothing for what the kernel doesn't write.
std::optional<v1::SmtStatus> FindControl(absl::string_view value) {
  v1::SmtStatus smt;
  for (const ControlWord& row : kControlWords) {
    if (value != row.word) continue;
    smt.set_control(row.control);
    return smt;
  }
  const std::optional<int> threads = ParseDigits(value);
  if (!threads.has_value() || *threads == 0) return std::nullopt;
  smt.set_control(v1::SMT_CONTROL_PARTIAL);
  smt.set_threads_per_core(*threads);
  return smt;
}

}  // namespace

absl::StatusOr<v1::SmtStatus> ParseSmtControl(absl::string_view text) {
  const absl::string_view value = WithoutNewline(text);
  if (std::optional<v1::SmtStatus> smt = FindControl(value)) return *std::move(smt);
  return MakeError(absl::StatusCode::kInternal, "BAD_KERNEL_ANSWER",
                   absl::StrCat("smt/control reads \"", absl::Utf8SafeCEscape(value.substr(0, 64)),
                                "\", not ", kExpected));
}

absl::StatusOr<v1::SmtStatus> ReadSmt(const FileTree& tree) {
  ASSIGN_OR_RETURN(const std::optional<std::string> content, tree.ReadIfThere(kControlFile));
  if (!content.has_value()) {
    v1::SmtStatus none;
    none.set_control(v1::SMT_CONTROL_NOT_SUPPORTED);
    return none;
  }
  std::optional<v1::SmtStatus> smt = FindControl(WithoutNewline(*content));
  if (!smt.has_value()) {
    return BadKernelAnswer(tree, kControlFile, WithoutNewline(*content), kExpected);
  }
  ASSIGN_OR_RETURN(const bool active, ReadFlag(tree, kActiveFile));
  smt->set_active(active);
  return *std::move(smt);
}

}  // namespace hotplugger::agent
