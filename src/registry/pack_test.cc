// Models in ONNX through the real ebb-fetch: what becomes a package, from where, and what is refused.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "registry/archive.h"
#include "registry/fetcher_for_test.h"
#include "registry/files.h"
#include "registry/http_server_for_test.h"
#include "registry/onnx_for_test.h"
#include "wire/manifest.h"
#include "wire/package.h"

namespace ebb::registry {
namespace {

namespace fs = std::filesystem;
using namespace onnx_for_test;

constexpr std::string_view kText =
    "task: embedding\ntokenizer: {vocabulary: vocab.txt, max_tokens: 32}\ninputs: {tokens: ids, mask: null, types: null}\noutput: y\n";
constexpr std::string_view kVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n";

// Tokens in, a vector for each out.
std::string text_model() {
  return model_of(ProtoForTest()
                      .message(1, node("Gather", {"w", "ids"}, {"y"}))
                      .text(2, "text")
                      .message(5, tensor("w", {5, 2}, std::string(40, '\1')))
                      .message(11, value("ids", {-1, -1}, kInt64))
                      .message(12, value("y", {-1, -1, 2})))
      .bytes();
}

class PackTest : public FetcherForTest {
 protected:
  std::string make_folder(const std::string& name, const std::vector<std::pair<std::string, std::string>>& files) {
    for (const auto& [file, bytes] : files) {
      fs::create_directories(folder_.path(name + "/" + file).parent_path());
      folder_.write(name + "/" + file, bytes);
    }
    return folder_.path(name);
  }
  // The stored package, and its entries as text.
  std::map<std::string, std::string> stored_entries(const FetchResult& result) {
    const Result<Fd> file = store_.open(result.digest, result.facts.weights_bytes);
    EXPECT_TRUE(file) << file.error().message;
    bytes_ = *read_small(file->get(), 1U << 20U);
    const Result<wire::Package> package = wire::read_package(bytes_);
    EXPECT_TRUE(package) << package.error().message;
    std::map<std::string, std::string> entries;
    for (const auto& [name, data] : package->entries)
      entries[name] = std::string(data.begin(), data.end());
    EXPECT_EQ(sha256_of(bytes_), result.digest);
    return entries;
  }
  std::string tar(const std::string& arguments) {
    const std::string path = folder_.path("x.tar");
    fs::remove(path);
    EXPECT_EQ(std::system(("tar --create --file " + path + " " + arguments).c_str()), 0);  // NOLINT: a test's own words
    return path;
  }
  void expect_invalid(const std::string& source, const std::string& says) {
    SCOPED_TRACE(says);
    const Result<FetchResult> result = fetch({.source = source});
    expect_refused(result, ErrorKind::kInvalid, says);
    EXPECT_EQ(staged(), 0U);
  }

  std::string bytes_;
};

TEST_F(PackTest, AModelInAFile) {
  std::vector<std::string> phases;
  const auto result = fetch({.source = folder_.write("any.name", model())}, [&](const FetchProgress& step) { phases.push_back(step.phase); });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->facts.format, domain::ModelFormat::kOnnx);
  EXPECT_EQ(result->facts.task, domain::Task::kTensors);
  EXPECT_EQ(result->facts.title, "tiny");
  EXPECT_EQ(stored_entries(*result), (std::map<std::string, std::string>{{"manifest.json", "{\"task\":\"tensors\"}\n"}, {"model.onnx", model()}}));
  EXPECT_EQ(std::ranges::count(phases, "check"), 1);
  EXPECT_GE(std::ranges::count(phases, "pack"), 1);
  EXPECT_EQ(staged(), 0U);
  // What stands beside a file that was named alone says nothing about it.
  const std::string folder = make_folder("f", {{"m.onnx", model()}, {"ebb.yaml", "nonsense"}});
  const auto again = fetch({.source = folder + "/m.onnx"});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->digest, result->digest);
}

TEST_F(PackTest, AFolderWithAManifest) {
  const std::string folder =
      make_folder("f", {{"model.onnx", text_model()}, {"ebb.yaml", std::string(kText)}, {"vocab.txt", std::string(kVocabulary)}, {"README.md", "x"}});
  const auto result = fetch({.source = folder});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->facts.task, domain::Task::kEmbedding);
  EXPECT_EQ(result->facts.train_context, 32);
  EXPECT_EQ(result->facts.vocabulary, 5);
  EXPECT_EQ(result->facts.width, 2);
  const auto entries = stored_entries(*result);
  EXPECT_EQ(entries.size(), 3U) << "what nothing names stays behind";
  EXPECT_EQ(entries.at("vocab.txt"), kVocabulary);
  EXPECT_EQ(wire::parse_manifest(entries.at("manifest.json"))->tokenizer->max_tokens, 32);
}

TEST_F(PackTest, TheSameFilesGiveTheSameBytes) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"model.onnx", text_model()}, {"ebb.yaml", std::string(kText)}, {"vocab.txt", std::string(kVocabulary)}};
  const std::string one = make_folder("one", files);
  const std::string two = make_folder("two", {files[2], files[1], files[0]});
  const auto first = fetch({.source = one});
  ASSERT_TRUE(first) << first.error().message;
  const std::array<timespec, 2> times{timespec{.tv_sec = 12345}, timespec{.tv_sec = 67890}};
  ::utimensat(AT_FDCWD, (two + "/model.onnx").c_str(), times.data(), 0);
  ::chmod((two + "/vocab.txt").c_str(), 0600);
  const auto second = fetch({.source = two});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->digest, first->digest);
  // A package is packed to itself, and so is what was unpacked of one.
  stored_entries(*first);
  const auto third = fetch({.source = folder_.write("package.tar", bytes_)});
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_EQ(third->digest, first->digest);
  const std::string unpacked = folder_.path("three");
  fs::create_directory(unpacked);
  ASSERT_EQ(std::system(("tar --extract --directory " + unpacked + " --file " + folder_.path("package.tar").string()).c_str()), 0);  // NOLINT
  const auto fourth = fetch({.source = unpacked});
  ASSERT_TRUE(fourth) << fourth.error().message;
  EXPECT_EQ(fourth->digest, first->digest);
  EXPECT_EQ(stored(), 1U);
}

TEST_F(PackTest, ATokenizerOfHuggingFaceIsConverted) {
  const std::string tokenizer =
      R"({"normalizer": {"type": "BertNormalizer", "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": {"type": "BertProcessing",
      "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
      "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4}}})";
  std::string manifest(kText);
  manifest.replace(manifest.find("vocab.txt"), 9, "tokenizer.json");
  const auto result = fetch({.source = make_folder("f", {{"model.onnx", text_model()}, {"ebb.yaml", manifest}, {"tokenizer.json", tokenizer}})});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(stored_entries(*result).at("vocab.txt"), kVocabulary);
  const auto plain =
      fetch({.source = make_folder("g", {{"model.onnx", text_model()}, {"ebb.yaml", std::string(kText)}, {"vocab.txt", std::string(kVocabulary)}})});
  EXPECT_EQ(plain->digest, result->digest);
}

TEST_F(PackTest, WeightsBesideTheModelComeAlong) {
  const std::string outside = model_outside("data/w.bin");
  const std::string weights(24, 'w');
  const std::string folder = make_folder("f", {{"m.onnx", outside}, {"data/w.bin", weights}});
  const auto result = fetch({.source = folder + "/m.onnx"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(stored_entries(*result).at("data/w.bin"), weights);
  EXPECT_EQ(fetch({.source = folder})->digest, result->digest) << "the only .onnx of a folder is its model";
  // Another name of the same content is that content.
  fs::create_directory(folder_.path("h"));
  fs::create_directory(folder_.path("h/data"));
  fs::create_hard_link(folder + "/m.onnx", folder_.path("h/model.onnx"));
  fs::create_hard_link(folder + "/data/w.bin", folder_.path("h/data/w.bin"));
  const auto linked = fetch({.source = folder_.path("h")});
  ASSERT_TRUE(linked) << linked.error().message;
  EXPECT_EQ(linked->digest, result->digest);
}

TEST_F(PackTest, WhatIsBesideTheModelIsAPlainFileThere) {
  const std::string secret = folder_.write("secret", std::string(24, 's'));
  const struct {
    std::string name;
    std::function<void(const fs::path&)> make;
    std::string says;
  } rows[] = {
      {"none", [](const fs::path&) {}, "the model names the file 'data/w.bin', which is not beside the model"},
      {"short", [](const fs::path& data) { std::ofstream(data / "w.bin") << "short"; }, "the weight 'b' (at byte"},
      {"link", [&](const fs::path& data) { fs::create_symlink(secret, data / "w.bin"); }, "'data/w.bin' is not a plain file"},
      {"parent",
       [&](const fs::path& data) {
         fs::remove(data);
         fs::create_symlink(folder_.path(), data);
         fs::copy_file(secret, folder_.path("w.bin"));
       },
       "'data/w.bin' is not a plain file"},
      {"fifo", [](const fs::path& data) { ::mkfifo((data / "w.bin").c_str(), 0600); }, "'data/w.bin' is not a plain file"},
      {"folder", [](const fs::path& data) { fs::create_directory(data / "w.bin"); }, "'data/w.bin' is not a plain file"},
  };
  for (const auto& row : rows) {
    const std::string folder = make_folder(row.name, {{"model.onnx", model_outside("data/w.bin")}});
    fs::create_directory(fs::path(folder) / "data");
    row.make(fs::path(folder) / "data");
    expect_invalid(folder, row.says);
    expect_invalid(folder + "/model.onnx", row.says);
  }
}

TEST_F(PackTest, WhatAManifestAsksForIsChecked) {
  const auto refused = [&](const std::string& name, std::vector<std::pair<std::string, std::string>> files, const std::string& says) {
    expect_invalid(make_folder(name, files), says);
  };
  const std::pair<std::string, std::string> text{"model.onnx", text_model()};
  const std::pair<std::string, std::string> plain{"model.onnx", model()};
  const std::pair<std::string, std::string> yaml{"ebb.yaml", std::string(kText)};
  const std::string classes = "task: image-classification\nimage: {input: x, width: 1, height: 1}\noutput: y\n";
  refused("a", {text, yaml}, "'tokenizer.vocabulary' names the file 'vocab.txt', which is not beside the model");
  refused("b", {text, yaml, {"vocab.txt", "[PAD]\n[UNK]\n[CLS]\n"}}, "'tokenizer.sep' is '[SEP]', which 'vocab.txt' does not have as a line");
  refused("c", {text, yaml, {"vocab.txt", "\xff\n"}}, "'vocab.txt' is not a text in UTF-8");
  refused("d", {text, yaml, {"vocab.txt", "{\"model\": {\"type\": \"BPE\"}}"}}, "its model is of the type 'BPE'");
  refused("e", {plain, yaml, {"vocab.txt", std::string(kVocabulary)}}, "'inputs.tokens' is 'ids', but the model has no input of this name: it has x");
  refused("f", {plain, {"ebb.yaml", classes}}, "but the manifest makes FP32 [-1,3,1,1] of a picture");
  refused("g", {plain, {"ebb.yaml", "task: sing\n"}}, "ebb.yaml, line 1: 'task' must be one of");
  refused("h", {plain, {"manifest.json", "{"}}, "manifest.json: ");
  refused("i", {{"a.onnx", model()}, {"b.onnx", model()}}, "the folder has 2 models in it");
  refused("j", {{"model.onnx", ""}}, "the ONNX model is empty");
  refused("k", {{"model.onnx", model().substr(0, 40)}}, "not a sound ONNX model");
}

TEST_F(PackTest, LabelsAreAsManyAsScores) {
  const std::string picture =
      model_of(ProtoForTest().message(1, node("Flatten", {"x"}, {"y"})).message(11, value("x", {-1, 3, 1, 1})).message(12, value("y", {-1, 3}))).bytes();
  const std::string yaml = "task: image-classification\nimage: {input: x, width: 1, height: 1}\noutput: y\n";
  const auto folder = [&](const std::string& name, const std::string& labels) {
    return make_folder(name, {{"model.onnx", picture}, {"ebb.yaml", yaml}, {"labels.txt", labels}});
  };
  expect_invalid(folder("a", "cat\ndog\n"), "'labels.txt' has 2 labels, but the model's output 'y' has 3 scores");
  expect_invalid(folder("b", "cat\n\ndog\n"), "line 2 of 'labels.txt' is empty");
  expect_invalid(folder("c", ""), "'labels.txt' has 0 lines");
  expect_invalid(folder("d", "a\nb\n" + std::string(300, 'c') + "\n"), "line 3 of 'labels.txt'");
  const auto result = fetch({.source = folder("e", "cat\r\ndog\r\nbird")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->facts.capability(), "image-classification");
}

TEST_F(PackTest, ArchivesAsPeopleMakeThem) {
  const std::string folder = make_folder("f", {{"model.onnx", model_outside("w.bin")}, {"w.bin", std::string(24, 'w')}, {"notes", "x"}});
  const auto expected = fetch({.source = folder});
  ASSERT_TRUE(expected) << expected.error().message;
  for (const std::string& arguments :
       {"--directory " + folder + " .", "--directory " + folder + " model.onnx w.bin", "--directory " + folder_.path().string() + " f",
        "--format=posix --directory " + folder + " .", "--format=ustar --directory " + folder + " w.bin model.onnx"}) {
    const auto result = fetch({.source = tar(arguments)});
    ASSERT_TRUE(result) << arguments << ": " << result.error().message;
    EXPECT_EQ(result->digest, expected->digest) << arguments;
  }
}

TEST_F(PackTest, ArchivesThatReachOut) {
  const std::string folder = make_folder("f", {{"model.onnx", model()}, {"a b", "x"}});
  fs::create_symlink("/etc/passwd", folder + "/link");
  fs::create_hard_link(folder + "/model.onnx", folder + "/second");
  ::mkfifo((folder + "/fifo").c_str(), 0600);
  folder_.write("f/" + std::string(120, 'n'), "x");
  const std::string in = "--directory " + folder + " ";
  const struct {
    std::string arguments;
    std::string says;
  } rows[] = {
      {in + "model.onnx link", "'link' is a link: put the file itself into the archive"},
      {in + "model.onnx second", "'second' is a link"},
      {in + "model.onnx fifo", "'fifo' is neither a plain file nor a folder"},
      {"--absolute-names " + folder + "/model.onnx", "is not relative and plain"},
      {in + "--transform s,model,../model, model.onnx", "'../model.onnx' is not relative and plain"},
      {in + "model.onnx 'a b'", "'a b' is not relative and plain"},
      {in + "--hard-dereference model.onnx model.onnx", "'model.onnx' is in it twice"},
      {in + "--format=gnu model.onnx " + std::string(120, 'n'), "names of more than 100 bytes"},
      {in + "--format=posix model.onnx " + std::string(120, 'n'), "a pax header says 'path'"},
      {in + "--transform s,model.onnx,other, model.onnx", "the archive has no model.onnx in it"},
  };
  for (const auto& row : rows)
    expect_invalid(tar(row.arguments), row.says);
  const std::string whole = *read_small(Fd(::open(tar(in + "--format=ustar model.onnx").c_str(), O_RDONLY | O_CLOEXEC)).get(), 1U << 20U);
  expect_invalid(folder_.write("cut.tar", whole.substr(0, 600)), "claims");
  expect_invalid(folder_.write("open.tar", whole.substr(0, 1024)), "it ends where a header must follow");
  std::string changed = whole;
  changed[0] = 'M';
  expect_invalid(folder_.write("changed.tar", changed), "there is no header of tar where one must be");
}

TEST_F(PackTest, OverHttp) {
  // Each says one thing for ever: it is asked from another thread.
  const auto saying = [](const std::string& answer) { return [answer](const std::string&) { return HttpServerForTest::ok(answer); }; };
  HttpServerForTest server(saying(model()));
  const auto alone = fetch({.source = server.url() + "#sha256=" + sha256_of(model()).hex()});
  ASSERT_TRUE(alone) << alone.error().message;
  EXPECT_EQ(alone->digest, fetch({.source = folder_.write("m.onnx", model())})->digest);
  EXPECT_EQ(staged(), 0U);
  ASSERT_TRUE(store_.remove(alone->digest));

  HttpServerForTest outside(saying(model_outside()));
  expect_invalid(outside.url(), "the model names the file 'model.onnx.data', which an address alone does not bring");
  HttpServerForTest page(saying("<html>not found</html>"));
  expect_invalid(page.url(), "neither a model in GGUF");
  make_folder("f", {{"model.onnx", model_outside()}, {"model.onnx.data", std::string(24, 'w')}});
  const std::string archive = *read_small(Fd(::open(tar("--directory " + folder_.path("f").string() + " .").c_str(), O_RDONLY | O_CLOEXEC)).get(), 1U << 20U);
  HttpServerForTest whole(saying(archive));
  const auto packed = fetch({.source = whole.url()});
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(stored_entries(*packed).size(), 3U);
}

TEST_F(PackTest, BoundsAndDigests) {
  const std::string file = folder_.write("m.onnx", model());
  expect_refused(fetch({.source = file, .bytes_max = 1000}), ErrorKind::kTooLarge, "at most 1000 are allowed");
  expect_refused(fetch({.source = file, .sha256 = sha256_of("x")}), ErrorKind::kInvalid, "the file's SHA-256 is " + sha256_of(model()).hex());
  const std::string folder = make_folder("f", {{"model.onnx", model()}});
  expect_refused(fetch({.source = folder, .sha256 = sha256_of("x")}), ErrorKind::kInvalid, "a folder has no SHA-256");
  EXPECT_EQ(staged(), 0U);
}

TEST_F(PackTest, AKillAtAnyPointLeavesNothingUnderAFinalName) {
  const std::string folder = make_folder("f", {{"model.onnx", model_outside()}, {"model.onnx.data", std::string(8U << 20U, 'w')}});
  size_t lines = 0;
  ASSERT_TRUE(fetch({.source = folder}, [&](const FetchProgress&) { ++lines; }));
  const domain::Digest digest = store_.list()->front();
  for (size_t stop_at = 1; stop_at < lines; ++stop_at) {
    ASSERT_TRUE(store_.remove(digest));
    const auto stop = std::make_shared<FetchStop>();
    size_t seen = 0;
    const auto result = fetch(
        {.source = folder},
        [&](const FetchProgress&) {
          if (++seen == stop_at) stop->stop();
        },
        stop);
    ASSERT_FALSE(result);
    for (const domain::Digest& there : store_.list().value_or(std::vector<domain::Digest>{}))
      EXPECT_TRUE(store_.verify(there));
    ASSERT_TRUE(store_.clear_staging(WallTime{}));
    EXPECT_EQ(staged(), 0U);
    ASSERT_TRUE(fetch({.source = folder}));
  }
}

}  // namespace
}  // namespace ebb::registry
