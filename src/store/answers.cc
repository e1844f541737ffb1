// The table, and sums over it that triggers keep, so that a bound costs the same with one answer and with thousands.
#include "store/answers.h"

#include <fmt/format.h>

namespace ebb::store {

namespace {

// Everybody's sums have a name that no tenant can have.
constexpr std::string_view kAll = "*";

constexpr const char* kSchema[] = {R"sql(
CREATE TABLE answers(
  id TEXT PRIMARY KEY, tenant TEXT NOT NULL, parameters TEXT NOT NULL, endpoint TEXT NOT NULL, request TEXT NOT NULL, first_call INTEGER NOT NULL,
  calls INTEGER NOT NULL, begun_ms INTEGER NOT NULL, ended_ms INTEGER, state TEXT NOT NULL, answer TEXT NOT NULL, checksum INTEGER NOT NULL,
  bytes INTEGER NOT NULL) STRICT;
CREATE INDEX answers_by_age ON answers(coalesce(ended_ms, begun_ms));
CREATE INDEX answers_by_end ON answers((ended_ms IS NULL), ended_ms, begun_ms);
CREATE INDEX answers_of_tenant ON answers(tenant, (ended_ms IS NULL), ended_ms, begun_ms);
CREATE TABLE answer_sums(tenant TEXT PRIMARY KEY, answers INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER answer_put AFTER INSERT ON answers BEGIN
  INSERT INTO answer_sums(tenant, answers, bytes) VALUES(new.tenant, 1, new.bytes), ('*', 1, new.bytes)
    ON CONFLICT(tenant) DO UPDATE SET answers = answers + 1, bytes = bytes + new.bytes;
END;
CREATE TRIGGER answer_removed AFTER DELETE ON answers BEGIN
  UPDATE answer_sums SET answers = answers - 1, bytes = bytes - old.bytes WHERE tenant IN (old.tenant, '*');
  DELETE FROM answer_sums WHERE tenant = old.tenant AND answers = 0;
END;
)sql"};

int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }

using State = domain::KeptAnswer::State;

std::string_view to_string(State state) {
  switch (state) {
    case State::kBegun: return "begun";
    case State::kWhole: return "whole";
    case State::kTooLarge: return "too large";
  }
  return "";
}

std::optional<State> parse_state(std::string_view word) {
  for (const State state : {State::kBegun, State::kWhole, State::kTooLarge}) {
    if (word == to_string(state)) return state;
  }
  return std::nullopt;
}

Result<domain::KeptAnswer> read_answer(const Statement& s) {
  if (Status sound = s.check_row(11); !sound) return fail(sound.error());
  const std::optional<State> state = parse_state(s.text(9));
  if (!state) return fail(ErrorKind::kCorrupt, "answers.db has a state that cannot be read");
  domain::KeptAnswer answer{.id = s.text(0),
                            .tenant = s.text(1),
                            .parameters = s.text(2),
                            .endpoint = s.text(3),
                            .request = s.text(4),
                            .first_call = CallId{static_cast<uint64_t>(s.integer(5))},
                            .calls = s.integer(6),
                            .begun = WallTime(milliseconds(s.integer(7))),
                            .state = *state,
                            .answer = s.text(10)};
  if (const auto ended = s.optional_integer(8)) answer.ended = WallTime(milliseconds(*ended));
  return answer;
}

Result<Database> open_database(const std::filesystem::path& file) { return Database::open(file, kSchema); }

}  // namespace

Result<std::unique_ptr<Answers>> Answers::open(const std::filesystem::path& home, AnswerBounds bounds) {
  std::filesystem::path file = home / "answers.db";
  Result<Database> database = open_database(file);
  if (!database) return fail(database.error());
  return std::unique_ptr<Answers>(new Answers(std::move(file), std::move(*database), bounds));
}

Status Answers::reopen() {
  database_.close();
  Result<Database> database = open_database(file_);
  if (!database) return fail(database.error());
  database_ = std::move(*database);
  return {};
}

Result<std::optional<domain::KeptAnswer>> Answers::find(const std::string& id, WallTime now) {
  Result<Statement> row = database_.prepare(
      "SELECT id, tenant, parameters, endpoint, request, first_call, calls, begun_ms, ended_ms, state, answer, checksum FROM answers "
      "WHERE id = ? AND coalesce(ended_ms, begun_ms) > ?");
  if (!row) return fail(row.error());
  const Result<bool> found = row->bind(1, id).bind(2, to_ms(now - domain::kKeptAnswerTimeMax)).next();
  if (!found) return fail(found.error());
  if (!*found) return std::optional<domain::KeptAnswer>();
  Result<domain::KeptAnswer> answer = read_answer(*row);
  if (!answer) return fail(answer.error());
  return std::optional(std::move(*answer));
}

Status Answers::apply(const AnswerChanges& changes) {
  return database_.transaction([&]() -> Status {
    {
      Result<Statement> old = database_.prepare("DELETE FROM answers WHERE coalesce(ended_ms, begun_ms) <= ?");
      if (!old) return fail(old.error());
      if (Status removed = old->bind(1, to_ms(changes.now - domain::kKeptAnswerTimeMax)).run(); !removed) return removed;
    }
    for (const std::string& id : changes.forgets) {
      if (Status removed = remove(id); !removed) return removed;
    }
    for (const domain::KeptAnswer& answer : changes.puts) {
      if (Status stored = put(answer); !stored) return stored;
    }
    return {};
  });
}

Status Answers::remove(const std::string& id) {
  Result<Statement> remove = database_.prepare("DELETE FROM answers WHERE id = ?");
  if (!remove) return fail(remove.error());
  return remove->bind(1, id).run();
}

Status Answers::put(const domain::KeptAnswer& answer) {
  if (Status removed = remove(answer.id); !removed) return removed;
  const auto bytes = static_cast<int64_t>(answer.answer.size()) + kKeptAnswerRowBytes;
  if (Status room = make_room(answer.tenant, bounds_.per_tenant - 1, bounds_.bytes_per_tenant - bytes); !room) return room;
  if (Status room = make_room(std::string(kAll), bounds_.in_all - 1, bounds_.bytes_in_all - bytes); !room) return room;
  Result<Statement> insert = database_.prepare(
      "INSERT INTO answers(id, tenant, parameters, endpoint, request, first_call, calls, begun_ms, ended_ms, state, answer, checksum, bytes) "
      "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)");
  if (!insert) return fail(insert.error());
  insert->bind(1, answer.id).bind(2, answer.tenant).bind(3, answer.parameters).bind(4, answer.endpoint).bind(5, answer.request);
  insert->bind(6, static_cast<int64_t>(answer.first_call.value)).bind(7, answer.calls).bind(8, to_ms(answer.begun));
  insert->bind(9, answer.ended ? std::optional(to_ms(*answer.ended)) : std::nullopt).bind(10, to_string(answer.state)).bind(11, answer.answer);
  return insert->bind_checksum(12).bind(13, bytes).run();
}

// Until no more is there than so much.
Status Answers::make_room(const std::string& tenant, int64_t count_max, int64_t bytes_max) {
  for (;;) {
    {
      Result<Statement> sums = database_.prepare("SELECT answers, bytes FROM answer_sums WHERE tenant = ?");
      if (!sums) return fail(sums.error());
      const Result<bool> row = sums->bind(1, tenant).next();
      if (!row) return fail(row.error());
      if (!*row || sums->integer(0) == 0 || (sums->integer(0) <= count_max && sums->integer(1) <= bytes_max)) return {};
    }
    Result<Statement> oldest =
        tenant == kAll
            ? database_.prepare("DELETE FROM answers WHERE id = (SELECT id FROM answers ORDER BY (ended_ms IS NULL), ended_ms, begun_ms LIMIT 1)")
            : database_.prepare(
                  "DELETE FROM answers WHERE id = (SELECT id FROM answers WHERE tenant = ? ORDER BY (ended_ms IS NULL), ended_ms, begun_ms LIMIT 1)");
    if (!oldest) return fail(oldest.error());
    if (tenant != kAll) oldest->bind(1, tenant);
    if (Status removed = oldest->run(); !removed) return removed;
  }
}

}  // namespace ebb::store
