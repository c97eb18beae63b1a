// A whole controller, asked wrongly: whatever field of whatever request is bad, the answer is
// INVALID_ARGUMENT with a BadRequest that names the field by its path, and nothing has changed.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "hotplugger/v1/audit_service.grpc.pb.h"
#include "hotplugger/v1/event_service.grpc.pb.h"
#include "hotplugger/v1/explain_service.grpc.pb.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/plan_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.grpc.pb.h"
#include "hotplugger/v1/watch_service.grpc.pb.h"
#include "tests/server/controller_fixture.h"
#include "tests/server/generic_call.h"

namespace hotplugger::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

std::string Long(size_t size) { return std::string(size, 'x'); }

// A request that is wrong in one field.
struct Case {
  // "PolicyService.ApplyPolicy".
  std::string method;
  std::string request;
  // The field that the answer must name. Without indices and keys it is the field that is covered.
  std::string field;
};

std::string GoodPolicy(const std::string& rest) {
  return absl::StrCat(R"(name: "p" selector {nodes: "n1"} cpu {offline: "1"} )", rest);
}

std::string GoodHold(const std::string& rest) {
  return absl::StrCat(R"(node: "n1" subject: "cpu1" state: DEVICE_STATE_ONLINE )", rest);
}

std::vector<std::pair<std::string, std::string>> BadSelectors() {
  return {
      {"", "selector"},
      {R"(match_labels {key: "a b" value: "c"})", "selector.match_labels"},
      {R"(nodes: "N")", "selector.nodes[0]"},
      {"match_expressions {operator: OPERATOR_EXISTS}", "selector.match_expressions[0].key"},
      {R"(match_expressions {key: "a"})", "selector.match_expressions[0].operator"},
      {R"(match_expressions {key: "a" operator: OPERATOR_IN})",
       "selector.match_expressions[0].values"},
  };
}

// What is wrong with a policy that stands in `field` of a request.
std::vector<std::pair<std::string, std::string>> BadPolicies() {
  const auto drivers = [](const std::string& text) {
    return absl::StrCat(R"(name: "p" selector {nodes: "n1"} drivers {)", text, "}");
  };
  const auto cpu = [](const std::string& text) {
    return absl::StrCat(R"(name: "p" selector {nodes: "n1"} cpu {)", text, "}");
  };
  const auto memory = [](const std::string& text) {
    return absl::StrCat(R"(name: "p" selector {nodes: "n1"} memory {)", text, "}");
  };
  std::vector<std::pair<std::string, std::string>> bad = {
      {R"(name: "P" selector {nodes: "n1"} cpu {offline: "1"})", "name"},
      {GoodPolicy("priority: 1000001"), "priority"},
      {drivers(R"(active: "a b")"), "drivers.active[0]"},
      {drivers(R"(stopped: "a b")"), "drivers.stopped[0]"},
      {drivers(R"(whitelist {key: "a b" value {}})"), "drivers.whitelist"},
      {drivers(R"(whitelist {key: "a" value {drivers: "b c"}})"), "drivers.whitelist[a]"},
      {drivers("switching: 9"), "drivers.switching"},
      {cpu(R"(offline: "3-1")"), "cpu.offline"},
      {cpu("smt: 9"), "cpu.smt"},
      {cpu("smt: SMT_CONTROL_OFF irreversible: true"), "cpu.irreversible"},
      {cpu("online_count: 0"), "cpu.online_count"},
      {cpu("online_percent: 101"), "cpu.online_percent"},
      {cpu("hot_add: HOT_ADD_ONLINE_KERNEL"), "cpu.hot_add"},
      {memory(R"(offline_blocks: "x")"), "memory.offline_blocks"},
      {memory(R"(offline_bytes: "1 x")"), "memory.offline_bytes"},
      {memory("hot_add: 9"), "memory.hot_add"},
      {GoodPolicy("drift: 9"), "drift"},
      {GoodPolicy("confirm {seconds: 1}"), "confirm"},
      {GoodPolicy("on_release: 9"), "on_release"},
      {GoodPolicy(R"(etag: "old")"), "etag"},
      {R"(name: "p" selector {nodes: "n1"})", ""},
  };
  for (const auto& [text, field] : BadSelectors()) {
    bad.push_back({absl::StrCat(R"(name: "p" cpu {offline: "1"} selector {)", text, "}"), field});
  }
  return bad;
}

std::vector<std::pair<std::string, std::string>> BadHolds() {
  return {
      {R"(node: "N" subject: "cpu1" state: DEVICE_STATE_ONLINE)", "node"},
      {R"(node: "n1" subject: "cpu" state: DEVICE_STATE_ONLINE)", "subject"},
      {R"(node: "n1" subject: "cpu1")", "state"},
      {GoodHold(absl::StrCat("reason: \"", Long(1025), "\"")), "reason"},
      {GoodHold(absl::StrCat("ticket: \"", Long(129), "\"")), "ticket"},
      {GoodHold(absl::StrCat("author: \"", Long(129), "\"")), "author"},
      {GoodHold("expire_time {seconds: 1}"), "expire_time"},
      {GoodHold("ttl {}"), "ttl"},
      {GoodHold(R"(etag: "old")"), "etag"},
  };
}

void AddRequestId(const std::string& method, const std::string& request, std::vector<Case>* cases) {
  cases->push_back({method, absl::StrCat(request, R"( request_id: "a b")"), "request_id"});
}

void AddNotes(const std::string& method, const std::string& request, std::vector<Case>* cases) {
  for (const auto& [field, size] :
       std::map<std::string, size_t>{{"reason", 1025}, {"ticket", 129}, {"author", 129}}) {
    cases->push_back({method, absl::StrCat(request, " note {", field, ": \"", Long(size), "\"}"),
                      absl::StrCat("note.", field)});
  }
}

void AddPages(const std::string& method, const std::string& request, std::vector<Case>* cases) {
  cases->push_back({method, absl::StrCat(request, " page_size: -1"), "page_size"});
  cases->push_back({method, absl::StrCat(request, R"( page_token: "x")"), "page_token"});
}

void AddWithin(const std::string& method, const std::string& field, const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& bad,
               std::vector<Case>* cases) {
  for (const auto& [text, wrong] : bad) {
    cases->push_back({method, absl::StrCat(field, " {", text, "}"),
                      wrong.empty() ? path : absl::StrCat(path, ".", wrong)});
  }
}

std::vector<Case> Cases() {
  std::vector<Case> cases = {
      {"PolicyService.GetPolicy", R"(name: "P")", "name"},
      {"PolicyService.GetPolicy", R"(name: "p" revision: -1)", "revision"},
      {"PolicyService.ListPolicyRevisions", R"(name: "P")", "name"},
      {"PolicyService.RollbackPolicy", R"(name: "P")", "name"},
      {"PolicyService.RollbackPolicy", R"(name: "p" revision: -1)", "revision"},
      {"PolicyService.RollbackPolicy", R"(name: "p" etag: "old")", "etag"},
      {"PolicyService.DeletePolicy", R"(name: "P")", "name"},
      {"PolicyService.DeletePolicy", R"(name: "p" etag: "old")", "etag"},
      {"PolicyService.ReleaseHold", R"(node: "N" subject: "cpu1")", "node"},
      {"PolicyService.ReleaseHold", R"(node: "n1" subject: "x")", "subject"},
      {"PolicyService.ReleaseHold", R"(node: "n1" subject: "cpu1" etag: "old")", "etag"},
      {"PolicyService.ListPolicies", R"(filter {name: "P"})", "filter.name"},
      {"PolicyService.ListPolicies", R"(filter {node: "N"})", "filter.node"},
      {"PolicyService.ListHolds", R"(filter {node: "N"})", "filter.node"},
      {"PolicyService.ListHolds", R"(filter {subject: "x"})", "filter.subject"},
      {"PolicyService.ListHolds", absl::StrCat("filter {author: \"", Long(129), "\"}"),
       "filter.author"},
      {"PolicyService.ListHolds", absl::StrCat("filter {ticket: \"", Long(129), "\"}"),
       "filter.ticket"},
      {"PolicyService.ListHolds", "filter {expires_before {seconds: -1}}", "filter.expires_before"},
      {"FleetService.GetNode", R"(name: "N")", "name"},
      {"FleetService.DeleteNode", R"(name: "N")", "name"},
      {"FleetService.ListNodes", R"(filter {policy: "P"})", "filter.policy"},
      {"FleetService.ListNodes", "filter {states: APPLY_STATE_UNSPECIFIED}", "filter.states[0]"},
      {"FleetService.ListNodes", R"(filter {condition: "x"})", "filter.condition"},
      {"FleetService.OperateNodes", R"(operation {list_drivers {}})", "selector"},
      {"FleetService.OperateNodes", R"(selector {nodes: "n1"})", "operation"},
      {"FleetService.OperateNodes",
       R"(selector {nodes: "n1"} operation {list_drivers {}} deadline {})", "deadline"},
      {"FleetService.OperateNodes",
       R"(selector {nodes: "n1"} operation {list_drivers {}} parallel: 0)", "parallel"},
      {"PlanService.PlanChange", "", "change"},
      {"PlanService.PlanChange", R"(delete_policy: "P")", "delete_policy"},
      {"PlanService.PlanChange", R"(release_hold {node: "N" subject: "cpu1"})",
       "release_hold.node"},
      {"PlanService.PlanChange", R"(release_hold {node: "n1" subject: "x"})",
       "release_hold.subject"},
      {"PlanService.PlanChange", R"(delete_policy: "p" deadline {})", "deadline"},
      {"PlanService.PlanChange", R"(delete_policy: "p" parallel: 0)", "parallel"},
      {"WatchService.WatchFleet", "kinds: KIND_UNSPECIFIED", "kinds"},
      {"WatchService.WatchFleet", R"(resume_token: "x")", "resume_token"},
      {"ExplainService.ExplainSubject", R"(node: "N" subject: "cpu1")", "node"},
      {"ExplainService.ExplainSubject", R"(node: "n1" subject: "x")", "subject"},
      {"AuditService.WatchAuditEntries", "after_sequence: -1", "after_sequence"},
      {"EventService.WatchEvents", R"(resume_token: "x")", "resume_token"},
  };
  for (const char* method : {"AuditService.ListAuditEntries", "AuditService.WatchAuditEntries",
                             "EventService.ListEvents", "EventService.WatchEvents"}) {
    cases.push_back(
        {method, absl::StrCat("filter {resource: \"", Long(513), "\"}"), "filter.resource"});
    cases.push_back({method, "filter {since_time {seconds: -1}}", "filter.since_time"});
    const bool audit = absl::StartsWith(method, "AuditService.");
    cases.push_back(
        audit ? Case{method, absl::StrCat("filter {method: \"", Long(65), "\"}"), "filter.method"}
              : Case{method, R"(filter {type: "NodeEaten"})", "filter.type"});
  }
  AddWithin("PolicyService.ApplyPolicy", "policy", "policy", BadPolicies(), &cases);
  AddWithin("PlanService.PlanChange", "apply_policy", "policy", BadPolicies(), &cases);
  AddWithin("PolicyService.SetHold", "hold", "hold", BadHolds(), &cases);
  AddWithin("PlanService.PlanChange", "set_hold", "hold", BadHolds(), &cases);
  const std::string policy = absl::StrCat("policy {", GoodPolicy(""), "}");
  const std::map<std::string, std::string> changes = {
      {"PolicyService.ApplyPolicy", policy},
      {"PolicyService.RollbackPolicy", R"(name: "p")"},
      {"PolicyService.DeletePolicy", R"(name: "p")"},
      {"PolicyService.ReleaseHold", R"(node: "n1" subject: "cpu1")"},
      {"FleetService.DeleteNode", R"(name: "n1")"},
  };
  for (const auto& [method, request] : changes) {
    AddRequestId(method, request, &cases);
    AddNotes(method, request, &cases);
  }
  AddRequestId("PolicyService.SetHold", absl::StrCat("hold {", GoodHold(""), "}"), &cases);
  AddNotes("FleetService.OperateNodes", R"(selector {nodes: "n1"} operation {list_drivers {}})",
           &cases);
  for (const auto& [text, field] : BadSelectors()) {
    cases.push_back({"FleetService.ListNodes", absl::StrCat("filter {selector {", text, "}}"),
                     absl::StrCat("filter.", field)});
    cases.push_back({"FleetService.OperateNodes",
                     absl::StrCat("operation {list_drivers {}} selector {", text, "}"), field});
  }
  AddPages("PolicyService.ListPolicies", "", &cases);
  AddPages("PolicyService.ListPolicyRevisions", R"(name: "p")", &cases);
  AddPages("PolicyService.ListHolds", "", &cases);
  AddPages("FleetService.ListNodes", "", &cases);
  AddPages("AuditService.ListAuditEntries", "", &cases);
  AddPages("EventService.ListEvents", "", &cases);
  return cases;
}

// Fields that take every value of their type, or that only the controller sets.
const std::set<std::string>& FieldsThatCanNotBeWrong() {
  static const auto* const fields = new std::set<std::string>{
      "validate_only",      "summary_only",         "keep_going",      "filter.connected",
      "filter.failed_only", "filter.in_sync",       "policy.revision", "policy.update_time",
      "hold.create_time",   "filter.warnings_only",
  };
  return *fields;
}

std::vector<const MethodDescriptor*> Methods() {
  std::vector<const MethodDescriptor*> methods;
  for (const Descriptor* request :
       {v1::ApplyPolicyRequest::descriptor(), v1::GetNodeRequest::descriptor(),
        v1::PlanChangeRequest::descriptor(), v1::ExplainSubjectRequest::descriptor(),
        v1::ListAuditEntriesRequest::descriptor(), v1::ListEventsRequest::descriptor(),
        v1::WatchFleetRequest::descriptor()}) {
    const google::protobuf::ServiceDescriptor* const service = request->file()->service(0);
    for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
  }
  return methods;
}

std::string NameOf(const MethodDescriptor& method) {
  return absl::StrCat(method.service()->name(), ".", method.name());
}

// The paths of all fields of requests of this type. What an operation has is the agent's to check.
void AddPaths(const Descriptor& message, const std::string& prefix, std::set<std::string>* paths) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    std::string name = field.name();
    // Both are checked as the requests that they would become.
    if (name == "apply_policy") name = "policy";
    if (name == "set_hold") name = "hold";
    const std::string path = absl::StrCat(prefix, name);
    const bool ours = field.message_type() != nullptr && !field.is_map() &&
                      field.message_type()->file()->package() == "hotplugger.v1" &&
                      name != "operation";
    if (ours) {
      AddPaths(*field.message_type(), absl::StrCat(path, "."), paths);
    } else {
      paths->insert(path);
    }
  }
}

// "selector.nodes[0]" is a case of "selector.nodes".
std::string WithoutIndices(const std::string& field) {
  std::string path;
  bool inside = false;
  for (const char c : field) {
    if (c == '[') inside = true;
    if (!inside) path.push_back(c);
    if (c == ']') inside = false;
  }
  return path;
}

class BadRequestTest : public ControllerFixture {
 protected:
  absl::Status Call(const MethodDescriptor& method, const std::string& text) {
    const std::unique_ptr<google::protobuf::Message> request = NewMessage(method.input_type());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get())) << text;
    return CallMethod(channel_, method, *request).status();
  }
};

TEST_F(BadRequestTest, EveryFieldOfEveryRequest) {
  std::map<std::string, const MethodDescriptor*> methods;
  for (const MethodDescriptor* method : Methods()) methods[NameOf(*method)] = method;
  std::map<std::string, std::set<std::string>> covered;
  for (const Case& test : Cases()) {
    ASSERT_EQ(methods.count(test.method), 1u) << test.method;
    const absl::Status status = Call(*methods[test.method], test.request);
    const std::string what = absl::StrCat(test.method, " {", test.request.substr(0, 200), "}");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << what << ": " << status;
    std::vector<std::string> named;
    for (const FieldViolation& violation : ErrorFieldViolations(status)) {
      named.push_back(violation.field);
      EXPECT_NE(violation.description, "") << what;
    }
    EXPECT_THAT(named, ::testing::Contains(test.field)) << what << ": " << status;
    covered[test.method].insert(WithoutIndices(test.field));
  }
  // A field that somebody adds comes into the table, or among those that can't be wrong.
  for (const MethodDescriptor* method : Methods()) {
    std::set<std::string> paths;
    AddPaths(*method->input_type(), "", &paths);
    for (const std::string& path : paths) {
      const bool whitelists = absl::EndsWith(path, "drivers.whitelist");
      EXPECT_TRUE(covered[NameOf(*method)].count(path) > 0 || whitelists ||
                  FieldsThatCanNotBeWrong().count(path) > 0)
          << NameOf(*method) << " takes " << path << ", and no bad value of it is tested";
    }
  }
}

}  // namespace
}  // namespace hotplugger::server
