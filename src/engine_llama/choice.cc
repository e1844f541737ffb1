// Some fifty thousand logits for each token: looked at in blocks, several at a time, and one by one only where it matters.
#include "engine_llama/choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace ebb::engine_llama {

namespace {

constexpr size_t kLanes = 4;
constexpr size_t kBlock = 64;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using Numbers = int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))));
using Block = std::array<float, kBlock>;

Lanes lanes(const float* from) {
  Lanes loaded;
  std::memcpy(&loaded, from, sizeof loaded);
  return loaded;
}

size_t blocks_of(std::span<const float> logits) { return (logits.size() + kBlock - 1) / kBlock; }

std::span<const float> part_of(std::span<const float> logits, size_t block) {
  return logits.subspan(block * kBlock, std::min(kBlock, logits.size() - block * kBlock));
}

// The last is filled up by what never comes, in `room`.
const float* block_of(std::span<const float> logits, size_t block, Block& room) {
  const std::span<const float> part = part_of(logits, block);
  if (part.size() == kBlock) return part.data();
  room.fill(-INFINITY);
  std::ranges::copy(part, room.begin());
  return room.data();
}

struct Look {
  float highest;
  bool is_sound;  // all are numbers, none is infinitely high
};

Look look_at(const float* block) {
  Lanes highest = lanes(block);
  Numbers unsound{};
  for (size_t i = 0; i < kBlock; i += kLanes) {
    const Lanes some = lanes(block + i);
    highest = some > highest ? some : highest;
    unsound |= ~(some < INFINITY);  // true for what is no number
  }
  return {.highest = std::max(std::max(highest[0], highest[1]), std::max(highest[2], highest[3])),
          .is_sound = (unsound[0] | unsound[1] | unsound[2] | unsound[3]) == 0};
}

// e^x for x up to 0, by 2^n * e^r with |r| <= ln(2) / 2 and a polynomial (Cephes, expf): within 2 units of the last place; 0 below the smallest normal number.
Lanes exponential(Lanes x) {
  constexpr float kRound = 12582912.0F;  // what is added to it loses its fraction
  x = x > -88.0F ? x : Lanes{} - 88.0F;
  const Lanes whole = (x * 1.44269504F + kRound) - kRound;
  const Lanes r = (x - whole * 0.693359375F) - whole * -2.12194440e-4F;
  Lanes sum = r * 1.9875691500e-4F + 1.3981999507e-3F;
  for (const float next : {8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F})
    sum = sum * r + next;
  const Lanes fraction = sum * r * r + r + 1.0F;
  const Numbers bits = (__builtin_convertvector(whole, Numbers) + 127) << 23;
  Lanes power;
  std::memcpy(&power, &bits, sizeof power);
  return fraction * power;
}

// A token's weight is its chance in parts of that of the likeliest.
class Weights {
 public:
  Weights(std::span<const float> logits, float highest, float temperature) : logits_(logits), highest_(highest), scale_(1 / temperature) {}

  Block of_block(size_t block) const {
    Block values;
    const float* const from = block_of(logits_, block, values);
    for (size_t i = 0; i < kBlock; i += kLanes) {
      const Lanes some = exponential((lanes(from + i) - highest_) * scale_);
      std::memcpy(&values[i], &some, sizeof some);
    }
    return values;
  }
  float of(float logit) const { return exponential(Lanes{} + (logit - highest_) * scale_)[0]; }

 private:
  std::span<const float> logits_;
  float highest_;
  float scale_;
};

struct Sums {
  std::vector<float> of_blocks;
  double all = 0;
};

Sums sums_of(const Weights& weights, size_t blocks) {
  Sums sums;
  sums.of_blocks.reserve(blocks);
  for (size_t block = 0; block < blocks; ++block) {
    const Block here = weights.of_block(block);
    Lanes sum{};
    for (size_t i = 0; i < kBlock; i += kLanes)
      sum += lanes(&here[i]);
    sums.of_blocks.push_back((sum[0] + sum[1]) + (sum[2] + sum[3]));
    sums.all += static_cast<double>(sums.of_blocks.back());
  }
  return sums;
}

// The first where the weights up to it come to more than `left`, less those before it; for what rounding leaves over, the last that has any.
size_t place_of(double& left, std::span<const float> weights) {
  size_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto weight = static_cast<double>(weights[i]);
    if (weight == 0) continue;
    last = i;
    if (left < weight) break;
    left -= weight;
  }
  return last;
}

struct Candidate {
  size_t token = 0;
  float weight = 0;
};

bool is_before(const Candidate& a, const Candidate& b) { return a.weight > b.weight || (a.weight == b.weight && a.token < b.token); }

std::vector<Candidate> highest_few(std::span<const float> logits, size_t count, const Weights& weights) {
  Block room;
  std::vector<Candidate> kept;  // of logits, until the end; a heap with the lowest at its front
  for (size_t block = 0; block < blocks_of(logits); ++block) {
    if (kept.size() == count && look_at(block_of(logits, block, room)).highest <= kept.front().weight) continue;
    const std::span<const float> here = part_of(logits, block);
    for (size_t i = 0; i < here.size(); ++i) {
      if (kept.size() == count && here[i] <= kept.front().weight) continue;
      if (kept.size() == count) {
        std::ranges::pop_heap(kept, is_before);
        kept.pop_back();
      }
      kept.push_back({.token = block * kBlock + i, .weight = here[i]});
      std::ranges::push_heap(kept, is_before);
    }
  }
  for (Candidate& one : kept)
    one.weight = weights.of(one.weight);
  return kept;
}

std::vector<Candidate> at_least(float least, const Weights& weights, std::span<const float> sums) {
  std::vector<Candidate> kept;
  for (size_t block = 0; block < sums.size(); ++block) {
    if (sums[block] < least) continue;
    const Block here = weights.of_block(block);
    for (size_t i = 0; i < kBlock; ++i)
      if (here[i] >= least) kept.push_back({.token = block * kBlock + i, .weight = here[i]});
  }
  return kept;
}

// The heaviest that come to `share` of `sum`, none below `least`, but one at least.
void cut(std::vector<Candidate>& few, double share, double sum, double least) {
  std::ranges::sort(few, is_before);
  double kept = static_cast<double>(few[0].weight);
  size_t count = 1;
  for (; count < few.size() && kept < share * sum && few[count].weight > 0 && static_cast<double>(few[count].weight) >= least; ++count)
    kept += static_cast<double>(few[count].weight);
  few.resize(count);
}

size_t one_of(const std::vector<Candidate>& few, double uniform) {
  std::vector<float> weights;
  double sum = 0;
  for (const Candidate& one : few) {
    weights.push_back(one.weight);
    sum += static_cast<double>(one.weight);
  }
  double left = uniform * sum;
  return few[place_of(left, weights)].token;
}

}  // namespace

std::optional<size_t> first_of_highest(std::span<const float> logits) {
  Block room;
  float highest = -INFINITY;
  size_t where = 0;
  for (size_t block = 0; block < blocks_of(logits); ++block) {
    const Look here = look_at(block_of(logits, block, room));
    if (!here.is_sound) return std::nullopt;
    if (here.highest <= highest) continue;
    highest = here.highest;
    where = block;
  }
  const std::span<const float> part = part_of(logits, where);
  return where * kBlock + static_cast<size_t>(std::ranges::max_element(part) - part.begin());
}

size_t draw(std::span<const float> logits, size_t highest, const domain::Sampling& by, double uniform) {
  if (std::isinf(logits[highest])) return highest;  // all say "never"
  const Weights weights(logits, logits[highest], static_cast<float>(by.temperature));
  if (by.top_k > 0 && static_cast<size_t>(by.top_k) < logits.size()) {
    std::vector<Candidate> few = highest_few(logits, static_cast<size_t>(by.top_k), weights);
    double sum = 0;
    for (const Candidate& one : few)
      sum += static_cast<double>(one.weight);
    cut(few, by.top_p, sum, by.min_p);
    return one_of(few, uniform);
  }
  const Sums sums = sums_of(weights, blocks_of(logits));
  if (by.top_p < 1 || by.min_p > 0) {
    // If all that are lighter were there, they would still not come to the share that is left out.
    const double least = std::max(by.min_p, (1 - by.top_p) * sums.all / static_cast<double>(logits.size()));
    std::vector<Candidate> few = at_least(static_cast<float>(least * (1 - 1e-6)), weights, sums.of_blocks);
    cut(few, by.top_p, sums.all, by.min_p);
    return one_of(few, uniform);
  }
  double left = uniform * sums.all;
  const size_t block = place_of(left, sums.of_blocks);
  return block * kBlock + place_of(left, weights.of_block(block));
}

}  // namespace ebb::engine_llama
