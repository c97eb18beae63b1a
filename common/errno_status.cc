#include "common/errno_status.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

struct ErrnoRow {
  int error_number;
  const char* name;
  absl::StatusCode code;
};

constexpr ErrnoRow kErrnoTable[] = {
    {EACCES, "EACCES", absl::StatusCode::kPermissionDenied},
    {EADDRINUSE, "EADDRINUSE", absl::StatusCode::kAlreadyExists},
    {EAGAIN, "EAGAIN", absl::StatusCode::kUnavailable},
    {EBUSY, "EBUSY", absl::StatusCode::kFailedPrecondition},
    {ECANCELED, "ECANCELED", absl::StatusCode::kAborted},
    {ECONNREFUSED, "ECONNREFUSED", absl::StatusCode::kUnavailable},
    {ECONNRESET, "ECONNRESET", absl::StatusCode::kUnavailable},
    {EDQUOT, "EDQUOT", absl::StatusCode::kResourceExhausted},
    {EEXIST, "EEXIST", absl::StatusCode::kAlreadyExists},
    {EFAULT, "EFAULT", absl::StatusCode::kFailedPrecondition},
    {EFBIG, "EFBIG", absl::StatusCode::kResourceExhausted},
    {EHWPOISON, "EHWPOISON", absl::StatusCode::kDataLoss},
    {EINTR, "EINTR", absl::StatusCode::kDeadlineExceeded},
    {EINVAL, "EINVAL", absl::StatusCode::kInvalidArgument},
    {EIO, "EIO", absl::StatusCode::kInternal},
    {EISDIR, "EISDIR", absl::StatusCode::kInvalidArgument},
    {ELOOP, "ELOOP", absl::StatusCode::kInvalidArgument},
    {EMFILE, "EMFILE", absl::StatusCode::kResourceExhausted},
    {ENAMETOOLONG, "ENAMETOOLONG", absl::StatusCode::kInvalidArgument},
    {ENODEV, "ENODEV", absl::StatusCode::kNotFound},
    {ENOENT, "ENOENT", absl::StatusCode::kNotFound},
    {ENOMEM, "ENOMEM", absl::StatusCode::kResourceExhausted},
    {ENOSPC, "ENOSPC", absl::StatusCode::kResourceExhausted},
    {ENOSYS, "ENOSYS", absl::StatusCode::kUnimplemented},
    {ENOTDIR, "ENOTDIR", absl::StatusCode::kNotFound},
    {ENXIO, "ENXIO", absl::StatusCode::kInvalidArgument},
    {EOPNOTSUPP, "EOPNOTSUPP", absl::StatusCode::kUnimplemented},
    {EPERM, "EPERM", absl::StatusCode::kPermissionDenied},
    {EPIPE, "EPIPE", absl::StatusCode::kUnavailable},
    {EROFS, "EROFS", absl::StatusCode::kFailedPrecondition},
    {ETIMEDOUT, "ETIMEDOUT", absl::StatusCode::kDeadlineExceeded},
    {EXDEV, "EXDEV", absl::StatusCode::kInvalidArgument},
};

const ErrnoRow* FindErrno(int error_number) {
  for (const ErrnoRow& row : kErrnoTable) {
    if (row.error_number == error_number) return &row;
  }
  return nullptr;
}

}  // namespace

std::string ErrnoName(int error_number) {
  const ErrnoRow* row = FindErrno(error_number);
  return row != nullptr ? row->name : absl::StrCat("errno ", error_number);
}

absl::StatusCode ErrnoStatusCode(int error_number) {
  const ErrnoRow* row = FindErrno(error_number);
  return row != nullptr ? row->code : absl::StatusCode::kUnknown;
}

absl::Status ErrnoStatus(int error_number, absl::string_view action, absl::string_view path) {
  char text[128];
  return MakeError(
      ErrnoStatusCode(error_number), ErrnoName(error_number),
      absl::StrCat(action, " ", path, ": ", strerror_r(error_number, text, sizeof text), " (",
                   ErrnoName(error_number), ")"),
      {{"path", std::string(path)}, {"errno", ErrnoName(error_number)}});
}

}  // namespace hotplugger
