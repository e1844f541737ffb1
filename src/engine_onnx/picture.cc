// Decoding, then scaling as most training code does: a triangle filter that looks at all pixels that fall into one.
#include "engine_onnx/picture.h"

#include <fmt/format.h>
#include <png.h>
// Needs stdio and png's types before it.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
// clang-format on

#include <algorithm>
#include <array>
#include <cmath>
#include <csetjmp>
#include <string>

#include "domain/limits.h"

namespace ebb::engine_onnx {

namespace {

constexpr size_t kColors = 3;

std::unexpected<Error> no_picture(std::string what) { return fail(ErrorKind::kInvalid, std::move(what), "inputs"); }

Status check_size(int64_t width, int64_t height) {
  if (width >= 1 && height >= 1 && width <= domain::kPicturePixelsMax / height) return {};
  return no_picture(fmt::format("the picture has {} × {} pixels: at most {} million are decoded", width, height, domain::kPicturePixelsMax / 1'000'000));
}

void allot(Picture& picture) { picture.pixels.resize(static_cast<size_t>(picture.width * picture.height) * kColors); }

Result<Picture> decode_png(std::string_view file) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const auto failed = [&image] {
    std::string why = image.message;
    png_image_free(&image);
    return no_picture("the PNG cannot be decoded: " + why);
  };
  if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0) return failed();
  Picture picture{.width = image.width, .height = image.height};
  if (const Status fits = check_size(picture.width, picture.height); !fits) {
    png_image_free(&image);
    return fail(fits.error());
  }
  image.format = PNG_FORMAT_RGB;
  allot(picture);
  const png_color white{.red = 255, .green = 255, .blue = 255};
  if (png_image_finish_read(&image, &white, picture.pixels.data(), 0, nullptr) == 0) return failed();
  return picture;
}

// The library reports what is fatal by a call that must not return.
struct JpegErrors {
  jpeg_error_mgr manager{};
  std::jmp_buf out{};
  std::array<char, JMSG_LENGTH_MAX> message{};
};

void leave(j_common_ptr state) {
  auto* const errors = reinterpret_cast<JpegErrors*>(state->err);
  state->err->format_message(state, errors->message.data());
  std::longjmp(errors->out, 1);
}

void say_nothing(j_common_ptr /*state*/) {}

struct JpegReading {
  JpegErrors errors;
  jpeg_decompress_struct state{};

  JpegReading() {
    state.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = leave;
    errors.manager.output_message = say_nothing;
  }
  JpegReading(const JpegReading&) = delete;
  JpegReading& operator=(const JpegReading&) = delete;
  ~JpegReading() { jpeg_destroy_decompress(&state); }
};

// Between setjmp and what jumps, nothing lives that has a destructor. False: the message says why.
bool read_jpeg_header(JpegReading& reading, std::string_view file) {
  if (setjmp(reading.errors.out) != 0) return false;
  jpeg_create_decompress(&reading.state);
  jpeg_mem_src(&reading.state, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&reading.state, TRUE);
  return true;
}

bool start_jpeg(JpegReading& reading, int64_t side_min) {
  if (setjmp(reading.errors.out) != 0) return false;
  jpeg_decompress_struct& state = reading.state;
  state.out_color_space = JCS_RGB;
  // By a power of two the library decodes less instead of more; what is left has still twice the pixels that are looked at.
  while (state.scale_denom < 8 && std::min(state.image_width, state.image_height) >= 4 * side_min * state.scale_denom)
    state.scale_denom *= 2;
  jpeg_start_decompress(&state);
  return true;
}

bool read_jpeg_rows(JpegReading& reading, uint8_t* pixels) {
  if (setjmp(reading.errors.out) != 0) return false;
  jpeg_decompress_struct& state = reading.state;
  while (state.output_scanline < state.output_height) {
    JSAMPROW row = pixels + static_cast<size_t>(state.output_scanline) * state.output_width * kColors;
    jpeg_read_scanlines(&state, &row, 1);
  }
  return true;
}

Result<Picture> decode_jpeg(std::string_view file, int64_t side_min) {
  JpegReading reading;
  const auto failed = [&reading] { return no_picture(fmt::format("the JPEG cannot be decoded: {}", reading.errors.message.data())); };
  if (!read_jpeg_header(reading, file)) return failed();
  if (const Status fits = check_size(reading.state.image_width, reading.state.image_height); !fits) return fail(fits.error());
  if (!start_jpeg(reading, side_min)) return failed();
  Picture picture{.width = reading.state.output_width, .height = reading.state.output_height};
  allot(picture);
  if (!read_jpeg_rows(reading, picture.pixels.data())) return failed();
  // The library fills in grey what a file that was cut off lacks, and only warns.
  if (reading.errors.manager.num_warnings > 0) return no_picture("the JPEG is damaged or was cut off");
  return picture;
}

// What of one side of a picture falls on each of so many pixels.
struct Axis {
  double begin = 0;
  double length = 0;
  int64_t count = 0;
};

struct Weights {
  int64_t first = 0;
  std::vector<float> of;  // they sum to 1
};

std::vector<Weights> weights_of(const Axis& axis, int64_t source) {
  const double scale = axis.length / static_cast<double>(axis.count);
  const double reach = std::max(scale, 1.0);
  std::vector<Weights> all(static_cast<size_t>(axis.count));
  for (int64_t i = 0; i < axis.count; ++i) {
    const double center = axis.begin + (static_cast<double>(i) + 0.5) * scale;
    Weights& weights = all[static_cast<size_t>(i)];
    weights.first = std::clamp(static_cast<int64_t>(std::floor(center - reach)), int64_t{0}, source - 1);
    const int64_t end = std::clamp(static_cast<int64_t>(std::ceil(center + reach)), weights.first + 1, source);
    float sum = 0;
    for (int64_t at = weights.first; at < end; ++at) {
      const double distance = std::abs(static_cast<double>(at) + 0.5 - center) / reach;
      weights.of.push_back(static_cast<float>(std::max(0.0, 1 - distance)));
      sum += weights.of.back();
    }
    for (float& weight : weights.of)
      weight = sum > 0 ? weight / sum : 1 / static_cast<float>(weights.of.size());
  }
  return all;
}

// First each row that is needed to its new width, then the columns to their new height. Three numbers a pixel, 0 to 255.
std::vector<float> resample(const Picture& picture, const Axis& across, const Axis& down) {
  const std::vector<Weights> columns = weights_of(across, picture.width);
  const std::vector<Weights> rows = weights_of(down, picture.height);
  const size_t row_values = static_cast<size_t>(across.count) * kColors;
  std::vector<float> narrow(static_cast<size_t>(picture.height) * row_values, 0.0F);
  for (int64_t y = rows.front().first; y < rows.back().first + static_cast<int64_t>(rows.back().of.size()); ++y) {
    const uint8_t* const source = &picture.pixels[static_cast<size_t>(y * picture.width) * kColors];
    float* out = &narrow[static_cast<size_t>(y) * row_values];
    for (const Weights& weights : columns) {
      for (size_t k = 0; k < weights.of.size(); ++k) {
        const uint8_t* const pixel = source + (static_cast<size_t>(weights.first) + k) * kColors;
        for (size_t color = 0; color < kColors; ++color)
          out[color] += weights.of[k] * static_cast<float>(pixel[color]);
      }
      out += kColors;
    }
  }
  std::vector<float> result(static_cast<size_t>(down.count) * row_values, 0.0F);
  for (size_t y = 0; y < rows.size(); ++y) {
    for (size_t k = 0; k < rows[y].of.size(); ++k) {
      const float* const source = &narrow[(static_cast<size_t>(rows[y].first) + k) * row_values];
      for (size_t x = 0; x < row_values; ++x)
        result[y * row_values + x] += rows[y].of[k] * source[x];
    }
  }
  return result;
}

// The part of a picture that is looked at: all of it, or the largest in the middle that has the wanted shape.
std::pair<Axis, Axis> part_of(const Picture& picture, const wire::ImageInput& wanted) {
  auto width = static_cast<double>(picture.width);
  auto height = static_cast<double>(picture.height);
  if (wanted.resize == wire::Resize::kFitCrop) {
    const double scale = std::min(width / static_cast<double>(wanted.width), height / static_cast<double>(wanted.height));
    width = scale * static_cast<double>(wanted.width);
    height = scale * static_cast<double>(wanted.height);
  }
  return {{.begin = (static_cast<double>(picture.width) - width) / 2, .length = width, .count = wanted.width},
          {.begin = (static_cast<double>(picture.height) - height) / 2, .length = height, .count = wanted.height}};
}

float channel_of(const float* pixel, size_t channel, wire::Color color) {
  if (color == wire::Color::kGray) return std::round(0.299F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2]);
  return std::round(pixel[color == wire::Color::kBgr ? kColors - 1 - channel : channel]);
}

}  // namespace

Result<Picture> decode_picture(std::string_view file, int64_t side_min) {
  if (file.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(file);
  if (file.starts_with("\xFF\xD8\xFF")) return decode_jpeg(file, side_min);
  return no_picture("this is neither a JPEG nor a PNG file: send one of these");
}

domain::Tensor tensor_of(const Picture& picture, const wire::ImageInput& wanted) {
  const auto [across, down] = part_of(picture, wanted);
  const std::vector<float> scaled = resample(picture, across, down);
  const auto channels = static_cast<size_t>(wanted.channels);
  const size_t pixels = scaled.size() / kColors;
  const bool planes = wanted.layout == wire::Layout::kNchw;
  std::vector<float> values(pixels * channels);
  for (size_t pixel = 0; pixel < pixels; ++pixel) {
    for (size_t channel = 0; channel < channels; ++channel) {
      double value = static_cast<double>(channel_of(&scaled[pixel * kColors], channel, wanted.color)) * wanted.scale;
      if (!wanted.mean.empty()) value -= wanted.mean[channel];
      if (!wanted.std.empty()) value /= wanted.std[channel];
      values[planes ? channel * pixels + pixel : pixel * channels + channel] = static_cast<float>(value);
    }
  }
  domain::Tensor tensor{.head = {.name = wanted.input, .type = domain::DataType::kFp32}};
  tensor.head.shape =
      planes ? std::vector<int64_t>{1, wanted.channels, wanted.height, wanted.width} : std::vector<int64_t>{1, wanted.height, wanted.width, wanted.channels};
  tensor.data.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return tensor;
}

}  // namespace ebb::engine_onnx
