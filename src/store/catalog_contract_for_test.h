// What every back end of the catalog must do. A back end is a type with `Result<std::unique_ptr<…>> open()`, whose later calls find
// what the earlier ones stored, and which goes with its test.
#pragma once

#include <gtest/gtest.h>

#include "domain/endpoint.h"
#include "domain/model.h"

namespace ebb::store {

inline domain::Model model_for_test(const std::string& name, int64_t version) {
  domain::Model model{.name = name, .version = version, .added = WallTime(milliseconds(1'700'000'000'123)), .source = "https://host/x.gguf"};
  model.digest.bytes.fill(static_cast<uint8_t>(version));
  model.facts = {.architecture = "llama",
                 .title = "O'Brien \"x\"; DROP TABLE models; \xC3\xA4",
                 .quantization = "Q4_1",
                 .parameters = 135'000'000,
                 .weights_bytes = 98'000'000'000,
                 .layers = 30,
                 .train_context = 8192,
                 .vocabulary = 49152,
                 .kv_bytes_per_token = 46080,
                 .has_chat_template = true};
  model.facts.pooling = "mean";
  model.facts.width = 384;
  return model;
}

inline domain::Model onnx_model_for_test(const std::string& name, int64_t version) {
  domain::Model model = model_for_test(name, version);
  model.facts = {.format = domain::ModelFormat::kOnnx, .architecture = "pytorch", .title = "main_graph", .quantization = "FP32", .parameters = 4};
  model.facts.weights_bytes = 4096;
  model.facts.task = domain::Task::kEmbedding;
  model.facts.inputs = {{"ids \"\xC3\xA4", domain::DataType::kInt64, {-1, 128}}, {"scalar", domain::DataType::kBytes, {}}};
  model.facts.outputs = {{"y", domain::DataType::kFp32, {-1, 384}}};
  return model;
}

inline domain::Revision revision_for_test(uint64_t id, const std::string& endpoint) {
  domain::EndpointSpec spec{.name = endpoint, .model = domain::ModelRef{.name = "smol", .version = 2}, .memory_mib = 512, .context_tokens = 2048};
  spec.scaling = {.min = 1, .max = 8, .idle = milliseconds(1500), .keep = milliseconds(60'000), .provisioned = 3};
  spec.scaling.schedule = {{.cron = *domain::Cron::parse("0 8 * * 1-5", "Europe/Berlin"), .provisioned = 2},
                           {.cron = *domain::Cron::parse("@daily", ""), .provisioned = 0}};
  spec.limits = {.queue = 7, .wait = milliseconds(10), .time = milliseconds(20)};
  return {.id = RevisionId{id},
          .spec = spec,
          .model = model_for_test("smol", 2),
          .memory_mib = 576,
          .context_tokens = 2048,
          .created = WallTime(milliseconds(1'700'000'000'456))};
}

inline domain::Image image_for_test(const std::string& name, int64_t version) {
  domain::Image image{.name = name, .version = version, .added = WallTime(milliseconds(1'700'000'000'123)), .source = "docker://host/x:1"};
  image.digest.bytes.fill(static_cast<uint8_t>(version));
  image.facts = {.architecture = "amd64", .os = "linux", .unpacked_bytes = 5, .notes = {"it's noted"}};
  image.facts.config.entrypoint = {"/x", "a \"b\""};
  image.facts.layers = {{.digest = image.digest, .bytes = 3}};
  return image;
}

// Everything that may be left out, left out.
inline domain::Revision echo_for_test(uint64_t id, const std::string& endpoint) {
  return {.id = RevisionId{id}, .spec = {.name = endpoint, .engine = domain::Engine::kEcho}, .memory_mib = 64, .context_tokens = 4096};
}

template <class Backend>
class CatalogContract : public ::testing::Test {
 protected:
  auto open() {
    auto catalog = backend_.open();
    EXPECT_TRUE(catalog) << catalog.error().message;
    return std::move(*catalog);
  }
  Backend backend_;
};

TYPED_TEST_SUITE_P(CatalogContract);

TYPED_TEST_P(CatalogContract, BeginsEmpty) {
  const auto catalog = this->open();
  EXPECT_TRUE(catalog->models()->empty());
  EXPECT_TRUE(catalog->current_revisions()->empty());
  EXPECT_EQ(*catalog->highest_revision_id(), 0U);
}

TYPED_TEST_P(CatalogContract, ModelsComeBackAsTheyWereInTheirOrder) {
  const std::vector<domain::Model> all = {model_for_test("a", 1), model_for_test("b", 2), onnx_model_for_test("b", 10)};
  {
    const auto catalog = this->open();
    for (const size_t i : {2U, 0U, 1U})
      ASSERT_TRUE(catalog->put_model(all[i]));
    EXPECT_EQ(*catalog->models(), all);
  }
  EXPECT_EQ(*this->open()->models(), all);
}

TYPED_TEST_P(CatalogContract, AModelIsPutOnce) {
  const auto catalog = this->open();
  ASSERT_TRUE(catalog->put_model(model_for_test("a", 1)));
  domain::Model other = model_for_test("a", 1);
  other.source = "elsewhere";
  const Status again = catalog->put_model(other);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::kExists);
  EXPECT_EQ(again.error().message, "there is a model 'a@1' already");
  EXPECT_EQ(*catalog->models(), std::vector{model_for_test("a", 1)});
}

TYPED_TEST_P(CatalogContract, DeletingTakesOneVersion) {
  const auto catalog = this->open();
  ASSERT_TRUE(catalog->put_model(model_for_test("a", 1)));
  ASSERT_TRUE(catalog->put_model(model_for_test("a", 2)));
  EXPECT_TRUE(catalog->delete_model("a", 1));
  EXPECT_TRUE(catalog->delete_model("a", 1));
  EXPECT_TRUE(catalog->delete_model("b", 2));
  EXPECT_EQ(*catalog->models(), std::vector{model_for_test("a", 2)});
}

TYPED_TEST_P(CatalogContract, ImagesComeBackAsTheyWere) {
  const std::vector<domain::Image> all = {image_for_test("a", 1), image_for_test("a", 2), image_for_test("b", 1)};
  {
    const auto catalog = this->open();
    EXPECT_TRUE(catalog->images()->empty());
    for (const size_t i : {2U, 0U, 1U})
      ASSERT_TRUE(catalog->put_image(all[i]));
    const Status again = catalog->put_image(all[1]);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message, "there is an image 'a@2' already");
    EXPECT_EQ(*catalog->images(), all);
  }
  const auto catalog = this->open();
  EXPECT_EQ(*catalog->images(), all);
  EXPECT_TRUE(catalog->delete_image("a", 1));
  EXPECT_TRUE(catalog->delete_image("a", 1));
  EXPECT_EQ(*catalog->images(), (std::vector{all[1], all[2]}));
}

TYPED_TEST_P(CatalogContract, TheNewestRevisionOfAnEndpointIsCurrent) {
  domain::Revision onnx = revision_for_test(5, "c");
  onnx.spec.engine = domain::Engine::kOnnx;
  onnx.model = onnx_model_for_test("b", 10);
  const std::vector<domain::Revision> current = {echo_for_test(4, "a"), revision_for_test(3, "b"), onnx};
  {
    const auto catalog = this->open();
    ASSERT_TRUE(catalog->put_revision(onnx));
    ASSERT_TRUE(catalog->put_revision(revision_for_test(1, "a")));
    ASSERT_TRUE(catalog->put_revision(revision_for_test(3, "b")));
    ASSERT_TRUE(catalog->put_revision(echo_for_test(4, "a")));
    EXPECT_EQ(*catalog->current_revisions(), current);
    EXPECT_EQ(*catalog->highest_revision_id(), 5U);
  }
  const auto again = this->open();
  EXPECT_EQ(*again->current_revisions(), current);
  EXPECT_EQ(*again->highest_revision_id(), 5U);
}

TYPED_TEST_P(CatalogContract, ARevisionThatCannotBePutChangesNothing) {
  const auto catalog = this->open();
  ASSERT_TRUE(catalog->put_revision(revision_for_test(1, "a")));
  const Status again = catalog->put_revision(echo_for_test(1, "b"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::kExists);
  EXPECT_EQ(*catalog->current_revisions(), std::vector{revision_for_test(1, "a")});
  EXPECT_TRUE(catalog->put_revision(echo_for_test(2, "b")));
}

TYPED_TEST_P(CatalogContract, ADeletedEndpointIsGoneButItsIdsAreNotUsedAgain) {
  {
    const auto catalog = this->open();
    ASSERT_TRUE(catalog->put_revision(revision_for_test(7, "a")));
    EXPECT_TRUE(catalog->delete_endpoint("a"));
    EXPECT_TRUE(catalog->delete_endpoint("never"));
    EXPECT_TRUE(catalog->current_revisions()->empty());
  }
  const auto again = this->open();
  EXPECT_TRUE(again->current_revisions()->empty());
  EXPECT_EQ(*again->highest_revision_id(), 7U);
  ASSERT_TRUE(again->put_revision(revision_for_test(8, "a")));
  EXPECT_EQ(*again->current_revisions(), std::vector{revision_for_test(8, "a")});
}

REGISTER_TYPED_TEST_SUITE_P(CatalogContract, BeginsEmpty, ImagesComeBackAsTheyWere, ModelsComeBackAsTheyWereInTheirOrder, AModelIsPutOnce,
                            DeletingTakesOneVersion, TheNewestRevisionOfAnEndpointIsCurrent, ARevisionThatCannotBePutChangesNothing,
                            ADeletedEndpointIsGoneButItsIdsAreNotUsedAgain);

}  // namespace ebb::store
