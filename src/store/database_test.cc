// What becomes of files that are damaged, held, newer, read-only or in the way.
#include "store/database.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <iterator>
#include <random>

#include "io/files.h"
#include "io/folder_for_test.h"
#include "io/mount_for_test.h"
#include "store/catalog.h"
#include "store/catalog_contract_for_test.h"
#include "store/catalog_schema.h"
#include "store/usage_contract_for_test.h"

namespace ebb::store {
namespace {

constexpr std::array kSchema{"CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT;"};

class DatabaseTest : public ::testing::Test {
 protected:
  Result<Database> open() { return Database::open(file_, kSchema); }
  static Status put(Database& database, int64_t a) {
    Result<Statement> insert = database.prepare("INSERT INTO t VALUES(?, 'x')");
    if (!insert) return fail(insert.error());
    return insert->bind(1, a).run();
  }
  static int64_t count(Database& database) {
    Result<Statement> count = database.prepare("SELECT count(*) FROM t");
    EXPECT_TRUE(count && count->next());
    return count->integer(0);
  }

  io::FolderForTest folder_;
  std::filesystem::path file_ = folder_.path() / "x.db";
};

TEST_F(DatabaseTest, FilesAreForTheOwnerAlone) {
  Result<Database> database = open();
  ASSERT_TRUE(database);
  ASSERT_TRUE(put(*database, 1));
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 2U);  // and no index of the log, which others could map
}

TEST_F(DatabaseTest, ATransactionIsWholeOrNothing) {
  Result<Database> database = open();
  ASSERT_TRUE(database);
  const Status broken = database->transaction([&]() -> Status {
    EXPECT_TRUE(put(*database, 1));
    return put(*database, 1);
  });
  EXPECT_EQ(broken.error().kind, ErrorKind::kExists);
  EXPECT_EQ(count(*database), 0);
  EXPECT_TRUE(database->transaction([&] { return put(*database, 1); }));
  EXPECT_EQ(count(*database), 1);
}

TEST_F(DatabaseTest, AStatementThatWasLeftHalfReadBeginsAnew) {
  Result<Database> database = open();
  ASSERT_TRUE(put(*database, 1) && put(*database, 2));
  for (int i = 0; i < 2; ++i) {
    Result<Statement> rows = database->prepare("SELECT a FROM t ORDER BY a");
    ASSERT_TRUE(*rows->next());
    EXPECT_EQ(rows->integer(0), 1);
  }
}

TEST_F(DatabaseTest, AClosedOneSaysSo) {
  Result<Database> database = open();
  database->close();
  EXPECT_EQ(put(*database, 1).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(database->transaction([] { return Status{}; }).error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(open());
}

TEST_F(DatabaseTest, AHeldFileIsRefused) {
  Result<Database> database = open();
  ASSERT_TRUE(database);
  const Result<Database> second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(second.error().message.find(file_.string() + " is held by another process"), std::string::npos) << second.error().message;
  EXPECT_TRUE(put(*database, 1));
}

TEST_F(DatabaseTest, ANewerSchemaIsRefusedAndLeftAlone) {
  constexpr std::array kNewer{kSchema[0], "CREATE TABLE u(a INTEGER) STRICT;"};
  ASSERT_TRUE(Database::open(file_, kNewer));
  const Result<Database> old = open();
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(old.error().message, file_.string() + " was written by a newer ebb (schema 2, this one knows up to 1): use that one");
  EXPECT_TRUE(Database::open(file_, kNewer));
}

TEST_F(DatabaseTest, AnOlderSchemaIsBroughtUpAndKeepsItsRows) {
  {
    Result<Database> database = open();
    ASSERT_TRUE(put(*database, 1));
  }
  constexpr std::array kNewer{kSchema[0], "ALTER TABLE t ADD COLUMN c INTEGER NOT NULL DEFAULT 7;"};
  Result<Database> database = Database::open(file_, kNewer);
  ASSERT_TRUE(database) << database.error().message;
  Result<Statement> rows = database->prepare("SELECT c FROM t");
  ASSERT_TRUE(*rows->next());
  EXPECT_EQ(rows->integer(0), 7);
}

TEST_F(DatabaseTest, AMigrationThatFailsLeavesTheOldSchema) {
  ASSERT_TRUE(open());
  constexpr std::array kBroken{kSchema[0], "CREATE TABLE u(a INTEGER) STRICT; CREATE TABLE t(a INTEGER) STRICT;"};
  EXPECT_FALSE(Database::open(file_, kBroken));
  EXPECT_TRUE(open());
  constexpr std::array kNewer{kSchema[0], "CREATE TABLE u(a INTEGER) STRICT;"};
  EXPECT_TRUE(Database::open(file_, kNewer));
}

TEST_F(DatabaseTest, WhatIsNoDatabaseIsRefusedByName) {
  folder_.write("x.db", std::string(8192, 'x'));
  const Result<Database> database = open();
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(database.error().message, file_.string() + " is damaged (file is not a database): restore it from a backup, or move it away to begin anew");
  EXPECT_EQ(io::read_small_file(file_, 10'000), std::string(8192, 'x'));
}

TEST_F(DatabaseTest, WhatCannotBeOpenedIsNamed) {
  std::filesystem::create_directory(file_);
  EXPECT_EQ(open().error().kind, ErrorKind::kIo);
  std::filesystem::remove(file_);
  std::filesystem::create_symlink(folder_.write("target", ""), file_);
  EXPECT_EQ(open().error().kind, ErrorKind::kIo);
  EXPECT_EQ(Database::open(folder_.path() / "missing" / "x.db", kSchema).error().kind, ErrorKind::kNotFound);
}

TEST_F(DatabaseTest, AReadOnlyDiskIsNamed) {
  const auto wrong = io::with_small_disk("1m", [](const std::filesystem::path& disk) -> std::string {
    for (const bool made_before : {false, true}) {
      if (made_before && !Database::open(disk / "x.db", kSchema)) return "cannot open";
      if (::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return "cannot remount";
      const Result<Database> database = Database::open(disk / "x.db", kSchema);
      if (database || database.error().kind != ErrorKind::kIo) return "was opened";
      if (database.error().message.find("mounted read-only") == std::string::npos) return database.error().message;
      if (::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT, nullptr) != 0) return "cannot remount";
    }
    return "";
  });
  if (!wrong) GTEST_SKIP() << "mounting is for root";
  EXPECT_EQ(*wrong, "");
}

TEST_F(DatabaseTest, AFullDiskIsNamedAndNothingIsLost) {
  const auto wrong = io::with_small_disk("512k", [](const std::filesystem::path& disk) -> std::string {
    Result<Database> database = Database::open(disk / "x.db", kSchema);
    if (!database) return database.error().message;
    int64_t written = 0;
    Status put_one;
    while ((put_one = put(*database, written)))
      ++written;
    if (put_one.error().kind != ErrorKind::kExhausted) return put_one.error().message;
    if (count(*database) != written) return "a row was lost";
    database->close();
    // So full that even opening it may fail; but then it says why.
    const Result<Database> full = Database::open(disk / "x.db", kSchema);
    if (!full && full.error().kind != ErrorKind::kExhausted) return full.error().message;
    return "";
  });
  if (!wrong) GTEST_SKIP() << "mounting is for root";
  EXPECT_EQ(*wrong, "");
}

// Bits that rot: whatever is read is what was written, or an error says what is damaged.
class RotTest : public ::testing::Test {
 protected:
  static constexpr int kFlips = 400;

  void flip_bits(const std::filesystem::path& file, const std::function<std::string()>& read) {
    const uint64_t seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::ifstream in(file, std::ios::binary);
    const std::string sound{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const std::string expected = read();
    ASSERT_FALSE(expected.starts_with("error")) << expected;
    int found = 0;
    for (int i = 0; i < kFlips; ++i) {
      const size_t at = random() % sound.size();
      std::string rotten = sound;
      rotten[at] = static_cast<char>(static_cast<unsigned char>(rotten[at]) ^ (1U << (random() % 8)));
      std::ofstream(file, std::ios::binary | std::ios::trunc) << rotten;
      std::filesystem::remove(file.string() + "-wal");
      const std::string now = read();
      found += now == expected ? 0 : 1;
      ASSERT_TRUE(now == expected || now.starts_with("error")) << "byte " << at << ": " << now << "\ninstead of " << expected;
    }
    EXPECT_GT(found, kFlips / 10);
  }

  io::FolderForTest folder_;
};

std::string text_of(const BillRow& row) {
  return row.endpoint + row.day + row.tier + std::to_string(row.calls) + "," + std::to_string(row.cost) + "," + std::to_string(row.busy_ns) + ";";
}

TEST_F(RotTest, ABillIsRightOrAnError) {
  {
    const auto store = *UsageStore::open(folder_.path());
    std::vector<domain::UsageRecord> records;
    for (uint64_t id = 1; id <= 60; ++id)
      records.push_back(usage_for_test(id, "e" + std::to_string(id % 5), kUsageBeginForTest + std::chrono::minutes(id * 20)));
    ASSERT_TRUE(store->append(records));
  }
  flip_bits(folder_.path() / "usage.db", [this]() -> std::string {
    const auto store = UsageStore::open(folder_.path());
    if (!store) return "error: " + store.error().message;
    const auto bill = (*store)->bill({.by_endpoint = true, .by_day = true, .by_tier = true});
    if (!bill) return "error: " + bill.error().message;
    std::string text;
    for (const BillRow& row : *bill)
      text += text_of(row);
    for (int endpoint = 0; endpoint < 5; ++endpoint) {
      const auto records = (*store)->recent("e" + std::to_string(endpoint), 100);
      if (!records) return "error: " + records.error().message;
      for (const domain::UsageRecord& record : *records) {
        if (record != usage_for_test(record.call.value, record.endpoint, kUsageBeginForTest + std::chrono::minutes(record.call.value * 20))) text += "wrong";
      }
    }
    return text;
  });
}

TEST_F(RotTest, ACatalogIsRightOrAnError) {
  {
    const auto catalog = *Catalog::open(folder_.path());
    for (const char* name : {"a", "b", "c"})
      ASSERT_TRUE(catalog->put_model(model_for_test(name, 1)));
    for (uint64_t id = 1; id <= 12; ++id)
      ASSERT_TRUE(catalog->put_revision(revision_for_test(id, "e" + std::to_string(id))));
  }
  const auto models = *(*Catalog::open(folder_.path()))->models();
  const auto revisions = *(*Catalog::open(folder_.path()))->current_revisions();
  flip_bits(folder_.path() / "catalog.db", [&]() -> std::string {
    const auto catalog = Catalog::open(folder_.path());
    if (!catalog) return "error: " + catalog.error().message;
    const auto models_now = (*catalog)->models();
    const auto revisions_now = (*catalog)->current_revisions();
    if (!models_now || !revisions_now) return "error: " + (models_now ? revisions_now.error() : models_now.error()).message;
    return *models_now == models && *revisions_now == revisions ? "right" : "wrong";
  });
}

// A catalog as the first version wrote it, with one model. A damaged one has another checksum than its row.
void write_first_catalog(const std::filesystem::path& home, bool damaged) {
  constexpr std::array kFirst{kCatalogSchema[0]};
  Result<Database> database = Database::open(home / "catalog.db", kFirst);
  ASSERT_TRUE(database);
  Result<Statement> insert = database->prepare(
      "INSERT INTO models(name, version, digest, added_ms, source, architecture, title, quantization, parameters, weights_bytes, layers, train_context, "
      "vocabulary, kv_bytes_per_token, has_chat_template, checksum) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  ASSERT_TRUE(insert);
  insert->bind(1, "smol").bind(2, 1).bind(3, std::string(64, '0')).bind(4, 5).bind(5, "x.gguf").bind(6, "llama").bind(7, "Smol").bind(8, "Q4_1");
  for (int column = 9; column <= 15; ++column)
    insert->bind(column, int64_t{column});
  damaged ? insert->bind(16, 12345) : insert->bind_checksum(16);
  ASSERT_TRUE(insert->run());
}

TEST_F(DatabaseTest, TheFirstCatalogIsReadStill) {
  ASSERT_NO_FATAL_FAILURE(write_first_catalog(folder_.path(), false));
  Result<std::unique_ptr<Catalog>> catalog = Catalog::open(folder_.path());
  ASSERT_TRUE(catalog) << catalog.error().message;
  const Result<std::vector<domain::Model>> models = (*catalog)->models();
  ASSERT_TRUE(models) << models.error().message;
  ASSERT_EQ(models->size(), 1U);
  EXPECT_EQ((*models)[0].facts.title, "Smol");
  EXPECT_EQ((*models)[0].facts.pooling, "");
  EXPECT_EQ((*models)[0].facts.format, domain::ModelFormat::kGguf);
}

// Revisions as the second version wrote them, with a model and without one.
TEST_F(DatabaseTest, TheSecondCatalogsRevisionsAreReadStill) {
  constexpr std::array kSecond{kCatalogSchema[0], kCatalogSchema[1]};
  {
    Result<Database> database = Database::open(folder_.path() / "catalog.db", kSecond);
    ASSERT_TRUE(database);
    for (const int64_t id : {1, 2}) {
      Result<Statement> insert = database->prepare(
          "INSERT INTO revisions(id, endpoint, created_ms, engine, wanted_name, wanted_version, wanted_memory_mib, wanted_context, scaling_min, scaling_max, "
          "idle_ms, keep_ms, queue, wait_ms, time_ms, memory_mib, context_tokens, model_name, model_version, digest, added_ms, source, architecture, title, "
          "quantization, parameters, weights_bytes, layers, train_context, vocabulary, kv_bytes_per_token, has_chat_template, pooling, width, checksum) "
          "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
      ASSERT_TRUE(insert);
      const std::map<int, std::string> texts{{2, id == 1 ? "a" : "b"}, {4, id == 1 ? "llama" : "echo"}};
      const std::map<int, std::string> model_texts{{18, "smol"}, {20, std::string(64, '0')}, {22, "x.gguf"}, {23, "llama"}, {24, "Smol"}, {25, "Q4_1"},
                                                   {33, "mean"}};
      for (int column = 1; column <= 34; ++column) {
        if (column == 1) {
          insert->bind(column, id);
        } else if (texts.contains(column)) {
          insert->bind(column, texts.at(column));
        } else if (column >= 18 && id != 1) {
          insert->bind_null(column);
        } else if (model_texts.contains(column)) {
          insert->bind(column, model_texts.at(column));
        } else if (column >= 5 && column <= 8) {
          insert->bind_null(column);  // nothing was wanted
        } else {
          insert->bind(column, int64_t{column});
        }
      }
      insert->bind_checksum(35);
      ASSERT_TRUE(insert->run());
      Result<Statement> current = database->prepare("INSERT INTO endpoints(name, revision, checksum) VALUES(?, ?, ?)");
      ASSERT_TRUE(current);
      ASSERT_TRUE(current->bind(1, id == 1 ? "a" : "b").bind(2, id).bind_checksum(3).run());
    }
  }
  Result<std::unique_ptr<Catalog>> catalog = Catalog::open(folder_.path());
  ASSERT_TRUE(catalog) << catalog.error().message;
  const Result<std::vector<domain::Revision>> revisions = (*catalog)->current_revisions();
  ASSERT_TRUE(revisions) << revisions.error().message;
  ASSERT_EQ(revisions->size(), 2U);
  EXPECT_EQ((*revisions)[0].model->facts.pooling, "mean");
  EXPECT_EQ((*revisions)[0].model->facts.format, domain::ModelFormat::kGguf);
  EXPECT_FALSE((*revisions)[1].model);
  for (const domain::Revision& revision : *revisions)
    EXPECT_EQ(revision.spec.scaling, (domain::Scaling{.min = 9, .max = 10, .idle = milliseconds(11), .keep = milliseconds(12)}));
}

TEST_F(DatabaseTest, AMigrationBlessesNoDamage) {
  ASSERT_NO_FATAL_FAILURE(write_first_catalog(folder_.path(), true));
  Result<std::unique_ptr<Catalog>> catalog = Catalog::open(folder_.path());
  ASSERT_TRUE(catalog) << catalog.error().message;
  const Result<std::vector<domain::Model>> models = (*catalog)->models();
  ASSERT_FALSE(models);
  EXPECT_EQ(models.error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace ebb::store
