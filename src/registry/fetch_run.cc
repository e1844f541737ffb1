// Download or copy → hash → tell the formats apart → check the structure, or check and pack → publish. Whatever fails leaves nothing under a final name.
#include "registry/fetch_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "registry/archive.h"
#include "registry/content_store.h"
#include "registry/fetch_confine.h"
#include "registry/files.h"
#include "registry/gguf.h"
#include "registry/gguf_cursor.h"
#include "registry/http_download.h"
#include "registry/local_source.h"
#include "registry/model_files.h"
#include "registry/onnx.h"
#include "registry/pack.h"
#include "registry/source_url.h"
#include "registry/staged_file.h"

namespace ebb::registry {

namespace {

using Progress = std::function<void(const FetchProgress&)>;

enum class Format { kGguf, kOnnx, kArchive };
constexpr size_t kHeadBytes = 512;

// What is needed of the world, opened while it can still be.
struct Source {
  std::optional<SourceUrl> url;
  LocalSource local;
  std::string boot;
};

std::string boot_id() {
  const Fd file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  return file ? read_small(file.get(), 64).value_or("") : "";
}

Result<Source> open_source(const FetchRequest& request) {
  Source source;
  if (!is_url(request.source)) {
    Result<LocalSource> local = open_local_source(request.source);
    if (!local) return fail(local.error());
    source.local = std::move(*local);
    return source;
  }
  Result<SourceUrl> url = parse_source_url(request.source);
  if (!url) return fail(url.error());
  if (url->sha256 && request.sha256 && *url->sha256 != *request.sha256) return fail(ErrorKind::kInvalid, "two different SHA-256 digests were given", "sha256");
  prepare_http();
  source.url = std::move(*url);
  source.boot = boot_id();
  return source;
}

Result<Format> format_of(int fd, uint64_t bytes) {
  std::vector<uint8_t> head(kHeadBytes);
  ssize_t got = -1;
  do {
    got = ::pread(fd, head.data(), head.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail(errno_error("cannot read the model file", errno));
  head.resize(static_cast<size_t>(got));
  const std::string_view start(reinterpret_cast<const char*>(head.data()), std::min<size_t>(head.size(), 4));
  if (start == "GGUF" || start == "FUGG" || start.empty()) return Format::kGguf;
  if (looks_like_archive(head)) return Format::kArchive;
  if (looks_like_onnx(head, bytes)) return Format::kOnnx;
  return fail(ErrorKind::kInvalid,
              fmt::format("this is neither a model in GGUF, which begins with 'GGUF', nor one in ONNX, nor a tar archive of one: "
                          "it begins with {}",
                          quoted(start)),
              "source");
}

Status copy_local(const LocalSource& source, const FetchRequest& request, const Progress& progress, StagedFile& into) {
  if (source.bytes > request.bytes_max)
    return fail(ErrorKind::kTooLarge, fmt::format("the model has {} bytes; at most {} are allowed", source.bytes, request.bytes_max), "source");
  if (Status room = into.reserve(source.bytes); !room) return room;
  progress({.phase = "hash", .done_bytes = 0, .total_bytes = source.bytes});
  std::vector<uint8_t> chunk(2ULL << 20U);
  while (into.bytes() <= source.bytes) {
    const ssize_t got = ::read(source.file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("cannot read the model file", errno));
    if (got == 0) break;
    if (Status written = into.write({chunk.data(), static_cast<size_t>(got)}); !written) return written;
    progress({.phase = "hash", .done_bytes = into.bytes(), .total_bytes = source.bytes});
  }
  if (into.bytes() != source.bytes)
    return fail(ErrorKind::kInvalid, "the model file changed its size while it was read: add it again when it is whole", "source");
  return {};
}

// Names of their own for each process: nobody resumes a copy.
std::string copy_name() { return fmt::format("copy-{}.tmp", ::getpid()); }
std::string package_name() { return fmt::format("pack-{}.tmp", ::getpid()); }

Result<StagedFile> bring(const ContentStore& store, const Source& source, const FetchRequest& request, const std::optional<domain::Digest>& sha256,
                         const Progress& progress) {
  Result<StagedFile> staged = StagedFile::open(store, source.url ? staged_name_of(*source.url, sha256) : copy_name());
  if (!staged) return staged;
  Status came;
  if (source.url) {
    came = download(store, *source.url, sha256, source.boot, {.bytes_max = request.bytes_max}, progress, *staged);
  } else {
    came = staged->restart();  // a process with our number may have died here
    if (came) came = copy_local(source.local, request, progress, *staged);
  }
  if (!came) return fail(came.error());
  return staged;
}

Result<FetchResult> publish(StagedFile& staged, const domain::Digest& digest, domain::ModelFacts facts, const Progress& progress) {
  const uint64_t bytes = facts.weights_bytes;
  progress({.phase = "publish", .done_bytes = 0, .total_bytes = bytes});
  if (Status published = staged.publish(digest); !published) return fail(published.error());
  progress({.phase = "publish", .done_bytes = bytes, .total_bytes = bytes});
  return FetchResult{.digest = digest, .facts = std::move(facts)};
}

Result<FetchResult> pack_and_publish(const ContentStore& store, const Result<ModelFiles>& files, const FetchRequest& request, const Progress& progress) {
  if (!files) return fail(files.error());
  Result<StagedFile> package = StagedFile::open(store, package_name());
  if (!package) return fail(package.error());
  if (Status empty = package->restart(); !empty) return fail(empty.error());
  Result<domain::ModelFacts> facts = pack_model(*files, request.bytes_max, progress, *package);
  if (!facts) return fail(facts.error());
  const Result<domain::Digest> digest = package->finish();
  if (!digest) return fail(digest.error());
  return publish(*package, *digest, std::move(*facts), progress);
}

Result<FetchResult> check_and_publish(const ContentStore& store, const Source& source, const FetchRequest& request, StagedFile& staged,
                                      const std::optional<domain::Digest>& sha256, const Progress& progress) {
  const uint64_t bytes = staged.bytes();
  const Result<domain::Digest> digest = staged.finish();
  if (!digest) return fail(digest.error());
  if (sha256 && *digest != *sha256)
    return fail(ErrorKind::kInvalid,
                fmt::format("the file's SHA-256 is {}, not {} as was asked for: it is another file, or it was damaged on its way; nothing was stored",
                            digest->hex(), sha256->hex()),
                "sha256");
  const Result<Format> format = format_of(staged.fd(), bytes);
  if (!format) return fail(format.error());
  if (*format == Format::kArchive) return pack_and_publish(store, ModelFiles::in_archive(staged.fd(), bytes), request, progress);
  if (*format == Format::kOnnx) {
    const int beside = source.local.folder ? source.local.folder.get() : -1;
    return pack_and_publish(store, ModelFiles::of_model(staged.fd(), bytes, beside), request, progress);
  }
  progress({.phase = "check", .done_bytes = 0, .total_bytes = bytes});
  Result<domain::ModelFacts> facts = read_gguf_file(staged.fd());
  if (!facts) return fail(facts.error());
  return publish(staged, *digest, std::move(*facts), progress);
}

Result<FetchResult> fetch(const ContentStore& store, const Source& source, const FetchRequest& request, const Progress& progress) {
  const bool is_folder = !source.url && !source.local.file;
  const std::optional<domain::Digest> sha256 = source.url && source.url->sha256 ? source.url->sha256 : request.sha256;
  if (is_folder && sha256) return fail(ErrorKind::kInvalid, "a folder has no SHA-256: leave it out, or name one file", "sha256");
  if (is_folder) return pack_and_publish(store, ModelFiles::in_folder(source.local.folder.get()), request, progress);
  Result<StagedFile> staged = bring(store, source, request, sha256, progress);
  if (!staged) return fail(staged.error());
  Result<FetchResult> result = check_and_publish(store, source, request, *staged, sha256, progress);
  if (source.url) ::unlinkat(store.staging(), (staged_name_of(*source.url, sha256).substr(0, 64) + ".meta").c_str(), 0);
  return result;
}

// Only what may have files beside it gets its folder to read.
int readable_folder(const LocalSource& local) {
  if (!local.folder) return -1;
  const Result<Format> format = local.file ? format_of(local.file.get(), local.bytes) : Format::kArchive;
  const bool alone = !format || *format == Format::kGguf || (local.file && *format == Format::kArchive);
  return alone ? -1 : local.folder.get();
}

}  // namespace

Result<FetchResult> run_fetch(const FetchRequest& request, Fd store_directory, const Progress& progress) {
  const Result<Source> source = open_source(request);
  if (!source) return fail(source.error());
  const Result<ContentStore> store = ContentStore::adopt(std::move(store_directory));
  if (!store) return fail(store.error());
  const Result<std::vector<std::string>> missing = confine_fetcher(
      {.store = store->directory(), .source = readable_folder(source->local), .network = source->url.has_value(), .file_bytes_max = request.bytes_max});
  if (!missing) return fail(missing.error());
  if (request.require_confinement && !missing->empty())
    return fail(ErrorKind::kUnavailable, fmt::format("the fetcher would not be wholly confined: this kernel lacks {}", missing->front()));
  Result<FetchResult> result = fetch(*store, *source, request, progress);
  if (result) result->missing_layers = *missing;
  return result;
}

}  // namespace ebb::registry
