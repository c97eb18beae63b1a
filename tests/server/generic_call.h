// Any method of a running server, as grpcurl calls it: by its description alone.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/transport/grpc_status.h"

namespace hotplugger::server {

// A message of the type that this process was built with.
inline std::unique_ptr<google::protobuf::Message> NewMessage(
    const google::protobuf::Descriptor* type) {
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

// Sends the request and waits for the end, at most 30 s: every answer, one or a stream of them.
// With `enough` it doesn't wait for more than so many: some streams have no end.
inline absl::StatusOr<std::vector<std::unique_ptr<google::protobuf::Message>>> CallMethod(
    const std::shared_ptr<grpc::Channel>& channel, const google::protobuf::MethodDescriptor& method,
    const google::protobuf::Message& request, size_t enough = SIZE_MAX) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareCall(
      &context, absl::StrCat("/", method.service()->full_name(), "/", method.name()), &queue);
  // One thing at a time, so that there is one tag at a time.
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  bool going = wait();
  if (going) {
    grpc::Slice slice(request.SerializeAsString());
    call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    wait();
  }
  std::vector<std::unique_ptr<google::protobuf::Message>> answers;
  while (going && answers.size() < enough) {
    grpc::ByteBuffer buffer;
    call->Read(&buffer, nullptr);
    going = wait();
    if (!going) break;
    grpc::Slice slice;
    if (!buffer.DumpToSingleSlice(&slice).ok()) break;
    answers.push_back(NewMessage(method.output_type()));
    answers.back()->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
  }
  if (going) context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  queue.Shutdown();
  if (!status.ok() && answers.size() < enough) return FromGrpcStatus(status);
  return answers;
}

}  // namespace hotplugger::server
