// docs/metrics.md and what the agent exports say the same.
#include "tests/fakes/metrics_doc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/metrics/process_collector.h"
#include "common/metrics/scrape_renderer.h"
#include "tests/agent/metrics/collector_fixture.h"
#include "tests/fakes/metrics_text.h"

namespace hotplugger::agent {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MetricsDoc;
using testing::MetricsDocComparison;
using testing::MetricsText;
using ::testing::Not;

class MetricsDocTest : public ::testing::Test, protected CollectorWorld {
 protected:
  MetricsDocTest() {
    news.SendInventory(Inventory());
    news.SendReport(Report());
    CountAll();
  }

  // What a scrape answers.
  std::vector<prometheus::MetricFamily> Scrape() {
    SteadyClock clock;
    const ProcessCollector process;
    ScrapeRenderer renderer({&collector, &process}, clock);
    const auto rendering = renderer.Render();
    EXPECT_TRUE(rendering.ok()) << rendering.status();
    const MetricsText text((*rendering)->text());
    EXPECT_THAT(text.problems(), IsEmpty());
    return text.families();
  }

  static std::vector<testing::DocumentedMetric> Documented(const MetricsDoc& doc) {
    std::vector<testing::DocumentedMetric> rows = doc.Under("## Agent");
    EXPECT_THAT(rows, Not(IsEmpty()));
    const std::vector<testing::DocumentedMetric> both = doc.Under("## Both");
    EXPECT_THAT(both, Not(IsEmpty()));
    rows.insert(rows.end(), both.begin(), both.end());
    return rows;
  }
};

TEST_F(MetricsDocTest, ThePageTellsWhatTheAgentExportsAndNothingElse) {
  const MetricsDoc doc = MetricsDoc::OfThisProject();
  EXPECT_THAT(doc.problems(), IsEmpty());
  EXPECT_THAT(MetricsDocComparison::Compare(Documented(doc), Scrape()), IsEmpty());
}

// The comparison itself.
TEST_F(MetricsDocTest, EachDifferenceIsFound) {
  const std::string rows =
      "## Agent\n| `hotplugger_agent_connected` | counter | | | |\n"
      "| `hotplugger_agent_cpus` | gauge | | `state`: `online` | |\n"
      "| `hotplugger_agent_driver_running` | gauge | | | |\n"
      "| `hotplugger_agent_drift_items` | gauge | | `actor` | |\n"
      "| `hotplugger_agent_gone` | gauge | | | |\n"
      "## Both\n| `process_threads` | gauge | | | |\n";
  const MetricsDoc doc(rows);
  EXPECT_THAT(doc.problems(), IsEmpty());
  const auto differences = MetricsDocComparison::Compare(Documented(doc), Scrape());
  for (const char* difference : {
           "hotplugger_agent_connected is gauge, on the page counter",
           "hotplugger_agent_cpus has state=\"offline\", which the page doesn't list",
           "hotplugger_agent_driver_running has the label driver, the page not",
           "hotplugger_agent_drift_items has a series without the label actor",
           "hotplugger_agent_gone is on the page, but not exported",
           "hotplugger_agent_in_sync is exported, but not on the page",
       }) {
    EXPECT_THAT(differences, Contains(difference));
  }
}

TEST_F(MetricsDocTest, RowsThatCannotBeReadAreFound) {
  EXPECT_THAT(MetricsDoc("## A\n| `a` | gauge | | |\n").problems(),
              Contains(HasSubstr("not a name and four more cells")));
  EXPECT_THAT(MetricsDoc("| `a` | gauge | | | |\n| `a` | gauge | | | |\n").problems(),
              Contains("a is there twice"));
  EXPECT_THAT(MetricsDoc("| `a` | gauge | | as `b` | |\n").problems(),
              Contains(HasSubstr("no metric of the page")));
  EXPECT_THAT(MetricsDoc("| `a` | gauge | | state | |\n").problems(),
              Contains(HasSubstr("no label in")));
  EXPECT_THAT(MetricsDoc("").Under("## A"), IsEmpty());
}

}  // namespace
}  // namespace hotplugger::agent
