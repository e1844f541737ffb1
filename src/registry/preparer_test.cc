// Preparing by stand-ins for ebb-prepare-onnx that do well, fail, lie and hang; and what becomes of the files.
#include "registry/preparer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "registry/fetcher_for_test.h"
#include "registry/files.h"
#include "registry/models.h"
#include "registry/onnx_for_test.h"

namespace ebb::registry {
namespace {

namespace fs = std::filesystem;

class PreparerTest : public FetcherForTest {
 protected:
  void SetUp() override {
    const auto fetched = fetch({.source = folder_.write("m.onnx", onnx_for_test::model())});
    ASSERT_TRUE(fetched) << fetched.error().message;
    model_.name = "m";
    model_.digest = fetched->digest;
    model_.facts = fetched->facts;
  }
  // `--key` says `key`; else `body` runs, with the package at 3 and the output at 4.
  std::string program(const std::string& body, const std::string& key = "1.28.0-x86-64-v3") {
    const fs::path path = folder_.write("prepare", "#!/bin/sh\nif [ \"$1\" = --key ]; then echo " + key + "; exit 0; fi\n" + body + "\n");
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  static std::map<domain::ModelFormat, std::string> for_onnx(const std::string& program) { return {{domain::ModelFormat::kOnnx, program}}; }
  static constexpr const char* kWell = "[ \"$(head -c 13 <&3)\" = manifest.json ] && printf prepared >&4 && echo '{\"bytes\": 8}'";

  // Starts, wants the model and waits until that is settled.
  std::string prepare_with(PreparerOptions options) {
    io::asio::io_context loop;
    Preparer preparer(loop.get_executor(), store_, files_, std::move(options));
    io::asio::co_spawn(loop, all(preparer, model_), io::asio::detached);
    loop.run();
    return preparer.look_for(model_).why_not;
  }
  static io::Task<void> all(Preparer& preparer, domain::Model model) {
    co_await preparer.start();
    preparer.want(model);
    preparer.want(model);
    co_await preparer.settled(model.digest);
  }
  fs::path place(const std::string& key = "1.28.0-x86-64-v3") const { return folder_.path("models/prepared/" + model_.digest.hex() + "/" + key); }

  PreparedFiles files_ = *PreparedFiles::open(store_);
  domain::Model model_;
};

TEST_F(PreparerTest, KeepsWhatWasMadeUnderItsKey) {
  EXPECT_EQ(prepare_with({.programs = for_onnx(program(kWell))}), "");
  const std::optional<Fd> file = files_.find(model_.digest, "1.28.0-x86-64-v3");
  ASSERT_TRUE(file);
  EXPECT_EQ(*read_small(file->get(), 100), "prepared");
  struct stat info {};
  ASSERT_EQ(::stat(place().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0444U);
  EXPECT_EQ(staged(), 0U);
  // It is there: the program is not asked again.
  EXPECT_EQ(prepare_with({.programs = for_onnx(program("exit 1"))}), "");
}

TEST_F(PreparerTest, AnotherKeyTakesThePlaceOfTheFirst) {
  EXPECT_EQ(prepare_with({.programs = for_onnx(program(kWell))}), "");
  EXPECT_EQ(prepare_with({.programs = for_onnx(program(kWell, "1.29.0-x86-64-v4"))}), "");
  EXPECT_TRUE(fs::exists(place("1.29.0-x86-64-v4")));
  EXPECT_FALSE(fs::exists(place()));
}

TEST_F(PreparerTest, SaysWhyNot) {
  const struct {
    std::string body;
    std::string says;
  } rows[] = {
      {"echo '{\"error\": \"unknown operator\"}'; exit 1", "unknown operator"},
      {"printf '{\"error\": \"a\\\\nb\\\\u001b[1m\"}'; exit 1", "a?b?[1m"},
      {"exit 3", "ended with status 3"},
      {"kill -9 $$", "ended with signal 9"},
      {"echo nonsense", "wrote another file than it says"},
      {"printf prep >&4; echo '{\"bytes\": 8}'", "wrote another file than it says"},
      {"echo '{\"bytes\": 0}'", "wrote another file than it says"},
      {"head -c 100000 /dev/zero; exec sleep 1000", "it says too much"},
  };
  for (const auto& row : rows) {
    EXPECT_NE(prepare_with({.programs = for_onnx(program(row.body))}).find(row.says), std::string::npos) << row.body;
    EXPECT_FALSE(fs::exists(place().parent_path())) << row.body;
    EXPECT_EQ(staged(), 0U) << row.body;
  }
}

TEST_F(PreparerTest, IsBoundedInTime) {
  EXPECT_NE(prepare_with({.programs = for_onnx(program("exec sleep 1000")), .time_max = milliseconds(200)}).find("it took longer than"), std::string::npos);
  EXPECT_NE(prepare_with({.programs = for_onnx(program("", "x; exec sleep 1000")), .key_time_max = milliseconds(200)}).find("it took longer than"),
            std::string::npos);
  EXPECT_EQ(staged(), 0U);
}

TEST_F(PreparerTest, WithoutAKeyNothingIsPrepared) {
  EXPECT_EQ(prepare_with({.programs = for_onnx(folder_.path("ebb-prepare-onnx"))}), "ebb-prepare-onnx is not installed");
  for (const char* key : {"../../x", "''", "UPPER", ".hidden", "a/b"})
    EXPECT_EQ(prepare_with({.programs = for_onnx(program(kWell, key))}), "prepare says no key that can be used") << key;
  EXPECT_EQ(folder_.files("models/prepared"), 0U);
}

TEST_F(PreparerTest, StoppingEndsWhatRuns) {
  const std::string pid_file = folder_.path("pid");
  io::asio::io_context loop;
  Preparer preparer(loop.get_executor(), store_, files_, {.programs = for_onnx(program("echo $$ >" + pid_file + "; exec sleep 1000"))});
  io::asio::co_spawn(loop, all(preparer, model_), io::asio::detached);
  while (!fs::exists(pid_file) || fs::file_size(pid_file) == 0)
    loop.run_one_for(milliseconds(1));
  preparer.stop();
  loop.run();
  EXPECT_EQ(preparer.look_for(model_).why_not, "the server stops");
  std::ifstream(pid_file) >> model_.version;
  EXPECT_FALSE(fs::exists("/proc/" + std::to_string(model_.version)));
}

TEST_F(PreparerTest, TheLoopMayEndBeforeIt) {
  const std::string pid_file = folder_.path("pid");
  {
    io::asio::io_context loop;
    Preparer preparer(loop.get_executor(), store_, files_, {.programs = for_onnx(program("echo $$ >" + pid_file + "; exec sleep 1000"))});
    io::asio::co_spawn(loop, all(preparer, model_), io::asio::detached);
    while (!fs::exists(pid_file) || fs::file_size(pid_file) == 0)
      loop.run_one_for(milliseconds(1));
  }
  std::ifstream(pid_file) >> model_.version;
  EXPECT_FALSE(fs::exists("/proc/" + std::to_string(model_.version)));
}

TEST_F(PreparerTest, GoesWithItsModel) {
  ASSERT_EQ(prepare_with({.programs = for_onnx(program(kWell))}), "");
  const auto catalog = *store::Catalog::open(folder_.path());
  Models models = *Models::load(*catalog, store_);
  io::asio::io_context loop;
  Preparer preparer(loop.get_executor(), store_, models.prepared_files(), {.programs = for_onnx(program(kWell))});
  models.use(preparer);
  EXPECT_FALSE(models.open_prepared(model_)) << "without the key nothing is known to fit";
  io::asio::co_spawn(loop, all(preparer, model_), io::asio::detached);
  loop.run();
  const FetchResult fetched{.digest = model_.digest, .facts = model_.facts};
  ASSERT_TRUE(models.add("a", fetched, "x", WallTime{}));
  ASSERT_TRUE(models.add("b", fetched, "x", WallTime{}));
  EXPECT_TRUE(models.open_prepared(model_));
  ASSERT_TRUE(models.remove({.name = "a"}, {}));
  EXPECT_TRUE(fs::exists(place())) << "another model has the same content";
  ASSERT_TRUE(models.remove({.name = "b"}, {}));
  EXPECT_FALSE(fs::exists(place().parent_path()));
  EXPECT_FALSE(models.open_prepared(model_));
}

TEST_F(PreparerTest, WhatNoModelNamesIsCleared) {
  ASSERT_EQ(prepare_with({.programs = for_onnx(program(kWell))}), "");
  const auto catalog = *store::Catalog::open(folder_.path());
  Models models = *Models::load(*catalog, store_);
  EXPECT_EQ(*models.clear_rest(WallTime{}), 2U);  // the package, and what was prepared of it
  EXPECT_FALSE(fs::exists(place().parent_path()));
}

TEST_F(PreparerTest, OnlyPlainFilesAreFound) {
  fs::create_directories(place().parent_path());
  fs::create_symlink("/etc/passwd", place());
  EXPECT_FALSE(files_.find(model_.digest, "1.28.0-x86-64-v3"));
  fs::remove(place());
  std::ofstream(place()) << "";
  EXPECT_FALSE(files_.find(model_.digest, "1.28.0-x86-64-v3")) << "an empty one is none";
  std::ofstream(place()) << "x";
  fs::create_hard_link(place(), folder_.path("second"));
  EXPECT_FALSE(files_.find(model_.digest, "1.28.0-x86-64-v3")) << "a second name could change it";
}

}  // namespace
}  // namespace ebb::registry
