#include "agent/drivers/catalogue/catalogue.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/drivers/catalogue/driver_file.h"
#include "common/driver_rules.h"
#include "common/yaml/text_file.h"

namespace hotplugger::agent {
namespace {

constexpr size_t kMaxFiles = 512;
constexpr size_t kMaxDrivers = 1024;

// That a knob may be written by; none of a unit.
std::vector<std::string> PatternsOf(const DriverDefinition& driver) {
  const auto* knob = std::get_if<KnobDefinition>(&driver.how);
  if (knob == nullptr) return {};
  std::vector<std::string> patterns = knob->paths;
  for (const auto* writes : {&knob->start, &knob->stop}) {
    for (const KnobWrite& write : *writes) {
      if (write.path != ".") patterns.push_back(write.path);
    }
  }
  return patterns;
}

class CatalogueReader {
 public:
  void ReadFolder(const std::string& folder) {
    std::error_code error;
    std::filesystem::directory_iterator entries(folder, error);
    if (error == std::errc::no_such_file_or_directory) return;
    std::vector<std::filesystem::path> files;
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
      if (entries->path().extension() == ".yaml") files.push_back(entries->path());
    }
    if (error) {
      content_.problems.push_back(absl::StrCat("reading ", folder, ": ", error.message()));
      return;
    }
    std::sort(files.begin(), files.end());
    if (files.size() > kMaxFiles) {
      content_.problems.push_back(absl::StrCat(folder, " has ", files.size(),
                                               " files; those after the first ", kMaxFiles,
                                               " are left out"));
      files.resize(kMaxFiles);
    }
    std::map<std::string, DriverDefinition> of_folder;
    for (const std::filesystem::path& file : files) ReadFile(file, &of_folder);
    for (auto& [name, driver] : of_folder) drivers_[name] = std::move(driver);
  }

  CatalogueContent Take() {
    for (auto& [name, driver] : drivers_) {
      if (content_.drivers.size() == kMaxDrivers) {
        content_.problems.push_back(absl::StrCat(drivers_.size(), " drivers are described; those ",
                                                 "after the first ", kMaxDrivers, " are left out"));
        break;
      }
      if (FitsWithPatterns(driver)) content_.drivers.push_back(std::move(driver));
    }
    return std::move(content_);
  }

 private:
  void ReadFile(const std::filesystem::path& file,
                std::map<std::string, DriverDefinition>* of_folder) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) {
      content_.problems.push_back(absl::StrCat(file.string(), " is not a regular file"));
      return;
    }
    const absl::StatusOr<std::string> text = ReadTextFile(file.string());
    absl::StatusOr<std::vector<DriverDefinition>> drivers =
        text.ok() ? ParseDriverFile(file.string(), *text) : text.status();
    if (!drivers.ok()) {
      content_.problems.emplace_back(drivers.status().message());
      return;
    }
    for (DriverDefinition& driver : *drivers) {
      const auto [known, is_new] = of_folder->try_emplace(NormalizeDriverName(driver.name), driver);
      if (is_new) continue;
      content_.problems.push_back(absl::StrCat(file.string(), ": the driver ", driver.name,
                                               " is described in ", known->second.file,
                                               " already; that one counts"));
    }
  }

  bool FitsWithPatterns(const DriverDefinition& driver) {
    size_t bytes = pattern_bytes_;
    for (const std::string& pattern : PatternsOf(driver)) bytes += pattern.size() + 1;
    if (bytes > kMaxPatternBytes) {
      content_.problems.push_back(
          absl::StrCat(driver.file, ": the driver ", driver.name, " is left out: with it the ",
                       "paths of all knobs would have ", bytes, " bytes; at most ",
                       kMaxPatternBytes, " are allowed, so give fewer or shorter ones"));
      return false;
    }
    pattern_bytes_ = bytes;
    return true;
  }

  CatalogueContent content_;
  size_t pattern_bytes_ = 0;
  std::map<std::string, DriverDefinition> drivers_;
};

}  // namespace

CatalogueContent ReadCatalogue(const std::vector<std::string>& folders) {
  CatalogueReader reader;
  for (const std::string& folder : folders) reader.ReadFolder(folder);
  return reader.Take();
}

Catalogue::Catalogue(std::vector<std::string> folders) : folders_(std::move(folders)) { Reload(); }

std::shared_ptr<const CatalogueContent> Catalogue::content() {
  MutexLock lock(&mutex_);
  return content_;
}

void Catalogue::Reload() {
  auto content = std::make_shared<const CatalogueContent>(ReadCatalogue(folders_));
  MutexLock lock(&mutex_);
  content_ = std::move(content);
}

std::vector<std::string> Catalogue::KnobPatterns() {
  const std::shared_ptr<const CatalogueContent> now = content();
  std::vector<std::string> patterns;
  for (const DriverDefinition& driver : now->drivers) {
    for (std::string& pattern : PatternsOf(driver)) patterns.push_back(std::move(pattern));
  }
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  return patterns;
}

}  // namespace hotplugger::agent
