#include "runtime/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace kiln {
inline namespace runtime {
namespace {

absl::string_view Advice(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "; create its directory first";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; choose a directory that you may write to";
    case ENOSPC:
    case EDQUOT:
      return "; free some space";
    default:
      return "";
  }
}

absl::Status CannotWrite(const std::string& path, int error) {
  return absl::ErrnoToStatus(
      error, absl::StrCat(path, ": cannot be written: ", strerror(error),
                          Advice(error)));
}

// A new file beside `path`: closed, and removed again unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& path) {
    // Not mkstemp, whose files nobody else may read: here the umask decides.
    // A name may be taken by a process that was killed before its rename.
    for (int attempt = 0; attempt < 100; ++attempt) {
      name_ = absl::StrCat(path, ".tmp-", getpid(), "-", attempt);
      descriptor_ =
          open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ >= 0 || errno != EEXIST) return;
    }
  }
  ~TemporaryFile() {
    if (descriptor_ < 0) return;
    close(descriptor_);
    if (!renamed_) unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  bool is_open() const { return descriptor_ >= 0; }

  // These return false and leave errno on failure.
  bool Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }
  bool Sync() { return fsync(descriptor_) == 0; }
  bool RenameTo(const std::string& path) {
    renamed_ = rename(name_.c_str(), path.c_str()) == 0;
    return renamed_;
  }

 private:
  std::string name_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

// Makes the rename itself survive a power failure. Some file systems cannot
// sync a directory; the file is whole all the same, so this is no error.
void SyncDirectory(const std::filesystem::path& directory) {
  const int descriptor =
      open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::Span<const absl::string_view> parts) {
  std::error_code error;
  std::string target = path;
  if (std::filesystem::is_symlink(target, error)) {
    target = std::filesystem::weakly_canonical(target, error).string();
    if (error) return CannotWrite(path, error.value());
  }
  // A rename would put a plain file in the place of /dev/null.
  if (std::filesystem::exists(target, error) &&
      !std::filesystem::is_regular_file(target, error)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": is there and is no regular file; choose another name"));
  }
  TemporaryFile file(target);
  if (!file.is_open()) return CannotWrite(path, errno);
  for (const absl::string_view part : parts) {
    if (!file.Write(part)) return CannotWrite(path, errno);
  }
  if (!file.Sync()) return CannotWrite(path, errno);
  if (!file.RenameTo(target)) return CannotWrite(path, errno);
  SyncDirectory(std::filesystem::path(target).parent_path());
  return absl::OkStatus();
}

}  // namespace runtime
}  // namespace kiln
