#include "server/metrics/node_series_limit.h"

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::server {
namespace {

constexpr char kOffWord[] = "off";
constexpr char kAllWord[] = "all";

}  // namespace

absl::StatusOr<NodeSeriesLimit> NodeSeriesLimit::Parse(absl::string_view text) {
  if (text == kOffWord) return Off();
  if (text == kAllWord) return All();
  size_t nodes = 0;
  if (absl::SimpleAtoi(text, &nodes) && nodes >= 1 && nodes <= kLargest) return First(nodes);
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_NODE_LIMIT",
                   absl::StrCat("\"", absl::CHexEscape(text), "\" is neither a number from 1 to ",
                                kLargest, " nor off nor all"));
}

std::string NodeSeriesLimit::ToString() const {
  if (kind_ == Kind::kOff) return kOffWord;
  if (kind_ == Kind::kAll) return kAllWord;
  return absl::StrCat(nodes_);
}

}  // namespace hotplugger::server
