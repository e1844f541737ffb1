// The library saves what its optimiser made; we put it into a package that says what it is.
#include "engine_onnx/preparation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <onnxruntime_session_options_config_keys.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/fd.h"
#include "base/fnv1a.h"
#include "base/json.h"
#include "engine_onnx/library.h"
#include "engine_onnx/mapping.h"
#include "engine_onnx/model.h"
#include "io/write_whole.h"

namespace ebb::engine_onnx {

namespace {

constexpr std::string_view kKey = "prepared_for";
constexpr std::string_view kSource = "prepared_from";
constexpr std::string_view kApart = "keeps_rows_apart";

// Looked at of each file of a package: the prepared model is found by the package's digest, and this only guards against a mistake there.
constexpr size_t kLookedAtBytes = 4096;

std::string fingerprint(const wire::Package& package) {
  uint64_t value = kFnv1aStart;
  std::string text;
  for (const auto& [name, bytes] : package.entries) {
    text += fmt::format("{} {} ", name, bytes.size());
    const std::string_view all(bytes.data(), bytes.size());
    const size_t looked_at = std::min(all.size(), kLookedAtBytes);
    value = fnv1a(all.substr(all.size() - looked_at), fnv1a(all.substr(0, looked_at), value));
  }
  return fmt::format("{}{:016x}", text, value);
}

std::string manifest_for(const wire::Package& package) {
  const bool apart = !quantises_over_rows(*package.find(wire::kModelEntry));
  return json::serialize(json::value{{kKey, preparation_key()}, {kSource, fingerprint(package)}, {kApart, apart}});
}

Status write_all(int to, std::string_view bytes) {
  const int wrong = io::write_whole(to, bytes);
  return wrong == 0 ? Status() : fail(errno_error("writing the prepared model", wrong));
}

Status write_entry(int to, std::string_view name, std::string_view bytes) {
  if (bytes.size() > wire::kPackageEntryBytesMax) return fail(ErrorKind::kTooLarge, "the prepared model is larger than a package can hold");
  if (const Status header = write_all(to, wire::entry_header(name, bytes.size())); !header) return header;
  if (const Status data = write_all(to, bytes); !data) return data;
  return write_all(to, wire::entry_padding(bytes.size()));
}

Status save_optimized(const wire::Package& package, const std::string& scratch) {
  try {
    Ort::SessionOptions options = session_options(1);
    options.SetOptimizedModelFilePath(scratch.c_str());
    options.AddConfigEntry(kOrtSessionOptionsConfigSaveModelFormat, "ORT");
    add_external_data(options, package);
    const std::span<const char> model = *package.find(wire::kModelEntry);
    const Ort::Session session(environment(), model.data(), model.size(), options);
    return {};
  } catch (const Ort::Exception& thrown) {
    return fail(library_error(thrown, ErrorKind::kCorrupt));
  }
}

// What the library cannot read back is no use to a worker.
Status try_session(std::span<const char> optimized) {
  try {
    Ort::SessionOptions options = session_options(1);
    use_prepared(options, Packing::kFull);
    const Ort::Session session(environment(), optimized.data(), optimized.size(), options);
    return {};
  } catch (const Ort::Exception& thrown) {
    return fail(library_error(thrown, ErrorKind::kCorrupt));
  }
}

}  // namespace

Result<uint64_t> prepare(std::span<const char> bytes, const std::string& scratch, int to) {
  const Result<wire::Package> package = wire::read_package(bytes);
  if (!package) return fail(package.error());
  if (const Status saved = save_optimized(*package, scratch); !saved) return fail(saved.error());
  const Fd file(::open(scratch.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(errno_error("reading the optimised model", errno));
  const Result<Mapping> optimized = Mapping::of(file.get());
  if (!optimized) return fail(optimized.error());
  if (const Status usable = try_session(optimized->bytes()); !usable) return fail(usable.error());
  Status written = write_entry(to, wire::kManifestEntry, manifest_for(*package));
  if (written) written = write_entry(to, wire::kModelEntry, std::string_view(optimized->bytes().data(), optimized->bytes().size()));
  if (written) written = write_all(to, wire::package_end());
  if (!written) return fail(written.error());
  return static_cast<uint64_t>(::lseek(to, 0, SEEK_CUR));
}

Result<Preparation> read_preparation(std::span<const char> prepared, const wire::Package& package) {
  const Result<wire::Package> read = wire::read_package(prepared);
  if (!read) return fail(read.error());
  const std::span<const char> text = *read->find(wire::kManifestEntry);
  const Result<json::value> said = parse_json(std::string_view(text.data(), text.size()));
  if (!said) return fail(said.error());
  ObjectReader reader(*said, "manifest");
  const std::string key = reader.required_string(kKey);
  const std::string source = reader.required_string(kSource);
  if (!reader.ok()) return fail(reader.error());
  if (key != preparation_key()) return fail(ErrorKind::kInvalid, fmt::format("it was made for '{}', and this is '{}'", key, preparation_key()));
  if (source != fingerprint(package)) return fail(ErrorKind::kInvalid, "it was made of another model");
  return Preparation{.model = *read->find(wire::kModelEntry), .keeps_rows_apart = reader.boolean(kApart).value_or(false)};
}

void use_prepared(Ort::SessionOptions& options, Packing packing) {
  options.SetGraphOptimizationLevel(ORT_DISABLE_ALL);
  options.AddConfigEntry(kOrtSessionOptionsConfigLoadModelFormat, "ORT");
  options.AddConfigEntry(kOrtSessionOptionsConfigUseORTModelBytesDirectly, "1");
  options.AddConfigEntry(kOrtSessionOptionsConfigUseORTModelBytesForInitializers, "1");
  if (packing == Packing::kQuick) options.AddConfigEntry(kOrtSessionOptionsConfigDisablePrepacking, "1");
}

}  // namespace ebb::engine_onnx
