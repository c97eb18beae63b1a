#include "server/metrics/service_discovery.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/text.h"
#include "server/metrics/label_name.h"
#include "server/metrics/node_walk.h"

namespace hotplugger::server {
namespace {

constexpr absl::string_view kMetaPrefix = "__meta_hotplugger_";

// Bytes that are no UTF-8 become U+FFFD.
void AppendJsonString(absl::string_view text, std::string* json) {
  json->push_back('"');
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const char first = text.front();
    if (length == 0) {
      json->append("\\ufffd");
    } else if (first == '"' || first == '\\') {
      absl::StrAppend(json, "\\", text.substr(0, 1));
    } else if (static_cast<unsigned char>(first) < 0x20) {
      absl::StrAppendFormat(json, "\\u%04x", first);
    } else {
      absl::StrAppend(json, text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  json->push_back('"');
}

void AppendLabel(absl::string_view name, absl::string_view value, std::string* json) {
  json->append(", ");
  AppendJsonString(absl::StrCat(kMetaPrefix, name), json);
  json->append(": ");
  AppendJsonString(value, json);
}

void AppendNode(const NodeSnapshot& node, std::string* json) {
  json->append("{\"targets\": [");
  AppendJsonString(node.identity->metrics_address, json);
  absl::StrAppend(json, "], \"labels\": {\"", kMetaPrefix, "node\": ");
  AppendJsonString(node.name, json);
  AppendLabel("agent_version", node.identity->agent_version, json);
  AppendLabel("connected", node.connected ? "true" : "false", json);
  std::vector<std::string> keys;
  for (const auto& [key, value] : node.identity->labels) keys.push_back(key);
  for (const auto& [name, key] : MetricLabelNames("label_", std::move(keys))) {
    AppendLabel(name, node.identity->labels.at(key), json);
  }
  json->append("}}");
}

}  // namespace

std::string DiscoverAgents(NodeRegistry* registry) {
  std::string json = "[";
  bool first = true;
  ForEachNode(registry, NodeRegistry::Scope::kMembers, [&](const NodeSnapshot& node) {
    if (node.identity->metrics_address.empty()) return;
    json.append(first ? "\n" : ",\n");
    first = false;
    AppendNode(node, &json);
  });
  json.append("]\n");
  return json;
}

}  // namespace hotplugger::server
