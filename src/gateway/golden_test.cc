// Transcripts: tests/golden/gateway/*.http hold a raw request and the raw response that it must get, to the byte.
//
// A file is: lines that start with "###" (what it shows), the request, a line "=====", the response. Lines end with LF in the file and
// with CR LF in heads on the wire; "{length}" in the request stands for the size of its body. Clock, ids and trace are fixed, so nothing
// is masked. With EBB_UPDATE_GOLDEN=1 the files are rewritten from what the server says: read the difference before you keep it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/test_server.h"

namespace ebb::gateway {
namespace {

constexpr std::string_view kDivider = "=====\n";

struct Transcript {
  std::string comment;
  std::string request;
  std::string response;
};

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

Transcript read_transcript(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::string rest = text.str();
  Transcript out;
  while (rest.starts_with("###")) {
    out.comment += rest.substr(0, rest.find('\n') + 1);
    rest.erase(0, rest.find('\n') + 1);
  }
  const size_t divider = rest.find(kDivider);
  out.request = rest.substr(0, divider);
  if (divider != std::string::npos) out.response = rest.substr(divider + kDivider.size());
  return out;
}

// The newline before the divider belongs to the file, not to the body.
std::string on_the_wire(const std::string& request) {
  const size_t end = request.find("\n\n");
  std::string head = request.substr(0, end);
  std::string body = request.substr(end + 2);
  if (body.ends_with('\n')) body.pop_back();
  return replace_all(replace_all(head, "{length}", std::to_string(body.size())), "\n", "\r\n") + "\r\n\r\n" + body;
}

void prepare(TestServer& server) {
  FakePlatform::Script late;
  late.events = {domain::Text{.text = "Hel", .tokens = 1},
                 domain::Failed{.error = {.kind = ErrorKind::kUnavailable, .message = "the worker died"}, .completion_tokens = 1}};
  FakePlatform::Script full;
  full.refusal = Error{.kind = ErrorKind::kOverloaded, .message = "the queue of 'full' has 200 calls: try again later", .retry_after = milliseconds(1500)};
  FakePlatform::Script dispatch_failed;
  dispatch_failed.events = {domain::Failed{
      .error = {.kind = ErrorKind::kInvalid, .message = "the prompt has 5000 tokens, the context 4096", .param = "messages", .code = "context_length_exceeded"},
      .completion_tokens = 0}};
  FakePlatform::Script tensors;
  tensors.events = {domain::Started{}, domain::TensorStart{.head = {.name = "y", .type = domain::DataType::kUint16, .shape = {1, 2}}, .bytes = 4},
                    domain::Bytes{.data = "AB0"}, domain::Bytes{.data = "1"}, domain::Finished{}};
  FakePlatform::Script labels;
  labels.events = {domain::Started{.prompt_tokens = 1}, domain::Labels{.labels = {{.label = "good", .score = 0.5F}, {.label = "bad", .score = 0.25F}}},
                   domain::Finished{.prompt_tokens = 1}};
  server.on_loop([&] {
    server.platform.add_endpoint("tensors", tensors);
    server.platform.add_endpoint("labels", labels);
    server.platform.add_endpoint("late", late);
    server.platform.add_endpoint("full", full);
    server.platform.add_endpoint("long", dispatch_failed);
    server.platform.decisions_ = {{.decision = {.id = DecisionId{4},
                                                .at = {},
                                                .call = CallId{5},
                                                .worker = {},
                                                .what = "start",
                                                .because = "a call waits and there is no worker",
                                                .inputs = {{"waiting", "1"}}},
                                   .at = WallTime(seconds(1'700'000'000))}};
    server.platform.log_ = {{.sequence = 1, .at = WallTime(seconds(1'700'000'000)), .text = "worker 1 starts"},
                            {.sequence = 2, .at = WallTime(seconds(1'700'000'001)), .text = "worker 1 is \"ready\""}};
    server.models.progress_ = {{.phase = "download", .done_bytes = 5, .total_bytes = 10}};
    server.bills.rows_ = {{.endpoint = "chat", .tier = "cold", .calls = 2, .billed_ms = 30, .cost = 4'000'000, .prompt_tokens = 3, .completion_tokens = 4}};
  });
}

TEST(Golden, Transcripts) {
  const std::filesystem::path folder = std::filesystem::path(EBB_SOURCE_DIR) / "tests/golden/gateway";
  size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".http") continue;
    ++count;
    const Transcript transcript = read_transcript(file.path());
    TestServer server;
    prepare(server);
    Client client(server);
    client.send(on_the_wire(transcript.request));
    const std::string response = replace_all(client.read_to_end(), "\r\n", "\n");
    if (std::getenv("EBB_UPDATE_GOLDEN") != nullptr) {
      std::ofstream(file.path()) << transcript.comment << transcript.request << kDivider << response;
    } else {
      EXPECT_EQ(response, transcript.response) << file.path();
    }
  }
  EXPECT_GE(count, 20U) << "the transcripts are missing";
}

}  // namespace
}  // namespace ebb::gateway
