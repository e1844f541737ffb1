// Sessions: making them from mappings, and running them.
#include "engine_onnx/model.h"

#include <fmt/format.h>
#include <onnxruntime_run_options_config_keys.h>
#include <onnxruntime_session_options_config_keys.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "domain/limits.h"
#include "engine_onnx/library.h"
#include "engine_onnx/preparation.h"
#include "engine_onnx/tensors.h"

namespace ebb::engine_onnx {

namespace {

// A worker moves between few numbers of threads, as its neighbours come and go.
constexpr size_t kSessionsKept = 2;
// Packing the weights of a sentence model takes 40 ms, and each run is 4 ms faster for it.
constexpr int kRunsThatPayPacking = 16;

// What exporters call the first dimension when it is a number of independent examples.
constexpr std::array<std::string_view, 4> kBatchWords{"N", "n", "B", "bs"};

bool names_a_batch(std::string_view dimension) { return dimension.starts_with("batch") || std::ranges::count(kBatchWords, dimension) > 0; }

struct Described {
  domain::TensorSpec spec;
  std::string first_dimension;  // its name, where it is open
};

std::unexpected<Error> not_for_clients(std::string_view what, std::string_view name) {
  return fail(ErrorKind::kCorrupt,
              fmt::format("the model's {} '{}' is not a tensor of a type that a request can have: export the model with tensors only", what, name));
}

Result<Described> describe_one(std::string name, const Ort::TypeInfo& type, std::string_view what) {
  if (type.GetONNXType() != ONNX_TYPE_TENSOR) return not_for_clients(what, name);
  const auto tensor = type.GetTensorTypeAndShapeInfo();
  const std::optional<domain::DataType> element = data_type_of(tensor.GetElementType());
  if (!element) return not_for_clients(what, name);
  Described described{.spec = {.name = std::move(name), .type = *element, .shape = tensor.GetShape()}};
  if (described.spec.shape.size() > domain::kTensorDimensionsMax) return not_for_clients(what, described.spec.name);
  if (!described.spec.shape.empty() && described.spec.shape[0] < 0) {
    std::vector<const char*> names(described.spec.shape.size());
    tensor.GetSymbolicDimensions(names.data(), names.size());
    described.first_dimension = names[0];
  }
  return described;
}

// The library's exceptions end here.
template <class T, class Function>
Result<T> guarded(ErrorKind kind, Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (const Ort::Exception& thrown) {
    return fail(library_error(thrown, kind));
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::kExhausted, "there is not enough memory for the model");
  }
}

std::vector<const char*> names_of(std::span<const domain::Tensor> tensors) {
  std::vector<const char*> names;
  for (const domain::Tensor& tensor : tensors)
    names.push_back(tensor.head.name.c_str());
  return names;
}

Result<std::vector<domain::Tensor>> tensors_of(const std::vector<Ort::Value>& values, std::span<const std::string> names) {
  size_t bytes = 0;
  for (const Ort::Value& value : values) {
    const Result<size_t> more = data_bytes(value);
    if (!more) return fail(more.error());
    bytes += *more;
    if (bytes > domain::kTensorBytesMax)
      return fail(ErrorKind::kTooLarge,
                  fmt::format("the model's outputs for this input take more than the {} MiB that an answer may have: ask for fewer outputs, or "
                              "for less at once",
                              domain::kTensorBytesMax >> 20U));
  }
  std::vector<domain::Tensor> tensors;
  for (size_t i = 0; i < values.size(); ++i)
    tensors.push_back(tensor_of(values[i], names[i]));
  return tensors;
}

Error of_the_run(Error error) {
  if (error.message.find("terminate flag") != std::string::npos) return {.kind = ErrorKind::kCancelled, .message = "the run was stopped"};
  // What has run together with others is tried by itself before this is said: to ask again would not help.
  if (error.kind == ErrorKind::kExhausted)
    return {.kind = ErrorKind::kTooLarge,
            .message = fmt::format(
                "the model needs more memory for this input than the {} MiB that its worker may have: send less at once, or deploy it with more memory",
                tensor_bytes_max() >> 20U)};
  error.message = "the model cannot compute this input: " + error.message;
  error.param = "inputs";
  return error;
}

}  // namespace

Ort::SessionOptions session_options(int threads) {
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(threads);
  options.SetInterOpNumThreads(1);
  options.SetExecutionMode(ORT_SEQUENTIAL);
  // A thread that spins takes the core of another model.
  options.AddConfigEntry(kOrtSessionOptionsConfigAllowIntraOpSpinning, "0");
  // Tensors come from bounded memory, not from an arena that is never given back.
  options.AddConfigEntry(kOrtSessionOptionsConfigUseEnvAllocators, "1");
  options.DisableMemPattern();
  return options;
}

// The names of all such operators begin so. A tensor of this name does no harm: calls then run one by one.
bool quantises_over_rows(std::span<const char> model) {
  constexpr std::string_view kOperator = "DynamicQuantize";
  return ::memmem(model.data(), model.size(), kOperator.data(), kOperator.size()) != nullptr;
}

void add_external_data(Ort::SessionOptions& options, const wire::Package& package) {
  std::vector<std::string> names;
  std::vector<char*> contents;
  std::vector<size_t> lengths;
  for (const auto& [name, bytes] : package.entries) {
    if (name == wire::kManifestEntry || name == wire::kModelEntry || bytes.empty()) continue;
    names.push_back(name);
    contents.push_back(const_cast<char*>(bytes.data()));
    lengths.push_back(bytes.size());
  }
  if (!names.empty()) options.AddExternalInitializersFromFilesInMemory(names, contents, lengths);
}

Result<std::unique_ptr<Model>> Model::load(const Fd& package, int prepared, int threads, const Log& log) {
  Result<Mapping> bytes = Mapping::of(package.get());
  if (!bytes) return fail(bytes.error());
  std::unique_ptr<Model> model(new Model(std::move(*bytes)));
  if (const Status read = model->read_package(); !read) return fail(read.error());
  if (prepared >= 0 && model->take_prepared(prepared, log)) {
    if (const Result<Ort::Session*> session = model->session_for(threads); !session) {
      log("the prepared model cannot be used, the model itself is: " + session.error().message);
      model->prepared_ = {};
    }
  }
  if (!model->is_prepared()) model->keeps_rows_apart_ = !quantises_over_rows(*model->package_.find(wire::kModelEntry));
  if (const Result<Ort::Session*> session = model->session_for(threads); !session) return fail(session.error());
  if (const Status described = model->describe(); !described) return fail(described.error());
  return model;
}

Status Model::read_package() {
  Result<wire::Package> package = wire::read_package(package_bytes_.bytes());
  if (!package) return fail(package.error());
  package_ = std::move(*package);
  const std::span<const char> text = *package_.find(wire::kManifestEntry);
  Result<wire::Manifest> manifest = wire::parse_manifest(std::string_view(text.data(), text.size()));
  if (!manifest) return fail(manifest.error());
  manifest_ = std::move(*manifest);
  return {};
}

bool Model::take_prepared(int prepared, const Log& log) {
  Result<Mapping> bytes = Mapping::of(prepared);
  const Result<Preparation> inside = bytes ? read_preparation(bytes->bytes(), package_) : fail(bytes.error());
  if (!inside) {
    log("the prepared model does not fit, the model itself is loaded: " + inside.error().message);
    return false;
  }
  prepared_ = std::move(*bytes);
  prepared_model_ = inside->model;
  keeps_rows_apart_ = inside->keeps_rows_apart;
  return true;
}

Status Model::describe() {
  const Result<Ort::Session*> any = session_for(sessions_.begin()->first);
  if (!any) return fail(any.error());
  return guarded<void>(ErrorKind::kCorrupt, [&]() -> Status {
    Ort::Session& session = **any;
    Ort::AllocatorWithDefaultOptions allocator;
    std::set<std::string> first_dimensions;
    for (size_t i = 0; i < session.GetInputCount(); ++i) {
      Result<Described> one = describe_one(session.GetInputNameAllocated(i, allocator).get(), session.GetInputTypeInfo(i), "input");
      if (!one) return fail(one.error());
      first_dimensions.insert(one->first_dimension);
      inputs_.push_back(std::move(one->spec));
    }
    for (size_t i = 0; i < session.GetOutputCount(); ++i) {
      Result<Described> one = describe_one(session.GetOutputNameAllocated(i, allocator).get(), session.GetOutputTypeInfo(i), "output");
      if (!one) return fail(one.error());
      first_dimensions.insert(one->first_dimension);
      outputs_.push_back(std::move(one->spec));
    }
    has_batches_ = keeps_rows_apart_ && !inputs_.empty() && first_dimensions.size() == 1 && names_a_batch(*first_dimensions.begin());
    return {};
  });
}

Ort::Session Model::make_session(int threads, Packing packing) const {
  Ort::SessionOptions options = session_options(threads);
  if (is_prepared()) {
    use_prepared(options, packing);
    return {environment(), prepared_model_.data(), prepared_model_.size(), options};
  }
  add_external_data(options, package_);
  const std::span<const char> model = *package_.find(wire::kModelEntry);
  return {environment(), model.data(), model.size(), options};
}

Result<Ort::Session*> Model::session_for(int threads) {
  auto found = sessions_.find(threads);
  if (found == sessions_.end()) {
    const Packing packing = is_prepared() ? Packing::kQuick : Packing::kFull;
    Result<Ort::Session> made = guarded<Ort::Session>(ErrorKind::kCorrupt, [&] { return make_session(threads, packing); });
    if (!made) return fail(made.error());
    // What the library copied is looked at no more.
    if (!is_prepared()) package_bytes_.forget();
    drop_oldest();
    found = sessions_.emplace(threads, Kept{.session = std::move(*made), .packing = packing}).first;
  }
  found->second.used = ++uses_;
  ++found->second.runs;
  return &found->second.session;
}

void Model::drop_oldest() {
  if (sessions_.size() < kSessionsKept) return;
  sessions_.erase(std::ranges::min_element(sessions_, {}, [](const auto& entry) { return entry.second.used; }));
}

void Model::improve(int threads) {
  const auto found = sessions_.find(threads);
  if (found == sessions_.end() || found->second.packing == Packing::kFull || improved_.valid()) return;
  const auto is_other_full = [&](const auto& entry) { return entry.first != threads && entry.second.packing == Packing::kFull; };
  if (std::ranges::any_of(sessions_, is_other_full)) {
    if (found->second.runs < kRunsThatPayPacking) return;
    std::erase_if(sessions_, is_other_full);
  }
  found->second.packing = Packing::kFull;  // tried once
  try {
    improved_ = std::async(std::launch::async, [this, threads] {
      Result<Ort::Session> made = guarded<Ort::Session>(ErrorKind::kCorrupt, [&] { return make_session(threads, Packing::kFull); });
      return Improved{.threads = threads, .session = made ? std::move(*made) : Ort::Session(nullptr)};
    });
  } catch (const std::system_error&) {
    return;  // no thread to be had: the quick one goes on
  }
}

void Model::take_improved() {
  if (!improved_.valid() || improved_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
  Improved improved = improved_.get();
  const auto found = sessions_.find(improved.threads);
  if (!improved.session || found == sessions_.end()) return;
  found->second.session = std::move(improved.session);
  prepared_.forget();  // what was packed is looked at no more
}

Result<std::vector<domain::Tensor>> Model::run(std::span<const domain::Tensor> inputs, std::span<const std::string> outputs, int threads,
                                               const Ort::RunOptions& options) {
  take_improved();
  const Result<Ort::Session*> session = session_for(threads);
  if (!session) return fail(session.error());
  const std::vector<const char*> input_names = names_of(inputs);
  std::vector<const char*> output_names;
  for (const std::string& output : outputs)
    output_names.push_back(output.c_str());
  Result<std::vector<Ort::Value>> values = guarded<std::vector<Ort::Value>>(ErrorKind::kInvalid, [&] {
    std::vector<Ort::Value> given;
    for (const domain::Tensor& input : inputs)
      given.push_back(value_of(input));
    return (*session)->Run(options, input_names.data(), given.data(), given.size(), output_names.data(), output_names.size());
  });
  if (!values) return fail(of_the_run(values.error()));
  return tensors_of(*values, outputs);
}

}  // namespace ebb::engine_onnx
