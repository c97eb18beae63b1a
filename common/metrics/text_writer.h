// Metric families in Prometheus's text format 0.0.4, as prometheus-cpp's serializer writes them but
// in a fraction of its time: that one writes each byte of a label to a stream.
#pragma once

#include <prometheus/metric_family.h>

#include <string>

namespace hotplugger {

// Appends a family to `text`. Escapes help and values of labels; names are taken as they are.
void WriteFamily(const prometheus::MetricFamily& family, std::string* text);

}  // namespace hotplugger
