// Typed columns for what is asked for; the rest of a revision's model is stored with it, since a revision is immutable.
#include "store/catalog.h"

#include <fmt/format.h>

#include <array>

#include "store/catalog_schema.h"
#include "store/schedule_text.h"
#include "store/tensors_text.h"

namespace ebb::store {

namespace {

constexpr const char* kModelColumns =
    "digest, added_ms, source, architecture, title, quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, "
    "has_chat_template, pooling, width, format, task, tensors, checksum";
// Without the checksum, which covers what stands before the model too.
constexpr int kModelColumnCount = 18;

int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }
WallTime from_ms(int64_t ms) { return WallTime(milliseconds(ms)); }

void bind_model(Statement& s, int at, const domain::Model& model) {
  const domain::ModelFacts& f = model.facts;
  s.bind(at, model.digest.hex())
      .bind(at + 1, to_ms(model.added))
      .bind(at + 2, model.source)
      .bind(at + 3, f.architecture)
      .bind(at + 4, f.title)
      .bind(at + 5, f.quantization);
  s.bind(at + 6, static_cast<int64_t>(f.parameters)).bind(at + 7, static_cast<int64_t>(f.weights_bytes)).bind(at + 8, f.layers).bind(at + 9, f.train_context);
  s.bind(at + 10, f.vocabulary).bind(at + 11, static_cast<int64_t>(f.kv_bytes_per_token)).bind(at + 12, int64_t{f.has_chat_template});
  s.bind(at + 13, f.pooling).bind(at + 14, f.width);
  s.bind(at + 15, to_string(f.format)).bind(at + 16, to_string(f.task)).bind(at + 17, tensors_to_text(f.inputs, f.outputs));
}

Result<domain::Model> read_model(const Statement& s, std::string name, int64_t version, int at) {
  const Result<domain::Digest> digest = domain::parse_digest(s.text(at));
  if (!digest) return fail(ErrorKind::kCorrupt, fmt::format("the catalog's entry of model '{}' has no valid digest", name));
  domain::Model model{
      .name = std::move(name), .version = version, .digest = *digest, .facts = {}, .added = from_ms(s.integer(at + 1)), .source = s.text(at + 2)};
  model.facts = {.architecture = s.text(at + 3),
                 .title = s.text(at + 4),
                 .quantization = s.text(at + 5),
                 .parameters = static_cast<uint64_t>(s.integer(at + 6)),
                 .weights_bytes = static_cast<uint64_t>(s.integer(at + 7)),
                 .layers = s.integer(at + 8),
                 .train_context = s.integer(at + 9),
                 .vocabulary = s.integer(at + 10),
                 .kv_bytes_per_token = static_cast<uint64_t>(s.integer(at + 11)),
                 .has_chat_template = s.integer(at + 12) != 0,
                 .pooling = s.text(at + 13),
                 .width = s.integer(at + 14)};
  if (s.text(at + 15) != to_string(domain::ModelFormat::kOnnx)) return model;
  model.facts.format = domain::ModelFormat::kOnnx;
  for (const domain::Task task : {domain::Task::kTensors, domain::Task::kEmbedding, domain::Task::kTextClassification, domain::Task::kImageClassification}) {
    if (to_string(task) == s.text(at + 16)) model.facts.task = task;
  }
  if (!tensors_from_text(s.text(at + 17), model.facts.inputs, model.facts.outputs))
    return fail(ErrorKind::kCorrupt, fmt::format("the catalog's entry of model '{}' has no valid inputs and outputs", model.name));
  return model;
}

Result<domain::Engine> engine_of(const std::string& word) {
  for (const domain::Engine engine : {domain::Engine::kLlama, domain::Engine::kEcho, domain::Engine::kOnnx, domain::Engine::kContainer}) {
    if (to_string(engine) == word) return engine;
  }
  return fail(ErrorKind::kCorrupt, fmt::format("the catalog has a revision with the engine '{}', which is none: restore it from a backup", word));
}

// Columns 0–22 of a revision; its model's follow.
constexpr const char* kRevisionColumns =
    "id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min, scaling_max, idle_ms, keep_ms, queue, "
    "wait_ms, time_ms, memory_mib, context_tokens, provisioned, schedule, priority, target_percent, model_name, model_version";
// In keep_ms, which may not be null.
constexpr int64_t kKeepAuto = -1;
constexpr int kRevisionColumnCount = 23;

Result<domain::Revision> read_revision(const Statement& s) {
  const Result<domain::Engine> engine = engine_of(s.text(3));
  if (!engine) return fail(engine.error());
  domain::EndpointSpec spec{.name = s.text(1), .engine = *engine};
  if (!s.is_null(4)) spec.model = domain::ModelRef{.name = s.text(4), .version = s.optional_integer(5)};
  spec.memory_mib = s.optional_integer(6);
  spec.context_tokens = s.optional_integer(7);
  spec.scaling = {.min = static_cast<int>(s.integer(8)), .max = static_cast<int>(s.integer(9)), .idle = std::nullopt, .keep = std::nullopt};
  if (const int64_t keep = s.integer(11); keep != kKeepAuto) spec.scaling.keep = milliseconds(keep);
  if (const auto idle = s.optional_integer(10)) spec.scaling.idle = milliseconds(*idle);
  Result<std::vector<domain::ProvisionedAt>> schedule = schedule_from_text(s.text(18));
  if (!schedule) return fail(schedule.error().with_context(fmt::format("the schedule of endpoint '{}' in the catalog", spec.name)));
  spec.scaling.provisioned = static_cast<int>(s.integer(17));
  spec.scaling.schedule = std::move(*schedule);
  spec.limits = {.queue = static_cast<int>(s.integer(12)), .wait = milliseconds(s.integer(13)), .time = milliseconds(s.integer(14))};
  const std::optional<domain::Priority> priority = domain::parse_priority(s.text(19));
  if (!priority) return fail(ErrorKind::kCorrupt, fmt::format("endpoint '{}' has a class in the catalog that is none: restore it from a backup", spec.name));
  spec.priority = *priority;
  spec.scaling.target_percent = static_cast<int>(s.integer(20));
  domain::Revision revision{.id = RevisionId{static_cast<uint64_t>(s.integer(0))},
                            .spec = std::move(spec),
                            .model = std::nullopt,
                            .memory_mib = s.integer(15),
                            .context_tokens = s.integer(16),
                            .created = from_ms(s.integer(2))};
  if (!s.is_null(21)) {
    Result<domain::Model> model = read_model(s, s.text(21), s.integer(22), kRevisionColumnCount);
    if (!model) return fail(model.error());
    revision.model = std::move(*model);
  }
  return revision;
}

void bind_revision(Statement& s, const domain::Revision& r) {
  const domain::EndpointSpec& spec = r.spec;
  s.bind(1, static_cast<int64_t>(r.id.value)).bind(2, spec.name).bind(3, to_ms(r.created)).bind(4, to_string(spec.engine));
  spec.model ? s.bind(5, spec.model->name) : s.bind_null(5);
  s.bind(6, spec.model ? spec.model->version : std::nullopt);
  s.bind(7, spec.memory_mib);
  s.bind(8, spec.context_tokens);
  s.bind(9, int64_t{spec.scaling.min}).bind(10, int64_t{spec.scaling.max});
  s.bind(11, spec.scaling.idle ? std::optional<int64_t>(spec.scaling.idle->count()) : std::nullopt);
  s.bind(12, spec.scaling.keep ? int64_t{spec.scaling.keep->count()} : kKeepAuto)
      .bind(13, int64_t{spec.limits.queue})
      .bind(14, int64_t{spec.limits.wait.count()})
      .bind(15, int64_t{spec.limits.time.count()});
  s.bind(16, r.memory_mib).bind(17, r.context_tokens);
  s.bind(18, int64_t{spec.scaling.provisioned}).bind(19, schedule_to_text(spec.scaling.schedule));
  s.bind(20, to_string(spec.priority)).bind(21, int64_t{spec.scaling.target_percent});
  if (!r.model) {
    for (int column = 22; column < 24 + kModelColumnCount; ++column)
      s.bind_null(column);
    return;
  }
  s.bind(22, r.model->name).bind(23, r.model->version);
  bind_model(s, 24, *r.model);
}

// "?,?,…"
std::string marks(int count) {
  std::string text = "?";
  for (int i = 1; i < count; ++i)
    text += ",?";
  return text;
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(const std::filesystem::path& home) {
  Result<Database> database = Database::open(home / "catalog.db", kCatalogSchema);
  if (!database) return fail(database.error());
  return std::unique_ptr<Catalog>(new Catalog(std::move(*database)));
}

Result<std::vector<domain::Model>> Catalog::models() {
  static const std::string kSql = fmt::format("SELECT name, version, {} FROM models ORDER BY name, version", kModelColumns);
  Result<Statement> rows = database_.prepare(kSql);
  if (!rows) return fail(rows.error());
  return rows->all([](const Statement& row) -> Result<domain::Model> {
    if (Status sound = row.check_row(2 + kModelColumnCount); !sound) return fail(sound.error());
    return read_model(row, row.text(0), row.integer(1), 2);
  });
}

Status Catalog::put_model(const domain::Model& model) {
  static const std::string kSql = fmt::format("INSERT INTO models(name, version, {}) VALUES({})", kModelColumns, marks(2 + kModelColumnCount + 1));
  Result<Statement> insert = database_.prepare(kSql);
  if (!insert) return fail(insert.error());
  insert->bind(1, model.name).bind(2, model.version);
  bind_model(*insert, 3, model);
  insert->bind_checksum(3 + kModelColumnCount);
  Status inserted = insert->run();
  if (!inserted && inserted.error().kind == ErrorKind::kExists)
    return fail(ErrorKind::kExists, fmt::format("there is a model '{}@{}' already", model.name, model.version), "model");
  return inserted;
}

Status Catalog::delete_model(const std::string& name, int64_t version) {
  Result<Statement> remove = database_.prepare("DELETE FROM models WHERE name = ? AND version = ?");
  if (!remove) return fail(remove.error());
  return remove->bind(1, name).bind(2, version).run();
}

Result<std::vector<domain::Revision>> Catalog::current_revisions() {
  Result<Statement> rows = database_.prepare("SELECT name, revision, checksum FROM endpoints ORDER BY name");
  if (!rows) return fail(rows.error());
  return rows->all([this](const Statement& row) -> Result<domain::Revision> {
    if (Status sound = row.check_row(2); !sound) return fail(sound.error());
    return revision_of(row.text(0), row.integer(1));
  });
}

Result<domain::Revision> Catalog::revision_of(const std::string& endpoint, int64_t id) {
  static const std::string kSql = fmt::format("SELECT {}, {} FROM revisions WHERE id = ?", kRevisionColumns, kModelColumns);
  Result<Statement> row = database_.prepare(kSql);
  if (!row) return fail(row.error());
  const Result<bool> found = row->bind(1, id).next();
  if (!found) return fail(found.error());
  if (!*found || row->text(1) != endpoint)
    return fail(ErrorKind::kCorrupt, fmt::format("the catalog has lost the revision of endpoint '{}': restore catalog.db from a backup", endpoint));
  if (Status sound = row->check_row(kRevisionColumnCount + kModelColumnCount); !sound) return fail(sound.error());
  return read_revision(*row);
}

Result<std::string> Catalog::function_of(RevisionId revision) {
  Result<Statement> row = database_.prepare("SELECT revision, function, checksum FROM functions WHERE revision = ?");
  if (!row) return fail(row.error());
  const Result<bool> found = row->bind(1, static_cast<int64_t>(revision.value)).next();
  if (!found) return fail(found.error());
  if (!*found)
    return fail(ErrorKind::kCorrupt, fmt::format("the catalog has lost the function of revision {}: restore catalog.db from a backup", revision.value));
  if (Status sound = row->check_row(2); !sound) return fail(sound.error());
  return row->text(1);
}

Status Catalog::put_function(RevisionId revision, const std::string& function) {
  Result<Statement> insert = database_.prepare("INSERT INTO functions(revision, function, checksum) VALUES(?, ?, ?)");
  if (!insert) return fail(insert.error());
  return insert->bind(1, static_cast<int64_t>(revision.value)).bind(2, function).bind_checksum(3).run();
}

Status Catalog::put_revision(const domain::Revision& revision, const std::string& function) {
  static const std::string kSql =
      fmt::format("INSERT INTO revisions({}, {}) VALUES({})", kRevisionColumns, kModelColumns, marks(kRevisionColumnCount + kModelColumnCount + 1));
  Result<Statement> insert = database_.prepare(kSql);
  if (!insert) return fail(insert.error());
  Result<Statement> current = database_.prepare("INSERT OR REPLACE INTO endpoints(name, revision, checksum) VALUES(?, ?, ?)");
  if (!current) return fail(current.error());
  return database_.transaction([&]() -> Status {
    bind_revision(*insert, revision);
    insert->bind_checksum(1 + kRevisionColumnCount + kModelColumnCount);
    if (Status inserted = insert->run(); !inserted) return inserted;
    if (!function.empty()) {
      if (Status stored = put_function(revision.id, function); !stored) return stored;
    }
    return current->bind(1, revision.spec.name).bind(2, static_cast<int64_t>(revision.id.value)).bind_checksum(3).run();
  });
}

Status Catalog::delete_endpoint(const std::string& name) {
  Result<Statement> remove = database_.prepare("DELETE FROM endpoints WHERE name = ?");
  if (!remove) return fail(remove.error());
  return remove->bind(1, name).run();
}

Result<uint64_t> Catalog::highest_revision_id() {
  Result<Statement> highest = database_.prepare("SELECT coalesce(max(id), 0) FROM revisions");
  if (!highest) return fail(highest.error());
  if (const Result<bool> row = highest->next(); !row) return fail(row.error());
  return static_cast<uint64_t>(highest->integer(0));
}

}  // namespace ebb::store
