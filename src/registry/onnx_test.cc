// What the reader of ONNX models takes, and each lie that it refuses.
#include "registry/onnx.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "registry/onnx_for_test.h"

namespace ebb::registry {
namespace {

using namespace onnx_for_test;
using domain::DataType;

Result<OnnxModel> read(std::string_view bytes) { return read_onnx({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}); }
std::string why(std::string_view bytes) {
  const Result<OnnxModel> model = read(bytes);
  return model ? "" : model.error().message;
}
std::string why(const ProtoForTest& graph) { return why(model_of(graph).bytes()); }

struct Row {
  ProtoForTest model;
  std::string says;
};
void expect(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::string said = why(row.model.bytes());
    EXPECT_NE(said.find(row.says), std::string::npos) << "'" << said << "' instead of '" << row.says << "'";
    EXPECT_NE(said.find("at byte "), std::string::npos) << said;
  }
}
Row in_graph(const ProtoForTest& part, std::string says) { return {model_of(graph().raw(part.bytes())), std::move(says)}; }
Row weight(const ProtoForTest& tensor, std::string says) { return in_graph(ProtoForTest().message(5, tensor), std::move(says)); }

TEST(Onnx, FactsOfAModel) {
  const Result<OnnxModel> model = read(model_of(graph()).bytes());
  ASSERT_TRUE(model) << model.error().message;
  const domain::ModelFacts& facts = model->facts;
  EXPECT_EQ(facts.format, domain::ModelFormat::kOnnx);
  EXPECT_EQ(facts.architecture, "pytorch");
  EXPECT_EQ(facts.title, "tiny");
  EXPECT_EQ(facts.quantization, "FP32");
  EXPECT_EQ(facts.parameters, 6U);
  EXPECT_EQ(facts.inputs, (std::vector<domain::TensorSpec>{{"x", DataType::kFp32, {-1, 2}}}));
  EXPECT_EQ(facts.outputs, (std::vector<domain::TensorSpec>{{"y", DataType::kFp32, {-1, 2}}}));
  EXPECT_TRUE(model->external.empty());
}

TEST(Onnx, WeightsOutside) {
  const Result<OnnxModel> model = read(model_outside("data/w.bin"));
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_EQ(model->external.size(), 1U);
  const OnnxExternal& file = model->external.at("data/w.bin");
  EXPECT_EQ(file.bytes_min, 24U);
  EXPECT_EQ(file.user, "'b'");
  EXPECT_NE(external_too_short("data/w.bin", file, 23).message.find("ends at byte 24 of 'data/w.bin', which has 23 bytes"), std::string::npos);
}

TEST(Onnx, InputsWithADefaultAreNotAskedFor) {
  const ProtoForTest parts = ProtoForTest().message(11, value("w", {2, 2})).message(11, value("z", {}, kInt64));
  const Result<OnnxModel> model = read(model_of(graph().raw(parts.bytes())).bytes());
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_EQ(model->facts.inputs.size(), 2U);
  EXPECT_EQ(model->facts.inputs[1], (domain::TensorSpec{"z", DataType::kInt64, {}}));
}

TEST(Onnx, SubgraphsSeeWhatIsAroundThem) {
  const ProtoForTest branch = ProtoForTest().message(1, node("Relu", {"xw"}, {"inner"})).message(12, value("inner", {-1, 2}));
  const auto with = [](const ProtoForTest& then) {
    return ProtoForTest().message(1, node("If", {"x"}, {"z"}).message(5, ProtoForTest().text(1, "then_branch").message(6, then)));
  };
  EXPECT_EQ(why(graph().raw(with(branch).bytes())), "");
  const ProtoForTest later = ProtoForTest().message(1, node("Relu", {"z"}, {"inner"})).message(12, value("inner", {-1, 2}));
  EXPECT_NE(why(graph().raw(with(later).bytes())).find("takes 'z', which no input, weight or earlier node gives"), std::string::npos);
  // What a subgraph gives is not seen around it.
  const ProtoForTest outside = ProtoForTest(with(branch)).message(1, node("Relu", {"inner"}, {"q"}));
  EXPECT_NE(why(graph().raw(outside.bytes())).find("takes 'inner'"), std::string::npos);
}

TEST(Onnx, EveryCutIsRefused) {
  for (const std::string& whole : {model(), model_outside()}) {
    for (size_t length = 0; length < whole.size(); ++length) {
      // What is left may be whole where the last field was not needed: opset_import is, by the first operator.
      EXPECT_FALSE(read(std::string_view(whole).substr(0, length))) << length;
    }
  }
}

// Whatever one byte becomes: an answer, and within the bounds.
TEST(Onnx, EveryByteMayBeAnything) {
  const std::string whole = model_outside();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f, 0x0f, 0xf0}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const Result<OnnxModel> model = read(changed);
      EXPECT_TRUE(model || !model.error().message.empty());
    }
  }
}

TEST(Onnx, TheEncoding) {
  expect({
      {ProtoForTest(), "it has no graph (at byte 0)"},
      {ProtoForTest().number(1, 8), "it has no graph (at byte 2)"},
      {ProtoForTest().message(7, graph()), "it does not say its ir_version"},
      {model_of(graph()).raw(std::string(8, '\0')), "ModelProto has no field 0"},
      {model_of(graph()).text(9, "more"), "ModelProto has no field 9"},
      {model_of(graph()).raw("\x0b"), "field 1 of ModelProto has the wire type 3"},
      {model_of(graph()).number(1, 8), "ModelProto has field 1 twice"},
      {model_of(graph()).message(7, graph()), "ModelProto has field 7 twice"},
      {model_of(graph()).number(7, 1), "field 7 of ModelProto has the wire type 0"},
      {ProtoForTest().raw("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "a number in ModelProto is cut or no number of 64 bits (at byte 1)"},
      {ProtoForTest().raw("\x08"), "a number in ModelProto is cut"},
      {ProtoForTest().number(1, 8).claimed(7, 1'000'000, graph().bytes()), "field 7 of ModelProto claims 1000000 bytes"},
      {ProtoForTest().number(1, 8).claimed(7, UINT64_MAX, graph().bytes()), "field 7 of ModelProto claims 18446744073709551615 bytes"},
      {model_of(ProtoForTest(graph()).claimed(1, 100, "short")), "field 1 of GraphProto claims 100 bytes and 5 are left"},
  });
}

TEST(Onnx, Versions) {
  const auto importing = [](std::string_view domain, uint64_t version) { return ProtoForTest(model_of(graph())).message(8, opset(domain, version)); };
  expect({
      {model_of(graph(), 2), "its ir_version is 2; 3 to 13 can be loaded"},
      {model_of(graph(), 14), "its ir_version is 14; 3 to 13 can be loaded"},
      {model_of(graph(), 8, 6), "its operators are of version 6 of ONNX; 7 to 26 can run"},
      {model_of(graph(), 8, 27), "its operators are of version 27 of ONNX"},
      {importing("", 17), "it imports the domain '' twice"},
      {importing("ai.onnx", 17), "it imports the domain 'ai.onnx' twice"},
      {importing("ai.onnx.ml", 6), "of version 6 of ai.onnx.ml; 1 to 5 can run"},
      {importing("com.microsoft", 2), "of version 2 of com.microsoft; 1 to 1 can run"},
      {ProtoForTest().number(1, 8).message(7, graph()), "whose version the model does not say"},
      {ProtoForTest(model_of(graph())).text(20, ""), "it has training in it"},
      {ProtoForTest(model_of(graph())).text(25, ""), "it has functions of its own"},
  });
  // What is imported and not used does no harm.
  EXPECT_EQ(why(importing("org.example", 9).bytes()), "");
  EXPECT_EQ(why(importing("ai.onnx.ml", 3).bytes()), "");
}

TEST(Onnx, Graphs) {
  std::vector<Row> rows{
      in_graph(ProtoForTest().message(1, node("Relu", {"x"}, {"y"})), "the name 'y' is given twice"),
      in_graph(ProtoForTest().message(1, node("Relu", {"x"}, {"w"})), "the name 'w' is given twice"),
      in_graph(ProtoForTest().message(1, node("Relu", {"x"}, {"x"})), "the name 'x' is given twice"),
      in_graph(ProtoForTest().message(1, node("Relu", {"a"}, {"b2"})).message(1, node("Relu", {"b2"}, {"a"})), "takes 'a', which no input"),
      in_graph(ProtoForTest().message(1, node("Relu", {"a"}, {"a"})), "takes 'a', which no input"),
      in_graph(ProtoForTest().message(1, node("", {"x"}, {"z"})), "a node has no operator"),
      in_graph(ProtoForTest().message(1, node("Relu", {"x"}, {"z"}, "org.example")), "the operator 'Relu' is of the domain 'org.example'"),
      in_graph(ProtoForTest().message(1, node("Gelu", {"x"}, {"z"}, "com.microsoft")), "whose version the model does not say"),
      in_graph(ProtoForTest().message(1, node("Relu", {"x"}, {"z"}).text(8, "o")), "a node calls a function"),
      in_graph(ProtoForTest().message(1, node("Relu", {"x"}, {std::string(1025, 'n')})), "has more than 1024 bytes"),
      in_graph(ProtoForTest().message(5, tensor("w", {1}, "abcd")), "the name 'w' is given twice"),
      in_graph(ProtoForTest().message(5, tensor("", {1}, "abcd")), "a weight has no name"),
      in_graph(ProtoForTest().text(15, ""), "it has sparse weights"),
      in_graph(ProtoForTest().message(1, node("Relu", {"x"}, {"z"}).message(5, ProtoForTest().text(22, ""))), "it has sparse weights"),
      in_graph(ProtoForTest().message(1, node("Relu", {"x"}, {"z"}).message(5, ProtoForTest().text(21, "r"))), "refers to one of a function"),
      in_graph(ProtoForTest().message(12, value("nothing", {1})), "no node gives the output 'nothing'"),
      in_graph(ProtoForTest().message(12, value("y", {1})), "the output 'y' is there twice"),
      in_graph(ProtoForTest().message(11, value("x", {1})), "the input 'x' is there twice"),
      {model_of(ProtoForTest().text(2, "empty")), "it has no outputs"},
  };
  ProtoForTest nested = ProtoForTest().message(1, node("Relu", {"x"}, {"i"}));
  for (int depth = 0; depth < 20; ++depth)
    nested = ProtoForTest().message(1, node("If", {"x"}, {"o"}).message(5, ProtoForTest().message(6, nested)));
  rows.push_back(in_graph(nested, "its graphs are nested deeper than 16"));
  expect(rows);
}

TEST(Onnx, DeepNestingByTheThousandEndsEarly) {
  ProtoForTest nested = ProtoForTest().message(1, node("Relu", {"x"}, {"i"}));
  for (int depth = 0; depth < 20'000; ++depth)
    nested = ProtoForTest().message(1, ProtoForTest().text(4, "If").message(5, ProtoForTest().message(6, nested)));
  EXPECT_NE(why(model_of(nested).bytes()).find("nested deeper than 16"), std::string::npos);
}

TEST(Onnx, Weights) {
  constexpr uint64_t kHuge = 1ULL << 62U;
  const std::string sixteen(16, 'x');
  expect({
      weight(tensor("t", {kHuge}, sixteen), "the tensor 't' has dimensions whose bytes overflow"),
      weight(tensor("t", {kHuge, 4}, sixteen), "the tensor 't' has dimensions whose product overflows"),
      weight(tensor("t", {kHuge, 4, 0}, ""), "the tensor 't' has dimensions whose product overflows"),
      weight(tensor("t", {1ULL << 32U, 1ULL << 32U}, sixteen), "product overflows"),
      weight(tensor("t", {UINT64_MAX}, sixteen), "has a negative dimension"),
      weight(tensor("t", std::vector<uint64_t>(17, 1), "abcd"), "has more than 16 dimensions"),
      weight(tensor("t", {1'000'000}, sixteen), "takes 4000000 bytes by its type FP32 and dimensions, but has 16"),
      weight(tensor("t", {3}, sixteen), "takes 12 bytes"),
      weight(tensor("t", {4}, sixteen, 0), "has the type 0"),
      weight(tensor("t", {4}, sixteen, 99), "has the type 99"),
      weight(tensor("t", {4}, sixteen, 8), "has strings as raw data"),
      weight(tensor("t", {4}, sixteen).text(4, sixteen), "has its data twice"),
      weight(tensor_head("t", {4}), "has 4 elements by its dimensions, but data of 0"),
      weight(tensor_head("t", {4}).text(4, "123"), "has elements that are cut"),
      weight(tensor_head("t", {4}).text(4, std::string(12, 'x')), "but data of 3"),
      weight(tensor_head("t", {2}, kInt64).text(7, "\x01\x80"), "has elements that are cut"),
      weight(tensor_head("t", {2}, kInt64).text(4, std::string(8, 'x')), "in a field that is not of the type INT64"),
      weight(tensor_head("t", {2}, kInt64).text(7, "\x01\x02").text(4, ""), "has elements in two fields"),
      weight(tensor("t", {4}, sixteen).text(3, ""), "is a segment of a tensor"),
      weight(tensor("t", {4}, sixteen).number(14, 2), "has the data location 2"),
      weight(tensor("t", {4}, sixteen).message(13, entry("location", "f")), "names external data, but says that its data are inside"),
      weight(tensor_head("t", {}).text(1, "\x80"), "has dimensions that are cut"),
  });
  for (const ProtoForTest& sound :
       {tensor("t", {0, 5}, ""), tensor_head("t", {0}), tensor("t", {}, "abcd"), tensor_head("t", {3}, 22).text(5, "\x01\x02"), tensor("t", {3}, "ab", 22),
        tensor_head("t", {2}, 8).text(6, "a").text(6, ""), tensor_head("t", {2}, kInt64).number(7, 1).number(7, 2),
        tensor_head("t", {2}, 10).text(5, "\x80\x01\x02"), tensor_head("t", {1}, 14).text(4, std::string(8, 'x'))})
    EXPECT_EQ(why(model_of(graph().message(5, sound)).bytes()), "");
}

TEST(Onnx, TensorsOfAttributes) {
  const auto constant = [](const ProtoForTest& value) {
    return ProtoForTest().message(1, node("Constant", {}, {"c"}).message(5, ProtoForTest().text(1, "value").message(5, value)));
  };
  EXPECT_EQ(read(model_of(graph().raw(constant(tensor("", {1}, "abcd")).bytes())).bytes())->facts.parameters, 7U);
  expect({
      in_graph(constant(tensor("", {2}, "abcd")), "the tensor of an attribute takes 8 bytes"),
      in_graph(constant(external("", {1}, {{"location", "f"}})), "the tensor of an attribute has its data outside of the model"),
  });
}

TEST(Onnx, ExternalDataStayBesideTheModel) {
  std::vector<Row> rows;
  for (const char* location :
       {"", "/etc/passwd", "../w", "a/../../w", "./w", "a//b", "a\\b", "C:\\w", "w ", "*/_ORT_MEM_ADDR_/*", "model.onnx", "manifest.json"})
    rows.push_back(weight(external("t", {1}, {{"location", location}}), "external data must be a file beside the model"));
  rows.push_back(weight(external("t", {1}, {{"location", std::string("w\0x", 3)}}), "external data must be a file beside the model"));
  rows.push_back(weight(external("t", {1}, {}), "does not say in which file"));
  rows.push_back(weight(external("t", {1}, {{"location", "w"}, {"location", "v"}}), "says 'location' of its external data, once too often"));
  rows.push_back(weight(external("t", {1}, {{"location", "w"}, {"prepacked_0", "x"}}), "says 'prepacked_0' of its external data"));
  rows.push_back(weight(external("t", {1}, {{"location", "w"}, {"offset", "-1"}}), "has the offset '-1'"));
  rows.push_back(weight(external("t", {1}, {{"location", "w"}, {"offset", "1e3"}}), "has the offset '1e3'"));
  rows.push_back(weight(external("t", {1}, {{"location", "w"}, {"offset", "18446744073709551615"}}), "has the offset"));
  rows.push_back(weight(external("t", {1}, {{"location", "w"}, {"offset", "9223372036854775807"}}), "beyond what a file may have"));
  rows.push_back(weight(external("t", {2}, {{"location", "w"}, {"length", "4"}}), "takes 8 bytes by its type FP32 and dimensions, but claims 4"));
  rows.push_back(weight(external("t", {1}, {{"location", "w"}}).text(9, "abcd"), "has its data outside and inside too"));
  rows.push_back(weight(tensor_head("t", {1}, 8).message(13, entry("location", "w")).number(14, 1), "has strings outside"));
  expect(rows);
}

TEST(Onnx, ExternalFilesAreBounded) {
  ProtoForTest parts;
  for (int i = 0; i < 65; ++i)
    parts.message(5, external("t" + std::to_string(i), {1}, {{"location", "f" + std::to_string(i)}}));
  expect({in_graph(parts, "its weights are in more than 64 files")});
}

TEST(Onnx, InputsThatACallCanCarry) {
  const ProtoForTest sequence = ProtoForTest().text(1, "s").message(2, ProtoForTest().text(4, ""));
  const ProtoForTest shapeless = ProtoForTest().text(1, "s").message(2, ProtoForTest().message(1, ProtoForTest().number(1, 1)));
  expect({
      in_graph(ProtoForTest().message(11, sequence), "the input 's' is not a tensor but a sequence"),
      in_graph(ProtoForTest().message(11, shapeless), "the input 's' does not say how many dimensions it has"),
      in_graph(ProtoForTest().message(11, ProtoForTest().text(1, "s")), "the input 's' has no type"),
      in_graph(ProtoForTest().message(11, ProtoForTest().text(1, "s").text(2, "")), "the input 's' has no type"),
      in_graph(ProtoForTest().message(11, value("", {1})), "has no name"),
      in_graph(ProtoForTest().message(11, value("a\nb", {1})), "has a name of more than 256 bytes, or of other characters"),
      in_graph(ProtoForTest().message(11, value("\xff", {1})), "or of other characters than UTF-8's"),
      in_graph(ProtoForTest().message(11, value(std::string(257, 's'), {1})), "has a name of more than 256 bytes"),
      in_graph(ProtoForTest().message(11, value("s", {1}, 15)), "has elements of the type COMPLEX128, which no call can carry"),
      in_graph(ProtoForTest().message(11, value("s", {1}, 77)), "has elements of the type 77"),
      in_graph(ProtoForTest().message(11, value("s", {1LL << 62U, 2})), "more than the 64 MiB that a call can carry"),
      in_graph(ProtoForTest().message(11, value("s", {-1, 1LL << 26U})), "more than the 64 MiB"),
      in_graph(ProtoForTest().message(11, value("s", std::vector<int64_t>(17, 1))), "more than 16 dimensions"),
  });
  ProtoForTest many;
  for (int i = 0; i < 257; ++i)
    many.message(11, value("s" + std::to_string(i), {1}));
  expect({in_graph(many, "it has more than 256 inputs")});
}

// The fuzz target's corpus, made by the onnx package of Python: names say what becomes of each.
TEST(Onnx, FilesOfOtherWriters) {
  size_t accepted = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EBB_SOURCE_DIR "/tests/fuzz/onnx_fuzz")) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".onnx")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    EXPECT_EQ(why(bytes).empty(), name.starts_with("accepted_")) << name << ": " << why(bytes);
    accepted += name.starts_with("accepted_") ? 1 : 0;
  }
  EXPECT_GE(accepted, 4U);
}

TEST(Onnx, IsKnownByItsBeginning) {
  const auto looks = [](std::string_view head, uint64_t file_bytes) {
    return looks_like_onnx({reinterpret_cast<const uint8_t*>(head.data()), head.size()}, file_bytes);
  };
  EXPECT_TRUE(looks(model(), model().size()));
  EXPECT_TRUE(looks("\x08", 1));                        // cut behind its first byte
  EXPECT_TRUE(looks("\x12\x07pytorch\x3a\x00", 1000));  // fields in another order
  for (const std::string_view other : {"", "GGUF", "# a text", "PK\x03\x04",
                                       "\x7f"
                                       "ELF",
                                       "{\"a\": 1}", "\n\n\n", "\x1f\x8b\x08", "%PDF-1.7", "<html>", "BM6\x01", ":)"})
    EXPECT_FALSE(looks(other, other.size())) << other;
}

}  // namespace
}  // namespace ebb::registry
