// Manifests of each task, what is wrong with others, and tokenizers taken over.
#include "wire/manifest.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

using domain::DataType;
using domain::TensorSpec;

constexpr std::string_view kEmbedding = "task: embedding\ntokenizer: {vocabulary: vocab.txt, max_tokens: 128}\noutput: last_hidden_state\n";
constexpr std::string_view kPicture =
    "task: image-classification\nimage:\n  input: x\n  width: 32\n  height: 16\n  mean: [0, 0.5, 1]\noutput: y\nscores: none\n";

std::string why(std::string_view yaml) {
  const Result<Manifest> manifest = parse_manifest_yaml(yaml);
  return manifest ? "" : manifest.error().message;
}

TEST(Manifest, NothingMeansTensors) {
  for (const char* text : {"", "# only words\n", "task: tensors\n"}) {
    const Result<Manifest> manifest = parse_manifest_yaml(text);
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(*manifest, Manifest{});
  }
  EXPECT_EQ(canonical_manifest(Manifest{}), "{\"task\":\"tensors\"}\n");
}

TEST(Manifest, DefaultsOfATask) {
  const Result<Manifest> text = parse_manifest_yaml(kEmbedding);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->task, domain::Task::kEmbedding);
  EXPECT_EQ(text->tokenizer->max_tokens, 128);
  EXPECT_EQ(text->tokenizer->cls, "[CLS]");
  EXPECT_EQ(text->inputs, TextInputs{});
  EXPECT_EQ(text->pooling, Pooling::kMean);
  EXPECT_TRUE(text->normalize);
  EXPECT_EQ(files_of(*text), std::vector<std::string>{"vocab.txt"});

  const Result<Manifest> picture = parse_manifest_yaml(kPicture);
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_EQ(picture->image->color, Color::kRgb);
  EXPECT_EQ(picture->image->scale, 1.0 / 255);
  EXPECT_EQ(picture->image->mean, (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(picture->image->std, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(files_of(*picture), std::vector<std::string>{"labels.txt"});
}

TEST(Manifest, CanonicalFormReadsBack) {
  for (const std::string_view yaml :
       {kEmbedding, kPicture,
        std::string_view("task: text-classification\ntokenizer: {}\ninputs: {tokens: ids, types: null}\noutput: logits\nscores: sigmoid\n"),
        std::string_view("task: image-classification\noutput: y\nimage: {channels: 1, layout: NHWC, resize: fit-crop, std: [0.3]}\n")}) {
    const Result<Manifest> manifest = parse_manifest_yaml(yaml);
    ASSERT_TRUE(manifest) << manifest.error().message;
    const std::string text = canonical_manifest(*manifest);
    const Result<Manifest> again = parse_manifest(text);
    ASSERT_TRUE(again) << again.error().message << text;
    EXPECT_EQ(*again, *manifest) << text;
    EXPECT_EQ(canonical_manifest(*again), text);
  }
}

TEST(Manifest, SaysFieldAndLine) {
  struct Row {
    std::string yaml;
    std::string says;
  };
  const std::vector<Row> rows{
      {"task: sing\n", "ebb.yaml, line 1: 'task' must be one of tensors, embedding, text-classification, image-classification, not 'sing'"},
      {"# x\ntasks: embedding\n", "ebb.yaml, line 2: 'tasks' is not a known field"},
      {"- a\n", "ebb.yaml: a manifest must have fields"},
      {"task: embedding\n", "'tokenizer' is required"},
      {"task: embedding\ntokenizer: {}\n", "'output' is required"},
      {"task: tensors\noutput: y\n", "ebb.yaml, line 2: 'output' does not belong to the task 'tensors'"},
      {"task: embedding\ntokenizer: {}\noutput: y\nlabels: l.txt\n", "ebb.yaml, line 4: 'labels' does not belong to the task 'embedding'"},
      {"task: embedding\ntokenizer:\n  kind: bpe\noutput: y\n", "ebb.yaml, line 3: 'tokenizer.kind' must be wordpiece, not 'bpe'"},
      {"task: embedding\ntokenizer: {vocabulary: ../vocab.txt}\noutput: y\n", "'tokenizer.vocabulary' must name a file beside the model"},
      {"task: embedding\ntokenizer: {max_tokens: 2}\noutput: y\n", "'tokenizer.max_tokens' must be between 3 and 8192, not 2"},
      {"task: embedding\ntokenizer: {cls: \"\"}\noutput: y\n", "'tokenizer.cls' must be one token"},
      {"task: embedding\ntokenizer: {}\noutput: y\npooling: max\n", "ebb.yaml, line 4: 'pooling' must be one of mean, cls, none, not 'max'"},
      {"task: embedding\ntokenizer: {}\noutput: y\ninputs: {tokens: null, mask: \"\"}\n", "'inputs.mask' must have 1 to 256 bytes"},
      {"task: image-classification\noutput: y\n", "'image' is required"},
      {"task: image-classification\noutput: y\nimage: {channels: 2}\n", "'image.channels' is 2"},
      {"task: image-classification\noutput: y\nimage: {channels: 1, color: RGB}\n", "'image.channels' is 1"},
      {"task: image-classification\noutput: y\nimage: {width: 100000}\n", "'image.width' must be between 1 and 2048, not 100000"},
      {"task: image-classification\noutput: y\nimage:\n  mean: [0, 1]\n", "ebb.yaml, line 4: 'image.mean' must have 3 numbers"},
      {"task: image-classification\noutput: y\nimage: {mean: [0, 1, x]}\n", "'image.mean' must have 3 numbers"},
      {"task: image-classification\noutput: y\nimage: {std: [0, 1, 1]}\n", "'image.std' has a 0"},
      {"task: image-classification\noutput: y\nimage: {scale: 1e9}\n", "'image.scale' must be between"},
      {"task: image-classification\nimage: {}\noutput: y\nlabels: /etc/passwd\n", "ebb.yaml, line 4: 'labels' must name a file beside the model"},
      {"task: [embedding\n", "ebb.yaml: line"},
      {"task: embedding\ntask: tensors\n", "ebb.yaml: line 2, column 1: 'task' is there twice"},
  };
  for (const Row& row : rows)
    EXPECT_NE(why(row.yaml).find(row.says), std::string::npos) << row.yaml << "says " << why(row.yaml);
  EXPECT_FALSE(parse_manifest(std::string(100'000, ' ')));
  EXPECT_FALSE(parse_manifest("{"));
}

std::string model_why(std::string_view yaml, const std::vector<TensorSpec>& inputs, const std::vector<TensorSpec>& outputs) {
  const Result<Manifest> manifest = parse_manifest_yaml(yaml);
  EXPECT_TRUE(manifest) << manifest.error().message;
  const Status fits = check_manifest(*manifest, inputs, outputs);
  return fits ? "" : fits.error().message;
}

TEST(Manifest, TextsAndModelsThatFit) {
  const std::vector<TensorSpec> inputs{
      {"input_ids", DataType::kInt64, {-1, -1}}, {"attention_mask", DataType::kInt64, {-1, -1}}, {"token_type_ids", DataType::kInt64, {-1, -1}}};
  const std::vector<TensorSpec> two{inputs[0], inputs[1]};
  const std::vector<TensorSpec> floats{inputs[0], {"attention_mask", DataType::kFp32, {-1, -1}}, inputs[2]};
  const std::vector<TensorSpec> by_token{{"last_hidden_state", DataType::kFp32, {-1, -1, 384}}};
  const std::vector<TensorSpec> by_text{{"last_hidden_state", DataType::kFp32, {-1, 384}}};
  const std::string no_types = std::string(kEmbedding) + "inputs: {types: null}\n";
  const std::string pooled = std::string(kEmbedding) + "pooling: none\n";
  EXPECT_EQ(model_why(kEmbedding, inputs, by_token), "");
  EXPECT_EQ(model_why(no_types, two, by_token), "");
  EXPECT_EQ(model_why(pooled, inputs, by_text), "");
  EXPECT_NE(model_why(kEmbedding, two, by_token).find("'inputs.types' is 'token_type_ids', but the model has no input of this name"), std::string::npos);
  EXPECT_NE(model_why(no_types, inputs, by_token).find("the model takes 'token_type_ids' too"), std::string::npos);
  EXPECT_NE(model_why(kEmbedding, floats, by_token).find("'attention_mask' is FP32 [-1,-1]: tokens are INT64"), std::string::npos);
  EXPECT_NE(model_why(kEmbedding, inputs, by_text).find("FP32 of three dimensions"), std::string::npos);
  EXPECT_NE(model_why(pooled, inputs, by_token).find("FP32 of two dimensions"), std::string::npos);
  EXPECT_NE(model_why(kEmbedding, inputs, {}).find("'output' is 'last_hidden_state'"), std::string::npos);
}

TEST(Manifest, PicturesAndModelsThatFit) {
  const std::vector<TensorSpec> scores{{"y", DataType::kFp32, {-1, 10}}};
  EXPECT_EQ(model_why(kPicture, {{"x", DataType::kFp32, {1, 3, 16, 32}}}, scores), "");
  EXPECT_EQ(model_why(kPicture, {{"x", DataType::kFp32, {-1, 3, -1, -1}}}, scores), "");
  EXPECT_NE(model_why(kPicture, {{"x", DataType::kFp32, {1, 3, 32, 16}}}, scores).find("the manifest makes FP32 [-1,3,16,32] of a picture"), std::string::npos);
  EXPECT_NE(model_why(kPicture, {{"x", DataType::kUint8, {1, 3, 16, 32}}}, scores).find("'x' is UINT8"), std::string::npos);
  EXPECT_NE(model_why(kPicture, {{"x", DataType::kFp32, {1, 3, 16, 32}}, {"z", DataType::kFp32, {}}}, scores).find("takes 'z' too"), std::string::npos);
}

constexpr std::string_view kTokenizer =
    R"({"normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": false},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A"}},
                       {"SpecialToken": {"id": "</s>"}}]},
    "padding": {"pad_token": "<pad>"}, "added_tokens": [{"id": 1, "content": "<s>"}],
    "model": {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##", "vocab": {"a": 4, "<s>": 1, "</s>": 2, "<pad>": 0, "<unk>": 3}}})";

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kTokenizer);
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(TokenizerJson, IsTakenOver) {
  const Result<ConvertedTokenizer> read = convert_tokenizer_json(kTokenizer);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->vocabulary, "<pad>\n<s>\n</s>\n<unk>\na\n");
  Tokenizer expected;
  expected.lowercase = false;
  expected.cls = "<s>";
  expected.sep = "</s>";
  expected.unknown = "<unk>";
  expected.pad = "<pad>";
  EXPECT_EQ(read->tokenizer, expected);
}

TEST(TokenizerJson, BertProcessing) {
  const Result<ConvertedTokenizer> read =
      convert_tokenizer_json(replaced(R"("type": "TemplateProcessing", "single")", R"("type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "x")"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->tokenizer.sep, "</s>");
}

TEST(TokenizerJson, WhatCannotBeDoneIsSaid) {
  struct Row {
    std::string text;
    std::string says;
  };
  const std::vector<Row> rows{
      {"{", "tokenizer.json"},
      {"[]", "it is not an object"},
      {"{}", "its model is of the type ''"},
      {replaced("WordPiece", "BPE"), "its model is of the type 'BPE'"},
      {replaced("\"##\"", "\"@\""), "continuing_subword_prefix"},
      {replaced("\"a\": 4", "\"a\": 9"), "are not 0, 1, 2"},
      {replaced("\"a\": 4", "\"a\": -1"), "are not 0, 1, 2"},
      {replaced("\"a\": 4", "\"a\": 1"), "same id"},
      {replaced("\"a\": 4", "\"a\\n\": 4"), "more than one line"},
      {replaced("\"<unk>\",", "\"[X]\","), "unk_token is '[X]'"},
      {replaced("BertNormalizer", "Lowercase"), "are not BERT's"},
      {replaced("\"clean_text\": true", "\"clean_text\": false"), "does not clean texts"},
      {replaced("\"strip_accents\": null", "\"strip_accents\": true"), "strip accents"},
      {replaced("TemplateProcessing", "Sequence"), "neither TemplateProcessing nor BertProcessing"},
      {replaced("\"id\": \"</s>\"", "\"id\": \"[X]\""), "behind a text is '[X]'"},
      {replaced("{\"Sequence\": {\"id\": \"A\"}},", ""), "one token before a text"},
      {replaced("\"pad_token\": \"<pad>\"", "\"pad_token\": \"[X]\""), "fills up is '[X]'"},
      {replaced("\"content\": \"<s>\"", "\"content\": \"<new>\""), "adds the token '<new>'"},
  };
  for (const Row& row : rows) {
    const Result<ConvertedTokenizer> read = convert_tokenizer_json(row.text);
    ASSERT_FALSE(read) << row.says;
    EXPECT_NE(read.error().message.find(row.says), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace ebb::wire
