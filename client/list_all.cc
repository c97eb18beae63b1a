#include "client/list_all.h"

#include "common/error_info.h"

namespace hotplugger::client {
namespace {

// A node with hundreds of CPUs takes some KiB: this many stay below the largest message.
constexpr int kWholeNodesPageSize = 50;
constexpr int kPageSize = 500;
// Far above what a controller holds.
constexpr int kMaxPages = 100'000;

// Calls `list` page by page and merges the answers.
template <typename Request, typename Response>
absl::StatusOr<Response> ListAll(FleetClient& fleet,
                                 absl::StatusOr<Response> (FleetClient::*list)(const Request&),
                                 Request request) {
  Response all;
  request.clear_page_token();
  for (int page = 0; page < kMaxPages; ++page) {
    absl::StatusOr<Response> response = (fleet.*list)(request);
    if (!response.ok()) return response.status();
    const std::string token = response->next_page_token();
    all.MergeFrom(*response);
    all.clear_next_page_token();
    if (token.empty()) return all;
    if (token == request.page_token()) break;
    request.set_page_token(token);
  }
  return MakeError(absl::StatusCode::kInternal, "ENDLESS_LIST",
                   "the controller's list has no last page; report this as a fault");
}

}  // namespace

absl::StatusOr<v1::ListNodesResponse> ListAllNodes(FleetClient& fleet,
                                                   v1::ListNodesRequest request) {
  request.set_page_size(request.summary_only() ? kPageSize : kWholeNodesPageSize);
  return ListAll(fleet, &FleetClient::ListNodes, std::move(request));
}

absl::StatusOr<v1::ListPoliciesResponse> ListAllPolicies(FleetClient& fleet,
                                                         const v1::PolicyFilter& filter) {
  v1::ListPoliciesRequest request;
  *request.mutable_filter() = filter;
  request.set_page_size(kWholeNodesPageSize);
  return ListAll(fleet, &FleetClient::ListPolicies, std::move(request));
}

absl::StatusOr<v1::ListPolicyRevisionsResponse> ListAllRevisions(FleetClient& fleet,
                                                                 const std::string& policy) {
  v1::ListPolicyRevisionsRequest request;
  request.set_name(policy);
  request.set_page_size(kWholeNodesPageSize);
  return ListAll(fleet, &FleetClient::ListPolicyRevisions, std::move(request));
}

absl::StatusOr<v1::ListHoldsResponse> ListAllHolds(FleetClient& fleet,
                                                   const v1::HoldFilter& filter) {
  v1::ListHoldsRequest request;
  *request.mutable_filter() = filter;
  request.set_page_size(kPageSize);
  return ListAll(fleet, &FleetClient::ListHolds, std::move(request));
}

}  // namespace hotplugger::client
