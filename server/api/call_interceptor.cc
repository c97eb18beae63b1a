#include "server/api/call_interceptor.h"

#include "common/clock.h"

namespace hotplugger::server {
namespace {

using grpc::experimental::InterceptionHookPoints;

// Lives as long as its call. gRPC runs it one hook at a time.
class CallInterceptor final : public grpc::experimental::Interceptor {
 public:
  CallInterceptor(CallCounters* counters, const char* path)
      : counters_(counters), begun_(SteadyNow()), method_(counters->Started(path)) {}

  // One that ends without a status, as where the server goes first.
  ~CallInterceptor() override { End(grpc::StatusCode::CANCELLED); }

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      End(methods->GetSendStatus().error_code());
    }
    methods->Proceed();
  }

 private:
  void End(grpc::StatusCode code) {
    if (ended_) return;
    ended_ = true;
    counters_->Handled(method_, code, SteadyNow() - begun_);
  }

  CallCounters* const counters_;
  const absl::Time begun_;
  const size_t method_;
  bool ended_ = false;
};

class CallInterceptors final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallInterceptors(CallCounters* counters) : counters_(counters) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    return new CallInterceptor(counters_, info->method());
  }

 private:
  CallCounters* const counters_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallInterceptors(
    CallCounters* counters) {
  return std::make_unique<CallInterceptors>(counters);
}

}  // namespace hotplugger::server
