// A file or folder of this machine, or a registry; both end with a copy by skopeo.
#include "registry/image_bring.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "domain/limits.h"
#include "registry/files.h"
#include "registry/http_download.h"
#include "registry/image_archive.h"
#include "registry/image_layout.h"
#include "registry/registry_probe.h"
#include "registry/tool_error.h"

namespace ebb::registry {

namespace {

constexpr int kIndexesMax = 3;
constexpr uint16_t kHttpsPort = 443;
constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kDnsPort = 53;

// What was opened of a source on this machine. `name` chooses among several images.
struct Opened {
  Fd place;  // O_PATH
  std::string path;
  std::string name;
  bool is_folder = false;
  uint64_t bytes = 0;  // of a file
};

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
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()), reinterpret_cast<const unsigned char*>(plain.data()), static_cast<int>(plain.size()));
    coded.resize(static_cast<size_t>(length));
    auths[host.text] = json::object{{"auth", coded}};
  }
  const std::string text = json::serialize(json::object{{"auths", std::move(auths)}});
  Fd file(::memfd_create("auth", MFD_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::lseek(file.get(), 0, SEEK_SET) != 0)
    return fail(errno_error("cannot hand over the credential", errno));
  return file;
}

class Bring {
 public:
  explicit Bring(Workplace& place) : place_(place) {}
  Status run(const ImageSource& source);

 private:
  Status bring_local(const LocalImage& source);
  Status bring_from_registry(const RegistryImage& image);
  Result<uint64_t> narrow(int layout, int more, const std::string& name);
  Result<ArchiveKind> open_archive(const Opened& opened, int archive);
  Result<LoginUse> probe(const RegistryImage& image);
  Result<uint64_t> reuse(const std::vector<domain::ImageLayer>& layers);
  Result<RegistryAnswer> ask(const RegistryImage& image, const Fd& auth);
  Status copy(const std::string& from, std::vector<PathRight> readable, const RegistryHost* host, const Fd& auth, uint64_t total, const std::string& what);
  ProgramRun skopeo(std::vector<PathRight> paths, const RegistryHost* host, const Fd& auth) const;

  Workplace& place_;
};

Result<uint64_t> Bring::narrow(int layout, int more, const std::string& name) {
  ChildRights rights{.paths = {{.place = place_.source.get(), .use = PathUse::kStore}}, .file_bytes_max = domain::kImageManifestBytesMax};
  if (more >= 0) rights.paths.push_back({.place = more});
  const Result<json::value> bytes = place_.task(rights, [&]() -> Result<json::value> {
    const Result<uint64_t> narrowed = narrow_layout(layout, place_.source.get(), name, place_.here);
    if (!narrowed) return fail(narrowed.error());
    return json::value(*narrowed);
  });
  if (!bytes) return fail(bytes.error());
  return bytes->is_uint64() ? bytes->get_uint64() : static_cast<uint64_t>(std::max<int64_t>(0, bytes->is_int64() ? bytes->get_int64() : 0));
}

Result<ArchiveKind> Bring::open_archive(const Opened& opened, int archive) {
  const ChildRights rights{.paths = {{.place = place_.source.get(), .use = PathUse::kStore}}, .file_bytes_max = domain::kImageBytesMax};
  const Result<json::value> kind = place_.task(rights, [&]() -> Result<json::value> {
    const auto passed = [&](uint64_t bytes) { place_.progress({.phase = "copy", .done_bytes = bytes, .total_bytes = opened.bytes}); };
    const Result<ArchiveKind> found = open_image_archive(archive, place_.source.get(), passed);
    if (!found) return fail(found.error());
    return json::value(*found == ArchiveKind::kOci);
  });
  if (!kind) return fail(kind.error());
  return kind->is_bool() && kind->get_bool() ? ArchiveKind::kOci : ArchiveKind::kDocker;
}

Status Bring::bring_local(const LocalImage& local) {
  const Result<Opened> opened = open_local(local);
  if (!opened) return fail(opened.error());
  const Fd file(::open(fmt::format("/proc/self/fd/{}", opened->place.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return fail(errno_error(fmt::format("cannot read '{}'", opened->path), errno));
  std::vector<PathRight> readable = {{.place = place_.source.get()}};
  if (opened->is_folder) {
    // By a name without colons, which skopeo would take for its own.
    if (::symlinkat((opened->path + "/blobs").c_str(), place_.source.get(), "blobs") != 0) return fail(errno_error("cannot prepare the staging folder", errno));
    readable.push_back({.place = opened->place.get()});
  } else {
    const Result<ArchiveKind> kind = open_archive(*opened, file.get());
    if (!kind) return fail(kind.error());
    if (*kind == ArchiveKind::kDocker) {
      if (::symlinkat(opened->path.c_str(), place_.source.get(), "archive") != 0) return fail(errno_error("cannot prepare the staging folder", errno));
      readable.push_back({.place = opened->place.get()});
      const std::string name = opened->name.empty() ? "" : ":" + opened->name;
      return copy("docker-archive:" + place_.path_of("source/archive") + name, std::move(readable), nullptr, {}, opened->bytes, "the Docker archive");
    }
  }
  const Result<uint64_t> bytes = narrow(opened->is_folder ? file.get() : place_.source.get(), opened->is_folder ? opened->place.get() : -1, opened->name);
  if (!bytes) return fail(bytes.error());
  return copy("oci:" + place_.path_of("source") + ":image", std::move(readable), nullptr, {}, *bytes, "the image");
}

Result<LoginUse> Bring::probe(const RegistryImage& image) {
  if (!place_.request.login) return LoginUse::kNotNeeded;
  prepare_http();
  const ChildRights rights{.network = {.allowed = true}, .file_bytes_max = 0};
  const Result<json::value> use = place_.task(rights, [&]() -> Result<json::value> {
    const Result<LoginUse> judged = probe_registry(image, place_.request.login->token_server);
    if (!judged) return fail(judged.error());
    return json::value(*judged == LoginUse::kSend);
  });
  if (!use) return fail(use.error());
  return use->is_bool() && use->get_bool() ? LoginUse::kSend : LoginUse::kNotNeeded;
}

// skopeo fetches no blob that its layout has. Returns the bytes that it need not fetch. What the links lead to is checked like all else.
Result<uint64_t> Bring::reuse(const std::vector<domain::ImageLayer>& layers) {
  const Result<Fd> blobs = open_or_make_directory(place_.layout.get(), "blobs");
  if (!blobs) return fail(blobs.error());
  const Result<Fd> folder = open_or_make_directory(blobs->get(), "sha256");
  if (!folder) return fail(folder.error());
  uint64_t bytes = 0;
  for (const domain::ImageLayer& layer : layers) {
    if (!place_.store.has(layer) || !place_.reused.insert(layer.digest).second) continue;
    if (::symlinkat(place_.store.blob_path(layer.digest).c_str(), folder->get(), layer.digest.hex().c_str()) != 0)
      return fail(errno_error("cannot prepare the staging folder", errno));
    bytes += layer.bytes;
  }
  return bytes;
}

// One document, narrowed to this machine.
Result<RegistryAnswer> Bring::ask(const RegistryImage& image, const Fd& auth) {
  ::unlinkat(place_.source.get(), "answer", 0);
  const Result<Fd> answer = open_beneath(place_.source.get(), "answer", O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!answer) return fail(answer.error());
  ProgramRun run = skopeo({{.place = place_.source.get()}}, &image.host, auth);
  run.arguments.insert(run.arguments.end(),
                       {"inspect", "--raw", "--authfile", fmt::format("/proc/self/fd/{}", kExtraFd),
                        image.host.loopback ? "--tls-verify=false" : "--tls-verify=true", "docker://" + image.repository() + image.selector()});
  run.output = answer->get();
  run.rights.file_bytes_max = domain::kImageManifestBytesMax;
  const Result<ProgramEnd> end = place_.program(run, [](uint64_t) -> Status { return {}; });
  if (!end) return fail(end.error());
  if (end->status != 0)
    return fail(copy_error(end->said, {.from = "the registry " + image.host.text, .registry = image.host.text, .folder = place_.path_of("")}));
  const Result<json::value> value = place_.task({.file_bytes_max = 0}, [&]() -> Result<json::value> {
    if (::lseek(answer->get(), 0, SEEK_SET) != 0) return fail(errno_error("cannot read the registry's answer", errno));
    const Result<std::string> text = read_small(answer->get(), domain::kImageManifestBytesMax);
    if (!text) return fail(text.error());
    const Result<RegistryAnswer> read = read_registry_answer(*text, place_.here);
    if (!read) return fail(read.error());
    return to_json(*read);
  });
  if (!value) return fail(value.error());
  return registry_answer_from_json(*value);
}

Status Bring::bring_from_registry(const RegistryImage& named) {
  place_.progress({.phase = "download", .done_bytes = 0, .total_bytes = 0});
  const Result<LoginUse> use = probe(named);
  if (!use) return fail(use.error());
  const Result<Fd> auth = auth_file(named.host, *use == LoginUse::kSend ? place_.request.login : std::nullopt);
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
    return copy("docker://" + image.repository() + image.selector(), {{.place = place_.source.get()}}, &image.host, *auth,
                answer->bytes - std::min(*here, answer->bytes), "the registry " + image.host.text);
  }
  return fail(ErrorKind::kInvalid, fmt::format("the image's indexes are nested more than {} deep", kIndexesMax), "source");
}

Status Bring::run(const ImageSource& source) {
  if (const auto* local = std::get_if<LocalImage>(&source)) return bring_local(*local);
  return bring_from_registry(std::get<RegistryImage>(source));
}

// Common to its commands: nothing of the machine's configuration, and its files in the work folder only.
ProgramRun Bring::skopeo(std::vector<PathRight> paths, const RegistryHost* host, const Fd& auth) const {
  ProgramRun run{.path = place_.skopeo};
  run.arguments = {"--policy",          place_.path_of("source/policy.json"),     "--registries.d", place_.path_of("source"),
                   "--registries-conf", place_.path_of("source/registries.conf"), "--tmpdir",       place_.path_of("work")};
  run.environment = {"PATH=/nonexistent", "HOME=/nonexistent", "TMPDIR=" + place_.path_of("work")};
  paths.push_back({.place = place_.work.get(), .use = PathUse::kBuild});
  run.rights = {.paths = std::move(paths), .changes = place_.path_of("work"), .program = true, .file_bytes_max = domain::kImageBytesMax};
  if (host != nullptr) run.rights.network = {.allowed = true, .ports = {kHttpsPort, kDnsPort, host->port.value_or(host->loopback ? kHttpPort : kHttpsPort)}};
  if (host != nullptr && place_.request.login) {
    if (const uint16_t tokens = port_of(place_.request.login->token_server); tokens != 0) run.rights.network.ports.push_back(tokens);
  }
  run.extra = auth.get();
  run.time_max = domain::kImageToolTimeMax;
  return run;
}

Status Bring::copy(const std::string& from, std::vector<PathRight> readable, const RegistryHost* host, const Fd& auth, uint64_t total,
                   const std::string& what) {
  if (Status room = place_.has_room(host != nullptr ? total : 0); !room) return room;
  ProgramRun run = skopeo(std::move(readable), host, auth);
  // umoci unpacks gzip and nothing newer: a layer in zstd is packed anew.
  run.arguments.insert(run.arguments.end(), {"copy", "--quiet", "--dest-compress-format", "gzip"});
  if (host != nullptr) {
    run.arguments.insert(run.arguments.end(),
                         {"--src-authfile", fmt::format("/proc/self/fd/{}", kExtraFd), host->loopback ? "--src-tls-verify=false" : "--src-tls-verify=true"});
  }
  run.arguments.insert(run.arguments.end(), {from, "oci:" + place_.path_of("work/layout") + ":image"});
  const std::string phase = host != nullptr ? "download" : "copy";
  uint64_t seen = 0;
  const Result<ProgramEnd> end = place_.program(run, [&](uint64_t written) -> Status {
    if (written > 2 * domain::kImageBytesMax)
      return fail(ErrorKind::kTooLarge, fmt::format("the image has more than {} GiB", domain::kImageBytesMax >> 30U), "source");
    if (written == seen) return {};
    seen = written;
    place_.progress({.phase = phase, .done_bytes = total == 0 ? written : std::min(written, total), .total_bytes = total});
    return place_.has_room(0);
  });
  if (!end) return fail(end.error());
  if (end->status != 0) return fail(copy_error(end->said, {.from = what, .registry = host != nullptr ? host->text : "", .folder = place_.path_of("")}));
  return {};
}

}  // namespace

Status bring_image(Workplace& place, const ImageSource& source) { return Bring(place).run(source); }

}  // namespace ebb::registry
