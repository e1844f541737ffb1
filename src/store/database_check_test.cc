// A check that comes after the opening: it finds the same, and gives way to what is more urgent.
#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "io/folder_for_test.h"
#include "store/database.h"

namespace ebb::store {
namespace {

constexpr std::array kSchema{"CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT;"};

class LaterCheck : public testing::Test {
 protected:
  void fill() {
    Result<Database> database = Database::open(file_, kSchema);
    ASSERT_TRUE(database);
    const Status filled = database->transaction([&]() -> Status {
      for (int64_t i = 0; i < 20'000; ++i) {
        Result<Statement> insert = database->prepare("INSERT INTO t VALUES(?, 'some text that takes a little room')");
        if (!insert) return fail(insert.error());
        if (Status put = insert->bind(1, i).run(); !put) return put;
      }
      return {};
    });
    ASSERT_TRUE(filled);
  }
  Status check(bool give_way) {
    Result<Database> database = Database::open(file_, kSchema, Database::Check::kLater);
    if (!database) return fail(database.error());
    const std::atomic<bool> flag = give_way;
    return database->check(flag);
  }

  io::FolderForTest folder_;
  std::filesystem::path file_ = folder_.path() / "x.db";
};

TEST_F(LaterCheck, FindsADamagedPage) {
  ASSERT_NO_FATAL_FAILURE(fill());
  EXPECT_TRUE(check(false));
  std::fstream(file_, std::ios::in | std::ios::out | std::ios::binary).seekp(40 * 4096) << std::string(4096, 'x');
  const Status damaged = check(false);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().kind, ErrorKind::kCorrupt);
  EXPECT_FALSE(Database::open(file_, kSchema)) << "and so does the check before the opening";
}

TEST_F(LaterCheck, GivesWay) {
  ASSERT_NO_FATAL_FAILURE(fill());
  const Status given = check(true);
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().kind, ErrorKind::kCancelled) << given.error().message;
}

}  // namespace
}  // namespace ebb::store
