#include "client/commands/fleet/get_filter.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/flag_values.h"
#include "client/selector_text.h"
#include "client/text.h"
#include "common/driver_rules.h"
#include "common/node_pattern.h"
#include "common/proto_time.h"

namespace hotplugger::client::fleet {
namespace {

constexpr absl::Duration kMaxWithin = absl::Hours(24 * 3650);

// Flags that another kind would ignore are mistakes.
void CheckKind(const FilterOptions& options, const std::string& kind, Violations* violations) {
  const auto only = [&](bool given, const std::string& flag, bool right, absl::string_view kinds) {
    if (given && !right) violations->push_back({flag, absl::StrCat("is for ", kinds, " alone")});
  };
  const bool nodes = kind == "nodes";
  const bool holds = kind == "holds";
  only(options.selector.has_value(), "--selector", nodes, "get nodes");
  only(options.policy.has_value(), "--policy", nodes, "get nodes");
  only(options.connected, "--connected", nodes, "get nodes");
  only(options.not_connected, "--not-connected", nodes, "get nodes");
  only(options.in_sync, "--in-sync", nodes, "get nodes");
  only(options.out_of_sync, "--out-of-sync", nodes, "get nodes");
  only(!options.states.empty(), "--state", nodes, "get nodes");
  only(options.condition.has_value(), "--condition", nodes, "get nodes");
  only(options.node.has_value(), "--node", holds || kind == "policies",
       "get policies and get holds");
  only(options.subject.has_value(), "--subject", holds, "get holds");
  only(options.author.has_value(), "--author", holds, "get holds");
  only(options.ticket.has_value(), "--ticket", holds, "get holds");
  only(options.expires_within.has_value(), "--expires-within", holds, "get holds");
}

// An empty one would pass for none: a script's empty variable must not list all.
std::string Text(const std::string& flag, const std::optional<std::string>& text,
                 Violations* violations) {
  if (text && text->empty()) {
    violations->push_back({flag, "is empty; leave it out where it is not meant"});
  }
  return text.value_or("");
}

std::string Pattern(const std::string& flag, const std::optional<std::string>& text,
                    Violations* violations) {
  if (!text) return "";
  const absl::Status status = ValidateNodePattern(*text);
  if (!status.ok()) violations->push_back({flag, std::string(status.message())});
  return *text;
}

void ReadState(const std::string& text, v1::NodeFilter* filter, Violations* violations) {
  const auto& states = *v1::ApplyState_descriptor();
  std::vector<std::string> words;
  for (int i = 1; i < states.value_count(); ++i) {
    words.push_back(absl::AsciiStrToUpper(ShortEnumName(*states.value(i))));
    if (words.back() != absl::AsciiStrToUpper(text)) continue;
    filter->add_states(static_cast<v1::ApplyState>(states.value(i)->number()));
    return;
  }
  violations->push_back(
      {"--state", absl::StrCat(Quoted(text), " is none of ", absl::StrJoin(words, ", "))});
}

void SetNodeFilter(const FilterOptions& options, const std::optional<std::string>& name,
                   v1::NodeFilter* filter, Violations* violations) {
  if (name) filter->mutable_selector()->add_nodes(Pattern("NAME", name, violations));
  if (options.selector) {
    ReadSelector("--selector", *options.selector, filter->mutable_selector(), violations);
  }
  filter->set_policy(Text("--policy", options.policy, violations));
  if (options.connected && options.not_connected) {
    violations->push_back({"--not-connected", "is given with --connected; no node is both"});
  }
  if (options.in_sync && options.out_of_sync) {
    violations->push_back({"--out-of-sync", "is given with --in-sync; no node is both"});
  }
  if (options.connected || options.not_connected) filter->set_connected(options.connected);
  if (options.in_sync || options.out_of_sync) filter->set_in_sync(options.in_sync);
  for (const std::string& state : options.states) ReadState(state, filter, violations);
  filter->set_condition(absl::AsciiStrToUpper(Text("--condition", options.condition, violations)));
}

// As holds are stored, by which a watch compares: names of drivers, and patterns of them, in lower
// case.
std::string NormalSubject(std::string subject) {
  absl::string_view driver = subject;
  if (!absl::ConsumePrefix(&driver, "driver/")) return subject;
  return absl::StrCat("driver/", NormalizeDriverName(driver));
}

void SetHoldFilter(const FilterOptions& options, absl::Time now, v1::HoldFilter* filter,
                   Violations* violations) {
  filter->set_node(Pattern("--node", options.node, violations));
  filter->set_subject(NormalSubject(Text("--subject", options.subject, violations)));
  filter->set_author(Text("--author", options.author, violations));
  filter->set_ticket(Text("--ticket", options.ticket, violations));
  if (!options.expires_within) return;
  absl::Duration within;
  if (!ParseDurationOrDays(*options.expires_within, &within) || within <= absl::ZeroDuration() ||
      within > kMaxWithin) {
    violations->push_back({"--expires-within", absl::StrCat(Quoted(*options.expires_within),
                                                            " is not a time above 0 and up to 10 "
                                                            "years, e.g. 1h or 3d")});
    return;
  }
  SetTimestamp(now + within, filter->mutable_expires_before());
}

}  // namespace

void DeclareFilterOptions(Arguments& arguments, FilterOptions* options) {
  arguments.Value("-l,--selector", "LABELS", absl::StrCat("with nodes: ", kSelectorForms),
                  &options->selector);
  arguments.Value("--policy", "NAME", "with nodes: only those that this policy matches",
                  &options->policy);
  arguments.Switch("--connected", "with nodes: only those that are", &options->connected);
  arguments.Switch("--not-connected", "with nodes: only those that are not",
                   &options->not_connected);
  arguments.Switch("--in-sync", "with nodes: only those that are", &options->in_sync);
  arguments.Switch("--out-of-sync", "with nodes: only those that are not in sync",
                   &options->out_of_sync);
  arguments.RepeatedOption(
      "--state",
      "with nodes: only those whose report has this state, e.g. FAILED; may be "
      "given again, and any of them will do",
      &options->states);
  arguments.Value("--condition", "TYPE",
                  "with nodes: only those with this condition, e.g. TURNED_AWAY",
                  &options->condition);
  arguments.Value("--node", "NODE",
                  "with policies: only those that match this node; with holds: only those of this "
                  "node, or of nodes that a pattern finds, e.g. 'web-*'",
                  &options->node);
  arguments.Value("--subject", "SUBJECT",
                  "with holds: only those of this, or of what a pattern finds, e.g. 'driver/*'",
                  &options->subject);
  arguments.Value("--author", "TEXT", "with holds: only those that this author has set",
                  &options->author);
  arguments.Value("--ticket", "TEXT", "with holds: only those of this ticket", &options->ticket);
  arguments.Value("--expires-within", "DURATION",
                  "with holds: only those that end by themselves within so long, e.g. 1h or 3d",
                  &options->expires_within);
}

absl::Status SetFilters(const FilterOptions& options, absl::Time now, GetOptions* get) {
  Violations violations;
  CheckKind(options, get->kind, &violations);
  if (violations.empty() && get->kind == "nodes") {
    SetNodeFilter(options, get->name, &get->nodes, &violations);
  } else if (violations.empty() && get->kind == "policies") {
    get->policies.set_name(Pattern("NAME", get->name, &violations));
    get->policies.set_node(Text("--node", options.node, &violations));
  } else if (violations.empty() && get->kind == "holds") {
    SetHoldFilter(options, now, &get->holds, &violations);
  }
  return MakeFieldErrors(violations);
}

absl::Status NameFilterFlags(const absl::Status& status) {
  return NameFlags(status, {{"filter.selector.nodes", "NAME"},
                            {"filter.selector", "--selector"},
                            {"filter.policy", "--policy"},
                            {"filter.states", "--state"},
                            {"filter.condition", "--condition"},
                            {"filter.name", "NAME"},
                            {"filter.node", "--node"},
                            {"filter.subject", "--subject"},
                            {"filter.author", "--author"},
                            {"filter.ticket", "--ticket"},
                            {"filter.expires_before", "--expires-within"}});
}

}  // namespace hotplugger::client::fleet
