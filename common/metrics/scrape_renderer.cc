#include "common/metrics/scrape_renderer.h"

#include <prometheus/text_serializer.h>
#include <zlib.h>

#include <ostream>
#include <streambuf>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/metrics/family_builder.h"

namespace hotplugger {
namespace {

// Appends what is written to a string: std::ostringstream would copy it all at the end.
class StringSink final : public std::streambuf {
 public:
  explicit StringSink(std::string* text) : text_(*text) {}

 protected:
  int_type overflow(int_type character) override {
    if (character != traits_type::eof()) text_.push_back(traits_type::to_char_type(character));
    return traits_type::not_eof(character);
  }
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    text_.append(data, static_cast<size_t>(size));
    return size;
  }

 private:
  std::string& text_;
};

// A family at a time, each forgotten once it is written.
void Write(std::vector<prometheus::MetricFamily> families, std::ostream& out) {
  const prometheus::TextSerializer serializer;
  for (prometheus::MetricFamily& family : families) {
    std::vector<prometheus::MetricFamily> one;
    one.push_back(std::move(family));
    serializer.Serialize(out, one);
  }
}

// The fastest level: three quarters of the time go for a tenth of the bytes.
std::string Gzip(const std::string& text) {
  constexpr int kWindowBitsWithGzipHeader = 15 + 16;
  constexpr int kMemoryLevel = 8;
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
      if (clock_.Now() >= deadline) return Refuse();
      made_.WaitUntil(&mutex_, SteadyNow() + absl::Seconds(1));
    }
    if (latest_ != nullptr && latest_begun_ >= asked - kFreshness) return latest_;
    latest_ = nullptr;
    if (*alive_ >= kMaxAlive) return Refuse();
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

absl::StatusOr<std::shared_ptr<const Rendering>> ScrapeRenderer::Refuse() {
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
  families.push_back(
      SingleCounter("hotplugger_metrics_scrapes_refused_total",
                    "Scrapes that were refused (503) because too many slow ones went on.",
                    static_cast<double>(refusals_.load())));
  return families;
}

std::shared_ptr<const Rendering> ScrapeRenderer::Make(size_t expected_bytes) {
  const absl::Time begun = clock_.Now();
  std::string text;
  text.reserve(expected_bytes + expected_bytes / 8);
  StringSink sink(&text);
  std::ostream out(&sink);
  for (const prometheus::Collectable* collectable : collectables_) {
    Write(collectable->Collect(), out);
  }
  Write(CollectOwn(), out);
  durations_.Observe(clock_.Now() - begun);
  return std::make_shared<const Rendering>(std::move(text), alive_);
}

}  // namespace hotplugger
