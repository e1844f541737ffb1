// Rows of sound and lying GGUF files, mutations of a sound one, and the demo model where it is there.
#include "registry/gguf.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>

#include "base/fd.h"
#include "registry/gguf_for_test.h"

namespace ebb::registry {
namespace {

Result<domain::ModelFacts> read(const std::string& bytes) {
  // Exactly the size, so that a sanitizer sees the first byte beyond it.
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  return read_gguf(exact, exact.size());
}

TEST(Gguf, ReadsTheFactsOfASmallModel) {
  const auto facts = read(GgufForTest::model().bytes());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->architecture, "llama");
  EXPECT_EQ(facts->title, "Tiny");
  EXPECT_EQ(facts->quantization, "F32");
  EXPECT_EQ(facts->parameters, 32U);
  EXPECT_EQ(facts->layers, 2);
  EXPECT_EQ(facts->train_context, 128);
  EXPECT_EQ(facts->vocabulary, 4);
  EXPECT_EQ(facts->kv_bytes_per_token, 2U * 2 * (2 + 2) * 2);  // layers × kv heads × (key + value width) × 2 bytes
  EXPECT_TRUE(facts->has_chat_template);
  EXPECT_EQ(facts->weights_bytes, GgufForTest::model().bytes().size());
}

TEST(Gguf, ReadsVersionTwoAndVariations) {
  GgufForTest file = GgufForTest::model();
  file.version = 2;
  file.u32("llama.attention.key_length", 16).u32("llama.attention.value_length", 8);
  const auto facts = read(file.bytes());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->kv_bytes_per_token, 2U * 2 * (16 + 8) * 2);
}

TEST(Gguf, SumsKvHeadsThatDifferByLayer) {
  GgufForTest file;
  file.text("general.architecture", "x").u32("x.block_count", 3).u32("x.context_length", 9).u32("x.embedding_length", 8);
  file.u32s("x.attention.head_count", {4, 4, 4}).u32s("x.attention.head_count_kv", {4, 0, 1}).texts("tokenizer.ggml.tokens", {"a"});
  file.tensor({.name = "t", .dims = {8, 4}, .type = 8, .offset = 0});
  file.tensors[0].dims = {32};
  const auto facts = read(file.bytes());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->kv_bytes_per_token, 5U * 4 * 2);
  EXPECT_EQ(facts->quantization, "Q8_0");  // no general.file_type: what most bytes are
  EXPECT_FALSE(facts->has_chat_template);
}

TEST(Gguf, CleansTheTitle) {
  GgufForTest file;
  file.text("general.name", "a\x1b[31m\xff");
  GgufForTest rest = GgufForTest::model();
  const size_t cut = rest.body.find("general.name") - 8;
  const size_t next = rest.body.find("general.file_type") - 8;
  rest.body.replace(cut, next - cut, file.body);
  const auto facts = read(rest.bytes());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->title, "a?[31m?");
}

struct Row {
  std::string name;
  std::function<std::string()> bytes;
  std::string says;
};

std::string with(const std::function<void(GgufForTest&)>& change) {
  GgufForTest file = GgufForTest::model();
  change(file);
  return file.bytes();
}
std::string with_tensor(GgufForTest::Tensor tensor) {
  return with([&](GgufForTest& f) { f.tensors = {std::move(tensor)}; });
}
// The sound model with one key renamed, of the same length, so that it is missing.
std::string without(const std::string& key) {
  GgufForTest file = GgufForTest::model();
  file.body[file.body.find(key)] = 'X';
  return file.bytes();
}

const uint64_t kHuge = 1ULL << 62U;

const Row kRefused[] = {
    {"empty", [] { return std::string(); }, "the file is empty (at byte 0)"},
    {"not_gguf", [] { return std::string("PK\x03\x04 a zip file"); }, "' instead of 'GGUF' (at byte 0)"},
    {"lfs_pointer", [] { return std::string("version https://git-lfs"); }, "it begins with 'vers' instead of 'GGUF'"},
    {"big_endian", [] { return with([](auto& f) { f.magic = "FUGG"; }); }, "big endian"},
    {"magic_only", [] { return std::string("GGUF"); }, "the file ends at byte 4 within the version, which takes 4 bytes (at byte 4)"},
    {"version_1", [] { return with([](auto& f) { f.version = 1; }); }, "its version is 1; 2 and 3 can be read (at byte 4)"},
    {"version_4", [] { return with([](auto& f) { f.version = 4; }); }, "its version is 4"},
    {"many_tensors", [] { return with([](auto& f) { f.tensors_claimed = kHuge; }); }, "it claims 4611686018427387904 tensors; at most 65536"},
    {"many_keys", [] { return with([](auto& f) { f.keys_claimed = ~0ULL; }); }, "it claims 18446744073709551615 keys; at most 4096 are allowed (at byte 16)"},
    {"no_tensors", [] { return with([](auto& f) { f.tensors.clear(); }); }, "it has no tensors"},
    {"one_key_more", [] { return with([](auto& f) { f.keys_claimed = f.keys + 1; }); }, "a tensor's name claims"},
    {"key_length",
     [] {
       return with([](auto& f) {
         ++f.keys;
         f.put(kHuge);
       });
     },
     "a key claims 4611686018427387904 bytes; at most 256"},
    {"key_not_printable", [] { return with([](auto& f) { f.u32("a\nb", 1); }); }, "the key 'a?b' is empty or has characters that are not printable"},
    {"key_empty", [] { return with([](auto& f) { f.u32("", 1); }); }, "the key '' is empty"},
    {"key_twice", [] { return with([](auto& f) { f.u32("llama.block_count", 3); }); }, "the key 'llama.block_count' comes twice"},
    {"key_type", [] { return with([](auto& f) { f.key_of("k", 13U).put(0); }); }, "the key 'k' has the unknown type 13"},
    {"bool_of_2", [] { return with([](auto& f) { f.u8_as_bool("k", 2); }); }, "is a boolean of 2"},
    {"string_length", [] { return with([](auto& f) { f.key_of("k", GgufType::kString).put(~0ULL); }); },
     "the value of key 'k' claims 18446744073709551615 bytes"},
    {"array_nested", [] { return with([](auto& f) { f.array("k", GgufType::kArray, 1); }); }, "the array of key 'k' has arrays as elements"},
    {"array_type", [] { return with([](auto& f) { f.array("k", static_cast<GgufType>(99), 1); }); }, "elements of the unknown type 99"},
    {"array_count", [] { return with([](auto& f) { f.array("k", GgufType::kU64, kHuge); }); }, "claims 4611686018427387904 elements; at most 16777216"},
    {"array_past_end", [] { return with([](auto& f) { f.array("k", GgufType::kU64, 1'000'000); }); }, "which takes 8000000 bytes"},
    {"strings_past_end", [] { return with([](auto& f) { f.array("k", GgufType::kString, 1'000'000); }); }, "which takes 8000000 bytes"},
    {"alignment_0", [] { return with([](auto& f) { f.u32("general.alignment", 0); }); }, "general.alignment is 0, not a power of two"},
    {"alignment_24", [] { return with([](auto& f) { f.u32("general.alignment", 24); }); }, "general.alignment is 24"},
    {"alignment_huge", [] { return with([](auto& f) { f.u32("general.alignment", 1U << 31U); }); }, "general.alignment is 2147483648"},
    {"alignment_type", [] { return with([](auto& f) { f.u16("general.alignment", 32); }); }, "general.alignment is not of type u32"},
    {"tensor_name_long", [] { return with_tensor({.name = std::string(64, 'x'), .dims = {8}}); }, "a tensor's name claims 64 bytes; at most 63"},
    {"tensor_name_empty", [] { return with_tensor({.name = "", .dims = {8}}); }, "the tensor name '' is empty"},
    {"tensor_dimensions",
     [] {
       return with_tensor({.name = "t", .dims = {1, 1, 1, 1, 1}});
     },
     "tensor 't' has 5 dimensions; at most 4"},
    {"tensor_zero",
     [] {
       return with_tensor({.name = "t", .dims = {kHuge, kHuge, 0}});
     },
     "the dimensions of tensor 't' overflow"},
    {"tensor_zero_first",
     [] {
       return with_tensor({.name = "t", .dims = {0, kHuge}});
     },
     "dimension 0 of tensor 't' is zero"},
    {"tensor_product",
     [] {
       return with_tensor({.name = "t", .dims = {1ULL << 32U, 1ULL << 32U}});
     },
     "the dimensions of tensor 't' overflow"},
    {"tensor_negative", [] { return with_tensor({.name = "t", .dims = {~0ULL}}); }, "the dimensions of tensor 't' overflow"},
    {"tensor_bytes", [] { return with_tensor({.name = "t", .dims = {1ULL << 62U}, .type = 28}); }, "the size of tensor 't' overflows"},
    {"tensor_type_unknown", [] { return with_tensor({.name = "t", .dims = {8}, .type = 4}); }, "tensor 't' has the unknown type 4"},
    {"tensor_type_max", [] { return with_tensor({.name = "t", .dims = {8}, .type = UINT32_MAX}); }, "unknown type 4294967295"},
    {"tensor_row", [] { return with_tensor({.name = "t", .dims = {33}, .type = 3}); }, "rows of 33 elements, not a multiple of the 32 in a block of Q4_1"},
    {"tensor_offset_odd", [] { return with_tensor({.name = "t", .dims = {8}, .offset = 4}); }, "begins at offset 4, which is not a multiple of 32"},
    {"tensor_offset_gap", [] { return with_tensor({.name = "t", .dims = {8}, .offset = 32}); }, "begins at offset 32 but the one before it ends at 0"},
    {"tensor_offset_huge", [] { return with_tensor({.name = "t", .dims = {8}, .offset = kHuge}); }, "begins at offset 4611686018427387904"},
    {"tensor_overlap", [] { return with([](auto& f) { f.tensor({.name = "t", .dims = {8}, .offset = 0}); }); },
     "tensor 't' begins at offset 0 but the one before it ends at 128"},
    {"tensor_twice", [] { return with([](auto& f) { f.tensor(f.tensors[0]); }); }, "the tensor 'token_embd.weight' comes twice"},
    {"tensor_past_end",
     [] {
       return with_tensor({.name = "t", .dims = {8, 1000}});
     },
     "tensor 't' ends at byte"},
    {"no_architecture", [] { return without("general.architecture"); }, "general.architecture is missing"},
    {"no_layers", [] { return without("llama.block_count"); }, "the key 'llama.block_count' is missing"},
    {"no_context", [] { return without("llama.context_length"); }, "the key 'llama.context_length' is missing"},
    {"no_vocabulary", [] { return without("tokenizer.ggml.tokens"); }, "it has no vocabulary"},
    {"scores_short",
     [] {
       return with([](auto& f) {
         f.body.replace(f.body.find("tokenizer.ggml.tokens"), 21, "tokenizer.ggml.tokenz");
         f.texts("tokenizer.ggml.tokens", {"a"});
       });
     },
     "tokenizer.ggml.scores (at byte"},
    {"token_types_long", [] { return with([](auto& f) {
                                f.u32s("tokenizer.ggml.token_type", {1, 1, 1, 1, 1});
                              }); }, "has 5 elements for 4 tokens"},
    {"heads_negative", [] { return with([](auto& f) { f.i32("llama.attention.key_length", -5); }); }, "is not a whole number from 0"},
    {"split", [] { return with([](auto& f) { f.u16("split.no", 1).u16("split.count", 3); }); },
     "this is part 2 of a model that is split into 3 files; join them first"},
    {"adapter", [] { return with([](auto& f) { f.text("general.type", "adapter"); }); }, "of the kind 'adapter'"},
};

TEST(Gguf, RefusesLyingFilesAndSaysWhatIsWrong) {
  for (const Row& row : kRefused) {
    const auto facts = read(row.bytes());
    ASSERT_FALSE(facts) << row.name;
    EXPECT_NE(facts.error().message.find(row.says), std::string::npos) << row.name << ": " << facts.error().message;
    EXPECT_EQ(facts.error().kind, ErrorKind::kInvalid) << row.name;
    EXPECT_EQ(facts.error().param, "source") << row.name;
  }
}

TEST(Gguf, RefusesEveryTruncation) {
  const std::string whole = GgufForTest::model().bytes();
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read(whole.substr(0, size))) << size << " of " << whole.size();
}

TEST(Gguf, SaysWhereATruncatedTensorEnds) {
  const std::string whole = GgufForTest::model().bytes();
  const auto facts = read(whole.substr(0, whole.size() - 1));
  ASSERT_FALSE(facts);
  const std::string says =
      "tensor 'token_embd.weight' ends at byte " + std::to_string(whole.size()) + " beyond the file's " + std::to_string(whole.size() - 1) + " bytes";
  EXPECT_NE(facts.error().message.find(says), std::string::npos) << facts.error().message;
}

TEST(Gguf, AHeaderBeyondItsCapIsRefused) {
  const std::string whole = GgufForTest::model().bytes();
  const std::vector<uint8_t> head(whole.begin(), whole.begin() + 100);
  const auto facts = read_gguf(head, whole.size());
  ASSERT_FALSE(facts);
  EXPECT_NE(facts.error().message.find("goes past the 100 bytes that a header may have"), std::string::npos) << facts.error().message;
}

TEST(Gguf, AVocabularyOf262kPasses) {
  GgufForTest file;
  file.text("general.architecture", "x").u32("x.block_count", 1).u32("x.context_length", 9).u32("x.embedding_length", 8);
  file.texts("tokenizer.ggml.tokens", std::vector<std::string>(262'144, "a token of usual length"));
  file.tensor({.name = "t", .dims = {8}, .type = 0, .offset = 0});
  const auto facts = read(file.bytes());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->vocabulary, 262'144);
}

// A poor man's fuzzer for compilers without one; the seed is printed so that a failure can be had again.
TEST(Gguf, MutationsNeverReadBeyondTheFile) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string whole = GgufForTest::model().bytes();
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = whole;
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < changes; ++i) {
      const uint8_t kEdges[] = {0, 1, 0x7f, 0x80, 0xff, static_cast<uint8_t>(random())};
      bytes[random() % bytes.size()] = static_cast<char>(kEdges[random() % 6]);
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    accepted += read(bytes) ? 1 : 0;
  }
  EXPECT_GT(accepted, 0);  // changes of weights and of texts are no lies
}

TEST(Gguf, KnowsWhatGivesVectors) {
  struct Pooling {
    uint32_t pooling;
    std::string name;
  };
  for (const Pooling& row : {Pooling{1, "mean"}, Pooling{2, "cls"}, Pooling{3, "last"}}) {
    GgufForTest file = GgufForTest::model();
    file.u32("llama.pooling_type", row.pooling).u8_as_bool("llama.attention.causal", 0);
    const auto facts = read(file.bytes());
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->pooling, row.name);
    EXPECT_EQ(facts->width, 8);
    EXPECT_EQ(facts->kv_bytes_per_token, 0) << "what sees a text as a whole keeps nothing of it";
  }
  EXPECT_FALSE(read(GgufForTest::model().u32("llama.pooling_type", 5).bytes()));
  EXPECT_FALSE(read(GgufForTest::model().u32("llama.pooling_type", 4).bytes())) << "it ranks";
  EXPECT_FALSE(read(GgufForTest::model().u8_as_bool("llama.attention.causal", 0).bytes())) << "it does not say how";
  EXPECT_FALSE(read(GgufForTest::model().u32("llama.attention.causal", 1).bytes()));
}

TEST(Gguf, ReadsTheDemoModel) {
  const std::string path = EBB_SOURCE_DIR "/deps/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the demo model is not here";
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto facts = read_gguf_file(fd.get());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(*facts, (domain::ModelFacts{.architecture = "llama",
                                        .title = "Smollm2 135M 8k Lc100K Mix1 Ep2",
                                        .quantization = "Q4_1",
                                        .parameters = 134'515'008,
                                        .weights_bytes = 98'362'432,
                                        .layers = 30,
                                        .train_context = 8192,
                                        .vocabulary = 49'152,
                                        .kv_bytes_per_token = 30 * 3 * (64 + 64) * 2,
                                        .has_chat_template = true,
                                        .width = 576}));
}

// Writes the corpus of the fuzz target: EBB_WRITE_CORPUS names the folder.
TEST(Gguf, WritesTheCorpusWhenAsked) {
  const char* folder = std::getenv("EBB_WRITE_CORPUS");
  if (folder == nullptr) GTEST_SKIP() << "not asked";
  const auto write = [&](const std::string& name, const std::string& bytes) {
    const Fd file(::open((std::string(folder) + "/" + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    ASSERT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  };
  write("sound.gguf", GgufForTest::model().bytes());
  write("truncated.gguf", GgufForTest::model().bytes().substr(0, 300));
  // Every third row: the others differ too little for a fuzzer.
  size_t index = 0;
  for (const Row& row : kRefused) {
    if (index++ % 3 == 0) write("refused_" + row.name + ".gguf", row.bytes());
  }
}

}  // namespace
}  // namespace ebb::registry
