// bare-onnx: the least that a C++ program can do with ONNX Runtime and its defaults, for the benchmarks to compare with: a session of a sentence model's file,
// and one run of so many tokens. Prints the milliseconds of the session and of the first run, and of the best of those after it, one line for each fresh
// process.
//
//   bare-onnx MODEL.onnx [--threads N] [--tokens N] [--batch N] [--repeat N]
#include <dlfcn.h>
#include <onnxruntime_cxx_api.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string model;
  int threads = 1;
  int tokens = 32;
  int batch = 1;
  int repeat = 1;
};

double milliseconds_since(Clock::time_point begin) { return std::chrono::duration<double, std::milli>(Clock::now() - begin).count(); }

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "bare-onnx: %s\n", what);
  std::exit(1);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const auto number = [&] { return i + 1 < argc ? std::atoi(argv[++i]) : 0; };
    if (std::strcmp(argv[i], "--threads") == 0) {
      options.threads = number();
    } else if (std::strcmp(argv[i], "--tokens") == 0) {
      options.tokens = number();
    } else if (std::strcmp(argv[i], "--batch") == 0) {
      options.batch = number();
    } else if (std::strcmp(argv[i], "--repeat") == 0) {
      options.repeat = number();
    } else {
      options.model = argv[i];
    }
  }
  if (options.model.empty() || std::min({options.threads, options.tokens, options.batch, options.repeat}) < 1)
    give_up("bare-onnx MODEL.onnx [--threads N] [--tokens N] [--batch N] [--repeat N]");
  return options;
}

void open_library() {
  void* const library = ::dlopen(EBB_ONNXRUNTIME, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) give_up(::dlerror());
  const auto base = reinterpret_cast<const OrtApiBase* (*)()>(::dlsym(library, "OrtGetApiBase"));
  Ort::InitApi(base()->GetApi(ORT_API_VERSION));
}

double run(Ort::Session& session, const Options& options) {
  const Clock::time_point begin = Clock::now();
  const Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const int64_t shape[] = {options.batch, options.tokens};
  const size_t count = static_cast<size_t>(options.batch) * static_cast<size_t>(options.tokens);
  std::vector<int64_t> tokens(count, 2000);
  std::vector<int64_t> ones(count, 1);
  std::vector<int64_t> zeros(count, 0);
  std::vector<Ort::Value> values;
  for (std::vector<int64_t>* input : {&tokens, &ones, &zeros})
    values.push_back(Ort::Value::CreateTensor(memory, input->data(), input->size(), shape, 2));
  const char* const inputs[] = {"input_ids", "attention_mask", "token_type_ids"};
  const char* const outputs[] = {"last_hidden_state"};
  (void)session.Run(Ort::RunOptions(), inputs, values.data(), values.size(), outputs, 1);
  return milliseconds_since(begin);
}

void measure(const Options& options) {
  open_library();
  const Clock::time_point begin = Clock::now();
  const Ort::Env environment(ORT_LOGGING_LEVEL_ERROR, "bare");
  Ort::SessionOptions session_options;
  session_options.SetIntraOpNumThreads(options.threads);
  Ort::Session session(environment, options.model.c_str(), session_options);
  const double made = milliseconds_since(begin);
  const double first = run(session, options);
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < 10; ++i)
    best = std::min(best, run(session, options));
  std::printf("session %.2f first-run %.2f best-run %.2f\n", made, first, best);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  for (int i = 0; i < options.repeat; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      measure(options);
      ::_exit(0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) give_up("a run failed");
  }
}
