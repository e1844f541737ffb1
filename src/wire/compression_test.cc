// Packed bodies: both formats there and back, bombs and what is broken; base64; and JSON with Python's words.
#include "wire/compression.h"

#include <gtest/gtest.h>

#include "wire/base64.h"
#include "wire/loose_json.h"

namespace ebb::wire {
namespace {

TEST(Compression, ThereAndBack) {
  std::string text;
  for (int64_t i = 0; i < 100'000; ++i)
    text += std::to_string(i * i);
  for (const Encoding encoding : {Encoding::kIdentity, Encoding::kGzip, Encoding::kDeflate}) {
    for (const std::string& plain : {std::string(), std::string("a"), text}) {
      const std::string packed = compress(encoding, plain);
      EXPECT_EQ(decompress(encoding, packed, plain.size()), plain) << to_string(encoding);
      if (encoding == Encoding::kIdentity) continue;
      EXPECT_EQ(decompress(encoding, packed + "x", plain.size()).error().kind, ErrorKind::kInvalid);
      EXPECT_EQ(decompress(encoding, packed.substr(0, packed.size() - 1), plain.size()).error().kind, ErrorKind::kInvalid);
      EXPECT_EQ(decompress(encoding, "", 10).error().kind, ErrorKind::kInvalid);
    }
    if (encoding == Encoding::kIdentity) continue;
    EXPECT_EQ(decompress(encoding, compress(encoding, text), text.size() - 1).error().kind, ErrorKind::kTooLarge);
  }
  EXPECT_EQ(decompress(Encoding::kGzip, compress(Encoding::kGzip, std::string(100 << 20, '\0')), 1 << 20).error().kind, ErrorKind::kTooLarge);
}

TEST(Compression, Headers) {
  EXPECT_EQ(parse_encoding(""), Encoding::kIdentity);
  EXPECT_EQ(parse_encoding(" GZip"), Encoding::kGzip);
  EXPECT_EQ(parse_encoding("deflate"), Encoding::kDeflate);
  EXPECT_FALSE(parse_encoding("br"));
  EXPECT_FALSE(parse_encoding("gzip, gzip"));
  const std::pair<std::string_view, Encoding> rows[] = {{"", Encoding::kIdentity},
                                                        {"gzip, deflate, br", Encoding::kGzip},
                                                        {"br;q=1, deflate", Encoding::kDeflate},
                                                        {"gzip;q=0, deflate", Encoding::kDeflate},
                                                        {"gzip; q=0.0", Encoding::kIdentity},
                                                        {"gzip;q=0.5", Encoding::kGzip},
                                                        {"*", Encoding::kIdentity},
                                                        {"identity", Encoding::kIdentity}};
  for (const auto& [header, encoding] : rows)
    EXPECT_EQ(accepted_encoding(header), encoding) << header;
}

TEST(Base64, ThereAndBack) {
  for (const std::string& bytes : {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string("\0\xff\xfe", 3)})
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
  EXPECT_EQ(encode_base64("ab"), "YWI=");
  EXPECT_EQ(decode_base64("YWI"), "ab");
  for (const std::string_view wrong : {"Y", "YW=I", "Y W I=", "YWI==", "====", "YWI=YWI="})
    EXPECT_EQ(decode_base64(wrong), std::nullopt) << wrong;
}

TEST(LooseJson, ReadsPythonsWords) {
  EXPECT_EQ(*parse_loose_json(R"([NaN, "a\"NaN", -Infinity,Infinity,{"NaN":1}])"), *parse_json(R"(["NaN","a\"NaN","-Infinity","Infinity",{"NaN":1}])"));
  EXPECT_EQ(parse_loose_json("[NaN,]").error().message, parse_json("[NaN,]").error().message);
  for (const std::string_view wrong : {"[nan]", "[Inf]", "[NaN", "\"", "\"\\", "", "[NaNNaN]"})
    EXPECT_FALSE(parse_loose_json(wrong)) << wrong;
}

}  // namespace
}  // namespace ebb::wire
