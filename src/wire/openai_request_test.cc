// Rows: what the dialect accepts, what it refuses and which field it blames, what it passes over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "wire/openai.h"

namespace ebb::wire {
namespace {

// A request that is fine, with fields added or replaced.
std::string with(const std::string& fields) {
  return R"({"model":"chat","messages":[{"role":"user","content":"hi"}])" + (fields.empty() ? "" : "," + fields) + "}";
}
const std::string kCalls = R"({"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]})";
const std::string kTools = R"("tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}},)"
                           R"({"type":"function","function":{"name":"g"}}])";
std::string message(const std::string& body) { return R"({"model":"chat","messages":[)" + body + "]}"; }

TEST(ChatRequest, ReadsEverythingThatItHonours) {
  const auto request = parse_chat(R"({"model":"chat","messages":[{"role":"developer","content":"be brief"},
      {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"joe"},{"role":"assistant","content":"c"}],
      "max_completion_tokens":5,"temperature":0,"top_p":0.5,"stop":["x","y"],"seed":-7,"stream":true,"stream_options":{"include_usage":true}})");
  ASSERT_TRUE(request) << request.error().message;
  domain::Call expected;
  expected.endpoint = "chat";
  expected.input = domain::Chat{.messages = {{"developer", "be brief"}, {"user", "ab"}, {"assistant", "c"}}, .tools = {}, .json_schema = std::nullopt};
  expected.sampling.max_tokens = 5;
  expected.sampling.temperature = 0;
  expected.sampling.top_p = 0.5;
  expected.sampling.seed = -7;
  expected.sampling.stop = {"x", "y"};
  EXPECT_EQ(request->call, expected);
  EXPECT_TRUE(request->stream);
  EXPECT_TRUE(request->include_usage);
  EXPECT_TRUE(request->ignored.empty());
}

TEST(ChatRequest, ReadsSampling) {
  const auto request =
      parse_chat(with(R"("n":3,"presence_penalty":-2,"frequency_penalty":2,"logit_bias":{"5":-100,"7":1.5},"logprobs":true,"top_logprobs":4)"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->choices, 3);
  const domain::Sampling& sampling = request->call.sampling;
  EXPECT_EQ(sampling.presence_penalty, -2);
  EXPECT_EQ(sampling.frequency_penalty, 2);
  EXPECT_EQ(sampling.logit_bias, (std::map<int32_t, double>{{5, -100}, {7, 1.5}}));
  EXPECT_EQ(sampling.top_logprobs, 4);
  EXPECT_EQ(parse_chat(with(R"("logprobs":true)"))->call.sampling.top_logprobs, 0);
  EXPECT_EQ(parse_chat(with(R"("logprobs":false,"top_logprobs":0)"))->call.sampling.top_logprobs, std::nullopt);
}

const domain::Chat& chat_of(const Result<ChatRequest>& request) { return std::get<domain::Chat>(request->call.input); }

TEST(ChatRequest, ReadsToolsAndTheirResults) {
  const auto request =
      parse_chat(R"({"model":"chat","messages":[{"role":"user","content":"hi"},)" + kCalls +
                 R"(,{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"sun"}]}],)" + kTools + R"(,"parallel_tool_calls":false})");
  ASSERT_TRUE(request) << request.error().message;
  const domain::Chat& chat = chat_of(request);
  EXPECT_EQ(chat.messages[1].tool_calls, (std::vector<domain::ToolCall>{{.id = "1", .name = "f", .arguments = "{}"}}));
  EXPECT_EQ(chat.messages[2], (domain::ChatMessage{.role = "tool", .content = "sun", .tool_calls = {}, .tool_call_id = "1"}));
  EXPECT_EQ(chat.tools, (std::vector<domain::Tool>{{.name = "f", .description = "d", .parameters = R"({"type":"object"})"},
                                                   {.name = "g", .description = "", .parameters = R"({"type":"object","properties":{}})"}}));
  EXPECT_EQ(chat.tool_choice, domain::ToolChoice::kAuto);
  EXPECT_FALSE(chat.parallel_tool_calls);
}

TEST(ChatRequest, KeepsTheToolsThatMayBeCalled) {
  struct Row {
    const char* choice;
    domain::ToolChoice expected;
    std::vector<std::string> tools;
    bool named;
  };
  const Row rows[] = {
      {R"("none")", domain::ToolChoice::kNone, {"f", "g"}, false},
      {R"("required")", domain::ToolChoice::kRequired, {"f", "g"}, false},
      {R"({"type":"function","function":{"name":"g"}})", domain::ToolChoice::kRequired, {"g"}, true},
      {R"({"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}})",
       domain::ToolChoice::kAuto,
       {"g"},
       false},
      {R"({"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}})",
       domain::ToolChoice::kRequired,
       {"f"},
       false},
  };
  for (const Row& row : rows) {
    const auto request = parse_chat(with(kTools + R"(,"tool_choice":)" + row.choice));
    ASSERT_TRUE(request) << row.choice << ": " << request.error().message;
    std::vector<std::string> tools;
    for (const domain::Tool& tool : chat_of(request).tools)
      tools.push_back(tool.name);
    EXPECT_EQ(tools, row.tools) << row.choice;
    EXPECT_EQ(chat_of(request).tool_choice, row.expected) << row.choice;
    EXPECT_EQ(request->names_a_tool, row.named) << row.choice;
    EXPECT_EQ(chat_of(request).parallel_tool_calls, !row.named) << row.choice;
  }
}

TEST(ChatRequest, ReadsFormatsOfAnswers) {
  EXPECT_EQ(chat_of(parse_chat(with(R"("response_format":{"type":"text"})"))).json_schema, std::nullopt);
  EXPECT_EQ(chat_of(parse_chat(with(R"("response_format":{"type":"json_object"})"))).json_schema, R"({"type":"object"})");
  const auto schema = parse_chat(with(R"("response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"b":1,"a":2}}})"));
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_EQ(chat_of(schema).json_schema, R"({"b":1,"a":2})") << "the order of properties is the caller's";
}

TEST(ChatRequest, SchemasHaveBounds) {
  const auto accepts = [](const std::string& schema) {
    return parse_chat(with(R"("response_format":{"type":"json_schema","json_schema":{"name":"x","schema":)" + schema + "}}")).has_value();
  };
  const auto nested = [](int depth) {
    std::string schema = R"({"type":"string"})";
    for (int i = 0; i < depth; ++i)
      schema = R"({"anyOf":[)" + schema + "]}";
    return schema;
  };
  EXPECT_TRUE(accepts(R"({"type":"array","maxItems":1000})"));
  EXPECT_FALSE(accepts(R"({"type":"array","maxItems":1001})"));
  EXPECT_FALSE(accepts(R"({"type":"array","minItems":-1})"));
  EXPECT_FALSE(accepts(R"({"properties":{"a":{"type":"string","maxLength":100000}}})"));
  EXPECT_TRUE(accepts(R"({"type":"object","properties":{"maxItems":{"type":"integer"}}})")) << "a property of this name";
  EXPECT_FALSE(accepts(R"({"type":"string","minLength":5,"maxLength":3})"));
  EXPECT_FALSE(accepts(R"({"type":"array","minItems":5,"maxItems":3})"));
  EXPECT_FALSE(accepts(R"({"type":"integer","minimum":5,"maximum":3})"));
  EXPECT_TRUE(accepts(R"({"$ref":"#/$defs/a"})"));
  EXPECT_FALSE(accepts(R"({"$ref":"https://example.com/schema"})"));
  EXPECT_TRUE(accepts(nested(20)));
  json::array wide(4'001, json::value(1));
  EXPECT_FALSE(accepts(json::serialize(json::object{{"enum", wide}})));
  EXPECT_FALSE(accepts(json::serialize(json::object{{"const", std::string(70'000, 'x')}})));
}

TEST(ChatRequest, StrictSchemasPromiseNothingThatIsNotHeld) {
  const auto read = [](const std::string& schema, bool strict) {
    return parse_chat(with(R"("response_format":{"type":"json_schema","json_schema":{"name":"x","strict":)" + std::string(strict ? "true" : "false") +
                           R"(,"schema":)" + schema + "}}"));
  };
  for (const char* schema :
       {R"x({"type":"number","minimum":0})x", R"x({"type":["number","null"],"minimum":0})x", R"x({"type":"string","pattern":"^a$","maxLength":3})x",
        R"x({"type":"array","uniqueItems":true})x", R"x({"properties":{"a":{"not":{}}}})x", R"x({"anyOf":[{"type":"string","pattern":"(?=a)b"}]})x",
        R"x({"items":{"if":{}}})x", R"x({"$defs":{"d":{"multipleOf":2}}})x"}) {
    const auto strict = read(schema, true);
    ASSERT_FALSE(strict) << schema;
    EXPECT_EQ(strict.error().param, "response_format.json_schema.schema") << strict.error().message;
    EXPECT_TRUE(read(schema, false)) << schema;
  }
  EXPECT_TRUE(read(R"x({"type":"integer","minimum":0})x", true));
  EXPECT_TRUE(read(R"x({"properties":{"not":{"type":"string"}}})x", true)) << "a property of this name";
  EXPECT_TRUE(read(R"x({"const":{"pattern":"(?=a)","not":1}})x", true)) << "a value, no schema";
  EXPECT_EQ(chat_of(read(R"x({"items":{"pattern":"^a.$"}})x", true)).json_schema, R"x({"items":{"pattern":"^a[^\"\\\\\\x00-\\x1F]$"}})x");
  EXPECT_EQ(chat_of(read(R"x({"items":{"pattern":"(?=a)"}})x", false)).json_schema, R"x({"items":{}})x");
}

TEST(ChatRequest, NullMeansDefault) {
  const auto request =
      parse_chat(with(R"("max_tokens":null,"temperature":null,"top_p":null,"stop":null,"seed":null,"stream":null,"n":null,"tools":null,"logprobs":null)"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->call.sampling, domain::Sampling{});
}

TEST(ChatRequest, AcceptsWhatAsksForNothing) {
  for (const char* fields :
       {R"("user":"u","metadata":{"a":"b"},"safety_identifier":"s","prompt_cache_key":"k","parallel_tool_calls":false)",
        R"("n":1,"tools":[],"tool_choice":"auto")", R"("tool_choice":"none","functions":[],"function_call":"none")",
        R"("response_format":{"type":"text"},"modalities":["text"])", R"("presence_penalty":0,"frequency_penalty":0.0,"logit_bias":{},"logprobs":false)",
        R"("stop":"x")", R"("stop":[])", R"("max_tokens":3,"max_completion_tokens":3)", R"("max_tokens":3.0)", R"("temperature":2)", R"("top_p":0)"}) {
    const auto request = parse_chat(with(fields));
    ASSERT_TRUE(request) << fields << ": " << request.error().message;
    EXPECT_TRUE(request->ignored.empty()) << fields;
  }
}

TEST(ChatRequest, TellsWhatItPassesOver) {
  const auto request = parse_chat(with(R"("top_k":40,"reasoning_effort":"low","store":true,"bad name\r\n":1,"min_p":null)"));
  ASSERT_TRUE(request);
  EXPECT_THAT(request->ignored, testing::ElementsAre("top_k", "reasoning_effort", "store"));
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += (i == 0 ? "\"x" : ",\"x") + std::to_string(i) + "\":1";
  EXPECT_EQ(parse_chat(with(many))->ignored.size(), kIgnoredMax);
}

TEST(ChatRequest, RefusesByNameWhatWouldHaveAnEffect) {
  const std::pair<const char*, const char*> rows[] = {
      {R"("functions":[{"name":"f"}])", "functions"},       {R"("function_call":{"name":"f"})", "function_call"},
      {R"("modalities":["text","audio"])", "modalities"},   {R"("audio":{"voice":"x"})", "audio"},
      {R"("prediction":{"type":"content"})", "prediction"}, {R"("web_search_options":{})", "web_search_options"},
  };
  for (const auto& [fields, param] : rows) {
    const auto request = parse_chat(with(fields));
    ASSERT_FALSE(request) << fields;
    EXPECT_EQ(request.error().param, param) << fields;
    EXPECT_EQ(request.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(request.error().message, testing::HasSubstr("not supported")) << fields;
  }
}

TEST(ChatRequest, BlamesTheField) {
  const std::pair<std::string, const char*> rows[] = {
      {"[]", ""},
      {"3", ""},
      {"{}", "model"},
      {R"({"model":7})", "model"},
      {R"({"model":"","messages":[]})", "model"},
      {R"({"model":"chat"})", "messages"},
      {R"({"model":"chat","messages":{}})", "messages"},
      {R"({"model":"chat","messages":[]})", "messages"},
      {message("7"), "messages[0]"},
      {message("{}"), "messages[0].role"},
      {message(R"({"role":"robot","content":"x"})"), "messages[0].role"},
      {message(R"({"role":"function","content":"x","name":"f"})"), "messages[0].role"},
      {message(R"({"role":"tool","content":"x"})"), "messages[0].tool_call_id"},
      {message(R"({"role":"tool","content":"x","tool_call_id":"1"})"), "messages[0].tool_call_id"},
      {message(kCalls + R"(,{"role":"tool","content":"x","tool_call_id":"2"})"), "messages[1].tool_call_id"},
      {message(kCalls + R"(,{"role":"tool","content":"x","tool_call_id":"1"},{"role":"tool","content":"x","tool_call_id":"1"})"), "messages[2].tool_call_id"},
      {message(kCalls + R"(,{"role":"user","content":"x"},{"role":"tool","content":"x","tool_call_id":"1"})"), "messages[2].tool_call_id"},
      {message(R"({"role":"assistant","tool_calls":[]})"), "messages[0].content"},
      {message(R"({"role":"user","content":"x","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]})"),
       "messages[0].tool_calls"},
      {message(R"({"role":"assistant","tool_calls":[{"id":"1","type":"custom","custom":{}}]})"), "messages[0].tool_calls[0].type"},
      {message(R"({"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"a b","arguments":"{}"}}]})"),
       "messages[0].tool_calls[0].function.name"},
      {message(R"({"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":{}}}]})"),
       "messages[0].tool_calls[0].function.arguments"},
      {message(R"({"role":"user"})"), "messages[0].content"},
      {message(R"({"role":"user","content":null})"), "messages[0].content"},
      {message(R"({"role":"user","content":3})"), "messages[0].content"},
      {message(R"({"role":"user","content":"a\u0000b"})"), "messages[0].content"},
      {message(R"({"role":"user","content":"x"},{"role":"user","content":["x"]})"), "messages[1].content[0]"},
      {message(R"({"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"u"}}]})"), "messages[0].content[1].type"},
      {message(R"({"role":"user","content":[{"type":"text"}]})"), "messages[0].content[0].text"},
      {message(R"({"role":"user","content":[{"type":"text","text":1}]})"), "messages[0].content[0].text"},
      {message(R"({"role":"assistant","content":"x","tool_calls":[{"id":"1"}]})"), "messages[0].tool_calls[0].function"},
      {message(R"({"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"wav"}}]})"), "messages[0].content[0].type"},
      {message(R"({"role":"user","content":"x","name":4})"), "messages[0].name"},
      {with(R"("max_tokens":0)"), "max_tokens"},
      {with(R"("max_tokens":-1)"), "max_tokens"},
      {with(R"("max_tokens":1.5)"), "max_tokens"},
      {with(R"("max_tokens":"5")"), "max_tokens"},
      {with(R"("max_tokens":99999999999999999999)"), "max_tokens"},
      {with(R"("max_tokens":)" + std::to_string(domain::kContextTokensMax + 1)), "max_tokens"},
      {with(R"("max_tokens":3,"max_completion_tokens":4)"), "max_tokens"},
      {with(R"("temperature":-0.1)"), "temperature"},
      {with(R"("temperature":2.01)"), "temperature"},
      {with(R"("temperature":1e999)"), "temperature"},
      {with(R"("temperature":true)"), "temperature"},
      {with(R"("top_p":1.1)"), "top_p"},
      {with(R"("seed":1.5)"), "seed"},
      {with(R"("seed":9223372036854775808)"), "seed"},
      {with(R"("n":0)"), "n"},
      {with(R"("n":129)"), "n"},
      {with(R"("presence_penalty":2.1)"), "presence_penalty"},
      {with(R"("frequency_penalty":-2.1)"), "frequency_penalty"},
      {with(R"("frequency_penalty":"0")"), "frequency_penalty"},
      {with(R"("logit_bias":[])"), "logit_bias"},
      {with(R"("logit_bias":{"x":1})"), "logit_bias"},
      {with(R"("logit_bias":{"-1":1})"), "logit_bias"},
      {with(R"("logit_bias":{"5":101})"), "logit_bias.5"},
      {with(R"("logit_bias":{"5":"1"})"), "logit_bias.5"},
      {with(R"("logprobs":1)"), "logprobs"},
      {with(R"("top_logprobs":2)"), "top_logprobs"},
      {with(R"("logprobs":true,"top_logprobs":21)"), "top_logprobs"},
      {with(R"("response_format":{})"), "response_format.type"},
      {with(R"("response_format":"text")"), "response_format"},
      {with(R"("response_format":{"type":"xml"})"), "response_format.type"},
      {with(R"("response_format":{"type":"json_schema"})"), "response_format.json_schema"},
      {with(R"("response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{}}})"), "response_format.json_schema.name"},
      {with(R"("response_format":{"type":"json_schema","json_schema":{"name":"a","schema":[]}})"), "response_format.json_schema.schema"},
      {with(R"("tools":{})"), "tools"},
      {with(R"("tools":[{"type":"function"}])"), "tools[0].function"},
      {with(R"("tools":[{"type":"custom","custom":{"name":"f"}}])"), "tools[0].type"},
      {with(R"("tools":[{"type":"function","function":{"name":"f\"\n"}}])"), "tools[0].function.name"},
      {with(R"("tools":[{"type":"function","function":{"name":"f","parameters":3}}])"), "tools[0].function.parameters"},
      {with(kTools + R"(,"tool_choice":"always")"), "tool_choice"},
      {with(kTools + R"(,"tool_choice":{"type":"function"})"), "tool_choice.function"},
      {with(kTools + R"(,"tool_choice":{"type":"function","function":{"name":"h"}})"), "tool_choice"},
      {with(kTools + R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}})"), "tool_choice.allowed_tools.tools"},
      {with(R"("tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}])"), "tools"},
      {with(R"("tool_choice":"required")"), "tool_choice"},
      {with(R"("parallel_tool_calls":"no")"), "parallel_tool_calls"},
      {with(R"("n":1000000)"), "n"},
      {with(R"("stop":5)"), "stop"},
      {with(R"("stop":"")"), "stop"},
      {with(R"("stop":["a","b","c","d","e"])"), "stop"},
      {with(R"("stop":["a",1])"), "stop[1]"},
      {with(R"("stream":"yes")"), "stream"},
      {with(R"("stream_options":{"include_usage":true})"), "stream_options"},
      {with(R"("stream":true,"stream_options":{"include_usage":1})"), "stream_options.include_usage"},
  };
  for (const auto& [body, param] : rows) {
    const auto request = parse_chat(body);
    ASSERT_FALSE(request) << body;
    EXPECT_EQ(request.error().param, param) << body << ": " << request.error().message;
    EXPECT_EQ(request.error().kind, ErrorKind::kInvalid) << body;
  }
}

TEST(ChatRequest, RefusesWhatIsNotJson) {
  for (const std::string& body : {std::string(""), std::string("{"), std::string(R"({"model":"chat",})"), std::string("{\"model\":\"\xff\"}"),
                                  with("\"temperature\":NaN"), std::string(10'000, '['), with("") + "x"}) {
    const auto request = parse_chat(body);
    ASSERT_FALSE(request) << body;
    EXPECT_THAT(request.error().message, testing::HasSubstr("at byte ")) << body;
  }
}

}  // namespace
}  // namespace ebb::wire
