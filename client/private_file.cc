#include "client/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/errno_status.h"
#include "common/scoped_fd.h"
#include "common/status_macros.h"

namespace hotplugger::client {
namespace {

// The file that `path` leads to, or would.
std::string RealPath(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

absl::Status MakeFolderOf(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), "make the folder", folder.string());
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, absl::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "write", path);
    content.remove_prefix(static_cast<size_t>(count));
  }
  if (fsync(fd) != 0) return ErrnoStatus(errno, "write", path);
  return absl::OkStatus();
}

}  // namespace

absl::Status WritePrivateFile(const std::string& path, absl::string_view content) {
  const std::string real_path = RealPath(path);
  RETURN_IF_ERROR(MakeFolderOf(real_path));
  std::string new_path = absl::StrCat(real_path, ".XXXXXX");
  // Made with mode 0600.
  const ScopedFd fd(mkostemp(new_path.data(), O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, "make a file beside", real_path);
  auto remover = absl::MakeCleanup([&new_path] { unlink(new_path.c_str()); });
  RETURN_IF_ERROR(WriteAll(fd.get(), content, new_path));
  if (std::rename(new_path.c_str(), real_path.c_str()) != 0) {
    return ErrnoStatus(errno, "replace", real_path);
  }
  std::move(remover).Cancel();
  return absl::OkStatus();
}

}  // namespace hotplugger::client
