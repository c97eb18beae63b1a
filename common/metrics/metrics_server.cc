#include "common/metrics/metrics_server.h"

#include <civetweb.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"
#include "common/listen_address.h"
#include "common/metrics/scrape_renderer.h"

namespace hotplugger {
namespace {

constexpr char kTextFormat[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr char kJson[] = "application/json; charset=utf-8";
constexpr absl::string_view kLocalhost = "localhost:";
constexpr char kRetryLater[] = "Retry-After: 5\r\n";
// Of pages of JSON so many are kept while slow clients take them; each may have megabytes.
constexpr int kMaxJsonAnswers = 8;
// Between looks at the clock while an answer is taken slowly.
constexpr size_t kPartBytes = 16 * 1024;

// civetweb takes numbers alone.
std::string NumericAddress(const std::string& address) {
  if (!absl::StartsWith(address, kLocalhost)) return WithHost(address);
  return absl::StrCat("127.0.0.1:", address.substr(kLocalhost.size()));
}

bool ConsumeQuality(absl::string_view* weight) {
  return absl::ConsumePrefix(weight, "q=") || absl::ConsumePrefix(weight, "Q=");
}

bool TakesGzip(const char* accept_encoding) {
  if (accept_encoding == nullptr) return false;
  for (const absl::string_view offer : absl::StrSplit(accept_encoding, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(offer, ';');
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(parts.front()), "gzip")) continue;
    double quality = 1;
    if (parts.size() > 1) {
      absl::string_view weight = absl::StripAsciiWhitespace(parts[1]);
      if (ConsumeQuality(&weight) && !absl::SimpleAtod(weight, &quality)) quality = 0;
    }
    return quality > 0;
  }
  return false;
}

class MetricsServerImpl final : public MetricsServer {
 public:
  MetricsServerImpl(MetricsServerOptions options, MetricsPages pages, Clock& clock)
      : options_(std::move(options)),
        pages_(std::move(pages)),
        clock_(clock),
        renderer_(pages_.collectables, clock) {}

  ~MetricsServerImpl() override {
    if (context_ != nullptr) mg_stop(context_);
  }

  // How it fails, or "".
  std::string Start() {
    const std::string address = NumericAddress(options_.address);
    const std::string threads = absl::StrCat(options_.threads);
    const std::string patience = absl::StrCat(absl::ToInt64Milliseconds(options_.patience));
    // Without SO_LINGER: of 0 s it would drop what the kernel has yet to send at an answer's end.
    const char* settings[] = {"listening_ports",
                              address.c_str(),
                              "num_threads",
                              threads.c_str(),
                              "request_timeout_ms",
                              patience.c_str(),
                              "enable_keep_alive",
                              "no",
                              nullptr};
    const mg_callbacks callbacks = {};
    mg_init_data init = {&callbacks, this, settings};
    char text[256] = "";
    mg_error_data error = {nullptr, text, sizeof text};
    context_ = mg_start2(&init, &error);
    if (context_ == nullptr) return text[0] == '\0' ? "it doesn't say why" : text;
    mg_set_request_handler(context_, "/metrics$", &AnswerMetrics, this);
    for (const auto& [path, page] : pages_.json) {
      mg_set_request_handler(context_, absl::StrCat(path, "$").c_str(), &AnswerJson, this);
    }
    return "";
  }

  int port() const override {
    mg_server_port listening = {};
    return mg_get_server_ports(context_, 1, &listening) == 1 ? listening.port : 0;
  }

 private:
  // What civetweb calls; each answers the status.
  static int AnswerMetrics(mg_connection* connection, void* self) {
    return static_cast<MetricsServerImpl*>(self)->Metrics(connection);
  }
  static int AnswerJson(mg_connection* connection, void* self) {
    return static_cast<MetricsServerImpl*>(self)->Json(connection);
  }

  int Metrics(mg_connection* connection) {
    if (!IsRead(connection)) return RefuseMethod(connection);
    // civetweb takes more for the same than it is.
    if (absl::string_view(mg_get_request_info(connection)->local_uri) != "/metrics") {
      return NoSuchPage(connection);
    }
    const auto rendering = renderer_.Render();
    if (!rendering.ok()) {
      return Send(connection, 503, "Service Unavailable", "text/plain", kRetryLater,
                  absl::StrCat(rendering.status().message(), "\n"));
    }
    if (TakesGzip(mg_get_header(connection, "Accept-Encoding"))) {
      const std::string& packed = (*rendering)->gzip();
      if (!packed.empty()) {
        return Send(connection, 200, "OK", kTextFormat,
                    "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n", packed);
      }
    }
    return Send(connection, 200, "OK", kTextFormat, "Vary: Accept-Encoding\r\n",
                (*rendering)->text());
  }

  int Json(mg_connection* connection) {
    if (!IsRead(connection)) return RefuseMethod(connection);
    const absl::Cleanup end = [this] { --json_answers_; };
    if (++json_answers_ > kMaxJsonAnswers) {
      return Send(connection, 503, "Service Unavailable", "text/plain", kRetryLater,
                  "too many ask for this and take it slowly; ask less often\n");
    }
    const auto page = pages_.json.find(mg_get_request_info(connection)->local_uri);
    if (page == pages_.json.end()) {
      return NoSuchPage(connection);
    }
    return Send(connection, 200, "OK", kJson, "", page->second());
  }

  static bool IsRead(const mg_connection* connection) {
    const absl::string_view method = mg_get_request_info(connection)->request_method;
    return method == "GET" || method == "HEAD";
  }

  int NoSuchPage(mg_connection* connection) {
    return Send(connection, 404, "Not Found", "text/plain", "", "there is no such page\n");
  }

  int RefuseMethod(mg_connection* connection) {
    return Send(connection, 405, "Method Not Allowed", "text/plain", "Allow: GET, HEAD\r\n",
                "this can only be read: ask with GET\n");
  }

  // `headers`: lines of their own, each with its end.
  int Send(mg_connection* connection, int status, absl::string_view reason,
           absl::string_view content_type, absl::string_view headers, const std::string& body) {
    const std::string head =
        absl::StrCat("HTTP/1.1 ", status, " ", reason, "\r\nContent-Type: ", content_type,
                     "\r\nContent-Length: ", body.size(), "\r\n", headers,
                     "Cache-Control: no-cache\r\nConnection: close\r\n\r\n");
    const absl::Time deadline = clock_.Now() + options_.longest_answer;
    if (mg_write(connection, head.data(), head.size()) <= 0) return status;
    if (absl::string_view(mg_get_request_info(connection)->request_method) == "HEAD") return status;
    for (size_t sent = 0; sent < body.size() && clock_.Now() < deadline;) {
      const size_t part = std::min(kPartBytes, body.size() - sent);
      // It comes back with less where the scraper takes nothing for too long.
      if (mg_write(connection, body.data() + sent, part) != static_cast<int>(part)) break;
      sent += part;
    }
    return status;
  }

  const MetricsServerOptions options_;
  const MetricsPages pages_;
  Clock& clock_;
  ScrapeRenderer renderer_;
  std::atomic<int> json_answers_{0};
  mg_context* context_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> StartMetricsServer(MetricsServerOptions options,
                                                                  MetricsPages pages,
                                                                  Clock& clock) {
  const std::string address = options.address;
  const std::string flag = options.flag;
  auto server = std::make_unique<MetricsServerImpl>(std::move(options), std::move(pages), clock);
  const std::string failure = server->Start();
  if (failure.empty()) return server;
  return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                   absl::StrCat("can't serve metrics on ", address, " (", failure,
                                "): the address is in use or not this machine's; stop what "
                                "listens there, or give ",
                                flag, " another address"),
                   {{"address", address}});
}

}  // namespace hotplugger
