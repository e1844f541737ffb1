// SQLite under the contracts of the stores.
#include "io/folder_for_test.h"
#include "store/accounts_contract_for_test.h"
#include "store/answers_contract_for_test.h"
#include "store/catalog.h"
#include "store/catalog_contract_for_test.h"
#include "store/usage_contract_for_test.h"

namespace ebb::store {
namespace {

template <class Store>
struct OnSqlite {
  auto open() { return Store::open(folder.path()); }
  io::FolderForTest folder;
};

struct AnswersOnSqlite {
  auto open(AnswerBounds bounds) { return Answers::open(folder.path(), bounds); }
  io::FolderForTest folder;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, AccountsContract, OnSqlite<Accounts>);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, AnswersContract, AnswersOnSqlite);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, CatalogContract, OnSqlite<Catalog>);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, UsageContract, OnSqlite<UsageStore>);

}  // namespace
}  // namespace ebb::store
