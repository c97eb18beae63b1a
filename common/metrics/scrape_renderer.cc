#include "common/metrics/scrape_renderer.h"

#include <zlib.h>

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/metrics/family_builder.h"
#include "common/metrics/text_writer.h"

namespace hotplugger {
namespace {

// For zlib.
constexpr int kWindowBitsWithGzipHeader = 15 + 16;
constexpr int kMemoryLevel = 8;

// A family at a time, each forgotten once it is written.
void Write(std::vector<prometheus::MetricFamily> families, std::string* text) {
  for (prometheus::MetricFamily& family : families) {
    WriteFamily(family, text);
    family = {};
  }
}

// The fastest level: three quarters of the time go for a tenth of the bytes.
std::string Gzip(const std::string& text) {
  z_stream stream = {};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kWindowBitsWithGzipHeader, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return "";
  }
  const absl::Cleanup end = [&stream] { deflateEnd(&stream); };
  std::string packed(deflateBound(&stream, text.size()), '\0');
  // zlib takes what it only reads without const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return "";
  packed.resize(stream.total_out);
  packed.shrink_to_fit();
  return packed;
}

}  // namespace

Rendering::Rendering(std::string text, std::shared_ptr<std::atomic<int>> alive)
    : text_(std::move(text)), alive_(std::move(alive)) {
  ++*alive_;
}

Rendering::~Rendering() { --*alive_; }

const std::string& Rendering::gzip() const {
  std::call_once(packed_, [this] { gzip_ = Gzip(text_); });
  return gzip_;
}

absl::StatusOr<std::shared_ptr<const Rendering>> ScrapeRenderer::Render() {
  const absl::Time asked = clock_.Now();
  size_t expected_bytes = 0;
  {
    MutexLock lock(&mutex_);
    while (latest_ == nullptr || latest_begun_ < asked - kFreshness) {
      if (!making_) break;
      const absl::Time deadline = asked + kLongestWait;
      if (clock_.Now() >= deadline) return RefuseToWait();
      made_.WaitUntil(&mutex_, SteadyNow() + absl::Seconds(1));
    }
    if (latest_ != nullptr && latest_begun_ >= asked - kFreshness) return latest_;
    latest_ = nullptr;
    if (*alive_ >= kMaxAlive) return RefuseMore();
    making_ = true;
    latest_begun_ = clock_.Now();
    expected_bytes = latest_bytes_;
  }
  std::shared_ptr<const Rendering> made = Make(expected_bytes);
  MutexLock lock(&mutex_);
  making_ = false;
  latest_ = made;
  latest_bytes_ = made->text().size();
  made_.NotifyAll();
  return made;
}

absl::Status ScrapeRenderer::RefuseToWait() {
  ++refusals_;
  return MakeError(absl::StatusCode::kUnavailable, "METRICS_NOT_READY",
                   absl::StrCat("the answer that another scrape has begun is not there after ",
                                absl::FormatDuration(kLongestWait),
                                ": this machine is too busy, or there is too much to tell; give it "
                                "more CPU time, or have fewer series"));
}

absl::Status ScrapeRenderer::RefuseMore() {
  ++refusals_;
  return MakeError(absl::StatusCode::kUnavailable, "TOO_MANY_SCRAPES",
                   absl::StrCat("scrapers that take their answer slowly hold ", kMaxAlive,
                                " of them; scrape less often, or look who is that slow"));
}

std::vector<prometheus::MetricFamily> ScrapeRenderer::CollectOwn() const {
  std::vector<prometheus::MetricFamily> families;
  families.push_back(SingleHistogram(
      "hotplugger_metrics_render_duration_seconds",
      "How long the answers to scrapes took to make; scrapes of the same second share one.",
      durations_.Counts()));
  families.push_back(SingleCounter(
      "hotplugger_metrics_scrapes_refused_total",
      "Scrapes that were refused (503): too many slow ones went on, or the answer took too "
      "long to make.",
      static_cast<double>(refusals_.load())));
  return families;
}

std::shared_ptr<const Rendering> ScrapeRenderer::Make(size_t expected_bytes) {
  const absl::Time begun = clock_.Now();
  std::string text;
  text.reserve(expected_bytes + expected_bytes / 8);
  for (const prometheus::Collectable* collectable : collectables_) {
    Write(collectable->Collect(), &text);
  }
  Write(CollectOwn(), &text);
  durations_.Observe(clock_.Now() - begun);
  return std::make_shared<const Rendering>(std::move(text), alive_);
}

}  // namespace hotplugger
