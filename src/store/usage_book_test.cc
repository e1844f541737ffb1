// The book: links as anybody computes them, and every byte that is changed in the file is found.
#include "store/usage_book.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <fstream>
#include <random>

#include "io/folder_for_test.h"
#include "store/sha256_hex.h"
#include "store/usage_contract_for_test.h"

namespace ebb::store {
namespace {

class Book : public testing::Test {
 protected:
  std::unique_ptr<UsageStore> open() { return std::move(*UsageStore::open(folder_.path())); }
  void fill(uint64_t from, uint64_t to) {
    std::vector<domain::UsageRecord> records;
    for (uint64_t id = from; id <= to; ++id)
      records.push_back(usage_for_test(id));
    ASSERT_TRUE(open()->append(records));
  }
  // "right", or what is wrong.
  std::string verdict() {
    const auto store = UsageStore::open(folder_.path());
    if (!store) return store.error().message;
    BookCheck check;
    for (;;) {
      const auto some = (*store)->book(check.entries(), 3);
      if (!some) return some.error().message;
      for (const BookEntry& entry : *some) {
        if (const Status added = check.add(entry); !added) return added.error().message;
      }
      if (some->size() < 3) break;
    }
    const Status sums = (*store)->check_sums(check);
    return sums ? "right" : sums.error().message;
  }
  // By somebody who knows SQL and the checksums of rows.
  void run(const char* sql) {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open((folder_.path() / "usage.db").c_str(), &connection), SQLITE_OK);
    char* wrong = nullptr;
    EXPECT_EQ(sqlite3_exec(connection, sql, nullptr, nullptr, &wrong), SQLITE_OK) << wrong;
    sqlite3_close(connection);
  }
  io::FolderForTest folder_;
};

TEST_F(Book, LinksAreWhatTheyAreSaidToBe) {
  domain::UsageRecord record = usage_for_test(1);
  record.tenant = "acme";
  record.key = "k";
  EXPECT_EQ(fields_of(record), "1\tchat\t2\t1700000001000\tparked\tleft\t3\t4\t5\t6\t7\t8\t9\t10\t11\t12\tacme\tk");
  domain::UsageRecord priced = record;
  priced.prices = 3;
  EXPECT_EQ(fields_of(priced), fields_of(record) + "\t3\t10");
  priced.prices = 0;
  priced.list_cost = 11;
  EXPECT_EQ(fields_of(priced), fields_of(record) + "\t0\t11");
  EXPECT_EQ(link_after("", record), sha256_hex("\n" + fields_of(record)));
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") << "FIPS 180-4's example";
}

TEST_F(Book, GoesOnWhereItWas) {
  fill(1, 4);
  fill(3, 8);  // two of them are there
  const auto entries = *open()->book(0, 100);
  ASSERT_EQ(entries.size(), 8U);
  EXPECT_EQ(entries[7].number, 8);
  EXPECT_EQ(entries[7].link, link_after(entries[6].link, usage_for_test(8)));
  EXPECT_EQ(open()->book(5, 2)->front().number, 6);
  EXPECT_EQ(verdict(), "right");
}

TEST_F(Book, IsWrittenGentlyToo) {
  constexpr uint64_t kRecords = 1'600;  // with 49 pauses between them
  std::unique_ptr<UsageStore> store = open();
  // How often this thread gives its processor away; it does so for the disk, too.
  const auto pauses_of = [&](uint64_t from, Manner manner) {
    std::vector<domain::UsageRecord> records;
    for (uint64_t id = from; id < from + kRecords; ++id)
      records.push_back(usage_for_test(id));
    rusage before{};
    rusage after{};
    EXPECT_EQ(::getrusage(RUSAGE_THREAD, &before), 0);
    EXPECT_TRUE(store->append(records, manner));
    EXPECT_EQ(::getrusage(RUSAGE_THREAD, &after), 0);
    return after.ru_nvcsw - before.ru_nvcsw;
  };
  const int64_t at_once = pauses_of(1, Manner::kAtOnce);
  EXPECT_GE(pauses_of(1 + kRecords, Manner::kGently), at_once + 25);
  EXPECT_EQ(store->book_head()->number, 2 * kRecords);
  store.reset();
  EXPECT_EQ(verdict(), "right");
}

TEST_F(Book, IsRightWhenItIsEmpty) { EXPECT_EQ(verdict(), "right"); }

TEST_F(Book, WhateverIsChangedIsFoundAndNamed) {
  struct Row {
    const char* sql;
    const char* says;
  };
  const Row rows[] = {
      {"UPDATE usage SET cost = cost + 1 WHERE call = 5", "entry 5 of the book, call 0000000000000005"},
      {"UPDATE book SET link = replace(link, 'a', 'b') WHERE number = 6", "entry 6 of the book"},
      {"DELETE FROM usage WHERE call = 4", "entry 4 of the book, call 0000000000000004: its record is missing"},
      {"DELETE FROM usage WHERE call = 4; DELETE FROM book WHERE number = 4", "entry 4 of the book is missing: 5 comes after 3"},
      {"DELETE FROM usage WHERE call = 9; DELETE FROM book WHERE number = 9", "the sums of"},
      {"UPDATE book SET number = number + 100 WHERE number = 3; UPDATE book SET number = 3 WHERE number = 4", "entry 3 of the book"},
      {"INSERT INTO usage SELECT 77, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, "
       "memory_mib, cost, "
       "prompt_tokens, completion_tokens, tenant, key, prices, list_cost, checksum FROM usage WHERE call = 5",
       "1 records of calls are not in the book"},
      {"DELETE FROM usage_hours", "are kept"},
  };
  for (const Row& row : rows) {
    std::filesystem::remove(folder_.path() / "usage.db");
    ASSERT_NO_FATAL_FAILURE(fill(1, 9));
    ASSERT_EQ(verdict(), "right");
    run(row.sql);
    EXPECT_NE(verdict().find(row.says), std::string::npos) << row.sql << ": " << verdict();
  }
}

// A bit that rots is found, or was of no account for what is read.
TEST_F(Book, AnyBitThatRotsIsFound) {
  ASSERT_NO_FATAL_FAILURE(fill(1, 40));
  const auto records = *open()->page({.limit = 100});
  const auto bill = *open()->bill({.by_endpoint = true, .by_tier = true, .by_tenant = true, .by_key = true});
  const std::filesystem::path file = folder_.path() / "usage.db";
  std::ifstream in(file, std::ios::binary);
  const std::string sound((std::istreambuf_iterator<char>(in)), {});
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    std::string rotten = sound;
    const size_t at = random() % rotten.size();
    rotten[at] = static_cast<char>(rotten[at] ^ (1 << random() % 8));
    std::ofstream(file, std::ios::binary | std::ios::trunc) << rotten;
    if (verdict() != "right") {
      ++found;
      continue;
    }
    // In what finds records only, such as an index: that says so itself when it is read.
    const auto store = open();
    const auto page = store->page({.limit = 100});
    EXPECT_TRUE(!page || *page == records) << at;
    const auto sums = store->bill({.by_endpoint = true, .by_tier = true, .by_tenant = true, .by_key = true});
    EXPECT_TRUE(!sums || *sums == bill) << at;
  }
  EXPECT_GT(found, 30);
}

// With the checksum of its row made right again: the link still knows.
TEST_F(Book, AForgedRowIsFoundByItsLink) {
  fill(1, 9);
  domain::UsageRecord forged = usage_for_test(5);
  forged.cost = 0;
  run("DELETE FROM usage WHERE call = 5");
  {
    io::FolderForTest elsewhere;
    ASSERT_TRUE((*UsageStore::open(elsewhere.path()))->append(std::span(&forged, 1)));
    run(("ATTACH '" + (elsewhere.path() / "usage.db").string() + "' AS forged; INSERT INTO main.usage SELECT * FROM forged.usage").c_str());
  }
  EXPECT_EQ(verdict(), "entry 5 of the book, call 0000000000000005, is not what was written, or the one before it is not: its link does not follow");
}

}  // namespace
}  // namespace ebb::store
