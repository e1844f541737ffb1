// `ebb embed`: vectors of texts, and how much each means the same as the first.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/server.h"
#include "cli/table.h"

namespace ebb::cli {

namespace {

constexpr size_t kValuesShown = 4;

struct EmbedOptions {
  std::string endpoint;
  std::vector<std::string> texts;
  bool as_json = false;
};

Result<std::vector<std::vector<double>>> vectors_in(const json::value& answer) {
  ObjectReader reader(answer, "");
  std::vector<std::vector<double>> vectors;
  const json::array* data = reader.array("data");
  for (size_t i = 0; data != nullptr && i < data->size(); ++i) {
    ObjectReader one((*data)[i], fmt::format("data[{}]", i));
    std::vector<double>& vector = vectors.emplace_back();
    if (const json::array* values = one.array("embedding")) {
      for (const json::value& value : *values)
        vector.push_back(value.is_number() ? value.to_number<double>() : 0);
    }
    if (vector.empty() || vector.size() != vectors.front().size()) return fail(ErrorKind::kInternal, std::string(kNoSense));
  }
  return vectors;
}

// Vectors have length 1: their product is the cosine of the angle between them.
double likeness(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += a[i] * b[i];
  return sum;
}

Status embed(Context& context, Server& server, const EmbedOptions& options) {
  json::array texts(options.texts.begin(), options.texts.end());
  const Result<json::value> answer =
      server.post("/v1/embeddings", json::object{{"model", options.endpoint}, {"input", std::move(texts)}, {"encoding_format", "float"}});
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const Result<std::vector<std::vector<double>>> vectors = vectors_in(*answer);
  if (!vectors) return fail(vectors.error());
  if (vectors->size() != options.texts.size()) return fail(ErrorKind::kInternal, std::string(kNoSense));
  Table table({{"LIKE THE FIRST", Align::kRight},
               {fmt::format("FIRST {} OF {} VALUES", std::min(kValuesShown, vectors->front().size()), vectors->front().size())},
               {"TEXT"}});
  for (size_t i = 0; i < vectors->size(); ++i) {
    std::string values;
    for (size_t at = 0; at < std::min(kValuesShown, (*vectors)[i].size()); ++at)
      values += fmt::format("{:>9.5f}", (*vectors)[i][at]);
    table.add(
        {{fmt::format("{:.3f}", likeness(vectors->front(), (*vectors)[i]))}, {std::move(values)}, {printable(json::serialize(json::value(options.texts[i])))}});
  }
  context.out.write(table.render(context.out));
  return {};
}

}  // namespace

void add_embed(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "embed",
                                           {.summary = "Turn texts into vectors, and compare each with the first.",
                                            .details = "For endpoints whose model gives vectors. 1 is the same meaning, 0 none in common.",
                                            .example = "  ebb embed minilm \"The cat sits on the mat.\" \"A feline rests upon a rug.\" \"Revenue rose.\"\n"
                                                       "  ebb embed minilm \"Hello\" --json"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<EmbedOptions>();
  command->add_option("endpoint", options->endpoint, "Which endpoint")->type_name("ENDPOINT")->required();
  command->add_option("text", options->texts, "The texts")->type_name("TEXT")->required();
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON, with all values");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return embed(context, server, *options); });
}

}  // namespace ebb::cli
