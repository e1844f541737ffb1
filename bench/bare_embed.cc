// bare-embed: the least that a C++ program can do to embed texts with the same engine library, for the benchmark to compare with: a context, batches
// of whole texts, one vector each, normalised. The texts are the lines of standard input; prints the seconds of each pass over them.
//
//   bare-embed MODEL.gguf [--threads N] [--batch-tokens N] [--repeat N] < TEXTS
#include <ggml-backend.h>
#include <llama.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr int kSequencesMax = 64;

struct Options {
  std::string model;
  int threads = 1;
  int batch_tokens = 512;
  int repeat = 1;
};

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "bare-embed: %s\n", what);
  std::exit(1);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    int* const number = word == "--threads"        ? &options.threads
                        : word == "--batch-tokens" ? &options.batch_tokens
                        : word == "--repeat"       ? &options.repeat
                                                   : nullptr;
    if (number == nullptr && word.starts_with("--")) give_up("unknown option; see the first lines of bare_embed.cc");
    if (number == nullptr) {
      options.model = word;
    } else if (++i < argc) {
      *number = std::atoi(argv[i]);
    }
  }
  if (options.model.empty() || options.threads < 1 || options.batch_tokens < 1 || options.repeat < 1) give_up("usage: bare-embed MODEL.gguf [options] < TEXTS");
  return options;
}

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::vector<float> normalised(const float* values, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i)
    sum += static_cast<double>(values[i]) * values[i];
  const auto scale = static_cast<float>(sum > 0 ? 1 / std::sqrt(sum) : 0);
  std::vector<float> out(values, values + count);
  for (float& value : out)
    value *= scale;
  return out;
}

class Embedder {
 public:
  Embedder(llama_model* model, const Options& options) : model_(model), batch_tokens_(options.batch_tokens) {
    llama_context_params params = llama_context_default_params();
    params.embeddings = true;
    params.n_ctx = 0;
    params.n_batch = params.n_ubatch = static_cast<uint32_t>(batch_tokens_);
    params.n_seq_max = kSequencesMax;
    params.n_threads = params.n_threads_batch = options.threads;
    params.no_perf = true;
    context_ = llama_init_from_model(model, params);
    if (context_ == nullptr) give_up("no context");
    batch_ = llama_batch_init(batch_tokens_, 0, 1);
  }

  std::vector<std::vector<float>> embed(const std::vector<std::string>& texts) {
    std::vector<std::vector<float>> vectors;
    int sequences = 0;
    for (const std::string& text : texts) {
      tokens_.resize(text.size() + 8);
      const int count = llama_tokenize(llama_model_get_vocab(model_), text.data(), static_cast<int32_t>(text.size()), tokens_.data(),
                                       static_cast<int32_t>(tokens_.size()), true, false);
      if (count <= 0 || count > batch_tokens_) give_up("a text does not fit");
      if (batch_.n_tokens + count > batch_tokens_ || sequences == kSequencesMax) compute(sequences, vectors);
      for (int i = 0; i < count; ++i) {
        const int at = batch_.n_tokens++;
        batch_.token[at] = tokens_[static_cast<size_t>(i)];
        batch_.pos[at] = i;
        batch_.n_seq_id[at] = 1;
        batch_.seq_id[at][0] = sequences;
        batch_.logits[at] = 1;
      }
      ++sequences;
    }
    compute(sequences, vectors);
    return vectors;
  }

 private:
  void compute(int& sequences, std::vector<std::vector<float>>& vectors) {
    if (sequences == 0) return;
    if (llama_encode(context_, batch_) != 0) give_up("a batch does not run");
    for (int i = 0; i < sequences; ++i)
      vectors.push_back(normalised(llama_get_embeddings_seq(context_, i), llama_model_n_embd(model_)));
    batch_.n_tokens = 0;
    sequences = 0;
  }

  llama_model* model_;
  int batch_tokens_;
  llama_context* context_ = nullptr;
  llama_batch batch_{};
  std::vector<llama_token> tokens_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);)
    texts.push_back(line);
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_load_all_from_path(EBB_GGML_BACKENDS_DIR);
  llama_model_params params = llama_model_default_params();
  params.load_mode = LLAMA_LOAD_MODE_MMAP;
  params.use_extra_bufts = false;  // as the worker: no repacking, the weights stay the file's pages
  llama_model* model = llama_model_load_from_file(options.model.c_str(), params);
  if (model == nullptr) give_up("the model does not load");
  Embedder embedder(model, options);
  double sum = 0;
  for (int i = 0; i <= options.repeat; ++i) {
    const double begun = now();
    for (const std::vector<float>& vector : embedder.embed(texts))
      sum += vector[0];
    if (i > 0) std::printf("%.6f\n", now() - begun);  // the first pass touches the weights
  }
  std::fprintf(stderr, "%g\n", sum);
  std::fflush(stdout);
  std::_Exit(0);
}
