// docs/api.md: every call of the controller that it shows is made, in its order, to a real one with
// one node; every policy of examples/ is among them, and every method is shown, the agent's too.
// `make conformance CHECKS=grpcurl` makes them all with grpcurl, and compares the answers.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/policy_file/policy_file.h"
#include "hotplugger/v1/fleet_service.grpc.pb.h"
#include "hotplugger/v1/host_service.pb.h"
#include "hotplugger/v1/link_service.grpc.pb.h"
#include "hotplugger/v1/policy_service.pb.h"
#include "server/fleet/event_types.h"
#include "tests/fakes/proto_text.h"
#include "tests/server/controller_fixture.h"
#include "tests/server/generic_call.h"

namespace hotplugger::server {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// As reflection knows them; one that it doesn't know is left out.
std::map<std::string, const MethodDescriptor*> MethodsOf(const std::vector<std::string>& services) {
  std::map<std::string, const MethodDescriptor*> methods;
  for (const std::string& name : services) {
    const ServiceDescriptor* const service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
            absl::StrCat("hotplugger.v1.", name));
    if (service == nullptr) continue;
    for (int i = 0; i < service->method_count(); ++i) {
      methods[absl::StrCat(service->full_name(), "/", service->method(i)->name())] =
          service->method(i);
    }
  }
  return methods;
}

std::map<std::string, const MethodDescriptor*> Methods() {
  return MethodsOf({"AuditService", "EventService", "ExplainService", "FleetService", "LinkService",
                    "PlanService", "PolicyService", "WatchService"});
}

std::string ReadDoc() {
  std::ifstream file(HOTPLUGGER_SOURCE_DIR "/docs/api.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A call of the controller as the document shows it:
//   grpcurl -plaintext -d @ 127.0.0.1:7443 hotplugger.v1.SERVICE/METHOD <<'EOF'
//   JSON
//   EOF
struct Shown {
  std::string method;
  std::string json;
};

std::vector<Shown> ShownCalls(const std::string& doc) {
  std::vector<Shown> calls;
  bool inside = false;
  for (const absl::string_view line : absl::StrSplit(doc, '\n')) {
    if (absl::StartsWith(line, "grpcurl ") && absl::EndsWith(line, " <<'EOF'")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      calls.push_back({words[words.size() - 2], ""});
      inside = true;
    } else if (line == "EOF") {
      inside = false;
    } else if (inside) {
      absl::StrAppend(&calls.back().json, line, "\n");
    }
  }
  return calls;
}

// A node that answers what it is asked with as little as it can.
class Node {
 public:
  Node(const std::shared_ptr<grpc::Channel>& channel, const std::string& name)
      : stream_(v1::LinkService::NewStub(channel)->Connect(&context_)) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    Say(absl::StrCat(R"(hello {boot_id: "b" labels {key: "pool" value: "lab"} node: ")", name,
                     "\"}"));
    v1::ControllerMessage welcome;
    EXPECT_TRUE(stream_->Read(&welcome));
    Say(R"(inventory {cpus_present: "0-7" cpus_online: "0-7"
             devices {name: "cpu3" kind: DEVICE_KIND_CPU hotpluggable: true
                      state: DEVICE_STATE_ONLINE cpu {package: 0 die: 0 core: 3}}
             devices {name: "cpu4" kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE
                      cpu {package: 0 die: 0 core: 4}}
             drivers {name: "alucard" state: DRIVER_STATE_STOPPED}})");
    thread_ = std::thread([this] { Run(); });
  }
  ~Node() {
    context_.TryCancel();
    thread_.join();
    stream_->Finish();
  }

 private:
  void Say(const std::string& text) {
    EXPECT_TRUE(stream_->Write(testing::FromText<v1::AgentMessage>(text)));
  }

  void Run() {
    v1::ControllerMessage message;
    while (stream_->Read(&message)) {
      if (!message.has_operation()) continue;
      v1::AgentMessage answer;
      v1::NodeOperationResult& result = *answer.mutable_operation_result();
      result.set_id(message.operation().id());
      if (message.operation().operation().has_plan_spec()) {
        result.mutable_result()->mutable_plan_spec();
      } else if (message.operation().operation().has_explain_device()) {
        result.mutable_result()->mutable_explain_device();
      } else if (message.operation().operation().has_retry_spec()) {
        result.mutable_result()->mutable_retry_spec();
      } else {
        result.mutable_result()->mutable_switch_drivers();
      }
      stream_->Write(answer);
    }
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::ControllerMessage>> stream_;
  std::thread thread_;
};

class ApiDocTest : public ControllerFixture {
 protected:
  // Waits until the controller has seen the end of the node's stream.
  bool IsGone(const std::string& name) {
    for (int i = 0; i < 300; ++i) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
      v1::GetNodeRequest request;
      request.set_name(name);
      v1::GetNodeResponse response;
      if (v1::FleetService::NewStub(channel_)->GetNode(&context, request, &response).ok() &&
          !response.node().connected()) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  const std::map<std::string, const MethodDescriptor*> methods_ = Methods();
  const std::string doc_ = ReadDoc();
  const std::vector<Shown> calls_ = ShownCalls(doc_);
};

TEST_F(ApiDocTest, EveryCallThatIsShownWorks) {
  ASSERT_GE(calls_.size(), 15u);
  const Node node(channel_, "web-1");
  { const Node gone(channel_, "old-1"); }
  ASSERT_TRUE(IsGone("old-1"));
  for (const Shown& shown : calls_) {
    const auto method = methods_.find(shown.method);
    ASSERT_NE(method, methods_.end()) << shown.method;
    const auto request = NewMessage(method->second->input_type());
    const auto parsed = google::protobuf::util::JsonStringToMessage(shown.json, request.get());
    ASSERT_TRUE(parsed.ok()) << shown.method << ": " << parsed.ToString() << "\n" << shown.json;
    // These have no end.
    const bool watch = absl::StartsWith(method->second->name(), "Watch");
    const auto answers = CallMethod(channel_, *method->second, *request, watch ? 1 : SIZE_MAX);
    EXPECT_TRUE(answers.ok()) << shown.method << ": " << answers.status() << "\n" << shown.json;
    EXPECT_FALSE(answers.ok() && answers->empty()) << shown.method;
  }
}

TEST_F(ApiDocTest, EveryMethodIsShown) {
  for (const auto& [name, method] : methods_) {
    EXPECT_THAT(doc_, ::testing::HasSubstr(absl::StrCat(name, " <<")))
        << "docs/api.md shows no call of " << name;
  }
  // Of the methods of a request's own file, so that the linker can't drop the agent's service.
  ASSERT_EQ(v1::GetDeviceRequest::descriptor()->file()->service_count(), 1);
  for (const auto& [name, method] : MethodsOf({"HostService"})) {
    EXPECT_THAT(doc_, ::testing::HasSubstr(absl::StrCat(" ", name, "\n")))
        << "docs/api.md shows no call of " << name;
  }
}

TEST_F(ApiDocTest, ReflectionKnowsEveryService) {
  EXPECT_EQ(methods_.count("hotplugger.v1.LinkService/Connect"), 1u)
      << "link_service.proto has no message, so the linker may leave its description out";
}

TEST_F(ApiDocTest, EveryTypeOfEventIsExplained) {
  for (const std::string& type : EventTypeNames()) {
    EXPECT_THAT(doc_, ::testing::HasSubstr(absl::StrCat("| `", type, "` | ")));
  }
}

TEST_F(ApiDocTest, EveryExampleIsShownAsJson) {
  std::vector<v1::Policy> shown;
  for (const Shown& call : calls_) {
    v1::ApplyPolicyRequest request;
    if (!absl::EndsWith(call.method, "/ApplyPolicy")) continue;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(call.json, &request).ok());
    shown.push_back(request.policy());
  }
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HOTPLUGGER_SOURCE_DIR "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto policies = client::ReadPolicyFile(entry.path());
    ASSERT_TRUE(policies.ok()) << policies.status();
    for (const v1::Policy& policy : *policies) {
      ++examples;
      bool found = false;
      for (const v1::Policy& other : shown) {
        found = found || google::protobuf::util::MessageDifferencer::Equals(policy, other);
      }
      v1::ApplyPolicyRequest request;
      *request.mutable_policy() = policy;
      google::protobuf::util::JsonPrintOptions options;
      options.add_whitespace = true;
      std::string json;
      (void)google::protobuf::util::MessageToJsonString(request, &json, options);
      EXPECT_TRUE(found) << "docs/api.md lacks " << entry.path().filename() << ":\n" << json;
    }
  }
  EXPECT_GE(examples, 8);
}

}  // namespace
}  // namespace hotplugger::server
