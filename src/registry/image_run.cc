// The steps, in their order.
#include "registry/image_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <memory>
#include <set>
#include <utility>

#include "domain/limits.h"
#include "registry/child.h"
#include "registry/files.h"
#include "registry/http_download.h"
#include "registry/image_archive.h"
#include "registry/image_layout.h"
#include "registry/image_source.h"
#include "registry/image_store.h"
#include "registry/registry_probe.h"
#include "registry/staged_file.h"
#include "registry/tool_error.h"
#include "registry/tree.h"

namespace ebb::registry {

namespace {

using Progress = std::function<void(const FetchProgress&)>;

constexpr int kIndexesMax = 3;
constexpr uint16_t kHttpsPort = 443;
constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kDnsPort = 53;
// Accepts every image: what is trusted is decided by digests and by who may add images, not by signatures.
constexpr std::string_view kPolicy = R"({"default":[{"type":"insecureAcceptAnything"}]})";

// What was opened of a source on this machine. `name` chooses among several images.
struct Opened {
  Fd place;  // O_PATH
  std::string path;
  std::string name;
  bool is_folder = false;
  uint64_t bytes = 0;  // of a file
};

Result<Fd> open_folder(int parent, const std::string& name) { return open_beneath(parent, name, O_RDONLY | O_DIRECTORY); }

Status write_file(int folder, const char* name, std::string_view text) {
  const Result<Fd> file = open_beneath(folder, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) return fail(file.error());
  if (::write(file->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return fail(errno_error("cannot write to the staging folder", errno));
  return {};
}

// The path as it is, else what stands before one of its last colons.
Result<Opened> open_local(const LocalImage& source) {
  Opened out;
  size_t colon = source.path.size();
  while (!out.place && colon != std::string::npos && colon > 0) {
    out.path = source.path.substr(0, colon);
    out.name = colon == source.path.size() ? "" : source.path.substr(colon + 1);
    out.place = Fd(::open(out.path.c_str(), O_PATH | O_CLOEXEC));
    if (out.place || errno != ENOENT) break;
    colon = source.path.rfind(':', colon - 1);
  }
  const auto refused = [&](std::string_view why) { return fail(ErrorKind::kInvalid, fmt::format("'{}' {}", source.path, why), "source"); };
  if (!out.place) {
    Error error = errno_error(fmt::format("cannot open '{}'", source.path), errno);
    error.param = "source";
    return fail(error);
  }
  const Result<struct stat> info = look_at(out.place.get());
  if (!info) return fail(info.error());
  out.is_folder = S_ISDIR(info->st_mode);
  if (!out.is_folder && !S_ISREG(info->st_mode)) return refused("is neither a file nor a folder");
  if (!out.is_folder && info->st_size == 0) return refused("is empty");
  out.bytes = static_cast<uint64_t>(info->st_size);
  return out;
}

// The credential as skopeo reads it, in memory only.
Result<Fd> auth_file(const RegistryHost& host, const std::optional<RegistryLogin>& login) {
  json::object auths;
  if (login) {
    const std::string plain = login->username + ":" + login->password;
    std::string coded(4 * ((plain.size() + 2) / 3) + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()), reinterpret_cast<const unsigned char*>(plain.data()), static_cast<int>(plain.size()));
    coded.resize(static_cast<size_t>(length));
    auths[host.text] = json::object{{"auth", coded}};
  }
  const std::string text = json::serialize(json::object{{"auths", std::move(auths)}});
  Fd file(::memfd_create("auth", MFD_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::lseek(file.get(), 0, SEEK_SET) != 0)
    return fail(errno_error("cannot hand over the credential", errno));
  return file;
}

class ImageRun {
 public:
  ImageRun(const ImageFetchRequest& request, ImageStore store, const Progress& progress) : request_(request), store_(std::move(store)), progress_(progress) {}
  ~ImageRun() {
    if (!folder_name_.empty()) static_cast<void>(remove_tree(store_.staging(), folder_name_));
  }
  ImageRun(const ImageRun&) = delete;
  ImageRun& operator=(const ImageRun&) = delete;

  Result<ImageFetchResult> run();

 private:
  Status prepare();
  Status bring(const ImageSource& source);
  Status bring_local(const LocalImage& source);
  Status bring_from_registry(const RegistryImage& image);
  Result<uint64_t> narrow(int layout, int more, const std::string& name);
  Result<ArchiveKind> open_archive(const Opened& opened, int archive);
  Result<LoginUse> probe(const RegistryImage& image);
  Result<uint64_t> reuse(const std::vector<domain::ImageLayer>& layers);
  Result<RegistryAnswer> ask(const RegistryImage& image, const Fd& auth);
  Status copy(const std::string& from, std::vector<PathRight> readable, const RegistryHost* host, const Fd& auth, uint64_t total, const std::string& what);
  Result<CheckedImage> check();
  Status unpack(const CheckedImage& image);
  Result<SealedTree> seal();
  Result<ImageFetchResult> publish(const CheckedImage& image, const SealedTree& tree);

  ProgramRun skopeo(std::vector<PathRight> paths, const RegistryHost* host, const Fd& auth) const;
  // Runs one of our own tasks; what it lacked of its confinement is remembered or, if that was asked for, refused.
  Result<json::value> task(const ChildRights& rights, const std::function<Result<json::value>()>& work);
  Status note_missing(const std::vector<std::string>& layers);
  Status has_room(uint64_t wanted) const;
  std::string path_of(const std::string& name) const { return store_.path() + "/staging/" + folder_name_ + (name.empty() ? "" : "/" + name); }
  std::string staged(const std::string& name) const { return folder_name_ + "/" + name; }

  const ImageFetchRequest& request_;
  ImageStore store_;
  const Progress& progress_;
  Platform here_ = this_platform();
  bool as_owner_ = holds_ownership();
  std::string skopeo_;
  std::string umoci_;
  std::string folder_name_;  // in staging
  Fd folder_;
  Fd source_;  // folder_/source: what skopeo copies from, where it is a layout
  Fd layout_;  // folder_/work/layout: what skopeo wrote
  Fd work_;
  std::set<std::string> missing_;
  std::set<domain::Digest> reused_;  // layers that are in the store already: links to them stand in the layout
};

Status ImageRun::note_missing(const std::vector<std::string>& layers) {
  missing_.insert(layers.begin(), layers.end());
  if (!request_.require_confinement || missing_.empty()) return {};
  return fail(ErrorKind::kUnavailable, fmt::format("the fetcher would not be wholly confined: this machine lacks {}", *missing_.begin()));
}

Result<json::value> ImageRun::task(const ChildRights& rights, const std::function<Result<json::value>()>& work) {
  Result<TaskEnd> end = run_task(rights, work);
  if (!end) return fail(end.error());
  if (Status confined = note_missing(end->missing_layers); !confined) return fail(confined.error());
  return std::move(end->result);
}

Status ImageRun::has_room(uint64_t wanted) const {
  const Result<uint64_t> free = store_.free_bytes();
  if (!free) return fail(free.error());
  if (*free > kDiskReserveBytes && *free - kDiskReserveBytes >= wanted) return {};
  return fail(ErrorKind::kExhausted, fmt::format("the disk has not enough room for the image: {} MiB are free", *free >> 20U), "source");
}

Status ImageRun::prepare() {
  Result<std::string> skopeo = find_program("skopeo");
  if (!skopeo) return fail(skopeo.error());
  Result<std::string> umoci = find_program("umoci");
  if (!umoci) return fail(umoci.error());
  skopeo_ = std::move(*skopeo);
  umoci_ = std::move(*umoci);
  Result<std::string> name = store_.new_staging();
  if (!name) return fail(name.error());
  folder_name_ = std::move(*name);
  Result<Fd> folder = open_folder(store_.staging(), folder_name_);
  if (!folder) return fail(folder.error());
  folder_ = std::move(*folder);
  Result<Fd> source = open_or_make_directory(folder_.get(), "source");
  if (!source) return fail(source.error());
  source_ = std::move(*source);
  Result<Fd> work = open_or_make_directory(folder_.get(), "work");
  if (!work) return fail(work.error());
  work_ = std::move(*work);
  Result<Fd> layout = open_or_make_directory(work_.get(), "layout");
  if (!layout) return fail(layout.error());
  layout_ = std::move(*layout);
  if (Status written = write_file(source_.get(), "policy.json", kPolicy); !written) return written;
  return write_file(source_.get(), "registries.conf", "");
}

Result<uint64_t> ImageRun::narrow(int layout, int more, const std::string& name) {
  ChildRights rights{.paths = {{.place = source_.get(), .use = PathUse::kStore}}, .file_bytes_max = domain::kImageManifestBytesMax};
  if (more >= 0) rights.paths.push_back({.place = more});
  const Result<json::value> bytes = task(rights, [&]() -> Result<json::value> {
    const Result<uint64_t> narrowed = narrow_layout(layout, source_.get(), name, here_);
    if (!narrowed) return fail(narrowed.error());
    return json::value(*narrowed);
  });
  if (!bytes) return fail(bytes.error());
  return bytes->is_uint64() ? bytes->get_uint64() : static_cast<uint64_t>(std::max<int64_t>(0, bytes->is_int64() ? bytes->get_int64() : 0));
}

Result<ArchiveKind> ImageRun::open_archive(const Opened& opened, int archive) {
  const ChildRights rights{.paths = {{.place = source_.get(), .use = PathUse::kStore}}, .file_bytes_max = domain::kImageBytesMax};
  const Result<json::value> kind = task(rights, [&]() -> Result<json::value> {
    const auto passed = [&](uint64_t bytes) { progress_({.phase = "copy", .done_bytes = bytes, .total_bytes = opened.bytes}); };
    const Result<ArchiveKind> found = open_image_archive(archive, source_.get(), passed);
    if (!found) return fail(found.error());
    return json::value(*found == ArchiveKind::kOci);
  });
  if (!kind) return fail(kind.error());
  return kind->is_bool() && kind->get_bool() ? ArchiveKind::kOci : ArchiveKind::kDocker;
}

Status ImageRun::bring_local(const LocalImage& local) {
  const Result<Opened> opened = open_local(local);
  if (!opened) return fail(opened.error());
  const Fd file(::open(fmt::format("/proc/self/fd/{}", opened->place.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return fail(errno_error(fmt::format("cannot read '{}'", opened->path), errno));
  std::vector<PathRight> readable = {{.place = source_.get()}};
  if (opened->is_folder) {
    // By a name without colons, which skopeo would take for its own.
    if (::symlinkat((opened->path + "/blobs").c_str(), source_.get(), "blobs") != 0) return fail(errno_error("cannot prepare the staging folder", errno));
    readable.push_back({.place = opened->place.get()});
  } else {
    const Result<ArchiveKind> kind = open_archive(*opened, file.get());
    if (!kind) return fail(kind.error());
    if (*kind == ArchiveKind::kDocker) {
      if (::symlinkat(opened->path.c_str(), source_.get(), "archive") != 0) return fail(errno_error("cannot prepare the staging folder", errno));
      readable.push_back({.place = opened->place.get()});
      const std::string name = opened->name.empty() ? "" : ":" + opened->name;
      return copy("docker-archive:" + path_of("source/archive") + name, std::move(readable), nullptr, {}, opened->bytes, "the Docker archive");
    }
  }
  const Result<uint64_t> bytes = narrow(opened->is_folder ? file.get() : source_.get(), opened->is_folder ? opened->place.get() : -1, opened->name);
  if (!bytes) return fail(bytes.error());
  return copy("oci:" + path_of("source") + ":image", std::move(readable), nullptr, {}, *bytes, "the image");
}

Result<LoginUse> ImageRun::probe(const RegistryImage& image) {
  if (!request_.login) return LoginUse::kNotNeeded;
  prepare_http();
  const ChildRights rights{.network = {.allowed = true}, .file_bytes_max = 0};
  const Result<json::value> use = task(rights, [&]() -> Result<json::value> {
    const Result<LoginUse> judged = probe_registry(image, request_.login->token_server);
    if (!judged) return fail(judged.error());
    return json::value(*judged == LoginUse::kSend);
  });
  if (!use) return fail(use.error());
  return use->is_bool() && use->get_bool() ? LoginUse::kSend : LoginUse::kNotNeeded;
}

// skopeo fetches no blob that its layout has. Returns the bytes that it need not fetch. What the links lead to is checked like all else.
Result<uint64_t> ImageRun::reuse(const std::vector<domain::ImageLayer>& layers) {
  const Result<Fd> blobs = open_or_make_directory(layout_.get(), "blobs");
  if (!blobs) return fail(blobs.error());
  const Result<Fd> folder = open_or_make_directory(blobs->get(), "sha256");
  if (!folder) return fail(folder.error());
  uint64_t bytes = 0;
  for (const domain::ImageLayer& layer : layers) {
    if (!store_.has(layer) || !reused_.insert(layer.digest).second) continue;
    if (::symlinkat(store_.blob_path(layer.digest).c_str(), folder->get(), layer.digest.hex().c_str()) != 0)
      return fail(errno_error("cannot prepare the staging folder", errno));
    bytes += layer.bytes;
  }
  return bytes;
}

// One document, narrowed to this machine.
Result<RegistryAnswer> ImageRun::ask(const RegistryImage& image, const Fd& auth) {
  ::unlinkat(source_.get(), "answer", 0);
  const Result<Fd> answer = open_beneath(source_.get(), "answer", O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!answer) return fail(answer.error());
  ProgramRun run = skopeo({{.place = source_.get()}}, &image.host, auth);
  run.arguments.insert(run.arguments.end(), {"inspect", "--raw", "--authfile", fmt::format("/proc/self/fd/{}", kExtraFd),
                                             image.host.loopback ? "--tls-verify=false" : "--tls-verify=true", "docker://" + image.repository() + image.selector()});
  run.output = answer->get();
  run.rights.file_bytes_max = domain::kImageManifestBytesMax;
  const Result<ProgramEnd> end = run_program(run, [](uint64_t) -> Status { return {}; });
  if (!end) return fail(end.error());
  if (Status confined = note_missing(end->missing_layers); !confined) return fail(confined.error());
  if (end->status != 0) return fail(copy_error(end->said, {.from = "the registry " + image.host.text, .registry = image.host.text, .folder = path_of("")}));
  const Result<json::value> value = task({.file_bytes_max = 0}, [&]() -> Result<json::value> {
    if (::lseek(answer->get(), 0, SEEK_SET) != 0) return fail(errno_error("cannot read the registry's answer", errno));
    const Result<std::string> text = read_small(answer->get(), domain::kImageManifestBytesMax);
    if (!text) return fail(text.error());
    const Result<RegistryAnswer> read = read_registry_answer(*text, here_);
    if (!read) return fail(read.error());
    return to_json(*read);
  });
  if (!value) return fail(value.error());
  return registry_answer_from_json(*value);
}

Status ImageRun::bring_from_registry(const RegistryImage& named) {
  progress_({.phase = "download", .done_bytes = 0, .total_bytes = 0});
  const Result<LoginUse> use = probe(named);
  if (!use) return fail(use.error());
  const Result<Fd> auth = auth_file(named.host, *use == LoginUse::kSend ? request_.login : std::nullopt);
  if (!auth) return fail(auth.error());
  RegistryImage image = named;
  for (int asked = 0; asked < kIndexesMax; ++asked) {
    const Result<RegistryAnswer> answer = ask(image, *auth);
    if (!answer) return fail(answer.error());
    // From here on by digest, so that all steps mean the same image.
    image.digest = answer->digest;
    if (answer->is_index) continue;
    const Result<uint64_t> here = reuse(answer->layers);
    if (!here) return fail(here.error());
    return copy("docker://" + image.repository() + image.selector(), {{.place = source_.get()}}, &image.host, *auth, answer->bytes - std::min(*here, answer->bytes),
                "the registry " + image.host.text);
  }
  return fail(ErrorKind::kInvalid, fmt::format("the image's indexes are nested more than {} deep", kIndexesMax), "source");
}

Status ImageRun::bring(const ImageSource& source) {
  if (const auto* local = std::get_if<LocalImage>(&source)) return bring_local(*local);
  return bring_from_registry(std::get<RegistryImage>(source));
}

// Common to its commands: nothing of the machine's configuration, and its files in the work folder only.
ProgramRun ImageRun::skopeo(std::vector<PathRight> paths, const RegistryHost* host, const Fd& auth) const {
  ProgramRun run{.path = skopeo_};
  run.arguments = {"--policy", path_of("source/policy.json"), "--registries.d", path_of("source"), "--registries-conf", path_of("source/registries.conf"), "--tmpdir",
                   path_of("work")};
  run.environment = {"PATH=/nonexistent", "HOME=/nonexistent", "TMPDIR=" + path_of("work")};
  paths.push_back({.place = work_.get(), .use = PathUse::kBuild});
  run.rights = {.paths = std::move(paths), .changes = path_of("work"), .program = true, .file_bytes_max = domain::kImageBytesMax};
  if (host != nullptr) run.rights.network = {.allowed = true, .ports = {kHttpsPort, kDnsPort, host->port.value_or(host->loopback ? kHttpPort : kHttpsPort)}};
  if (host != nullptr && request_.login) {
    if (const uint16_t tokens = port_of(request_.login->token_server); tokens != 0) run.rights.network.ports.push_back(tokens);
  }
  run.extra = auth.get();
  run.time_max = domain::kImageToolTimeMax;
  return run;
}

Status ImageRun::copy(const std::string& from, std::vector<PathRight> readable, const RegistryHost* host, const Fd& auth, uint64_t total, const std::string& what) {
  if (Status room = has_room(host != nullptr ? total : 0); !room) return room;
  ProgramRun run = skopeo(std::move(readable), host, auth);
  // umoci unpacks gzip and nothing newer: a layer in zstd is packed anew.
  run.arguments.insert(run.arguments.end(), {"copy", "--quiet", "--dest-compress-format", "gzip"});
  if (host != nullptr) {
    run.arguments.insert(run.arguments.end(), {"--src-authfile", fmt::format("/proc/self/fd/{}", kExtraFd), host->loopback ? "--src-tls-verify=false" : "--src-tls-verify=true"});
  }
  run.arguments.insert(run.arguments.end(), {from, "oci:" + path_of("work/layout") + ":image"});
  const std::string phase = host != nullptr ? "download" : "copy";
  uint64_t seen = 0;
  const Result<ProgramEnd> end = run_program(run, [&](uint64_t written) -> Status {
    if (written > 2 * domain::kImageBytesMax) return fail(ErrorKind::kTooLarge, fmt::format("the image has more than {} GiB", domain::kImageBytesMax >> 30U), "source");
    if (written == seen) return {};
    seen = written;
    progress_({.phase = phase, .done_bytes = total == 0 ? written : std::min(written, total), .total_bytes = total});
    return has_room(0);
  });
  if (!end) return fail(end.error());
  if (Status confined = note_missing(end->missing_layers); !confined) return confined;
  if (end->status != 0) return fail(copy_error(end->said, {.from = what, .registry = host != nullptr ? host->text : "", .folder = path_of("")}));
  return {};
}

Result<CheckedImage> ImageRun::check() {
  const ChildRights rights{.paths = {{.place = layout_.get()}, {.place = store_.blob_folder()}}, .file_bytes_max = 0};
  const Result<json::value> value = task(rights, [&]() -> Result<json::value> {
    const auto passed = [&](uint64_t done, uint64_t total) { progress_({.phase = "check", .done_bytes = done, .total_bytes = total}); };
    const Result<CheckedImage> image = check_layout(layout_.get(), here_, passed);
    if (!image) return fail(image.error());
    return to_json(*image);
  });
  if (!value) return fail(value.error());
  return checked_image_from_json(*value);
}

Status ImageRun::unpack(const CheckedImage& image) {
  if (Status room = has_room(image.tally.bytes); !room) return room;
  const Result<Fd> tree = open_or_make_directory(folder_.get(), "tree");
  if (!tree) return fail(tree.error());
  ProgramRun run{.path = umoci_, .arguments = {"raw", "unpack"}};
  if (!as_owner_) run.arguments.emplace_back("--rootless");
  run.arguments.insert(run.arguments.end(), {"--image", path_of("work/layout") + ":image", path_of("tree/root")});
  run.environment = {"PATH=/nonexistent", "HOME=/nonexistent"};
  run.rights = {.paths = {{.place = layout_.get()}, {.place = store_.blob_folder()}, {.place = tree->get(), .use = PathUse::kBuild}},
                .changes = path_of("tree"),
                .as_owner = as_owner_,
                .program = true,
                .file_bytes_max = domain::kImageUnpackedBytesMax};
  run.time_max = domain::kImageToolTimeMax;
  uint64_t seen = 0;
  const Result<ProgramEnd> end = run_program(run, [&](uint64_t written) -> Status {
    // What was checked said how much it is; twice as much is another content.
    if (written > 2 * image.tally.bytes + domain::kImageRatioFreeBytes) return fail(ErrorKind::kTooLarge, "the image unpacks to more than it said", "source");
    if (written == seen) return {};
    seen = written;
    progress_({.phase = "unpack", .done_bytes = std::min(written, image.tally.bytes), .total_bytes = image.tally.bytes});
    return has_room(0);
  });
  if (!end) return fail(end.error());
  if (Status confined = note_missing(end->missing_layers); !confined) return confined;
  if (end->status != 0) return fail(unpack_error(end->said, path_of("")));
  return {};
}

Result<SealedTree> ImageRun::seal() {
  const Result<Fd> tree = open_folder(folder_.get(), "tree");
  if (!tree) return fail(tree.error());
  const ChildRights rights{.paths = {{.place = tree->get(), .use = PathUse::kBuild}}, .changes = path_of("tree"), .as_owner = as_owner_, .file_bytes_max = 0};
  const Result<json::value> value = task(rights, []() -> Result<json::value> {
    const Fd root(::open("root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root) return fail(errno_error("cannot open the unpacked image", errno));
    const Result<SealedTree> sealed = seal_tree(root.get());
    if (!sealed) return fail(sealed.error());
    return to_json(*sealed);
  });
  if (!value) return fail(value.error());
  return sealed_tree_from_json(*value);
}

Result<ImageFetchResult> ImageRun::publish(const CheckedImage& image, const SealedTree& tree) {
  ImageFetchResult result{.digest = image.manifest, .facts = image.facts};
  result.facts.unpacked_bytes = tree.bytes;
  for (std::string& note : notes_of(image.tally))
    result.facts.notes.push_back(std::move(note));
  if (tree.privileged > 0)
    result.facts.notes.push_back(fmt::format("{} files lost their setuid bits or capabilities, which have no effect in a sandbox", tree.privileged));
  if (!as_owner_) result.facts.notes.emplace_back("unpacked without root: all files belong to the server's user");
  if (!result.facts.has_program()) result.facts.notes.emplace_back("it has no entrypoint and no command: it cannot be deployed");
  progress_({.phase = "publish", .done_bytes = 0, .total_bytes = tree.bytes});
  std::vector<domain::Digest> blobs = {image.manifest, image.facts.config_digest};
  for (const domain::ImageLayer& layer : image.facts.layers)
    blobs.push_back(layer.digest);
  std::ranges::sort(blobs);
  const auto doubles = std::ranges::unique(blobs);
  blobs.erase(doubles.begin(), doubles.end());
  for (const domain::Digest& blob : blobs) {
    if (reused_.contains(blob)) continue;
    if (Status published = store_.publish_blob(staged("work/layout/blobs/sha256/" + blob.hex()), blob); !published) return fail(published.error());
  }
  if (Status published = store_.publish_root(staged("tree/root"), image.manifest); !published) return fail(published.error());
  progress_({.phase = "publish", .done_bytes = tree.bytes, .total_bytes = tree.bytes});
  result.missing_layers.assign(missing_.begin(), missing_.end());
  return result;
}

Result<ImageFetchResult> ImageRun::run() {
  const Result<ImageSource> source = parse_image_source(request_.source);
  if (!source) return fail(source.error());
  if (Status prepared = prepare(); !prepared) return fail(prepared.error());
  if (Status brought = bring(*source); !brought) return fail(brought.error());
  const Result<CheckedImage> image = check();
  if (!image) return fail(image.error());
  if (Status unpacked = unpack(*image); !unpacked) return fail(unpacked.error());
  const Result<SealedTree> tree = seal();
  if (!tree) return fail(tree.error());
  return publish(*image, *tree);
}

}  // namespace

Result<ImageFetchResult> run_image_fetch(const ImageFetchRequest& request, Fd store, const Progress& progress) {
  // Names in archives are UTF-8 as a rule, and libarchive asks the locale. Its children cannot load one any more.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  if (Status dropped = keep_rights_of_children(); !dropped) return fail(dropped.error());
  Result<ImageStore> opened = ImageStore::adopt(std::move(store));
  if (!opened) return fail(opened.error());
  return ImageRun(request, std::move(*opened), progress).run();
}

}  // namespace ebb::registry
