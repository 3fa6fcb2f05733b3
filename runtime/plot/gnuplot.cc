#include "runtime/plot/gnuplot.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

extern char** environ;

namespace kiln {
inline namespace runtime {

namespace {

// A file in memory that gnuplot inherits. Pipes would need someone to feed one
// while the other is emptied.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("kiln-gnuplot", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

  bool Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return lseek(descriptor_, 0, SEEK_SET) == 0;
  }

  std::string Read() const {
    std::string bytes;
    char part[1 << 16];
    lseek(descriptor_, 0, SEEK_SET);
    for (ssize_t n; (n = read(descriptor_, part, sizeof part)) != 0;) {
      if (n > 0) bytes.append(part, static_cast<size_t>(n));
      if (n < 0 && errno != EINTR) break;
    }
    return bytes;
  }

 private:
  int descriptor_;
};

// posix_spawn's error is not distinguished from gnuplot's own by every libc: a
// child that cannot start ends with 127.
absl::StatusOr<int> Spawn(const std::vector<const char*>& arguments,
                          const MemoryFile& in, const MemoryFile& out,
                          const MemoryFile& err) {
  std::vector<char*> argv;
  for (const char* argument : arguments) {
    argv.push_back(const_cast<char*>(argument));
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.descriptor(), STDERR_FILENO);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 127 << 8;
  if (error == 0) {
    while (waitpid(child, &status, 0) < 0) {
      if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
    }
  } else if (error != ENOENT && error != EACCES) {
    return absl::ErrnoToStatus(
        error, absl::StrCat("gnuplot cannot be started: ", strerror(error)));
  }
  return status;
}

// gnuplot's own words: the line that is neither blank, nor the script's with
// its mark ^, but the one that says what is wrong.
std::string FirstComplaint(const std::string& text) {
  std::string complaint = "no reason given";
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line == "^") continue;
    complaint = std::string(line);
    if (absl::StartsWith(line, "line ")) break;
  }
  return complaint;
}

absl::StatusOr<std::string> RunGnuplot(
    const std::vector<const char*>& arguments, absl::string_view input) {
  MemoryFile in, out, err;
  if (in.descriptor() < 0 || out.descriptor() < 0 || err.descriptor() < 0 ||
      !in.Write(input)) {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("no memory for a picture: ", strerror(errno)));
  }
  absl::StatusOr<int> status = Spawn(arguments, in, out, err);
  if (!status.ok()) return status.status();
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 127) {
    return absl::NotFoundError(
        "gnuplot, which draws the pictures, is not installed; run "
        "scripts/setup, or apt-get install gnuplot-nox");
  }
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0) {
    return absl::InternalError(
        absl::StrCat("gnuplot failed: ", FirstComplaint(err.Read())));
  }
  return out.Read();
}

// A whole PNG: its signature, and the chunk that ends it.
bool IsPng(absl::string_view bytes) {
  return absl::StartsWith(bytes, "\x89PNG\r\n\x1a\n") &&
         absl::EndsWith(bytes, "IEND\xae\x42\x60\x82");
}

}  // namespace

absl::Status CheckGnuplot() {
  return RunGnuplot({"gnuplot", "--version"}, "").status();
}

absl::StatusOr<std::string> RenderPng(absl::string_view script) {
  // -d: no start-up file of the user's or the machine's.
  absl::StatusOr<std::string> png = RunGnuplot({"gnuplot", "-d", "-"}, script);
  if (png.ok() && !IsPng(*png)) {
    return absl::InternalError(
        "gnuplot left no whole PNG; its terminal pngcairo is needed (Debian's "
        "gnuplot-nox has it)");
  }
  return png;
}

std::string GnuplotString(absl::string_view text) {
  return absl::StrCat(
      "'",
      absl::StrReplaceAll(
          text, {{"'", "\u2019"}, {"\n", " "}, {"\r", " "}, {{"\0", 1}, " "}}),
      "'");
}

}  // namespace runtime
}  // namespace kiln
