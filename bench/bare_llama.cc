// bare-llama: the least that a C++ program can do with the same engine library, for the benchmarks to compare with: start, load a
// model by mmap, make a context, run a prompt and take the first token. Prints the milliseconds from exec to each.
//
//   bare-llama MODEL.gguf [--threads N] [--context N] [--prompt-tokens N] [--generate N] [--repeat N] [--repack 0|1]
//
// --repeat runs the same in fresh child processes of this program and prints one line each. --repack 1 lets the library lay the weights out anew for the
// processor, in memory of its own.
#include <ggml-backend.h>
#include <llama.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Options {
  std::string model;
  int threads = 1;
  int context = 2048;
  int prompt_tokens = 16;
  int generate = 1;
  int repeat = 0;
  int repack = 0;
};

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// When this process began, in seconds on CLOCK_MONOTONIC: given by the parent that started it, else from /proc (to 10 ms).
double process_start() {
  if (const char* given = std::getenv("BARE_LLAMA_START")) return std::strtod(given, nullptr);
  std::ifstream file("/proc/self/stat");
  std::stringstream text;
  text << file.rdbuf();
  std::istringstream fields(text.str().substr(text.str().rfind(')') + 2));
  std::string field;
  for (int i = 3; i <= 22; ++i)
    fields >> field;
  const double since_boot = std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return seconds_of(CLOCK_MONOTONIC) - (seconds_of(CLOCK_BOOTTIME) - since_boot);
}

// Memory that is this process's alone.
double anonymous_mib() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Anonymous:")) return std::strtod(line.c_str() + 10, nullptr) / 1024;
  }
  return 0;
}

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "bare-llama: %s\n", what);
  std::exit(1);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    int* const number = word == "--threads"         ? &options.threads
                        : word == "--context"       ? &options.context
                        : word == "--prompt-tokens" ? &options.prompt_tokens
                        : word == "--generate"      ? &options.generate
                        : word == "--repeat"        ? &options.repeat
                        : word == "--repack"        ? &options.repack
                                                    : nullptr;
    if (number == nullptr && word.starts_with("--")) give_up("unknown option; see the first lines of bare_llama.cc");
    if (number == nullptr) {
      options.model = word;
    } else if (++i < argc) {
      *number = std::atoi(argv[i]);
    }
  }
  if (options.model.empty() || options.threads < 1 || options.prompt_tokens < 1 || options.generate < 1) give_up("usage: bare-llama MODEL.gguf [options]");
  return options;
}

int run_once(const Options& options) {
  const double start = process_start();
  const auto ms = [&] { return (seconds_of(CLOCK_MONOTONIC) - start) * 1e3; };
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_load_all_from_path(EBB_GGML_BACKENDS_DIR);
  const double ready = ms();
  llama_model_params model_params = llama_model_default_params();
  model_params.load_mode = LLAMA_LOAD_MODE_MMAP;
  model_params.use_extra_bufts = options.repack != 0;  // a worker's weights stay the file's pages
  llama_model* model = llama_model_load_from_file(options.model.c_str(), model_params);
  if (model == nullptr) give_up("the model does not load");
  const double loaded = ms();
  llama_context_params context_params = llama_context_default_params();
  context_params.n_ctx = static_cast<uint32_t>(options.context);
  context_params.n_threads = options.threads;
  context_params.n_threads_batch = options.threads;
  context_params.no_perf = true;
  llama_context* context = llama_init_from_model(model, context_params);
  if (context == nullptr) give_up("no context");
  const double made = ms();

  const llama_vocab* vocab = llama_model_get_vocab(model);
  std::vector<llama_token> tokens;
  for (int i = 0; i < options.prompt_tokens; ++i)
    tokens.push_back(1000 + i % 1000);
  llama_sampler* greedy = llama_sampler_init_greedy();
  for (size_t done = 0; done < tokens.size();) {
    const size_t part = std::min<size_t>(tokens.size() - done, llama_n_batch(context));
    if (llama_decode(context, llama_batch_get_one(tokens.data() + done, static_cast<int32_t>(part))) != 0) give_up("the prompt does not run");
    done += part;
  }
  llama_token token = llama_sampler_sample(greedy, context, -1);
  char text[64];
  llama_token_to_piece(vocab, token, text, sizeof text, 0, true);
  const double first = ms();
  for (int i = 1; i < options.generate; ++i) {
    if (llama_decode(context, llama_batch_get_one(&token, 1)) != 0) give_up("a token does not run");
    token = llama_sampler_sample(greedy, context, -1);
  }
  const double last = ms();
  std::printf("{\"libraries_ms\": %.2f, \"load_ms\": %.2f, \"context_ms\": %.2f, \"prompt_ms\": %.2f, \"first_token_ms\": %.2f", ready, loaded - ready,
              made - loaded, first - made, first);
  std::printf(", \"anonymous_mib\": %.1f", anonymous_mib());
  if (options.generate > 1) std::printf(", \"tokens_per_s\": %.1f", (options.generate - 1) / (last - first) * 1e3);
  std::printf("}\n");
  std::fflush(stdout);
  std::_Exit(0);
}

int run_many(const Options& options, char** argv) {
  std::vector<char*> arguments;
  for (char** word = argv; *word != nullptr; ++word) {
    if (std::string(*word) == "--repeat" && word[1] != nullptr) {
      ++word;
    } else {
      arguments.push_back(*word);
    }
  }
  arguments.push_back(nullptr);
  for (int i = 0; i < options.repeat; ++i) {
    char start[64];
    std::snprintf(start, sizeof start, "BARE_LLAMA_START=%.9f", seconds_of(CLOCK_MONOTONIC));
    char* environment[] = {start, nullptr};
    pid_t child = 0;
    int status = 0;
    if (posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments.data(), environment) != 0) give_up("cannot start a child");
    if (waitpid(child, &status, 0) != child || status != 0) give_up("a run failed");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  return options.repeat > 0 ? run_many(options, argv) : run_once(options);
}
