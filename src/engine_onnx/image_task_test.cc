// A public model that tells which way up a line of text is, and pictures that are none.
#include "engine_onnx/image_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine_onnx/engine_for_test.h"
#include "engine_onnx/models_for_test.h"
#include "engine_onnx/picture.h"

namespace ebb::engine_onnx::test {
namespace {

using testing::HasSubstr;

std::string picture(const std::string& name) { return contents(EBB_SOURCE_DIR "/tests/golden/pictures/" + name); }

domain::Samples pictures(std::vector<std::string> items) { return {.kind = domain::Samples::Kind::kImage, .items = std::move(items), .top = 1}; }

class DirectionModel : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_there("direction")) GTEST_SKIP() << "no model of directions in " EBB_ONNX_MODELS;
    engine_ = loaded(package_of("direction"));
    ASSERT_NE(engine_, nullptr);
  }
  std::unique_ptr<engine::Engine> engine_;
};

TEST_F(DirectionModel, SeesWhichWayUpATextIs) {
  const Answer answer = ask(*engine_, pictures({picture("upright.png"), picture("upside-down.jpg")}));
  ASSERT_EQ(answer.labels.size(), 2U) << answer.error.message;
  EXPECT_EQ(answer.labels[0].labels.at(0).label, "0");
  EXPECT_EQ(answer.labels[1].labels.at(0).label, "180");
  EXPECT_GT(answer.labels[0].labels[0].score, 0.9F);
  EXPECT_GT(answer.labels[1].labels[0].score, 0.9F);
}

TEST_F(DirectionModel, SaysWhatIsWrongWithAPicture) {
  const std::string jpeg = picture("upside-down.jpg");
  const std::string png = picture("upright.png");
  std::string huge = png;
  huge.replace(16, 8, std::string("\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF", 8));
  struct Row {
    std::string file;
    std::string says;
  };
  const std::vector<Row> rows{
      {"", "neither a JPEG nor a PNG"},
      {"GIF89a", "neither a JPEG nor a PNG"},
      {jpeg.substr(0, jpeg.size() / 2), "damaged or was cut off"},
      {jpeg.substr(0, 30), "JPEG cannot be decoded"},
      {png.substr(0, png.size() / 2), "PNG cannot be decoded"},
      {huge, ""},
  };
  for (const Row& row : rows) {
    const Answer answer = ask(*engine_, pictures({png, row.file}));
    EXPECT_TRUE(answer.failed);
    EXPECT_EQ(answer.error.kind, ErrorKind::kInvalid);
    EXPECT_THAT(answer.error.message, HasSubstr(row.says));
    EXPECT_THAT(answer.error.message, HasSubstr("item 1"));
  }
  EXPECT_TRUE(ask(*engine_, pictures({png})).finished);
}

TEST(Picture, BecomesWhatTheManifestSays) {
  // Red and green above blue and white.
  const Picture four{.width = 2, .height = 2, .pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}};
  wire::ImageInput wanted{.input = "x", .width = 2, .height = 2, .scale = 1};
  EXPECT_EQ(floats_of(tensor_of(four, wanted)), (std::vector<float>{255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255}));
  wanted.layout = wire::Layout::kNhwc;
  EXPECT_EQ(floats_of(tensor_of(four, wanted)), (std::vector<float>{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}));
  wanted.color = wire::Color::kBgr;
  wanted.scale = 1.0 / 255;
  wanted.mean = {0.5, 0.5, 0.5};
  wanted.std = {0.5, 0.5, 0.5};
  EXPECT_EQ(floats_of(tensor_of(four, wanted)), (std::vector<float>{-1, -1, 1, -1, 1, -1, 1, -1, -1, 1, 1, 1}));
  wanted = {.input = "x", .width = 1, .height = 1, .channels = 1, .color = wire::Color::kGray, .scale = 1};
  EXPECT_EQ(tensor_of(four, wanted).head.shape, (Shape{1, 1, 1, 1}));
  EXPECT_NEAR(floats_of(tensor_of(four, wanted)).at(0), 127.5, 1);
}

TEST(Picture, IsCutInTheMiddleOrStretched) {
  // Three columns: black, red, white.
  const Picture wide{.width = 3, .height = 1, .pixels = {0, 0, 0, 255, 0, 0, 255, 255, 255}};
  wire::ImageInput wanted{.input = "x", .width = 1, .height = 1, .color = wire::Color::kRgb, .resize = wire::Resize::kFitCrop, .scale = 1};
  EXPECT_EQ(floats_of(tensor_of(wide, wanted)), (std::vector<float>{255, 0, 0}));
  wanted.resize = wire::Resize::kStretch;
  const std::vector<float> all = floats_of(tensor_of(wide, wanted));
  EXPECT_GT(all[1], 20) << "the white column counts";
}

}  // namespace
}  // namespace ebb::engine_onnx::test
