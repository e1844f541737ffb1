// A picture is decoded when its turn comes, so that only those of one batch are in memory.
#include "engine_onnx/image_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine_onnx/labels.h"
#include "engine_onnx/picture.h"
#include "engine_onnx/tensors.h"

namespace ebb::engine_onnx {

namespace {

struct ImageModel {
  const Model* model = nullptr;
  std::vector<std::string> labels;
  std::vector<std::string> outputs;  // the one
  bool has_batches = false;
  const wire::ImageInput& input() const { return *model->manifest().image; }
};

class ImageWork final : public Work {
 public:
  ImageWork(const ImageModel& image, const domain::Samples& samples) : image_(image), items_(samples.items), top_(samples.top), given_(samples.items.size()) {}

  Status begin() override { return {}; }
  size_t parts() const override { return items_.size(); }
  PartSize size_of(size_t /*part*/) const override {
    const wire::ImageInput& input = image_.input();
    return {.kind = image_.has_batches ? "pictures" : "", .rows = 1, .bytes = static_cast<size_t>(input.width * input.height * input.channels) * sizeof(float)};
  }
  Result<std::vector<domain::Tensor>> inputs_of(size_t part) override {
    const std::string file = std::exchange(items_[part], {});
    const Result<Picture> picture = decode_picture(file, std::max(image_.input().width, image_.input().height));
    if (!picture) return fail(picture.error().with_context(fmt::format("item {}", part)));
    return std::vector<domain::Tensor>{tensor_of(*picture, image_.input())};
  }
  const std::vector<std::string>& outputs() const override { return image_.outputs; }
  Status take(size_t part, std::vector<domain::Tensor> outputs) override {
    Result<domain::Labels> labels = best_labels(floats_of(outputs.at(0)), image_.model->manifest().scores, image_.labels, top_);
    if (!labels) return fail(labels.error());
    given_[part] = std::move(*labels);
    return {};
  }
  std::vector<engine::StepEvent> give() override {
    std::vector<engine::StepEvent> events;
    for (; next_ < given_.size() && given_[next_]; ++next_)
      events.push_back({.kind = engine::StepEvent::Kind::kLabels, .labels = *std::exchange(given_[next_], std::nullopt)});
    return events;
  }

 private:
  const ImageModel& image_;
  std::vector<std::string> items_;  // each is given up when it was decoded
  int top_;
  std::vector<std::optional<domain::Labels>> given_;  // by part, until they can be given in order
  size_t next_ = 0;
};

class ImageTask final : public Task {
 public:
  explicit ImageTask(ImageModel image) : image_(std::move(image)) {}

  Result<std::unique_ptr<Work>> work_for(const domain::Call& call) const override {
    const auto* samples = std::get_if<domain::Samples>(&call.input);
    if (samples == nullptr || samples->kind != domain::Samples::Kind::kImage) return fail(engine::not_what_it_does("gives labels to pictures"));
    return std::make_unique<ImageWork>(image_, *samples);
  }

 private:
  ImageModel image_;
};

}  // namespace

Result<std::unique_ptr<Task>> make_image_task(const Model& model) {
  const wire::Manifest& manifest = model.manifest();
  const auto* file = model.file(manifest.labels);
  Result<std::vector<std::string>> labels =
      file == nullptr ? fail(ErrorKind::kCorrupt, fmt::format("the package lacks '{}'", manifest.labels)) : read_labels(*file);
  if (!labels) return fail(labels.error());
  ImageModel image{.model = &model, .labels = std::move(*labels), .outputs = {manifest.output}};
  const auto output = std::ranges::find(model.outputs(), manifest.output, &domain::TensorSpec::name);
  const int64_t at_once = model.inputs().front().shape[0];
  if (at_once != -1 && at_once != 1)
    return fail(ErrorKind::kCorrupt, fmt::format("the model takes {} pictures at once: export it for one, or for any number", at_once));
  image.has_batches = model.keeps_rows_apart() && at_once == -1 && output->shape[0] == -1;
  return std::make_unique<ImageTask>(std::move(image));
}

}  // namespace ebb::engine_onnx
