// What a model package is for, and how texts and pictures become its tensors: `ebb.yaml` as users write it, and `manifest.json`, its canonical form,
// which stands in the package and is what a worker reads. Pure.
//
//   task: embedding                    # tensors (if left out) | embedding | text-classification | image-classification
//   tokenizer: {kind: wordpiece, vocabulary: vocab.txt, lowercase: true, max_tokens: 256, cls: "[CLS]", sep: "[SEP]", unknown: "[UNK]", pad: "[PAD]"}
//   inputs: {tokens: input_ids, mask: attention_mask, types: token_type_ids}           # what the model calls them; null: it takes none
//   output: last_hidden_state          # which output is looked at
//   pooling: mean                      # embedding: mean | cls | none (the output is one vector for each text already)
//   normalize: true                    # embedding: vectors of length 1
//   image: {input: input, width: 224, height: 224, channels: 3, layout: NCHW, color: RGB, resize: stretch, scale: 0.00392156862745098,
//           mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}                   # value = (byte × scale − mean) / std
//   labels: labels.txt                 # classification: a text file, one label a line
//   scores: softmax                    # classification: softmax | sigmoid | none, of what the model gives
//
// A field that does not belong to the task is refused. Error: kInvalid with the path of the field as param.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/model.h"

namespace ebb::wire {

// How BERT's tokenizers cut a text: by blanks and punctuation, then into the longest pieces that the vocabulary has ("##" before all but the first).
struct Tokenizer {
  std::string vocabulary = "vocab.txt";  // of the package: one token a line, the first has id 0
  bool lowercase = true;                 // and accents stripped
  int64_t max_tokens = 256;              // with the two that are put around
  std::string cls = "[CLS]";
  std::string sep = "[SEP]";
  std::string unknown = "[UNK]";
  std::string pad = "[PAD]";
  bool operator==(const Tokenizer&) const = default;
};

// Names of the model's inputs. Empty: it takes none.
struct TextInputs {
  std::string tokens = "input_ids";
  std::string mask = "attention_mask";
  std::string types = "token_type_ids";
  bool operator==(const TextInputs&) const = default;
};

enum class Pooling { kMean, kCls, kNone };
enum class Layout { kNchw, kNhwc };
enum class Color { kRgb, kBgr, kGray };
enum class Resize { kStretch, kFitCrop };  // kFitCrop: the shorter side fits, the middle is taken
enum class Scores { kSoftmax, kSigmoid, kNone };

struct ImageInput {
  std::string input = "input";
  int64_t width = 224;
  int64_t height = 224;
  int64_t channels = 3;  // 3, or 1 with kGray
  Layout layout = Layout::kNchw;
  Color color = Color::kRgb;
  Resize resize = Resize::kStretch;
  double scale = 1.0 / 255;
  std::vector<double> mean;  // one for each channel
  std::vector<double> std;   // the same, none is 0
  bool operator==(const ImageInput&) const = default;
};

struct Manifest {
  domain::Task task = domain::Task::kTensors;
  std::optional<Tokenizer> tokenizer;  // of embedding and text classification
  TextInputs inputs;                   // the same
  std::string output;                  // of all but tensors
  Pooling pooling = Pooling::kMean;    // of embedding
  bool normalize = true;               // the same
  std::optional<ImageInput> image;     // of image classification
  std::string labels;                  // of classification: a file of the package
  Scores scores = Scores::kSoftmax;    // the same
  bool operator==(const Manifest&) const = default;
};

// `ebb.yaml`, at most kManifestBytesMax bytes. Messages name line and field.
Result<Manifest> parse_manifest_yaml(std::string_view yaml);
// `manifest.json` of a package: the same fields. What a worker reads.
Result<Manifest> parse_manifest(std::string_view text);
Result<Manifest> manifest_from_json(const json::value& value);
// Every field of the task in one fixed order, and no other.
std::string canonical_manifest(const Manifest& manifest);

// The files that it names, each of which must be in the package.
std::vector<std::string> files_of(const Manifest& manifest);

// Whether a model with these inputs and outputs can do what the manifest says. Error: kInvalid with the field of the manifest as param.
Status check_manifest(const Manifest& manifest, std::span<const domain::TensorSpec> inputs, std::span<const domain::TensorSpec> outputs);

// A tokenizer as Hugging Face's `tokenizer.json` describes it, of the type WordPiece with BERT's normalizer: what the manifest needs of it, and the
// vocabulary as a text of one token a line. Error: kInvalid, saying what it has that cannot be done.
struct ConvertedTokenizer {
  Tokenizer tokenizer;  // its `vocabulary` is "vocab.txt"
  std::string vocabulary;
};
Result<ConvertedTokenizer> convert_tokenizer_json(std::string_view text);

}  // namespace ebb::wire
